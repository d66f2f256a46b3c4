//! Amounts outside the range of 64-bit floating-point numbers.
//!
//! A run with such an amount fails with an error that names the bar, because metrics of an infinite equity would be
//! meaningless.

use std::fmt;

use super::time;
use crate::error::Error;

/// The code of the issue that an overflow is reported as.
pub const OVERFLOW: &str = "overflow";

/// A bar in a message: its index, and its date if that is known.
#[derive(Debug, Clone, Copy)]
pub struct BarRef<'a> {
    /// The index.
    pub bar: usize,
    /// Opening times of all bars, UTC milliseconds. Empty if they are not known.
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

/// Creates the error for an amount that overflows. `amount` names it, with its article.
#[must_use]
pub fn overflow(amount: &str, at: BarRef<'_>) -> Error {
    let message = format!(
        "{amount} on {at} is outside the range of 64-bit floating-point numbers; scale the prices, initialCapital or size"
    );
    Error::invalid("", OVERFLOW, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overflow_names_its_bar_and_its_date_if_known() {
        let timestamps = [0, time::DAY];
        let error = overflow("the equity", BarRef { bar: 1, timestamps: &timestamps });
        assert!(error.message.starts_with("the equity on bar 1 (1970-01-02) is outside the range"));
        assert_eq!(error.issues[0].code, OVERFLOW);
        let error = overflow("the equity", BarRef { bar: 7, timestamps: &[] });
        assert!(error.message.starts_with("the equity on bar 7 is outside the range"));
    }
}
