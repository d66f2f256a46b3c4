//! Falls of the equity from a peak until it is reached again.
//!
//! The first peak is the equity of the first bar, so that a loss against the initial capital on that bar is not a
//! drawdown; a bar that equals the peak ends a drawdown. Both are vectorbt's rules.

use super::float;
use crate::wide::{Four, Number, Processor};

/// The drawdowns of an equity curve, one that lasts to the end included.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DrawdownFacts {
    /// How many there are.
    pub count: usize,
    /// The deepest as a fraction of its peak, below 0; 0 where there is none.
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

/// Bars that are looked at together: if none of them reaches the peak, nothing can end among them.
const STRIDE: usize = 32;

/// Finds the drawdowns of an equity curve that comes in blocks.
#[derive(Default)]
pub(super) struct Drawdowns {
    facts: DrawdownFacts,
    /// The drawdown under way; nothing before the first bar.
    fall: Option<Fall>,
}

impl Drawdowns {
    /// Takes the next bars.
    #[inline(always)]
    pub(super) fn take<P: Processor>(&mut self, processor: P, equity: &[f64]) {
        let Some(&first) = equity.first() else { return };
        let mut fall =
            self.fall.take().unwrap_or(Fall { peak: first, valley: first, bars: 0, squares: 0.0 });
        let (strides, rest) = equity.as_chunks::<STRIDE>();
        for stride in strides {
            if fall.bars == 0 || !fall.lasts(processor, stride) {
                for &value in stride {
                    self.facts.step(&mut fall, value);
                }
            }
        }
        for &value in rest {
            self.facts.step(&mut fall, value);
        }
        self.fall = Some(fall);
    }

    /// Returns what was found, a drawdown that lasts to the end included.
    pub(super) fn facts(mut self) -> DrawdownFacts {
        if let Some(mut fall) = self.fall.take() {
            self.facts.end(&mut fall);
        }
        self.facts
    }
}

impl DrawdownFacts {
    #[cfg(test)]
    fn new(equity: &[f64]) -> Self {
        let mut drawdowns = Drawdowns::default();
        drawdowns.take(crate::wide::Any, equity);
        drawdowns.facts()
    }

    #[inline]
    fn step(&mut self, fall: &mut Fall, value: f64) {
        if value >= fall.peak {
            if fall.bars > 0 {
                self.end(fall);
            }
            fall.peak = value;
            fall.valley = value;
        } else {
            let distance = value - fall.peak;
            fall.bars += 1;
            fall.squares += distance * distance;
            fall.valley = if value < fall.valley { value } else { fall.valley };
        }
    }

    fn end(&mut self, fall: &mut Fall) {
        if fall.bars == 0 {
            return;
        }
        let depth = (fall.valley - fall.peak) / fall.peak;
        // Below a negative peak every depth is positive, and the least of them counts.
        self.deepest = if self.count == 0 { depth } else { self.deepest.min(depth) };
        self.count += 1;
        self.sum += depth;
        self.longest_bars = self.longest_bars.max(fall.bars);
        self.total_bars += fall.bars;
        self.squares += fall.squares / (fall.peak * fall.peak);
        fall.bars = 0;
        fall.squares = 0.0;
    }

    /// Returns the mean depth as a fraction below 0; nothing where the equity never falls.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / float(self.count))
    }
}

/// The drawdown that is under way; none where `bars` is 0.
struct Fall {
    peak: f64,
    valley: f64,
    bars: usize,
    /// The sum of the squared distances to the peak, money squared.
    squares: f64,
}

impl Fall {
    /// Takes the bars of a stride, unless one of them reaches the peak; returns whether it did.
    #[inline(always)]
    fn lasts<P: Processor>(&mut self, processor: P, stride: &[f64; STRIDE]) -> bool {
        let peak = processor.all(self.peak);
        let (mut most, mut least) =
            (processor.all(f64::NEG_INFINITY), processor.all(f64::INFINITY));
        // Two sums, so that an addition need not wait for the one before.
        let (mut even, mut odd) = (processor.all(0.0), processor.all(0.0));
        let (eights, _) = stride.as_chunks::<8>();
        for &[a, b, c, d, e, f, g, h] in eights {
            let (first, second) = (processor.read(&[a, b, c, d]), processor.read(&[e, f, g, h]));
            most = first.larger(second).larger(most);
            least = first.smaller(second).smaller(least);
            let (below, below_too) = (first - peak, second - peak);
            even = even + below * below;
            odd = odd + below_too * below_too;
        }
        if most.largest() >= self.peak {
            return false;
        }
        self.squares += (even + odd).total();
        self.valley = self.valley.smaller(least.smallest());
        self.bars += STRIDE;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawdown_ends_where_the_peak_is_equalled_and_one_may_last_to_the_end() {
        let facts = DrawdownFacts::new(&[100.0, 90.0, 80.0, 100.0, 100.0, 120.0, 90.0]);
        assert_eq!((facts.count, facts.longest_bars, facts.total_bars), (2, 2, 3));
        assert!((facts.deepest - -0.25).abs() < 1e-15 && (facts.sum - -0.45).abs() < 1e-15);
        assert!((facts.squares - (0.01 + 0.04 + 0.0625)).abs() < 1e-15);
    }

    #[test]
    fn long_falls_taken_in_strides_are_the_same_as_bar_by_bar() {
        // A slow wave with a drift, long enough for strides that lie wholly below a peak.
        let equity: Vec<f64> = (0..5_000)
            .map(|bar| 1_000.0 + f64::from(bar) * 0.1 + 300.0 * (f64::from(bar) / 97.0).sin())
            .collect();
        let facts = DrawdownFacts::new(&equity);
        let (mut peak, mut squares, mut below, mut deepest) = (f64::NEG_INFINITY, 0.0, 0, 0.0_f64);
        for &value in &equity {
            peak = peak.max(value);
            let distance = (value - peak) / peak;
            squares += distance * distance;
            below += usize::from(value < peak);
            deepest = deepest.min(distance);
        }
        assert_eq!(facts.total_bars, below);
        assert!((facts.deepest - deepest).abs() < 1e-15);
        assert!((facts.squares / squares - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_curve_that_never_falls_has_none() {
        assert_eq!(DrawdownFacts::new(&[]), DrawdownFacts::default());
        assert_eq!(DrawdownFacts::new(&[5.0; 100]), DrawdownFacts::default());
    }
}
