//! Record batches to bars.

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, Float64Type, Int64Type, Schema, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use crate::compute::reserve;
use crate::error::{Code, Error, Issue, Result};
use crate::market::column_names::BarColumns;
use crate::market::{Bars, Column, Limit, time};
use crate::observer::ProgressObserver;
use crate::quote::{self, quoted};

/// Collects record batches of one schema into the columns of bars.
#[derive(Debug)]
pub struct Batches {
    places: BarColumns,
    limit: Limit,
    rows: usize,
    timestamps: Vec<i64>,
    open: Parts,
    high: Parts,
    low: Parts,
    close: Parts,
    volume: Option<Parts>,
}

impl Batches {
    /// Opens a collection; the columns are found by their names.
    ///
    /// # Errors
    /// `BAD_DATA` where a column is missing or of another type.
    pub fn new(schema: &Schema, limit: Limit) -> Result<Self> {
        let header: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let mut places = BarColumns::find(&header)?;
        // Date and time of day in two columns are a habit of text files; here one column has the whole moment.
        places.clock = None;
        let kind = |place: usize| {
            schema.fields().get(place).map(|field| (field.name(), field.data_type()))
        };
        if let Some((name, kind)) = kind(places.time).filter(|(_, kind)| !is_moment(kind)) {
            return Err(mistyped(name, MOMENTS, kind));
        }
        let prices = places.prices().into_iter().map(|(_, place)| place);
        for (name, kind) in prices.chain(places.volume).filter_map(kind) {
            if !is_number(kind) {
                return Err(mistyped(name, "numbers", kind));
            }
        }
        let volume = places.volume.map(|_| Parts::default());
        let parts = Parts::default;
        Ok(Self {
            places,
            limit,
            rows: 0,
            timestamps: Vec::new(),
            open: parts(),
            high: parts(),
            low: parts(),
            close: parts(),
            volume,
        })
    }

    /// Reads all batches of a reader, of which so many rows are expected.
    ///
    /// # Errors
    /// `BAD_DATA` as [`Self::push`] and [`Self::finish`], or where a batch cannot be read; the error of cancelled work.
    pub fn collect(
        mut self,
        batches: impl Iterator<Item = std::result::Result<RecordBatch, ArrowError>>,
        expected: usize,
        observer: &dyn ProgressObserver,
    ) -> Result<Bars> {
        for batch in batches {
            if observer.is_cancelled() {
                return Err(Error::cancelled());
            }
            let batch = batch.map_err(|error| {
                let what = super::report(&error.to_string());
                Error::new(Code::BadData, format!("broken data: {what}"))
            })?;
            self.push(&batch)?;
            #[expect(clippy::cast_precision_loss, reason = "a share, for people")]
            observer.on_read(self.rows as f64 / expected.max(1) as f64, self.rows);
        }
        self.finish()
    }

    /// Returns the number of rows added so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the positions of the columns that bars need, for readers that can leave out the others.
    pub fn needed(&self) -> Vec<usize> {
        let mut needed = vec![self.places.time];
        needed.extend(self.places.prices().map(|(_, place)| place));
        needed.extend(self.places.volume);
        needed
    }

    /// Adds the rows of a batch.
    ///
    /// # Errors
    /// `BAD_DATA` naming the column and the row of a null, or a column of another type; `LIMIT_EXCEEDED` for too many rows.
    pub fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        let column = |place: usize| {
            batch
                .columns()
                .get(place)
                .ok_or_else(|| Error::new(Code::BadData, "a record batch lacks a column"))
        };
        let name = |place: usize| {
            batch
                .schema_ref()
                .fields()
                .get(place)
                .map_or_else(String::new, |field| field.name().clone())
        };
        let rows = self.rows;
        self.limit.check(rows.saturating_add(batch.num_rows()) as u64)?;
        moments(column(self.places.time)?, &name(self.places.time), rows, &mut self.timestamps)?;
        let columns = [
            (self.places.open, &mut self.open),
            (self.places.high, &mut self.high),
            (self.places.low, &mut self.low),
            (self.places.close, &mut self.close),
        ];
        for (place, parts) in
            columns.into_iter().chain(self.places.volume.zip(self.volume.as_mut()))
        {
            parts.0.push(numbers(column(place)?, &name(place), rows)?);
        }
        self.rows += batch.num_rows();
        Ok(())
    }

    /// Checks the bars and returns them.
    ///
    /// # Errors
    /// `BAD_DATA` where the bars break an invariant.
    pub fn finish(self) -> Result<Bars> {
        Bars::new(
            self.timestamps,
            self.open.join()?,
            self.high.join()?,
            self.low.join()?,
            self.close.join()?,
            self.volume.map(Parts::join).transpose()?,
        )
    }
}

/// A column in pieces, one a batch.
#[derive(Debug, Default)]
struct Parts(Vec<Column>);

impl Parts {
    /// Joins the pieces; a single one is passed on without a copy.
    fn join(mut self) -> Result<Column> {
        if self.0.len() == 1 {
            return Ok(self.0.remove(0));
        }
        let mut joined =
            reserve::with_room(self.0.iter().map(|part| part.len()).sum(), "rows of a column")?;
        self.0.drain(..).for_each(|part| joined.extend_from_slice(&part));
        Ok(joined.into())
    }
}

fn numbers(array: &ArrayRef, name: &str, rows: usize) -> Result<Column> {
    no_nulls(array, name, rows)?;
    // Arrow's conversions do not report that there is no memory for their result, so it is asked for here.
    drop(reserve::with_room::<f64>(array.len().saturating_mul(2), "values to convert")?);
    let array = match array.data_type() {
        DataType::Dictionary(_, values) => cast(array, values, name)?,
        _ => ArrayRef::clone(array),
    };
    if !array.data_type().is_numeric() {
        return Err(mistyped(name, "numbers", array.data_type()));
    }
    let values = cast(&array, &DataType::Float64, name)?;
    Ok(Column::from_owner(values.as_primitive::<Float64Type>().values().clone()))
}

fn moments(array: &ArrayRef, name: &str, rows: usize, out: &mut Vec<i64>) -> Result<()> {
    no_nulls(array, name, rows)?;
    reserve::make_room(out, array.len(), "rows")?;
    // A part of a millisecond is dropped downwards, so that moments before the epoch keep their order.
    match array.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => {
            extend::<TimestampSecondType>(array, out, |value| value.saturating_mul(1000));
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            extend::<TimestampMillisecondType>(array, out, |value| value);
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            extend::<TimestampMicrosecondType>(array, out, |value| value.div_euclid(1000));
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            extend::<TimestampNanosecondType>(array, out, |value| value.div_euclid(1_000_000));
        }
        DataType::Date32 => {
            extend::<Date32Type>(array, out, |value| i64::from(value) * time::DAY);
        }
        DataType::Date64 => {
            extend::<Date64Type>(array, out, |value| value);
        }
        kind if kind.is_integer() => {
            extend::<Int64Type>(&cast(array, &DataType::Int64, name)?, out, |value| value);
        }
        kind if kind.is_numeric() => return whole_milliseconds(array, name, rows, out),
        kind if is_text(kind) => return texts(array, name, rows, out),
        kind => {
            return Err(mistyped(name, MOMENTS, kind));
        }
    }
    Ok(())
}

fn extend<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    out: &mut Vec<i64>,
    convert: impl Fn(T::Native) -> i64,
) {
    out.extend(array.as_primitive::<T>().values().iter().map(|&value| convert(value)));
}

/// What a column of times may be, for messages.
const MOMENTS: &str = "a timestamp, a date, an ISO 8601 text or UTC milliseconds";

fn is_moment(kind: &DataType) -> bool {
    kind.is_numeric()
        || is_text(kind)
        || matches!(kind, DataType::Timestamp(..) | DataType::Date32 | DataType::Date64)
}

fn is_number(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, values) => values.is_numeric(),
        kind => kind.is_numeric(),
    }
}

/// Texts come as such or, from JavaScript, as a dictionary.
fn is_text(kind: &DataType) -> bool {
    let plain =
        |kind: &DataType| matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    match kind {
        DataType::Dictionary(_, values) => plain(values),
        kind => plain(kind),
    }
}

/// The longest text that may be a time, bytes.
const LONGEST_TEXT: usize = 100;

fn moment(text: &str) -> Option<i64> {
    if text.len() > LONGEST_TEXT { None } else { time::parse(text) }
}

fn texts(array: &ArrayRef, name: &str, rows: usize, out: &mut Vec<i64>) -> Result<()> {
    let odd = |row: usize, text: &str| {
        let row = rows + row;
        let message = format!(
            "column {} must hold ISO 8601 dates, row {row} (counted from 0) has {}",
            quoted(name),
            quoted(text)
        );
        at(name, row, "type", message)
    };
    if let DataType::Dictionary(..) = array.data_type() {
        // Each text once, and not once a row: a dictionary may have one long text for millions of rows.
        let dictionary = array.as_any_dictionary();
        let values = dictionary.values();
        let known: Vec<Option<i64>> =
            (0..values.len()).map(|at| text_at(values, at).and_then(moment)).collect();
        for (row, key) in dictionary.normalized_keys().into_iter().enumerate() {
            let known = known.get(key).copied().flatten();
            out.push(known.ok_or_else(|| odd(row, text_at(values, key).unwrap_or_default()))?);
        }
        return Ok(());
    }
    for row in 0..array.len() {
        let text = text_at(array, row).unwrap_or_default();
        out.push(moment(text).ok_or_else(|| odd(row, text))?);
    }
    Ok(())
}

fn text_at(array: &ArrayRef, at: usize) -> Option<&str> {
    if at >= array.len() {
        return None;
    }
    match array.data_type() {
        DataType::Utf8 => Some(array.as_string::<i32>().value(at)),
        DataType::LargeUtf8 => Some(array.as_string::<i64>().value(at)),
        DataType::Utf8View => Some(array.as_string_view().value(at)),
        _ => None,
    }
}

fn whole_milliseconds(array: &ArrayRef, name: &str, rows: usize, out: &mut Vec<i64>) -> Result<()> {
    for (row, &value) in numbers(array, name, rows)?.iter().enumerate() {
        if value.fract() != 0.0 || !value.is_finite() {
            let row = rows + row;
            let message = format!(
                "column {} must hold whole UTC milliseconds, row {row} (counted from 0) has {value}",
                quoted(name)
            );
            return Err(at(name, row, "type", message));
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a whole number; one too large saturates and is refused with the bars"
        )]
        out.push(value as i64);
    }
    Ok(())
}

fn cast(array: &ArrayRef, to: &DataType, name: &str) -> Result<ArrayRef> {
    if array.data_type() == to {
        return Ok(ArrayRef::clone(array));
    }
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, to, &options).map_err(|error| {
        Error::new(
            Code::BadData,
            format!("column {} cannot be read as {to}: {error}", quoted(name)),
        )
    })
}

fn no_nulls(array: &ArrayRef, name: &str, rows: usize) -> Result<()> {
    // Logical nulls: a dictionary can have them in its values.
    let Some(nulls) = array.logical_nulls().filter(|nulls| nulls.null_count() > 0) else {
        return Ok(());
    };
    let row = rows + nulls.iter().position(|valid| !valid).unwrap_or(0);
    Err(at(
        name,
        row,
        "null",
        format!("column {} has no value (null) in row {row} (counted from 0)", quoted(name)),
    ))
}

fn at(name: &str, row: usize, code: &str, message: String) -> Error {
    Error::with_issues(
        Code::BadData,
        vec![Issue::new(format!("{}[{row}]", quote::name(name)), code, message)],
    )
}

fn mistyped(name: &str, expected: &str, found: &DataType) -> Error {
    Error::with_issues(
        Code::BadData,
        vec![Issue::new(
            name,
            "type",
            format!("column {} must be {expected}, was of type {found}", quoted(name)),
        )],
    )
}
