//! Conversions of counts.

/// A count as a number.
#[expect(clippy::cast_precision_loss, reason = "counts of bars and trades are far below 2^53")]
pub(in crate::metrics) const fn float(count: usize) -> f64 {
    count as f64
}
