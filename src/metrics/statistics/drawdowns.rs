//! Drawdowns: declines of the equity from a peak until it is reached again.
//!
//! The first peak is the equity of the first bar, so that a loss against the initial capital on that bar is not a drawdown.
//! A bar that equals the peak ends a drawdown. Both are vectorbt's rules.

use crate::compute::multiversion::{F64x4, Lanes, Simd, simd_multiversion};
use crate::numbers::count_to_f64;

/// The drawdowns of an equity curve, including one that lasts to the end.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DrawdownStatistics {
    /// How many there are.
    pub count: usize,
    /// The deepest as a fraction of its peak, below 0; 0 without a drawdown.
    pub deepest: f64,
    /// The sum of their depths, each a fraction below 0.
    pub sum: f64,
    /// Bars below the peak in the longest.
    pub longest_bars: usize,
    /// Bars below a peak in all of them.
    pub total_bars: usize,
    /// The sum over all bars of the squared distance to the peak, as a fraction of the peak.
    pub squares: f64,
}

/// Bars that are tested together. If none of them reaches the peak, no drawdown ends among them.
const STRIDE: usize = 32;

/// The drawdowns of one section of an equity curve.
#[derive(Debug, Clone)]
pub(super) struct DrawdownSection {
    /// What the section adds to a drawdown that began before it: all bars before the first that reaches the peak.
    before: RunningDrawdown,
    /// Whether there is such a bar.
    reached: bool,
    /// The drawdowns that begin and end after that bar.
    statistics: DrawdownStatistics,
    /// The drawdown that lasts to the end of the section.
    after: RunningDrawdown,
}

simd_multiversion! {
    /// Finds the drawdowns of a section; `peak` is the highest equity of all bars before it, negative infinity if there
    /// are none.
    pub(super) fn section(simd, peak: f64, equity: &[f64]) -> DrawdownSection {
        let mut statistics = DrawdownStatistics::default();
        let mut current = RunningDrawdown::below(peak);
        let mut before = None;
        let mut step = |current: &mut RunningDrawdown, value: f64| {
            if value >= current.peak {
                if before.is_none() {
                    before = Some(current.clone());
                } else if current.bars > 0 {
                    statistics.end(current);
                }
                *current = RunningDrawdown::below(value);
            } else {
                current.step(value);
            }
        };
        let (strides, rest) = equity.as_chunks::<STRIDE>();
        for stride in strides {
            if current.bars == 0 || !current.append_stride(simd, stride) {
                for &value in stride {
                    step(&mut current, value);
                }
            }
        }
        for &value in rest {
            step(&mut current, value);
        }
        match before {
            Some(before) => DrawdownSection { before, reached: true, statistics, after: current },
            None => DrawdownSection { before: current, reached: false, statistics, after: RunningDrawdown::below(peak) },
        }
    }
}

impl DrawdownStatistics {
    /// Joins the sections of a curve. A drawdown that lasts to the end counts.
    pub(super) fn joined(sections: impl IntoIterator<Item = DrawdownSection>) -> Self {
        let mut statistics = Self::default();
        let mut current: Option<RunningDrawdown> = None;
        for section in sections {
            let begun = current.get_or_insert_with(|| RunningDrawdown::below(section.before.peak));
            begun.append(&section.before);
            if section.reached {
                statistics.end(begun);
                statistics.join(&section.statistics);
                current = Some(section.after);
            }
        }
        if let Some(current) = current {
            statistics.end(&current);
        }
        statistics
    }

    fn join(&mut self, next: &Self) {
        self.deepest = match (self.count, next.count) {
            (_, 0) => self.deepest,
            (0, _) => next.deepest,
            _ => self.deepest.min(next.deepest),
        };
        self.count += next.count;
        self.sum += next.sum;
        self.longest_bars = self.longest_bars.max(next.longest_bars);
        self.total_bars += next.total_bars;
        self.squares += next.squares;
    }

    fn end(&mut self, current: &RunningDrawdown) {
        if current.bars == 0 {
            return;
        }
        let depth = (current.valley - current.peak) / current.peak;
        // Below a negative peak every depth is positive, and the smallest of them counts.
        self.deepest = if self.count == 0 { depth } else { self.deepest.min(depth) };
        self.count += 1;
        self.sum += depth;
        self.longest_bars = self.longest_bars.max(current.bars);
        self.total_bars += current.bars;
        let peak_squared = current.peak * current.peak;
        // The square of a peak above 1e154 is infinite, and dividing by it would give 0.
        self.squares += if peak_squared.is_finite() {
            current.squares / peak_squared
        } else {
            current.squares / current.peak / current.peak
        };
    }

    /// Returns the mean depth as a fraction below 0; `None` without a drawdown.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / count_to_f64(self.count))
    }
}

/// A drawdown in progress; there is none if `bars` is 0.
#[derive(Debug, Clone)]
struct RunningDrawdown {
    peak: f64,
    valley: f64,
    bars: usize,
    /// The sum of the squared distances to the peak, money squared.
    squares: f64,
}

impl RunningDrawdown {
    fn below(peak: f64) -> Self {
        Self { peak, valley: peak, bars: 0, squares: 0.0 }
    }

    #[inline(always)]
    fn step(&mut self, value: f64) {
        let distance = value - self.peak;
        self.bars += 1;
        self.squares += distance * distance;
        self.valley = if value < self.valley { value } else { self.valley };
    }

    /// Appends the bars that follow.
    fn append(&mut self, next: &Self) {
        self.bars += next.bars;
        self.squares += next.squares;
        self.valley = self.valley.pmin(next.valley);
    }

    /// Appends the bars of a stride unless one of them reaches the peak. Returns whether it did.
    #[inline(always)]
    fn append_stride<P: Simd>(&mut self, simd: P, stride: &[f64; STRIDE]) -> bool {
        let peak = simd.splat(self.peak);
        let (mut most, mut least) = (simd.splat(f64::NEG_INFINITY), simd.splat(f64::INFINITY));
        // Two sums, so that an addition does not wait for the one before.
        let (mut even, mut odd) = (simd.splat(0.0), simd.splat(0.0));
        let (eights, _) = stride.as_chunks::<8>();
        for &[a, b, c, d, e, f, g, h] in eights {
            let (first, second) = (simd.load(&[a, b, c, d]), simd.load(&[e, f, g, h]));
            most = first.pmax(second).pmax(most);
            least = first.pmin(second).pmin(least);
            let (below, below_too) = (first - peak, second - peak);
            even = even + below * below;
            odd = odd + below_too * below_too;
        }
        if most.reduce_max() >= self.peak {
            return false;
        }
        self.squares += (even + odd).sum();
        self.valley = self.valley.pmin(least.reduce_min());
        self.bars += STRIDE;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Finds the drawdowns section by section.
    fn found(equity: &[f64], bars: usize) -> DrawdownStatistics {
        let mut peak = f64::NEG_INFINITY;
        DrawdownStatistics::joined(equity.chunks(bars).map(|values| {
            let section = section(peak, values);
            peak = values.iter().copied().fold(peak, f64::max);
            section
        }))
    }

    #[test]
    fn a_drawdown_ends_where_the_peak_is_equalled_and_one_may_last_to_the_end() {
        for bars in 1..=7 {
            let statistics = found(&[100.0, 90.0, 80.0, 100.0, 100.0, 120.0, 90.0], bars);
            assert_eq!(
                (statistics.count, statistics.longest_bars, statistics.total_bars),
                (2, 2, 3)
            );
            assert!(
                (statistics.deepest - -0.25).abs() < 1e-15
                    && (statistics.sum - -0.45).abs() < 1e-15
            );
            assert!((statistics.squares - (0.01 + 0.04 + 0.0625)).abs() < 1e-15);
        }
    }

    #[test]
    fn sections_and_strides_are_the_same_as_bar_by_bar() {
        // A slow wave with a drift, long enough for strides that lie wholly below a peak.
        let equity: Vec<f64> = (0..5_000)
            .map(|bar| 1_000.0 + f64::from(bar) * 0.1 + 300.0 * (f64::from(bar) / 97.0).sin())
            .collect();
        let (mut peak, mut squares, mut below, mut deepest) = (f64::NEG_INFINITY, 0.0, 0, 0.0_f64);
        let (mut count, mut longest, mut length) = (0, 0, 0);
        for &value in &equity {
            peak = peak.max(value);
            let distance = (value - peak) / peak;
            squares += distance * distance;
            deepest = deepest.min(distance);
            length = if value < peak { length + 1 } else { 0 };
            count += usize::from(length == 1);
            below += usize::from(length > 0);
            longest = longest.max(length);
        }
        for bars in [1, 7, 32, 100, 1_000, 4_999, 5_000] {
            let statistics = found(&equity, bars);
            assert_eq!(
                (statistics.count, statistics.total_bars, statistics.longest_bars),
                (count, below, longest),
                "in sections of {bars}"
            );
            assert!((statistics.deepest - deepest).abs() < 1e-15);
            assert!((statistics.squares / squares - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn below_a_negative_peak_the_least_depth_counts_in_whatever_section() {
        // vectorbt's rule: depths are (valley − peak) ÷ peak, here 0.5 and 1.
        let equity = [-10.0, -15.0, -10.0, -20.0, -10.0];
        for bars in 1..=5 {
            assert_eq!(found(&equity, bars).deepest, 0.5, "in sections of {bars}");
        }
    }

    #[test]
    fn a_curve_that_never_falls_has_none() {
        assert_eq!(found(&[], 3), DrawdownStatistics::default());
        assert_eq!(found(&[5.0; 100], 30), DrawdownStatistics::default());
    }
}
