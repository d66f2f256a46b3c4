//! Chunks to bars.

use rusqlite::{Connection, OptionalExtension, params};

use super::chunk::{self, Columns};
use crate::data::{Span, no_data};
use crate::error::{Code, Error};
use crate::market::{Bars, Column, Timeframe};
use crate::observer::ProgressObserver;
use crate::store::sqlite::{Failure, damaged};

/// Loads the bars of a series that open within a range.
pub(super) fn load(
    connection: &mut Connection,
    symbol: &str,
    timeframe: Timeframe,
    span: Span,
    observer: &dyn ProgressObserver,
) -> Result<Bars, Failure> {
    // One transaction: an import of another process in between must not be half seen.
    let transaction = connection.transaction()?;
    let id = "SELECT series FROM bar_series WHERE asset_symbol = ?1 AND timeframe = ?2";
    let id: Option<i64> =
        transaction.query_row(id, [symbol, timeframe.as_str()], |row| row.get(0)).optional()?;
    let bars = match id {
        Some(id) => chunks(&transaction, id, span, observer)?,
        None => bars(Columns::default(), span)?,
    };
    if bars.is_empty() {
        let known = super::series(&transaction, symbol)?;
        return Err(no_data(symbol, timeframe, span, &known).into());
    }
    Ok(bars)
}

/// Reads the chunks that reach into a range.
fn chunks(
    connection: &Connection,
    series: i64,
    span: Span,
    observer: &dyn ProgressObserver,
) -> Result<Bars, Failure> {
    let Span { start, end, .. } = span;
    let range = "WHERE series = ?1 AND first <= ?3 AND last >= ?2";
    let count = format!(
        "SELECT coalesce(sum(bars), 0), coalesce(sum(bars) FILTER (WHERE first >= ?2 AND last <= ?3), 0) FROM bars {range}"
    );
    let (count, within): (i64, i64) = connection
        .prepare_cached(&count)?
        .query_row(params![series, start, end], |row| Ok((row.get(0)?, row.get(1)?)))?;
    // Too many are refused before any is read; what chunks at the ends have in the span is seen when they are cut.
    span.check(super::count(within)?)?;
    // A damaged count must not ask for all memory: a million bars at once is enough to begin with.
    let mut columns = Columns::with_capacity(super::count::<usize>(count)?.min(1 << 20));
    let mut statement =
        connection.prepare_cached(&format!("{} {range} ORDER BY first", chunk::SELECT))?;
    let mut rows = statement.query(params![series, start, end])?;
    while let Some(row) = rows.next()? {
        if observer.is_cancelled() {
            return Err(Error::cancelled().into());
        }
        columns.extend(row)?;
    }
    bars(columns, span)
}

/// Cuts columns to a range and checks them; they have been sound when they were kept, so a fault is damage.
fn bars(columns: Columns, span: Span) -> Result<Bars, Failure> {
    let Columns { mut times, values } = columns;
    let last = times.partition_point(|&time| time <= span.end);
    let first = times.partition_point(|&time| time < span.start).min(last);
    span.check(last - first)?;
    times.truncate(last);
    times.drain(..first);
    let [open, high, low, close, volume] =
        values.map(|column| Column::from(column).slice(first..last));
    // One bar without a volume leaves the whole range without: a sum over some bars would be taken for one over all.
    let volume = (!volume.iter().any(|volume| volume.is_nan())).then_some(volume);
    Bars::new(times, open, high, low, close, volume).map_err(|error| match error.code {
        Code::BadData => damaged(error.message).into(),
        _ => error.into(),
    })
}
