//! Text without a header: the columns are recognized by their values.

use super::cells::{NumberedRecord, is_comment, is_time};
use super::numbers::Numbers;
use crate::error::{Error, Result};
use crate::market::column_names::ColumnNames;
use crate::market::raw::{ReadOptions, TimeColumn};
use crate::note::{Note, NoteCode};
use crate::quote::{counted, quoted};

/// Recognizes the columns of rows by their values. Returns their names, or `None` if the first record is no row of values.
///
/// Known are a time, or a date and a time of day, with open, high, low and close after it, and then:
/// - nothing, or the volume;
/// - the volume and the number of trades, as Kraken writes it, if the time is a count since the epoch;
/// - volume, closing time, quote volume, number of trades, and three more columns, as Binance writes it.
///
/// If the caller states names, the columns are named by their numbers: `1`, `2`, ….
///
/// # Errors
/// `BAD_DATA` if the first record is a row of values of another shape.
pub(super) fn recognize(
    records: &[NumberedRecord],
    stated: &ColumnNames,
) -> Result<Option<(Vec<String>, Note)>> {
    let rows: Vec<&NumberedRecord> =
        records.iter().filter(|record| !is_comment(&record.record)).collect();
    let Some(first) = rows.first().copied() else { return Ok(None) };
    let cells: Vec<&str> = first.record.iter().map(str::trim).collect();
    let numbers = cells.iter().filter(|cell| number(cell).is_some()).count();
    let has_time = cells.iter().any(|cell| is_time(cell, None));
    if !has_time || numbers < 4 {
        return Ok(None);
    }
    if *stated != ColumnNames::default() {
        let names = (1..=cells.len()).map(|number| number.to_string()).collect();
        let text = "there is no header line; the columns are those of their numbers in columns";
        return Ok(Some((names, Note::new(NoteCode::HeaderMissing, text))));
    }
    let width = trimmed_width(&cells);
    let has_clock =
        cells.get(1).is_some_and(|cell| cell.contains(':') && is_time(cells[0], Some(cell)));
    let first_price = if has_clock { 2 } else { 1 };
    let refuse = |why: String| Err(unknown_columns(first, &why));
    if !is_time(cells.first().unwrap_or(&""), None) {
        return refuse("the first column is no time".into());
    }
    let after = match width.checked_sub(first_price + 4) {
        Some(0) => &[][..],
        Some(1) => &["volume"][..],
        Some(2) if !has_clock && is_epoch(cells[0]) => &["volume", "trades"][..],
        Some(7) if !has_clock => BINANCE,
        _ => return refuse(format!("{width} columns are no known export")),
    };
    // What has no time is no bar, or is reported as a damaged one later.
    let rows: Vec<&NumberedRecord> =
        rows.into_iter().filter(|row| is_time(row.record.get(0).unwrap_or(""), None)).collect();
    let mut bars = Vec::new();
    for row in &rows {
        if let Some(bar) = Sample::of(row, first_price, width) {
            bars.push(bar);
        }
    }
    let consistent = bars.iter().filter(|bar| bar.is_consistent()).count();
    // Nearly all: a damaged row in between is reported with its line later.
    if consistent == 0 || consistent * 10 < rows.len() * 9 {
        return refuse(format!(
            "columns {} to {} are not open, high, low and close in {} of {}",
            first_price + 1,
            first_price + 4,
            rows.len() - consistent,
            counted(rows.len(), "row")
        ));
    }
    if is_descending(&rows, has_clock).is_some_and(|descending| is_swapped(&bars, descending)) {
        return refuse(format!(
            "column {} looks like the close, and column {} like the open",
            first_price + 1,
            first_price + 4
        ));
    }
    let is_price =
        |bar: &Sample| bar.next.is_some_and(|value| bar.low <= value && value <= bar.high);
    if !after.is_empty() && bars.iter().all(is_price) {
        return refuse(format!("column {} may be a volume or a price", first_price + 5));
    }
    let start: &[&str] = if has_clock { &["date", "time"] } else { &["timestamp"] };
    let names: Vec<String> = start
        .iter()
        .chain(&["open", "high", "low", "close"])
        .chain(after)
        .map(|name| (*name).to_owned())
        .collect();
    let used = first_price + 4 + after.len().min(1);
    let note = header_missing(names.get(..used).unwrap_or(&names), width);
    Ok(Some((names, note)))
}

/// Creates the note of columns that were recognized by their values. `width` is the number of all columns.
fn header_missing(used: &[String], width: usize) -> Note {
    let next = used.len() + 1;
    let ignored = match width.saturating_sub(used.len()) {
        0 => String::new(),
        1 => format!(", column {next} is not used"),
        _ => format!(", column {next} and later are not used"),
    };
    let text = format!(
        "there is no header line; by their values, the columns are {}{ignored}; add a header line to decide otherwise",
        used.join(", ")
    );
    Note::new(NoteCode::HeaderMissing, text).with("columns", used.to_vec())
}

/// The columns of Binance after the close. Their names must not be those of a bar column.
const BINANCE: &[&str] = &[
    "volume",
    "close_time",
    "quote_volume",
    "count",
    "taker_buy_volume",
    "taker_buy_quote_volume",
    "ignore",
];

/// The prices of a row.
struct Sample {
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    /// The number after the prices.
    next: Option<f64>,
}

impl Sample {
    fn of(row: &NumberedRecord, first_price: usize, width: usize) -> Option<Self> {
        let cells: Vec<&str> = row.record.iter().map(str::trim).collect();
        if trimmed_width(&cells) != width {
            return None;
        }
        let value = |place: usize| cells.get(first_price + place).and_then(|cell| number(cell));
        let (open, high, low, close) = (value(0)?, value(1)?, value(2)?, value(3)?);
        Some(Self { open, high, low, close, next: value(4) })
    }

    fn is_consistent(&self) -> bool {
        let Self { open, high, low, close, .. } = *self;
        low > 0.0 && high >= open.max(close) && low <= open.min(close)
    }
}

/// Returns whether open and close have changed places: each bar opens where the one before closed, but only that way round.
fn is_swapped(bars: &[Sample], is_descending: bool) -> bool {
    let gap = |from: fn(&Sample) -> f64, to: fn(&Sample) -> f64| -> f64 {
        bars.windows(2).map(|pair| (from(&pair[0]) - to(&pair[1])).abs()).sum()
    };
    let onward = gap(|bar| bar.close, |bar| bar.open);
    let backward = gap(|bar| bar.open, |bar| bar.close);
    let (stated, swapped) = if is_descending { (backward, onward) } else { (onward, backward) };
    bars.len() > 3 && swapped * 20.0 < stated
}

/// Returns whether the times of rows are in descending order.
fn is_descending(rows: &[&NumberedRecord], has_clock: bool) -> Option<bool> {
    let mut times = TimeColumn::default();
    for row in rows {
        let clock = if has_clock { row.record.get(1) } else { None };
        times.push(row.record.get(0)?.trim(), clock).ok()?.ok()?;
    }
    let read = times.finish(&ReadOptions::default(), &|row| format!("row {row}")).ok()?;
    Some(read.timestamps.first() > read.timestamps.last())
}

/// Returns whether a cell is a count since the epoch of today's size, and no stamp such as 20200131.
fn is_epoch(cell: &str) -> bool {
    matches!(cell.len(), 10 | 13 | 16 | 19) && cell.bytes().all(|byte| byte.is_ascii_digit())
}

fn trimmed_width(cells: &[&str]) -> usize {
    cells.iter().rposition(|cell| !cell.is_empty()).map_or(0, |last| last + 1)
}

/// Parses a number; whether its comma is decimal does not matter for the order of prices, as long as all are read alike.
fn number(text: &str) -> Option<f64> {
    Numbers::default().parse(text, 0).ok().map(|(value, _)| value)
}

fn unknown_columns(row: &NumberedRecord, why: &str) -> Error {
    let NumberedRecord { record, line } = row;
    let text = record.iter().map(str::trim).collect::<Vec<_>>().join(",");
    let message = format!(
        "there is no header line, and the values of line {line} ({}) do not show the columns: {why}; add a header line, or \
         name the columns by their numbers, as in columns: {{ timestamp: '1', open: '2', high: '3', low: '4', close: '5' }}",
        quoted(&text)
    );
    Error::bad_data("header", "required", message)
}
