//! Loads bars from chunks.

use rusqlite::{Connection, OptionalExtension, params};

use super::catalog::{self, count};
use super::chunk;
use crate::data::import::check_cancelled;
use crate::data::ohlcv_columns::OhlcvColumns;
use crate::data::series::no_data;
use crate::data::span::TimeRange;
use crate::db::encoding::damaged;
use crate::db::sqlite::Failure;
use crate::error::Code;
use crate::market::{Bars, Timeframe};
use crate::observer::ProgressObserver;

/// The capacity that is reserved at most before any chunk is read, bars.
const MAX_RESERVED: usize = 1 << 20;

/// Loads the bars of a series that open within a span.
pub(super) fn load(
    connection: &mut Connection,
    symbol: &str,
    timeframe: Timeframe,
    span: TimeRange,
    observer: &dyn ProgressObserver,
) -> Result<Bars, Failure> {
    // One transaction, so that an import of another process is seen as a whole or not at all.
    let transaction = connection.transaction()?;
    let id = "SELECT series FROM bar_series WHERE asset_symbol = ?1 AND timeframe = ?2";
    let id: Option<i64> =
        transaction.query_row(id, [symbol, timeframe.as_str()], |row| row.get(0)).optional()?;
    let bars = match id {
        Some(id) => load_chunks(&transaction, id, span, observer)?,
        None => cut(OhlcvColumns::default(), span)?,
    };
    if bars.is_empty() {
        let known = catalog::series(&transaction, symbol)?;
        return Err(no_data(symbol, timeframe, span, &known).into());
    }
    Ok(bars)
}

/// Reads the chunks that overlap a span.
fn load_chunks(
    connection: &Connection,
    series: i64,
    span: TimeRange,
    observer: &dyn ProgressObserver,
) -> Result<Bars, Failure> {
    let TimeRange { start, end, .. } = span;
    let range = "WHERE series = ?1 AND first <= ?3 AND last >= ?2";
    let counts = format!(
        "SELECT coalesce(sum(bars), 0), coalesce(sum(bars) FILTER (WHERE first >= ?2 AND last <= ?3), 0) FROM bars {range}"
    );
    let (overlapping, within): (i64, i64) = connection
        .prepare_cached(&counts)?
        .query_row(params![series, start, end], |row| Ok((row.get(0)?, row.get(1)?)))?;
    // Too many bars are rejected before any is read. Chunks that are only partly within the span are checked once cut.
    span.check(count(within)?)?;
    // The limit protects against a damaged count.
    let capacity = count::<usize>(overlapping)?.min(MAX_RESERVED);
    let mut columns = OhlcvColumns::with_capacity(capacity);
    let mut statement =
        connection.prepare_cached(&format!("{} {range} ORDER BY first", chunk::SELECT))?;
    let mut rows = statement.query(params![series, start, end])?;
    while let Some(row) = rows.next()? {
        check_cancelled(observer)?;
        chunk::append(&mut columns, row)?;
    }
    cut(columns, span)
}

/// Cuts columns to a span and validates them. They were valid when they were stored, so a fault means damage.
fn cut(columns: OhlcvColumns, span: TimeRange) -> Result<Bars, Failure> {
    let last = columns.timestamps.partition_point(|&time| time <= span.end);
    let first = columns.timestamps.partition_point(|&time| time < span.start).min(last);
    span.check(last - first)?;
    columns.slice_into_bars(first..last).map_err(|error| match error.code {
        Code::BadData => damaged(error.message).into(),
        _ => error.into(),
    })
}
