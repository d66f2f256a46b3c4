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

use crate::error::{Code, Error, Issue, Result};
use crate::market::names::Places;
use crate::market::{Bars, Column, time};
use crate::shown::{self, quoted};
use crate::watch::Watch;

/// Collects record batches of one schema into the columns of bars.
#[derive(Debug)]
pub struct Batches {
    places: Places,
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
    /// `BAD_DATA` where a column is missing.
    pub fn new(schema: &Schema) -> Result<Self> {
        let header: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let mut places = Places::find(&header)?;
        // Date and time of day in two columns are a habit of text files; here one column has the whole moment.
        places.clock = None;
        let volume = places.volume.map(|_| Parts::default());
        let parts = Parts::default;
        Ok(Self {
            places,
            rows: 0,
            timestamps: Vec::new(),
            open: parts(),
            high: parts(),
            low: parts(),
            close: parts(),
            volume,
        })
    }

    /// Reads all batches of a reader.
    ///
    /// # Errors
    /// `BAD_DATA` as [`Self::push`] and [`Self::finish`], or where a batch cannot be read; the error of cancelled work.
    pub fn collect(
        schema: &Schema,
        batches: impl Iterator<Item = std::result::Result<RecordBatch, ArrowError>>,
        watch: &dyn Watch,
    ) -> Result<Bars> {
        let mut collected = Self::new(schema)?;
        for batch in batches {
            if watch.cancelled() {
                return Err(Error::cancelled());
            }
            let batch = batch
                .map_err(|error| Error::new(Code::BadData, format!("broken data: {error}")))?;
            collected.push(&batch)?;
        }
        collected.finish()
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
    /// `BAD_DATA` naming the column and the row of a null, or a column of another type.
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
            self.open.join(),
            self.high.join(),
            self.low.join(),
            self.close.join(),
            self.volume.map(Parts::join),
        )
    }
}

/// A column in pieces, one a batch.
#[derive(Debug, Default)]
struct Parts(Vec<Column>);

impl Parts {
    /// Joins the pieces; a single one is passed on without a copy.
    fn join(mut self) -> Column {
        if self.0.len() == 1 {
            return self.0.remove(0);
        }
        self.0.iter().map(|part| &**part).collect::<Vec<&[f64]>>().concat().into()
    }
}

fn numbers(array: &ArrayRef, name: &str, rows: usize) -> Result<Column> {
    no_nulls(array, name, rows)?;
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
            return Err(mistyped(
                name,
                "a timestamp, a date, an ISO 8601 text or UTC milliseconds",
                kind,
            ));
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

/// Texts come as such or, from JavaScript, as a dictionary.
fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, values) => is_text(values),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        _ => false,
    }
}

fn texts(array: &ArrayRef, name: &str, rows: usize, out: &mut Vec<i64>) -> Result<()> {
    let array = cast(array, &DataType::Utf8, name)?;
    for (row, text) in array.as_string::<i32>().iter().enumerate() {
        let (row, text) = (rows + row, text.unwrap_or_default());
        let moment = time::parse(text).ok_or_else(|| {
            let message = format!(
                "column {} must hold ISO 8601 dates, row {row} (counted from 0) has {}",
                quoted(name),
                quoted(text)
            );
            at(name, row, "type", message)
        })?;
        out.push(moment);
    }
    Ok(())
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
        vec![Issue::new(format!("{}[{row}]", shown::name(name)), code, message)],
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
