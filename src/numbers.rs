//! Conversions of counts and times to floating-point numbers.

/// Converts a count.
#[expect(clippy::cast_precision_loss, reason = "counts of bars, trades and signals are below 2^53")]
#[must_use]
pub const fn count_to_f64(count: usize) -> f64 {
    // Processors convert signed numbers in one instruction.
    count.cast_signed() as f64
}

/// Converts milliseconds: a timestamp or a duration.
#[expect(clippy::cast_precision_loss, reason = "timestamps that a Date can hold are below 2^53")]
#[must_use]
pub const fn millis_to_f64(milliseconds: i64) -> f64 {
    milliseconds as f64
}
