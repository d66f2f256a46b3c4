//! Arithmetic that metrics share.

use super::statistics::Statistics;

/// Returns a finite value, and 0 for −0: a sum of nothing has no sign, and a database keeps none.
pub(super) fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value + 0.0)
}

/// Divides. Returns `None` for a divisor of 0, and NaN for a divisor that overflowed.
pub(super) fn ratio(dividend: f64, divisor: f64) -> Option<f64> {
    (divisor != 0.0).then(|| dividend / divisor)
}

/// Returns the second central moment of the returns; `None` if it is within rounding error of 0, where pandas and scipy
/// return no higher moments.
pub(super) fn second_moment(statistics: &Statistics) -> Option<f64> {
    let noise = f64::EPSILON * statistics.returns.mean;
    statistics
        .returns
        .per_bar(statistics.returns.squares)
        .filter(|&moment| moment > noise * noise || moment.is_nan())
}
