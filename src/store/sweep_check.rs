//! Checks changes to sweeps before they are written, and explains why one was refused.

use super::errors::ended;
use super::record::Status;
use super::sweep_record::{Sweep, SweepChunk, SweepEnd};
use crate::db::encoding::{Damage, checksum, damaged};
use crate::error::{Error, Result};

/// Fails unless a new sweep is pending or running and has no combinations.
///
/// # Errors
/// `INTERNAL`.
pub(super) fn check_new(sweep: &Sweep) -> Result<()> {
    if sweep.status.is_under_way() && sweep.done == 0 {
        return Ok(());
    }
    let (status, done) = (sweep.status.as_str(), sweep.done);
    Err(Error::internal(format!("a new sweep cannot be {status} with {done} combinations")))
}

/// Fails unless a status ends a sweep and, of a completed sweep, there is a summary.
///
/// # Errors
/// `INTERNAL`.
pub(super) fn check_end(id: &str, end: &SweepEnd) -> Result<()> {
    if end.status.is_under_way() {
        let status = end.status.as_str();
        return Err(Error::internal(format!("sweep {id} cannot end as {status}")));
    }
    if end.status == Status::Completed && end.summary.is_none() {
        return Err(Error::internal(format!("sweep {id} cannot be completed without a summary")));
    }
    if end.best.is_some_and(|best| !best.is_finite()) {
        return Err(Error::internal("the best value of an objective must be finite"));
    }
    Ok(())
}

/// Fails unless a chunk has combinations, and one value for each of them in each of the columns. Returns the number of the
/// combination after its last one.
///
/// # Errors
/// `INTERNAL`.
pub(super) fn check_chunk(chunk: &SweepChunk, columns: &[String]) -> Result<u64> {
    if !chunk.columns.iter().map(|(name, _)| name).eq(columns) {
        return Err(Error::internal("a chunk does not have the columns of its sweep"));
    }
    if chunk.columns.iter().any(|(_, values)| values.len() != chunk.count) {
        return Err(Error::internal("the columns of a chunk differ in length"));
    }
    let end = u64::try_from(chunk.count).ok().and_then(|count| chunk.from.checked_add(count));
    // Combinations are stored as signed integers.
    match end.filter(|end| *end > chunk.from && i64::try_from(*end).is_ok()) {
        Some(end) => Ok(end),
        None => Err(Error::internal("a chunk has no combinations, or too many")),
    }
}

/// The row of a sweep whose change was refused.
#[derive(Debug)]
pub(super) struct RefusedSweep {
    pub claim: String,
    pub status: String,
    pub completed_at: Option<i64>,
    pub done: i64,
    pub combinations: i64,
}

impl RefusedSweep {
    /// Returns whether a sweep has already ended in this way.
    pub fn has_ended_as(&self, claim: &str, end: &SweepEnd) -> bool {
        self.claim == claim
            && self.status == end.status.as_str()
            && self.completed_at == Some(end.at)
    }

    /// Returns whether the sweep already has a chunk that ends before a combination.
    pub fn has_chunk(&self, claim: &str, end: u64) -> bool {
        self.claim == claim && u64::try_from(self.done) == Ok(end) && self.is_under_way()
    }

    fn is_under_way(&self) -> bool {
        Status::parse(&self.status).is_some_and(Status::is_under_way)
    }
}

/// Creates the error of a change to a sweep that was refused.
pub(super) fn refused(id: &str, claim: &str, row: Option<&RefusedSweep>) -> Error {
    let Some(row) = row else {
        return ended(format!("sweep {id} was deleted, so nothing more of it is kept"));
    };
    if row.claim != claim {
        return ended(format!(
            "another call has resumed sweep {id}, so this one cannot go on with it"
        ));
    }
    if !row.is_under_way() {
        return ended(format!("sweep {id} has ended as {} and cannot change any more", row.status));
    }
    let (done, all) = (row.done, row.combinations);
    Error::storage(format!(
        "the store has {done} of {all} combinations of sweep {id}, which does not fit what was computed; resume it from there"
    ))
}

/// Creates the error of a sweep that cannot be resumed.
pub(super) fn not_resumable(id: &str, status: &str) -> Error {
    let advice = match status {
        "completed" => "read it with getSweep",
        _ => "abort it first, or wait for its end",
    };
    Error::invalid("resume", "conflict", format!("sweep {id} is {status}: {advice}"))
}

/// Returns the checksum of a column of a chunk. Its place is included, so that a column in the wrong place is noticed.
pub(super) fn column_checksum(from: u64, count: usize, name: &str, data: &[u8]) -> i64 {
    let count = count as u64;
    checksum([&from.to_le_bytes()[..], &count.to_le_bytes()[..], name.as_bytes(), data])
}

/// A column of a chunk as it is stored.
#[derive(Debug)]
pub(super) struct StoredColumn<'a> {
    pub name: &'a str,
    pub checksum: i64,
    pub data: &'a [u8],
}

/// Decodes a column of a chunk.
///
/// # Errors
/// If it is damaged; `LIMIT_EXCEEDED` if its memory cannot be allocated.
pub(super) fn decode_column<F: From<Damage> + From<Error>>(
    id: &str,
    (from, count): (u64, usize),
    column: &StoredColumn<'_>,
) -> std::result::Result<Vec<f64>, F> {
    let StoredColumn { name, checksum, data } = column;
    // A damaged count could request any amount of memory, so the length is checked first.
    if data.len() / size_of::<f64>() != count
        || column_checksum(from, count, name, data) != *checksum
    {
        let what = format!("column {name:?} of sweep {id} from combination {from}");
        return Err(damaged(format!("{what} does not match its checksum")).into());
    }
    let mut values = crate::compute::reserve::with_capacity(count, "combinations of a sweep")?;
    crate::db::encoding::decode_floats(&mut values, data, count)?;
    Ok(values)
}

/// Puts the columns of a chunk into the order of names.
///
/// # Errors
/// If one is missing.
pub(super) fn in_order(
    id: &str,
    from: u64,
    names: Vec<String>,
    mut found: Vec<(String, Vec<f64>)>,
) -> std::result::Result<Vec<(String, Vec<f64>)>, Damage> {
    let mut columns = Vec::with_capacity(names.len());
    for name in names {
        let Some(at) = found.iter().position(|(known, _)| *known == name) else {
            let what = format!("sweep {id} lacks column {name:?} from combination {from}");
            return Err(damaged(what));
        };
        columns.push(found.swap_remove(at));
    }
    Ok(columns)
}
