//! Deletes bars from chunks. Chunks that lie wholly within the range are deleted without being read, so that damaged ones can
//! be deleted too; the chunks at both ends of the range are rewritten.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::chunk;
use crate::data::import::{check_cancelled, check_commit};
use crate::data::ohlcv_columns::OhlcvColumns;
use crate::data::series::new_revision;
use crate::data::span::TimeRange;
use crate::db::sqlite::Failure;
use crate::market::Timeframe;
use crate::observer::ProgressObserver;

/// Deletes the bars of one timeframe of an asset, or of all, in one transaction. Returns their number.
pub(super) fn delete(
    connection: &mut Connection,
    symbol: &str,
    timeframe: Option<Timeframe>,
    range: TimeRange,
    observer: &dyn ProgressObserver,
) -> Result<u64, Failure> {
    // The job may have waited in the queue.
    check_cancelled(observer)?;
    let transaction = connection.transaction()?;
    let (mut deleted, mut is_changed) = (0, false);
    for series in find_series(&transaction, symbol, timeframe)? {
        if let Some(bars) = delete_from_series(&transaction, series, range, observer)? {
            (deleted, is_changed) = (deleted + bars, true);
        }
    }
    if is_changed {
        check_commit(observer)?;
        transaction.commit()?;
    }
    Ok(deleted)
}

fn find_series(
    transaction: &Transaction,
    symbol: &str,
    timeframe: Option<Timeframe>,
) -> Result<Vec<i64>, Failure> {
    let sql =
        "SELECT series FROM bar_series WHERE asset_symbol = ?1 AND (?2 IS NULL OR timeframe = ?2)";
    let mut statement = transaction.prepare_cached(sql)?;
    let found =
        statement.query_map(params![symbol, timeframe.map(Timeframe::as_str)], |row| row.get(0))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// A chunk that overlaps the range.
struct Chunk {
    row: i64,
    first: i64,
    last: i64,
    /// The number of bars according to the row, which may be damaged.
    bars: i64,
}

/// Deletes the bars of a series. Returns their number; `None` if nothing has changed.
fn delete_from_series(
    transaction: &Transaction,
    series: i64,
    range: TimeRange,
    observer: &dyn ProgressObserver,
) -> Result<Option<u64>, Failure> {
    let (mut deleted, mut is_changed) = (0, false);
    for chunk in overlapping(transaction, series, range)? {
        check_cancelled(observer)?;
        if range.start <= chunk.first && chunk.last <= range.end {
            delete_row(transaction, chunk.row)?;
            deleted += usize::try_from(chunk.bars).unwrap_or(0).min(chunk::MAX_BARS) as u64;
            is_changed = true;
        } else {
            let bars = cut(transaction, series, chunk.row, range)?;
            deleted += bars;
            is_changed |= bars > 0;
        }
    }
    if is_changed {
        update_series(transaction, series)?;
    }
    Ok(is_changed.then_some(deleted))
}

fn overlapping(
    transaction: &Transaction,
    series: i64,
    range: TimeRange,
) -> Result<Vec<Chunk>, Failure> {
    let sql = "SELECT rowid, first, last, bars FROM bars WHERE series = ?1 AND first <= ?3 AND last >= ?2 ORDER BY first";
    let read = |row: &Row| {
        Ok(Chunk { row: row.get(0)?, first: row.get(1)?, last: row.get(2)?, bars: row.get(3)? })
    };
    let mut statement = transaction.prepare_cached(sql)?;
    let found = statement.query_map(params![series, range.start, range.end], read)?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Rewrites a chunk without its bars within the range. Returns their number.
fn cut(transaction: &Transaction, series: i64, row: i64, range: TimeRange) -> Result<u64, Failure> {
    let mut stored = OhlcvColumns::default();
    let sql = format!("{} WHERE rowid = ?1", chunk::SELECT);
    transaction
        .prepare_cached(&sql)?
        .query_row([row], |row| Ok(chunk::append(&mut stored, row)))
        .optional()?
        .transpose()?;
    let first = stored.timestamps.partition_point(|&time| time < range.start);
    let end = stored.timestamps.partition_point(|&time| time <= range.end).max(first);
    if first == end {
        return Ok(0);
    }
    let mut kept = OhlcvColumns::with_capacity(stored.len());
    kept.extend_from_columns(&stored, 0..first);
    kept.extend_from_columns(&stored, end..stored.len());
    delete_row(transaction, row)?;
    chunk::insert(&kept, transaction, series, 0..kept.len())?;
    Ok((end - first) as u64)
}

fn delete_row(transaction: &Transaction, row: i64) -> Result<(), Failure> {
    transaction.prepare_cached("DELETE FROM bars WHERE rowid = ?1")?.execute([row])?;
    Ok(())
}

/// Updates the row of a series whose chunks have changed; deletes it if there are none left.
fn update_series(transaction: &Transaction, series: i64) -> Result<(), Failure> {
    let update = "
        UPDATE bar_series SET revision = ?2, (bars, first, last) =
          (SELECT sum(bars), min(first), max(last) FROM bars WHERE series = ?1)
        WHERE series = ?1 AND EXISTS (SELECT 1 FROM bars WHERE series = ?1)";
    if transaction.execute(update, [series, new_revision()])? == 0 {
        transaction.execute("DELETE FROM bar_series WHERE series = ?1", [series])?;
    }
    Ok(())
}
