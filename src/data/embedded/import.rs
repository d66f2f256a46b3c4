//! Bars to chunks: an import rewrites those that it touches and leaves the others alone.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::chunk::{self, Columns};
use crate::data::{Imported, new_revision};
use crate::error::{Code, Error};
use crate::market::{Bars, Timeframe};
use crate::observer::ProgressObserver;
use crate::store::sqlite::Failure;

/// Merges bars into a series within one transaction, a chunk at a time.
pub(super) fn import(
    connection: &mut Connection,
    symbol: &str,
    timeframe: Timeframe,
    bars: &Bars,
    observer: &dyn ProgressObserver,
) -> Result<Imported, Failure> {
    // It may have waited for others.
    if observer.is_cancelled() {
        return Err(Error::cancelled().into());
    }
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
    let replaced = merge(&transaction, series, (from, to), bars, observer)?;
    let count = "
        UPDATE bar_series SET revision = ?2, (bars, first, last) =
          (SELECT sum(bars), min(first), max(last) FROM bars WHERE series = ?1)
        WHERE series = ?1";
    transaction.execute(count, [series, new_revision()])?;
    if !observer.may_commit() {
        return Err(Error::cancelled().into());
    }
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

/// Merges bars with those of the chunks that reach into a range, in the order of their openings; of two with the same, the
/// new one stays. Returns how many were replaced.
fn merge(
    transaction: &Transaction,
    series: i64,
    (from, to): (i64, i64),
    bars: &Bars,
    observer: &dyn ProgressObserver,
) -> Result<u64, Failure> {
    let new = bars.timestamps();
    let mut old = Old::new(transaction, series, from, to)?;
    let mut out = Columns::with_capacity(chunk::SIZE);
    let (mut at, mut replaced) = (0, 0);
    loop {
        // The chunk of the next old bar is always taken out before one that may begin as it does is written.
        let next = old.next(transaction, series)?;
        let room = chunk::SIZE - out.len();
        match (next, new.get(at).copied()) {
            (None, None) => break,
            (Some(_), None) => old.give(&mut out, room, None),
            (Some(next), Some(first)) if next < first => old.give(&mut out, room, Some(first)),
            (next, Some(first)) => {
                let rest = new.get(at..).unwrap_or(&[]);
                let before = match next {
                    Some(next) if next == first => {
                        old.drop_one();
                        replaced += 1;
                        1
                    }
                    Some(next) => rest.partition_point(|opening| *opening < next),
                    None => rest.len(),
                };
                let end = at + before.min(room);
                out.extend_from(bars, at..end);
                at = end;
            }
        }
        if out.len() == chunk::SIZE {
            if observer.is_cancelled() {
                return Err(Error::cancelled().into());
            }
            out.insert(transaction, series, 0..out.len())?;
            out.clear();
            observer.on_bar(at, 0);
        }
    }
    out.insert(transaction, series, 0..out.len())?;
    observer.on_bar(at, 0);
    Ok(replaced)
}

/// The bars that are there already, a chunk at a time.
struct Old {
    /// The openings of the chunks that are still to be taken, the last one first.
    chunks: Vec<i64>,
    bars: Columns,
    at: usize,
}

impl Old {
    fn new(transaction: &Transaction, series: i64, from: i64, to: i64) -> Result<Self, Failure> {
        let sql = "SELECT first FROM bars WHERE series = ?1 AND first <= ?3 AND last >= ?2 ORDER BY first DESC";
        let mut statement = transaction.prepare_cached(sql)?;
        let chunks = statement.query_map(params![series, from, to], |row| row.get(0))?;
        let chunks = chunks.collect::<Result<_, _>>()?;
        Ok(Self { chunks, bars: Columns::default(), at: 0 })
    }

    /// Returns the opening of the next bar; takes its chunk out of the table if it is the first of one.
    fn next(&mut self, transaction: &Transaction, series: i64) -> Result<Option<i64>, Failure> {
        while self.at == self.bars.len() {
            let Some(first) = self.chunks.pop() else { return Ok(None) };
            self.bars.clear();
            self.at = 0;
            let one = "WHERE series = ?1 AND first = ?2";
            let mut statement = transaction.prepare_cached(&format!("{} {one}", chunk::SELECT))?;
            let mut rows = statement.query(params![series, first])?;
            while let Some(row) = rows.next()? {
                self.bars.extend(row)?;
            }
            let mut delete = transaction.prepare_cached(&format!("DELETE FROM bars {one}"))?;
            delete.execute(params![series, first])?;
        }
        Ok(self.bars.times.get(self.at).copied())
    }

    /// Moves up to `room` bars that open before a moment.
    fn give(&mut self, out: &mut Columns, room: usize, before: Option<i64>) {
        let rest = self.bars.times.get(self.at..).unwrap_or(&[]);
        let count = before.map_or(rest.len(), |before| rest.partition_point(|time| *time < before));
        let end = self.at + count.min(room);
        out.extend_from_columns(&self.bars, self.at..end);
        self.at = end;
    }

    fn drop_one(&mut self) {
        self.at += 1;
    }
}
