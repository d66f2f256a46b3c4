//! What imports into all sources have in common.

use crate::error::{Code, Error, Result};
use crate::market::{Bars, Timeframe};
use crate::observer::ProgressObserver;

/// What an import wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeSummary {
    /// The number of bars, all of which were written.
    pub imported: u64,
    /// How many of them replaced a bar with the same opening time.
    pub replaced: u64,
    /// The opening time of the first imported bar, UTC milliseconds.
    pub first: i64,
    /// The opening time of the last imported bar, UTC milliseconds.
    pub last: i64,
}

/// Returns the first and the last opening time of bars to import.
///
/// # Errors
/// `BAD_DATA` if there are none.
pub(super) fn first_and_last(
    symbol: &str,
    timeframe: Timeframe,
    bars: &Bars,
) -> Result<(i64, i64)> {
    let timestamps = bars.timestamps();
    timestamps.first().copied().zip(timestamps.last().copied()).ok_or_else(|| {
        Error::new(Code::BadData, format!("there are no bars of {symbol} {timeframe} to import"))
    })
}

/// Fails if the work was cancelled.
pub(super) fn check_cancelled(observer: &dyn ProgressObserver) -> Result<()> {
    if observer.is_cancelled() { Err(Error::cancelled()) } else { Ok(()) }
}

/// Fails if the work may not be committed.
pub(super) fn check_commit(observer: &dyn ProgressObserver) -> Result<()> {
    if observer.may_commit() { Ok(()) } else { Err(Error::cancelled()) }
}
