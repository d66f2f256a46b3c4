//! Imports bars into chunks. An import rewrites the chunks that it overlaps and no others.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::chunk;
use crate::data::import::{MergeSummary, check_cancelled, check_commit, first_and_last};
use crate::data::ohlcv_columns::OhlcvColumns;
use crate::data::series::new_revision;
use crate::db::sqlite::Failure;
use crate::market::intervals::MergeCheck;
use crate::market::{Bars, Timeframe};
use crate::observer::ProgressObserver;

/// Merges bars into a series in one transaction, a chunk at a time.
pub(super) fn import(
    connection: &mut Connection,
    symbol: &str,
    timeframe: Timeframe,
    bars: &Bars,
    observer: &dyn ProgressObserver,
) -> Result<MergeSummary, Failure> {
    // The job may have waited in the queue.
    check_cancelled(observer)?;
    let (first, last) = first_and_last(symbol, timeframe, bars)?;
    let transaction = connection.transaction()?;
    let series = find_or_create_series(&transaction, symbol, timeframe, first)?;
    let range = rewritten_range(&transaction, series, first, last)?;
    let mut check = MergeCheck::new(timeframe, edge(&transaction, series, BEFORE, range.0)?);
    let replaced = merge(&transaction, series, range, bars, &mut check, observer)?;
    if let Some(after) = edge(&transaction, series, AFTER, range.1)? {
        check.push(after, after, false)?;
    }
    let update = "
        UPDATE bar_series SET revision = ?2, (bars, first, last) =
          (SELECT sum(bars), min(first), max(last) FROM bars WHERE series = ?1)
        WHERE series = ?1";
    transaction.execute(update, [series, new_revision()])?;
    check_commit(observer)?;
    transaction.commit()?;
    Ok(MergeSummary { imported: bars.len() as u64, replaced, first, last })
}

fn find_or_create_series(
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

/// The opening times of the stored bars next to a rewritten range.
const BEFORE: &str = "SELECT max(last) FROM bars WHERE series = ?1 AND last < ?2";
const AFTER: &str = "SELECT min(first) FROM bars WHERE series = ?1 AND first > ?2";

fn edge(
    transaction: &Transaction,
    series: i64,
    sql: &str,
    time: i64,
) -> Result<Option<i64>, Failure> {
    Ok(transaction.query_row(sql, [series, time], |row| row.get(0))?)
}

/// Returns the range of opening times to rewrite: that of the bars, extended to the chunks before and after unless they are
/// full. Otherwise bars that are imported one at a time would make one chunk each.
fn rewritten_range(
    transaction: &Transaction,
    series: i64,
    first: i64,
    last: i64,
) -> Result<(i64, i64), Failure> {
    let full = i64::try_from(chunk::MAX_BARS).unwrap_or(i64::MAX);
    let neighbor = |sql: &str, time: i64| -> Result<Option<i64>, Failure> {
        let found: Option<(i64, i64)> = transaction
            .query_row(sql, params![series, time], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        Ok(found.filter(|(_, bars)| *bars < full).map(|(edge, _)| edge))
    };
    let before =
        "SELECT first, bars FROM bars WHERE series = ?1 AND first < ?2 ORDER BY first DESC LIMIT 1";
    let after =
        "SELECT last, bars FROM bars WHERE series = ?1 AND first > ?2 ORDER BY first LIMIT 1";
    Ok((neighbor(before, first)?.unwrap_or(first), neighbor(after, last)?.unwrap_or(last)))
}

/// Merges bars with those of the chunks that overlap a range, sorted by opening time. Of two bars with the same opening time,
/// the new one stays. Returns the number of replaced bars.
fn merge(
    transaction: &Transaction,
    series: i64,
    range: (i64, i64),
    bars: &Bars,
    check: &mut MergeCheck,
    observer: &dyn ProgressObserver,
) -> Result<u64, Failure> {
    let new = bars.timestamps();
    let mut stored = StoredBars::new(transaction, series, range)?;
    let mut out = OhlcvColumns::with_capacity(chunk::MAX_BARS);
    let (mut at, mut replaced) = (0, 0);
    loop {
        // This deletes the chunk of the next stored bar before a new chunk with the same first bar can be inserted.
        let next = stored.peek(transaction, series)?;
        let (start, capacity) = (out.len(), chunk::MAX_BARS - out.len());
        let mut is_new = false;
        match (next, new.get(at).copied()) {
            (None, None) => break,
            (Some(_), None) => stored.move_to(&mut out, capacity, None),
            (Some(next), Some(first)) if next < first => {
                stored.move_to(&mut out, capacity, Some(first));
            }
            (next, Some(first)) => {
                let rest = new.get(at..).unwrap_or(&[]);
                let count = match next {
                    Some(next) if next == first => {
                        stored.skip();
                        replaced += 1;
                        1
                    }
                    Some(next) => {
                        is_new = true;
                        rest.partition_point(|time| *time < next)
                    }
                    None => {
                        is_new = true;
                        rest.len()
                    }
                };
                let end = at + count.min(capacity);
                out.extend_from_bars(bars, at..end);
                at = end;
            }
        }
        if let [first, .., last] | [first @ last] = out.timestamps.get(start..).unwrap_or(&[]) {
            check.push(*first, *last, is_new)?;
        }
        if out.len() == chunk::MAX_BARS {
            check_cancelled(observer)?;
            chunk::insert(&out, transaction, series, 0..out.len())?;
            out.clear();
            observer.on_bar(at, 0);
        }
    }
    chunk::insert(&out, transaction, series, 0..out.len())?;
    observer.on_bar(at, 0);
    Ok(replaced)
}

/// The stored bars of a range, one chunk in memory at a time.
struct StoredBars {
    /// The first opening times of the chunks that are still to be read, the last one first.
    chunks: Vec<i64>,
    columns: OhlcvColumns,
    at: usize,
}

impl StoredBars {
    fn new(transaction: &Transaction, series: i64, range: (i64, i64)) -> Result<Self, Failure> {
        let sql = "SELECT first FROM bars WHERE series = ?1 AND first <= ?3 AND last >= ?2 ORDER BY first DESC";
        let mut statement = transaction.prepare_cached(sql)?;
        let chunks = statement.query_map(params![series, range.0, range.1], |row| row.get(0))?;
        let chunks = chunks.collect::<Result<_, _>>()?;
        Ok(Self { chunks, columns: OhlcvColumns::default(), at: 0 })
    }

    /// Returns the opening time of the next bar. Reads the next chunk and deletes its row when the current one is used up.
    fn peek(&mut self, transaction: &Transaction, series: i64) -> Result<Option<i64>, Failure> {
        while self.at == self.columns.len() {
            let Some(first) = self.chunks.pop() else { return Ok(None) };
            self.columns.clear();
            self.at = 0;
            let one = "WHERE series = ?1 AND first = ?2";
            let mut statement = transaction.prepare_cached(&format!("{} {one}", chunk::SELECT))?;
            let mut rows = statement.query(params![series, first])?;
            while let Some(row) = rows.next()? {
                chunk::append(&mut self.columns, row)?;
            }
            let mut delete = transaction.prepare_cached(&format!("DELETE FROM bars {one}"))?;
            delete.execute(params![series, first])?;
        }
        Ok(self.columns.timestamps.get(self.at).copied())
    }

    /// Moves up to `count` bars that open before a time.
    fn move_to(&mut self, out: &mut OhlcvColumns, count: usize, before: Option<i64>) {
        let rest = self.columns.timestamps.get(self.at..).unwrap_or(&[]);
        let matching =
            before.map_or(rest.len(), |before| rest.partition_point(|time| *time < before));
        let end = self.at + matching.min(count);
        out.extend_from_columns(&self.columns, self.at..end);
        self.at = end;
    }

    fn skip(&mut self) {
        self.at += 1;
    }
}
