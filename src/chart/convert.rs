//! Lossless conversions of counts and times to floats.

/// Converts a count to a float.
#[expect(clippy::cast_precision_loss, reason = "counts of bars and trades are below 2^53")]
pub(super) const fn count_to_f64(count: usize) -> f64 {
    count as f64
}

/// Converts milliseconds to a float.
#[expect(clippy::cast_precision_loss, reason = "timestamps that a Date can hold are below 2^53")]
pub(super) const fn millis_to_f64(milliseconds: i64) -> f64 {
    milliseconds as f64
}
