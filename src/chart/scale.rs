//! Scales: time from left to right, values from bottom to top.

use crate::numbers::millis_to_f64;

/// Maps timestamps to horizontal pixels, linearly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TimeScale {
    /// First timestamp with data, UTC milliseconds.
    pub(super) first: i64,
    /// Last timestamp with data, UTC milliseconds.
    pub(super) last: i64,
    /// Left edge, pixels.
    pub(super) left: f64,
    /// Right edge, pixels.
    pub(super) right: f64,
    /// Margin of half a bar on either side, milliseconds.
    margin: f64,
}

impl TimeScale {
    /// Returns the scale for bars of a length, from one edge to the other.
    pub(super) fn new(first: i64, last: i64, bar_length: i64, left: f64, right: f64) -> Self {
        let margin = millis_to_f64(bar_length.max(1)) / 2.0;
        Self { first, last, left, right, margin }
    }

    fn pixels_per_millisecond(&self) -> f64 {
        (self.right - self.left) / (millis_to_f64(self.last - self.first) + 2.0 * self.margin)
    }

    /// Returns the horizontal pixel of a timestamp.
    pub(super) fn pixel(&self, timestamp: i64) -> f64 {
        let offset = millis_to_f64(timestamp - self.first) + self.margin;
        self.left + offset * self.pixels_per_millisecond()
    }

    /// Returns the length of a duration in pixels.
    pub(super) fn length(&self, milliseconds: i64) -> f64 {
        millis_to_f64(milliseconds) * self.pixels_per_millisecond()
    }
}

/// A range of values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ValueRange {
    pub(super) low: f64,
    pub(super) high: f64,
}

impl ValueRange {
    /// Returns the range of the finite values. `None` if there are none.
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut range = Self { low: f64::INFINITY, high: f64::NEG_INFINITY };
        for value in values {
            if value.is_finite() {
                range.low = range.low.min(value);
                range.high = range.high.max(value);
            }
        }
        (range.low <= range.high).then_some(range)
    }

    /// Returns the smallest range that contains both.
    pub(super) fn union(self, other: Option<Self>) -> Self {
        other.map_or(self, |other| Self {
            low: self.low.min(other.low),
            high: self.high.max(other.high),
        })
    }
}

/// Maps values to vertical pixels, linearly or logarithmically.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ValueScale {
    pub(super) is_log: bool,
    /// Top edge, pixels.
    pub(super) top: f64,
    /// Bottom edge, pixels.
    pub(super) bottom: f64,
    /// Values at the edges, or their decimal logarithms, times `factor`.
    low: f64,
    high: f64,
    /// 1, or a small power of two if differences of values would overflow.
    factor: f64,
}

/// Larger values are scaled down, so that their differences and margins stay finite.
const MAX_UNSCALED: f64 = 1e300;

/// The smallest positive float.
const MIN_POSITIVE: f64 = 5e-324;

/// With a larger ratio of the highest to the lowest value, a linear scale would flatten the low values.
const LOG_SCALE_RATIO: f64 = 10.0;

impl ValueScale {
    /// Returns the scale of a range between two edges, with margins above and below in pixels.
    pub(super) fn new(
        range: ValueRange,
        is_log: bool,
        (top, bottom): (f64, f64),
        margins: (f64, f64),
    ) -> Self {
        let is_huge = !is_log && range.low.abs().max(range.high.abs()) > MAX_UNSCALED;
        let factor = if is_huge { 1.0 / 1_048_576.0 } else { 1.0 };
        let (mut low, mut high) = if is_log {
            (range.low.log10(), range.high.log10())
        } else {
            (range.low * factor, range.high * factor)
        };
        let size = low.abs().max(high.abs());
        // Differences within rounding error do not make a range.
        if high - low <= size * 1e-9 {
            // A hundredth of a tiny value underflows to zero.
            let half = if size > 0.0 { (size * 0.01).max(f64::MIN_POSITIVE) } else { 1.0 };
            (low, high) = (low - half, high + half);
        }
        let inner = (bottom - top - margins.0 - margins.1).max(1.0);
        let pixel = (high - low) / inner;
        let (low, high) = (low - margins.1 * pixel, high + margins.0 * pixel);
        Self { is_log, top, bottom, low, high, factor }
    }

    /// Returns whether a range needs a logarithmic scale.
    pub(super) fn needs_log(range: ValueRange) -> bool {
        range.low > 0.0 && range.high / range.low >= LOG_SCALE_RATIO
    }

    /// Returns the vertical pixel of a value.
    pub(super) fn pixel(&self, value: f64) -> f64 {
        let value = if self.is_log { value.log10() } else { value * self.factor };
        let part = (value - self.low) / (self.high - self.low);
        self.bottom - part * (self.bottom - self.top)
    }

    /// Returns the values at the bottom and at the top edge, limited to finite numbers.
    pub(super) fn range(&self) -> ValueRange {
        let (low, high) = if self.is_log {
            (10_f64.powf(self.low).max(MIN_POSITIVE), 10_f64.powf(self.high))
        } else {
            (self.low / self.factor, self.high / self.factor)
        };
        ValueRange { low: low.max(f64::MIN), high: high.min(f64::MAX) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_linear_and_a_single_bar_is_centered() {
        let scale = TimeScale::new(0, 90, 10, 100.0, 200.0);
        assert_eq!([0, 45, 90].map(|timestamp| scale.pixel(timestamp)), [105.0, 150.0, 195.0]);
        assert_eq!(TimeScale::new(7, 7, 10, 0.0, 80.0).pixel(7), 40.0);
    }

    #[test]
    fn values_increase_upwards_within_the_margins() {
        let range = ValueRange::of([0.0, 10.0, f64::NAN]).unwrap();
        let scale = ValueScale::new(range, false, (0.0, 120.0), (10.0, 10.0));
        assert_eq!([0.0, 5.0, 10.0].map(|value| scale.pixel(value)), [110.0, 60.0, 10.0]);
        let log =
            ValueScale::new(ValueRange { low: 1.0, high: 100.0 }, true, (0.0, 100.0), (0.0, 0.0));
        assert_eq!([1.0, 10.0, 100.0].map(|value| log.pixel(value)), [100.0, 50.0, 0.0]);
    }

    #[test]
    fn an_empty_range_is_widened() {
        for value in [0.0, 1e-9, 100.0, 1e12, -5.0] {
            let scale = ValueScale::new(
                ValueRange { low: value, high: value },
                false,
                (0.0, 100.0),
                (0.0, 0.0),
            );
            assert!((scale.pixel(value) - 50.0).abs() < 1e-6, "{value}");
        }
        assert_eq!(ValueRange::of([f64::NAN]), None);
    }

    #[test]
    fn extreme_values_have_finite_pixels() {
        let most = f64::MAX;
        for (low, high) in
            [(-most, most), (5e-324, 5e-324), (0.0, 1e-323), (most, most), (0.0, most)]
        {
            let scale = ValueScale::new(ValueRange { low, high }, false, (0.0, 100.0), (5.0, 5.0));
            assert!(scale.pixel(low) <= 100.0 && scale.pixel(high) >= 0.0, "{low:e} to {high:e}");
            assert!(scale.range().low.is_finite() && scale.range().high.is_finite());
        }
        let log =
            ValueScale::new(ValueRange { low: 5e-324, high: most }, true, (0.0, 100.0), (5.0, 5.0));
        assert!((log.pixel(5e-324) - 95.0).abs() < 1e-9 && (log.pixel(most) - 5.0).abs() < 1e-9);
        assert!(log.range().low > 0.0 && log.range().high.is_finite());
    }

    #[test]
    fn only_wide_positive_ranges_need_a_logarithmic_scale() {
        assert!(ValueScale::needs_log(ValueRange { low: 1.0, high: 10.0 }));
        assert!(!ValueScale::needs_log(ValueRange { low: 1.0, high: 9.9 }));
        assert!(!ValueScale::needs_log(ValueRange { low: -1.0, high: 100.0 }));
    }
}
