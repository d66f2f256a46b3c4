//! From values to pixels: time from left to right, amounts from bottom to top.

use super::whole;

/// Where moments lie: evenly from left to right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TimeScale {
    /// First moment that has data, UTC milliseconds.
    pub(super) first: i64,
    /// Last moment that has data, UTC milliseconds.
    pub(super) last: i64,
    /// Left edge, pixels.
    pub(super) left: f64,
    /// Right edge, pixels.
    pub(super) right: f64,
    /// Room on either side for half a bar, milliseconds.
    margin: f64,
}

impl TimeScale {
    /// Returns the scale of bars of a length from one edge to the other.
    pub(super) fn new(first: i64, last: i64, bar: i64, left: f64, right: f64) -> Self {
        Self { first, last, left, right, margin: whole(bar.max(1)) / 2.0 }
    }

    fn per_millisecond(&self) -> f64 {
        (self.right - self.left) / (whole(self.last - self.first) + 2.0 * self.margin)
    }

    /// Returns the pixel of a moment.
    pub(super) fn place(&self, moment: i64) -> f64 {
        self.left + (whole(moment - self.first) + self.margin) * self.per_millisecond()
    }

    /// Returns how many pixels a stretch of time takes.
    pub(super) fn pixels(&self, milliseconds: i64) -> f64 {
        whole(milliseconds) * self.per_millisecond()
    }
}

/// A range of amounts that may not be empty any more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Span {
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Span {
    /// Returns the range of the finite values; nothing if there are none.
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut span = Self { low: f64::INFINITY, high: f64::NEG_INFINITY };
        for value in values {
            if value.is_finite() {
                span.low = span.low.min(value);
                span.high = span.high.max(value);
            }
        }
        (span.low <= span.high).then_some(span)
    }

    /// Returns the range of both.
    pub(super) fn and(self, other: Option<Self>) -> Self {
        other.map_or(self, |other| Self {
            low: self.low.min(other.low),
            high: self.high.max(other.high),
        })
    }
}

/// Where amounts lie between the bottom and the top of a panel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    /// Whether equal distances are equal ratios.
    pub(super) log: bool,
    /// Top edge, pixels.
    pub(super) top: f64,
    /// Bottom edge, pixels.
    pub(super) bottom: f64,
    /// What the edges stand for: amounts, or their decimal logarithms; both times `factor`.
    low: f64,
    high: f64,
    /// 1, or a small power of two where the difference of the amounts would overflow.
    factor: f64,
}

/// Amounts beyond this are made smaller, so that their differences and the room beside them stay finite.
const HUGE: f64 = 1e300;

/// The smallest amount above 0.
const SMALLEST: f64 = 5e-324;

/// From this ratio of the highest to the lowest amount on, a linear scale would flatten the lower ones.
const LOG_FROM: f64 = 10.0;

impl Axis {
    /// Returns an axis over a range, with room of so many pixels above and below it.
    pub(super) fn new(span: Span, log: bool, (top, bottom): (f64, f64), room: (f64, f64)) -> Self {
        let is_huge = !log && span.low.abs().max(span.high.abs()) > HUGE;
        let factor = if is_huge { 1.0 / 1_048_576.0 } else { 1.0 };
        let (mut low, mut high) = if log {
            (span.low.log10(), span.high.log10())
        } else {
            (span.low * factor, span.high * factor)
        };
        let size = low.abs().max(high.abs());
        // A range that is nothing but rounding is no range.
        if high - low <= size * 1e-9 {
            // A hundredth of the smallest amounts is nothing.
            let half = if size > 0.0 { (size * 0.01).max(f64::MIN_POSITIVE) } else { 1.0 };
            (low, high) = (low - half, high + half);
        }
        let inner = (bottom - top - room.0 - room.1).max(1.0);
        let pixel = (high - low) / inner;
        let (low, high) = (low - room.1 * pixel, high + room.0 * pixel);
        Self { log, top, bottom, low, high, factor }
    }

    /// Returns whether a range demands a logarithmic scale.
    pub(super) fn demands_log(span: Span) -> bool {
        span.low > 0.0 && span.high / span.low >= LOG_FROM
    }

    /// Returns the pixel of an amount.
    pub(super) fn place(&self, amount: f64) -> f64 {
        let amount = if self.log { amount.log10() } else { amount * self.factor };
        let part = (amount - self.low) / (self.high - self.low);
        self.bottom - part * (self.bottom - self.top)
    }

    /// Returns the amounts at the bottom and at the top, or the last ones that are numbers.
    pub(super) fn range(&self) -> Span {
        let (low, high) = if self.log {
            (10_f64.powf(self.low).max(SMALLEST), 10_f64.powf(self.high))
        } else {
            (self.low / self.factor, self.high / self.factor)
        };
        Span { low: low.max(f64::MIN), high: high.min(f64::MAX) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_linear_and_one_bar_stands_in_the_middle() {
        let scale = TimeScale::new(0, 90, 10, 100.0, 200.0);
        assert_eq!([0, 45, 90].map(|moment| scale.place(moment)), [105.0, 150.0, 195.0]);
        assert_eq!(TimeScale::new(7, 7, 10, 0.0, 80.0).place(7), 40.0);
    }

    #[test]
    fn amounts_go_up_and_leave_room() {
        let span = Span::of([0.0, 10.0, f64::NAN]).unwrap();
        let axis = Axis::new(span, false, (0.0, 120.0), (10.0, 10.0));
        assert_eq!([0.0, 5.0, 10.0].map(|amount| axis.place(amount)), [110.0, 60.0, 10.0]);
        let log = Axis::new(Span { low: 1.0, high: 100.0 }, true, (0.0, 100.0), (0.0, 0.0));
        assert_eq!([1.0, 10.0, 100.0].map(|amount| log.place(amount)), [100.0, 50.0, 0.0]);
    }

    #[test]
    fn a_range_without_extent_gets_one() {
        for amount in [0.0, 1e-9, 100.0, 1e12, -5.0] {
            let axis =
                Axis::new(Span { low: amount, high: amount }, false, (0.0, 100.0), (0.0, 0.0));
            assert!((axis.place(amount) - 50.0).abs() < 1e-6, "{amount}");
        }
        assert_eq!(Span::of([f64::NAN]), None);
    }

    #[test]
    fn the_extremes_of_numbers_have_their_places_too() {
        let most = f64::MAX;
        for (low, high) in
            [(-most, most), (5e-324, 5e-324), (0.0, 1e-323), (most, most), (0.0, most)]
        {
            let axis = Axis::new(Span { low, high }, false, (0.0, 100.0), (5.0, 5.0));
            assert!(axis.place(low) <= 100.0 && axis.place(high) >= 0.0, "{low:e} to {high:e}");
            assert!(axis.range().low.is_finite() && axis.range().high.is_finite());
        }
        let log = Axis::new(Span { low: 5e-324, high: most }, true, (0.0, 100.0), (5.0, 5.0));
        assert!((log.place(5e-324) - 95.0).abs() < 1e-9 && (log.place(most) - 5.0).abs() < 1e-9);
        assert!(log.range().low > 0.0 && log.range().high.is_finite());
    }

    #[test]
    fn only_wide_positive_ranges_demand_a_logarithm() {
        assert!(Axis::demands_log(Span { low: 1.0, high: 10.0 }));
        assert!(!Axis::demands_log(Span { low: 1.0, high: 9.9 }));
        assert!(!Axis::demands_log(Span { low: -1.0, high: 100.0 }));
    }
}
