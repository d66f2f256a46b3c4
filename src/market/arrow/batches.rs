//! Bars from record batches.

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
use crate::market::column_names::ColumnPositions;
use crate::market::{Bars, Column, Limit, time};
use crate::observer::ProgressObserver;
use crate::quote::{self, quoted};

/// Collects record batches of one schema and converts them to bars.
#[derive(Debug)]
pub struct Batches {
    places: ColumnPositions,
    limit: Limit,
    rows: usize,
    timestamps: Vec<i64>,
    open: ChunkedColumn,
    high: ChunkedColumn,
    low: ChunkedColumn,
    close: ChunkedColumn,
    volume: Option<ChunkedColumn>,
}

impl Batches {
    /// Finds the columns of a schema by their names.
    ///
    /// # Errors
    /// `BAD_DATA` if a column is missing or has another type.
    pub fn new(schema: &Schema, limit: Limit) -> Result<Self> {
        let header: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let mut places = ColumnPositions::find(&header)?;
        // Only text files have the date and the time of day in two columns.
        places.clock = None;
        let kind = |place: usize| {
            schema.fields().get(place).map(|field| (field.name(), field.data_type()))
        };
        if let Some((name, kind)) = kind(places.time).filter(|(_, kind)| !is_time(kind)) {
            return Err(mistyped(name, TIME_TYPES, kind));
        }
        let prices = places.prices().into_iter().map(|(_, place)| place);
        for (name, kind) in prices.chain(places.volume).filter_map(kind) {
            if !is_number(kind) {
                return Err(mistyped(name, "numbers", kind));
            }
        }
        let volume = places.volume.map(|_| ChunkedColumn::default());
        let empty = ChunkedColumn::default;
        Ok(Self {
            places,
            limit,
            rows: 0,
            timestamps: Vec::new(),
            open: empty(),
            high: empty(),
            low: empty(),
            close: empty(),
            volume,
        })
    }

    /// Reads all batches of a reader; `expected` rows are 100 % of the progress.
    ///
    /// # Errors
    /// Those of [`Self::push`] and [`Self::finish`], `BAD_DATA` if a batch cannot be read, and the error of cancelled work.
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

    /// Returns the positions of the columns that bars need, for readers that can skip the others.
    pub fn needed(&self) -> Vec<usize> {
        let mut needed = vec![self.places.time];
        needed.extend(self.places.prices().map(|(_, place)| place));
        needed.extend(self.places.volume);
        needed
    }

    /// Adds the rows of a batch.
    ///
    /// # Errors
    /// `BAD_DATA` for a null or a column of another type, `LIMIT_EXCEEDED` for too many rows.
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
        timestamps(column(self.places.time)?, &name(self.places.time), rows, &mut self.timestamps)?;
        let columns = [
            (self.places.open, &mut self.open),
            (self.places.high, &mut self.high),
            (self.places.low, &mut self.low),
            (self.places.close, &mut self.close),
        ];
        for (place, chunks) in
            columns.into_iter().chain(self.places.volume.zip(self.volume.as_mut()))
        {
            chunks.0.push(numbers(column(place)?, &name(place), rows)?);
        }
        self.rows += batch.num_rows();
        Ok(())
    }

    /// Returns the bars of all batches.
    ///
    /// # Errors
    /// `BAD_DATA` if they break an invariant.
    pub fn finish(self) -> Result<Bars> {
        Bars::new(
            self.timestamps,
            self.open.join()?,
            self.high.join()?,
            self.low.join()?,
            self.close.join()?,
            self.volume.map(ChunkedColumn::join).transpose()?,
        )
    }
}

/// A column in chunks, one per batch.
#[derive(Debug, Default)]
struct ChunkedColumn(Vec<Column>);

impl ChunkedColumn {
    /// Joins the chunks. A single one is returned without a copy.
    fn join(mut self) -> Result<Column> {
        if self.0.len() == 1 {
            return Ok(self.0.remove(0));
        }
        let mut joined = reserve::with_capacity(
            self.0.iter().map(|chunk| chunk.len()).sum(),
            "rows of a column",
        )?;
        self.0.drain(..).for_each(|chunk| joined.extend_from_slice(&chunk));
        Ok(joined.into())
    }
}

fn numbers(array: &ArrayRef, name: &str, rows: usize) -> Result<Column> {
    no_nulls(array, name, rows)?;
    // Arrow's casts abort if there is no memory for their result, so this checks first whether there is.
    drop(reserve::with_capacity::<f64>(array.len().saturating_mul(2), "values to convert")?);
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

fn timestamps(array: &ArrayRef, name: &str, rows: usize, out: &mut Vec<i64>) -> Result<()> {
    no_nulls(array, name, rows)?;
    reserve::additional(out, array.len(), "rows")?;
    // Rounds down to milliseconds, so that timestamps before the epoch keep their order.
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
        kind if is_string(kind) => return strings(array, name, rows, out),
        kind => {
            return Err(mistyped(name, TIME_TYPES, kind));
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

/// The types of a time column, for messages.
const TIME_TYPES: &str = "timestamps, dates, ISO 8601 strings or UTC milliseconds";

fn is_time(kind: &DataType) -> bool {
    kind.is_numeric()
        || is_string(kind)
        || matches!(kind, DataType::Timestamp(..) | DataType::Date32 | DataType::Date64)
}

fn is_number(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, values) => values.is_numeric(),
        kind => kind.is_numeric(),
    }
}

/// JavaScript writes strings as dictionaries.
fn is_string(kind: &DataType) -> bool {
    let plain =
        |kind: &DataType| matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    match kind {
        DataType::Dictionary(_, values) => plain(values),
        kind => plain(kind),
    }
}

/// The longest string that may be a time, bytes.
const MAX_TIME_LENGTH: usize = 100;

fn parse_time(text: &str) -> Option<i64> {
    if text.len() > MAX_TIME_LENGTH { None } else { time::parse(text) }
}

fn strings(array: &ArrayRef, name: &str, rows: usize, out: &mut Vec<i64>) -> Result<()> {
    let invalid = |row: usize, text: &str| {
        let row = rows + row;
        let message = format!(
            "column {} must contain ISO 8601 dates, row {row} (counted from 0) has {}",
            quoted(name),
            quoted(text)
        );
        at(name, row, "type", message)
    };
    if let DataType::Dictionary(..) = array.data_type() {
        // Parses each value once: a dictionary may have one long string for millions of rows.
        let dictionary = array.as_any_dictionary();
        let values = dictionary.values();
        let known: Vec<Option<i64>> =
            (0..values.len()).map(|at| text_at(values, at).and_then(parse_time)).collect();
        for (row, key) in dictionary.normalized_keys().into_iter().enumerate() {
            let known = known.get(key).copied().flatten();
            out.push(known.ok_or_else(|| invalid(row, text_at(values, key).unwrap_or_default()))?);
        }
        return Ok(());
    }
    for row in 0..array.len() {
        let text = text_at(array, row).unwrap_or_default();
        out.push(parse_time(text).ok_or_else(|| invalid(row, text))?);
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
                "column {} must contain whole UTC milliseconds, row {row} (counted from 0) has {value}",
                quoted(name)
            );
            return Err(at(name, row, "type", message));
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a whole number; one that is too large saturates and is refused by `Bars::new`"
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
    // Logical nulls, because a dictionary can have them in its values.
    let Some(nulls) = array.logical_nulls().filter(|nulls| nulls.null_count() > 0) else {
        return Ok(());
    };
    let row = rows + nulls.iter().position(|valid| !valid).unwrap_or(0);
    Err(at(
        name,
        row,
        "null",
        format!("column {} has a null in row {row} (counted from 0)", quoted(name)),
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
            format!("column {} must contain {expected}, was of type {found}", quoted(name)),
        )],
    )
}
