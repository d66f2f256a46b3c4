//! The records of sweeps.

use serde_json::Value;

use super::record::Status;
use crate::market::Interval;

/// The size of a chunk of columns that is written at once, bytes.
const CHUNK_BYTES: usize = 16 << 20;

/// A sweep and its progress.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// `sw-` and 12 hex digits.
    pub id: String,
    /// Names the call that computes the sweep, such as a UUID. Resuming the sweep replaces it, so that the call before can
    /// no longer write.
    pub claim: String,
    /// The caller's user, if given.
    pub user_id: Option<String>,
    /// The strategy's id.
    pub strategy_id: String,
    /// The text of the strategy; `None` for a built-in strategy or a function.
    pub strategy_source: Option<String>,
    /// The symbols of the assets.
    pub asset_symbols: Vec<String>,
    /// The timeframes of the bars.
    pub timeframes: Vec<Interval>,
    /// Start of the requested range, UTC milliseconds, inclusive.
    pub start: i64,
    /// End of the requested range, UTC milliseconds, inclusive.
    pub end: i64,
    /// The objective: a metric or an expression over metrics.
    pub objective: String,
    /// The number of combinations.
    pub combinations: u64,
    /// How many of them are kept: always the first ones, in grid order.
    pub done: u64,
    /// The best value of the objective; `None` before the end, and if no combination has one.
    pub best: Option<f64>,
    /// The progress of the sweep.
    pub status: Status,
    /// Why it failed or was cancelled.
    pub error: Option<String>,
    /// The version of this library that ran the sweep last.
    pub engine_version: String,
    /// When the sweep was created, UTC milliseconds.
    pub created_at: i64,
    /// When the sweep began, was resumed, or kept combinations last, UTC milliseconds.
    pub updated_at: i64,
    /// When the sweep ended, UTC milliseconds.
    pub completed_at: Option<i64>,
}

/// What lists of sweeps leave out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SweepDetails {
    /// The request, from which the sweep can be rebuilt.
    pub request: Value,
    /// The names of the columns of every chunk.
    pub columns: Vec<String>,
    /// Hashes of the bars, once they are loaded.
    pub fingerprints: Vec<String>,
    /// The best combinations, remarks, and what else is not a column; `None` before the end.
    pub summary: Option<Value>,
}

/// Columns of consecutive combinations, in grid order.
///
/// Parameters need no columns: they follow from the request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SweepChunk {
    /// The number of the first combination.
    pub from: u64,
    /// The number of combinations.
    pub count: usize,
    /// The columns by name, with one value per combination each. NaN stands for no value.
    pub columns: Vec<(String, Vec<f64>)>,
}

impl SweepChunk {
    /// Returns how many combinations a chunk with a number of columns should have.
    pub const fn combinations_for(columns: usize) -> usize {
        let bytes = if columns == 0 { size_of::<f64>() } else { columns * size_of::<f64>() };
        if bytes > CHUNK_BYTES { 1 } else { CHUNK_BYTES / bytes }
    }
}

/// How a sweep ended.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepEnd {
    /// Completed, failed or cancelled.
    pub status: Status,
    /// Why it failed or was cancelled.
    pub error: Option<String>,
    /// The best value of the objective.
    pub best: Option<f64>,
    /// The summary of a completed sweep. Others may have one of the combinations that are done.
    pub summary: Option<Value>,
    /// The time, UTC milliseconds.
    pub at: i64,
}

/// Which sweeps to list. `None` in a field does not filter.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SweepFilter {
    /// Only this strategy.
    pub strategy_id: Option<String>,
    /// Only sweeps over this asset, among others.
    pub asset_symbol: Option<String>,
    /// Only this status.
    pub status: Option<Status>,
    /// Only this user.
    pub user_id: Option<String>,
    /// The maximum number of sweeps.
    pub limit: Option<u32>,
    /// Only sweeps older than the one with this id, which is the last id of the previous page.
    pub before: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_have_sixteen_megabytes() {
        assert_eq!(SweepChunk::combinations_for(64), 32_768);
        assert_eq!(SweepChunk::combinations_for(0), 2_097_152);
        assert_eq!(SweepChunk::combinations_for(1 << 30), 1);
    }
}
