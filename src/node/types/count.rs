//! Counts as JavaScript numbers.

/// Converts a count.
#[expect(clippy::cast_precision_loss, reason = "counts are below 2^53")]
pub(in crate::node) fn count(value: u64) -> f64 {
    value as f64
}
