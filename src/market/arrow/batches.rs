//! Bars from record batches.

use arrow::array::{
    AnyDictionaryArray, Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray,
};
use arrow::compute::{CastOptions, cast_with_options, filter_record_batch};
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, Float64Type, Int64Type, Schema, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use crate::compute::reserve;
use crate::error::{Code, Error, Issue, Result};
use crate::market::column_names::{ColumnPositions, two_symbols, unused_columns};
use crate::market::raw::{NotedBars, RawBars, ReadOptions, ReadTimes, TimeColumn};
use crate::market::time_zone::TimeZone;
use crate::market::{Column, Limit, time};
use crate::note::{Note, NoteCode};
use crate::observer::ProgressObserver;
use crate::quote::{self, quoted};

/// Collects record batches of one schema and converts them to bars.
#[derive(Debug)]
pub struct Batches {
    places: ColumnPositions,
    options: ReadOptions,
    /// What was noticed so far.
    notes: Vec<Note>,
    /// The number of rows without any price.
    skipped: usize,
    limit: Limit,
    rows: usize,
    times: TimeRows,
    /// Open, high, low, close.
    prices: [ChunkedColumn; 4],
    volume: ChunkedColumn,
    tick_volume: ChunkedColumn,
    adjusted_close: ChunkedColumn,
    symbol: Option<String>,
}

impl Batches {
    /// Finds the columns of a schema by their names.
    ///
    /// # Errors
    /// `BAD_DATA` if a column is missing or has another type.
    pub fn new(schema: &Schema, limit: Limit, options: &ReadOptions) -> Result<Self> {
        let header: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let mut places = ColumnPositions::find(&header, &options.columns)?;
        if let Some(clock) = places.clock {
            let names = [places.time, clock].map(|place| header.get(place).copied().unwrap_or(""));
            let message = format!(
                "the columns {} and {} have the date and the time of day; write both into one column, or name one in \
                 columns.timestamp",
                quoted(names[0]),
                quoted(names[1])
            );
            return Err(Error::new(Code::BadData, message));
        }
        let unused = unused_columns(&header, &places);
        let kind = |place: usize| {
            schema.fields().get(place).map(|field| (field.name(), field.data_type()))
        };
        let time_kind = kind(places.time);
        if let Some((name, kind)) = time_kind.filter(|(_, kind)| !is_time(kind)) {
            return Err(mistyped(name, TIME_TYPES, kind));
        }
        let prices = places.prices().into_iter().map(|(_, place)| place);
        for (name, kind) in prices.chain(places.volume).filter_map(kind) {
            if !is_number(kind) {
                return Err(mistyped(name, "numbers", kind));
            }
        }
        // Columns that bars do not need are ignored if they are of another type.
        let has_numbers = |place: &usize| kind(*place).is_some_and(|(_, kind)| is_number(kind));
        places.tick_volume = places.tick_volume.filter(has_numbers);
        places.adjusted_close = places.adjusted_close.filter(has_numbers);
        places.symbol =
            places.symbol.filter(|place| kind(*place).is_some_and(|(_, kind)| is_string(kind)));
        let times = match time_kind.map(|(_, kind)| kind) {
            Some(kind) if kind.is_numeric() || is_string(kind) => {
                TimeRows::Column(TimeColumn::default())
            }
            Some(DataType::Timestamp(_, zone)) => {
                TimeRows::Known { timestamps: Vec::new(), zone: zone.as_deref().map(str::to_owned) }
            }
            _ => TimeRows::Known { timestamps: Vec::new(), zone: None },
        };
        Ok(Self {
            places,
            options: options.clone(),
            notes: unused.into_iter().collect(),
            skipped: 0,
            limit,
            rows: 0,
            times,
            prices: Default::default(),
            volume: ChunkedColumn::default(),
            tick_volume: ChunkedColumn::default(),
            adjusted_close: ChunkedColumn::default(),
            symbol: None,
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
    ) -> Result<NotedBars> {
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

    /// Returns the positions of the columns to read, for readers that can skip the others.
    pub fn needed(&self) -> Vec<usize> {
        self.places.all()
    }

    /// Adds the rows of a batch.
    ///
    /// # Errors
    /// `BAD_DATA` for a null price or time, a column of another type or two symbols; `LIMIT_EXCEEDED` for too many rows.
    pub fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        let batch = &self.without_empty_rows(batch)?;
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
        let time = self.places.time;
        self.times.push(column(time)?, &name(time), rows)?;
        for ((_, place), chunks) in self.places.prices().into_iter().zip(&mut self.prices) {
            let column = column(place)?;
            no_nulls(column, &name(place), rows)?;
            chunks.0.push(numbers(column, &name(place))?);
        }
        let optional = [
            (self.places.volume, &mut self.volume),
            (self.places.tick_volume, &mut self.tick_volume),
            (self.places.adjusted_close, &mut self.adjusted_close),
        ];
        for (place, chunks) in optional {
            if let Some(place) = place {
                chunks.0.push(numbers(column(place)?, &name(place))?);
            }
        }
        if let Some(place) = self.places.symbol {
            one_symbol(column(place)?, rows, &mut self.symbol)?;
        }
        self.rows += batch.num_rows();
        Ok(())
    }

    /// Returns a batch without the rows that have no price, as holidays have none.
    fn without_empty_rows(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let columns = self.places.prices().map(|(_, place)| batch.columns().get(place));
        if columns.iter().any(|column| column.is_none_or(|column| column.null_count() == 0)) {
            return Ok(batch.clone());
        }
        let is_kept = |row: &usize| columns.iter().flatten().any(|column| column.is_valid(*row));
        let kept: BooleanArray = (0..batch.num_rows()).map(|row| Some(is_kept(&row))).collect();
        self.skipped += kept.false_count();
        filter_record_batch(batch, &kept)
            .map_err(|error| Error::new(Code::BadData, format!("broken data: {error}")))
    }

    /// Returns the bars of all batches.
    ///
    /// # Errors
    /// `BAD_DATA` if they break an invariant.
    pub fn finish(self) -> Result<NotedBars> {
        let Self { places, options, times, prices, volume, tick_volume, adjusted_close, .. } = self;
        let describe = |row: usize| format!("row {row} (counted from 0)");
        let ReadTimes { timestamps, local, mut notes } = times.finish(&options, &describe)?;
        notes.extend(self.notes);
        if self.skipped > 0 {
            let rows = quote::counted(self.skipped, "row");
            let text = format!("{rows} without any price were skipped")
                .replace("1 row without any price were", "1 row without any price was");
            notes.push(Note::new(NoteCode::RowsSkipped, text).with("rows", self.skipped));
        }
        let [open, high, low, close] = prices.map(ChunkedColumn::join);
        let optional =
            |place: Option<usize>, column: ChunkedColumn| place.map(|_| column.join()).transpose();
        let raw = RawBars {
            timestamps,
            local,
            prices: [open?, high?, low?, close?],
            volume: optional(places.volume, volume)?,
            tick_volume: optional(places.tick_volume, tick_volume)?,
            adjusted_close: optional(places.adjusted_close, adjusted_close)?,
            notes,
        };
        raw.into_bars(&options, &describe)
    }
}

/// The times of the rows so far.
#[derive(Debug)]
enum TimeRows {
    /// UTC milliseconds, with the zone of the column if it has one.
    Known { timestamps: Vec<i64>, zone: Option<String> },
    /// Text, or numbers in an unknown unit.
    Column(TimeColumn),
}

impl TimeRows {
    fn push(&mut self, array: &ArrayRef, name: &str, rows: usize) -> Result<()> {
        no_nulls(array, name, rows)?;
        match self {
            Self::Known { timestamps, .. } => known_times(array, name, timestamps),
            Self::Column(column) if is_string(array.data_type()) => {
                strings(array, name, rows, column)
            }
            Self::Column(column) => counts(array, name, rows, column),
        }
    }

    fn finish(
        self,
        options: &ReadOptions,
        describe: &dyn Fn(usize) -> String,
    ) -> Result<ReadTimes> {
        let (mut timestamps, zone) = match self {
            Self::Column(column) => return column.finish(options, describe),
            Self::Known { timestamps, zone } => (timestamps, zone),
        };
        let local = match (zone.as_deref(), options.timezone) {
            // A column without a zone has local times.
            (None, None) => None,
            // Dates of JavaScript have no zone in Arrow, but are instants.
            (None, Some(zone)) if are_local_midnights(&timestamps, zone) => {
                Some(to_local(&timestamps, |at| zone.to_local(at)))
            }
            (None, Some(zone)) => {
                let local = timestamps.clone();
                timestamps.iter_mut().for_each(|timestamp| *timestamp = zone.to_utc(*timestamp));
                Some(local)
            }
            (Some(_), Some(zone)) => Some(to_local(&timestamps, |at| zone.to_local(at))),
            (Some(name), None) => match TimeZone::parse(name) {
                Some(zone) if !zone.is_utc() => Some(to_local(&timestamps, |at| zone.to_local(at))),
                Some(_) => None,
                None => offset_minutes(name)
                    .filter(|minutes| *minutes != 0)
                    .map(|minutes| to_local(&timestamps, |at| at.saturating_add(minutes * 60_000))),
            },
        };
        Ok(ReadTimes { timestamps, local, notes: Vec::new() })
    }
}

/// Returns whether instants are local midnights, and not 00:00 UTC.
fn are_local_midnights(timestamps: &[i64], zone: TimeZone) -> bool {
    let is_midnight = |at: i64| at.rem_euclid(time::DAY) == 0;
    timestamps.iter().all(|at| is_midnight(zone.to_local(*at)))
        && !timestamps.iter().all(|at| is_midnight(*at))
}

fn to_local(timestamps: &[i64], convert: impl Fn(i64) -> i64) -> Vec<i64> {
    timestamps.iter().map(|&timestamp| convert(timestamp)).collect()
}

/// Parses the offset of an Arrow time zone, such as `+09:00`. Returns minutes.
fn offset_minutes(name: &str) -> Option<i64> {
    let (sign, digits) = match name.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_once(':').or_else(|| digits.split_at_checked(2))?;
    Some(sign * (hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?))
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

/// Converts a column to floating-point numbers; a null becomes NaN.
fn numbers(array: &ArrayRef, name: &str) -> Result<Column> {
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
    let values = values.as_primitive::<Float64Type>();
    if values.null_count() == 0 {
        return Ok(Column::from_owner(values.values().clone()));
    }
    Ok(values.iter().map(|value| value.unwrap_or(f64::NAN)).collect())
}

/// Reads timestamps and dates. Rounds down to milliseconds, so that timestamps before the epoch keep their order.
fn known_times(array: &ArrayRef, name: &str, out: &mut Vec<i64>) -> Result<()> {
    reserve::additional(out, array.len(), "rows")?;
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
        kind => return Err(mistyped(name, TIME_TYPES, kind)),
    }
    Ok(())
}

/// Reads numbers: counts since the epoch.
fn counts(array: &ArrayRef, name: &str, rows: usize, column: &mut TimeColumn) -> Result<()> {
    if array.data_type().is_integer() {
        let integers = cast(array, &DataType::Int64, name)?;
        let mut values = integers.as_primitive::<Int64Type>().values().iter();
        return values.try_for_each(|&value| column.push_count(value, 0));
    }
    for (row, &value) in numbers(array, name)?.iter().enumerate() {
        let whole = value.floor();
        // Only seconds have fractions.
        let fraction = if value.abs() < 1e11 { ((value - whole) * 1000.0).floor() } else { 0.0 };
        if !value.is_finite() || (whole < value && value.abs() >= 1e11) {
            let row = rows + row;
            let message = format!(
                "column {} must contain whole numbers, row {row} (counted from 0) has {value}",
                quoted(name)
            );
            return Err(at(name, row, "type", message));
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a whole number; one that is too large saturates and is refused by `Bars::new`"
        )]
        column.push_count(whole as i64, fraction as i16)?;
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
const TIME_TYPES: &str = "timestamps, dates, or strings or numbers of them";

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

fn strings(array: &ArrayRef, name: &str, rows: usize, column: &mut TimeColumn) -> Result<()> {
    let dictionary = match array.data_type() {
        DataType::Dictionary(..) => Some(array.as_any_dictionary()),
        _ => None,
    };
    let keys = dictionary.map(AnyDictionaryArray::normalized_keys);
    for row in 0..array.len() {
        let text = match (dictionary, &keys) {
            (Some(dictionary), Some(keys)) => {
                keys.get(row).and_then(|key| text_at(dictionary.values(), *key))
            }
            _ => text_at(array, row),
        };
        let text = text.unwrap_or_default();
        if let Err(fault) = column.push(text, None)? {
            let row = rows + row;
            let why = if fault.is_empty() { String::new() } else { format!(": {fault}") };
            let message = format!(
                "column {} must contain dates or times, row {row} (counted from 0) has {}{why}",
                quoted(name),
                quoted(text)
            );
            return Err(at(name, row, "type", message));
        }
    }
    Ok(())
}

/// Fails if a column of symbols has two.
fn one_symbol(array: &ArrayRef, rows: usize, known: &mut Option<String>) -> Result<()> {
    let dictionary = match array.data_type() {
        DataType::Dictionary(..) => Some(array.as_any_dictionary()),
        _ => None,
    };
    let keys = dictionary.map(AnyDictionaryArray::normalized_keys);
    let nulls = array.logical_nulls();
    for row in 0..array.len() {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            continue;
        }
        let text = match (dictionary, &keys) {
            (Some(dictionary), Some(keys)) => {
                keys.get(row).and_then(|key| text_at(dictionary.values(), *key))
            }
            _ => text_at(array, row),
        };
        let text = text.unwrap_or_default();
        match known {
            None => *known = Some(text.to_owned()),
            Some(known) if known == text => {}
            Some(known) => {
                return Err(two_symbols(
                    known,
                    text,
                    &format!("row {} (counted from 0)", rows + row),
                ));
            }
        }
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
