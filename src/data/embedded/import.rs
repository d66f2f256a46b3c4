//! Bars to chunks: an import rewrites those that it touches and leaves the others alone.

use std::cmp::Ordering;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::chunk::{self, Columns};
use crate::data::{Imported, new_revision};
use crate::error::{Code, Error};
use crate::market::{Bars, Timeframe};
use crate::store::sqlite::Failure;

/// Merges bars into a series within one transaction.
pub(super) fn import(
    connection: &mut Connection,
    symbol: &str,
    timeframe: Timeframe,
    bars: &Bars,
) -> Result<Imported, Failure> {
    let (Some(&first), Some(&last)) = (bars.timestamps().first(), bars.timestamps().last()) else {
        return Err(Error::new(
            Code::BadData,
            format!("there are no bars of {symbol} {timeframe} to import"),
        )
        .into());
    };
    let transaction = connection.transaction()?;
    let series = series(&transaction, symbol, timeframe, first)?;
    let (from, to) = touched(&transaction, series, first, last)?;
    let old = take(&transaction, series, from, to)?;
    let (merged, replaced) = merge(&old, &Columns::of(bars));
    for start in (0..merged.len()).step_by(chunk::SIZE) {
        merged.insert(&transaction, series, start..merged.len().min(start + chunk::SIZE))?;
    }
    let count = "
        UPDATE bar_series SET revision = ?2, (bars, first, last) =
          (SELECT sum(bars), min(first), max(last) FROM bars WHERE series = ?1)
        WHERE series = ?1";
    transaction.execute(count, [series, new_revision()])?;
    transaction.commit()?;
    Ok(Imported { imported: bars.len() as u64, replaced, first, last })
}

/// Finds a series, or makes one.
fn series(
    transaction: &Transaction,
    symbol: &str,
    timeframe: Timeframe,
    first: i64,
) -> Result<i64, Failure> {
    transaction.execute(
        "INSERT INTO bar_series (asset_symbol, timeframe, bars, first, last, revision) VALUES (?1, ?2, 0, ?3, ?3, 0)
         ON CONFLICT DO NOTHING",
        params![symbol, timeframe.as_str(), first],
    )?;
    let id = "SELECT series FROM bar_series WHERE asset_symbol = ?1 AND timeframe = ?2";
    Ok(transaction.query_row(id, [symbol, timeframe.as_str()], |row| row.get(0))?)
}

/// Returns the range of openings that is rewritten: that of the bars, widened to the neighbours before and behind where
/// they have room, so that bars which come one at a time do not make one chunk each.
fn touched(
    transaction: &Transaction,
    series: i64,
    first: i64,
    last: i64,
) -> Result<(i64, i64), Failure> {
    let room = i64::try_from(chunk::SIZE).unwrap_or(i64::MAX);
    let neighbour = |sql: &str, place: i64| -> Result<Option<i64>, Failure> {
        let found: Option<(i64, i64)> = transaction
            .query_row(sql, params![series, place], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        Ok(found.filter(|(_, bars)| *bars < room).map(|(edge, _)| edge))
    };
    let before =
        "SELECT first, bars FROM bars WHERE series = ?1 AND first < ?2 ORDER BY first DESC LIMIT 1";
    let behind =
        "SELECT last, bars FROM bars WHERE series = ?1 AND first > ?2 ORDER BY first LIMIT 1";
    Ok((neighbour(before, first)?.unwrap_or(first), neighbour(behind, last)?.unwrap_or(last)))
}

/// Reads the chunks that reach into a range, and deletes them.
fn take(transaction: &Transaction, series: i64, from: i64, to: i64) -> Result<Columns, Failure> {
    let range = "WHERE series = ?1 AND first <= ?3 AND last >= ?2";
    let mut columns = Columns::default();
    let mut statement =
        transaction.prepare_cached(&format!("{} {range} ORDER BY first", chunk::SELECT))?;
    let mut rows = statement.query(params![series, from, to])?;
    while let Some(row) = rows.next()? {
        columns.extend(row)?;
    }
    drop(rows);
    transaction.execute(&format!("DELETE FROM bars {range}"), params![series, from, to])?;
    Ok(columns)
}

/// Merges two sets of bars in the order of their openings; of two with the same, the new one stays. Returns also how many
/// were replaced.
fn merge(old: &Columns, new: &Columns) -> (Columns, u64) {
    let mut merged = Columns::with_capacity(old.len() + new.len());
    let (mut at_old, mut at_new, mut replaced) = (0, 0, 0);
    loop {
        let order = match (old.times.get(at_old), new.times.get(at_new)) {
            (Some(old), Some(new)) => old.cmp(new),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return (merged, replaced),
        };
        if order == Ordering::Less {
            merged.push_from(old, at_old);
            at_old += 1;
            continue;
        }
        merged.push_from(new, at_new);
        at_new += 1;
        if order == Ordering::Equal {
            at_old += 1;
            replaced += 1;
        }
    }
}
