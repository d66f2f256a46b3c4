//! Amounts that leave the range of 64-bit floating-point numbers.
//!
//! A run with such an amount ends with an error that names the bar: an infinite equity is no result, and what follows
//! from it (a return of NaN) even less.

use std::fmt;

use super::time;
use crate::error::Error;

/// The code of the issue that an overflow is reported as.
pub const OVERFLOW: &str = "overflow";

/// A bar, as messages name it: its index, and its date where that is known.
#[derive(Debug, Clone, Copy)]
pub struct BarRef<'a> {
    /// The index.
    pub bar: usize,
    /// Openings of all bars, UTC milliseconds; empty if they are not known.
    pub timestamps: &'a [i64],
}

impl fmt::Display for BarRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.timestamps.get(self.bar) {
            Some(&timestamp) => write!(f, "bar {} ({})", self.bar, time::short(timestamp)),
            None => write!(f, "bar {}", self.bar),
        }
    }
}

/// Creates the error of an amount that overflows; `what` names it, with its article.
#[must_use]
pub fn overflow(what: &str, at: BarRef<'_>) -> Error {
    let message = format!(
        "{what} on {at} is outside the range of 64-bit floating-point numbers; scale the prices, initialCapital or size"
    );
    Error::invalid("", OVERFLOW, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overflow_names_its_bar_and_its_date_where_there_is_one() {
        let timestamps = [0, time::DAY];
        let error = overflow("the equity", BarRef { bar: 1, timestamps: &timestamps });
        assert!(error.message.starts_with("the equity on bar 1 (1970-01-02) is outside the range"));
        assert_eq!(error.issues[0].code, OVERFLOW);
        let error = overflow("the equity", BarRef { bar: 7, timestamps: &[] });
        assert!(error.message.starts_with("the equity on bar 7 is outside the range"));
    }
}
