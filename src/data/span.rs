//! Which bars of a series to load.

use crate::error::{Code, Error, Result};
use crate::market::time;

/// A range of opening times and a limit on the number of bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// The first opening time, UTC milliseconds, inclusive.
    pub start: i64,
    /// The last opening time, UTC milliseconds, inclusive.
    pub end: i64,
    /// The maximum number of bars.
    pub max_bars: u64,
}

impl TimeRange {
    /// Creates a span without a limit on the number of bars.
    pub fn new(start: i64, end: i64) -> Self {
        Self { start, end, max_bars: u64::MAX }
    }

    /// Limits the number of bars.
    #[must_use]
    pub fn with_max_bars(self, max_bars: u64) -> Self {
        Self { max_bars, ..self }
    }

    /// Fails with `LIMIT_EXCEEDED` if there are more bars than allowed.
    pub(super) fn check(&self, bars: usize) -> Result<()> {
        if bars as u64 <= self.max_bars {
            return Ok(());
        }
        let message = format!(
            "there are more than {} bars between {} and {}",
            self.max_bars,
            time::short(self.start),
            time::short(self.end)
        );
        Err(Error::new(Code::LimitExceeded, message))
    }
}
