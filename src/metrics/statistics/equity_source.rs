//! Where the equity of a run comes from.

use crate::portfolio::Valuation;

/// The equity of a run at the end of each bar, money.
pub trait EquitySource: Sync {
    /// Returns the number of bars.
    fn bars(&self) -> usize;

    /// Returns the equity of one bar, 0 beyond the end.
    fn at(&self, bar: usize) -> f64;

    /// Passes the equity of the given bars, in ascending order, to `take`, each with the equity of the bar before.
    fn sample(
        &self,
        bars: &mut dyn Iterator<Item = usize>,
        take: &mut dyn FnMut(Option<f64>, f64),
    ) {
        for bar in bars {
            take(bar.checked_sub(1).map(|before| self.at(before)), self.at(bar));
        }
    }

    /// Writes the equity of the bars from `from` on until `into` is full.
    fn write(&self, from: usize, into: &mut [f64]);
}

/// A curve that is computed already.
impl EquitySource for &[f64] {
    fn bars(&self) -> usize {
        self.len()
    }

    fn at(&self, bar: usize) -> f64 {
        self.get(bar).copied().unwrap_or(0.0)
    }

    fn write(&self, from: usize, into: &mut [f64]) {
        for (into, value) in into.iter_mut().zip(self.get(from..).unwrap_or(&[])) {
            *into = *value;
        }
    }
}

/// A curve that is computed while it is measured.
impl EquitySource for Valuation<'_> {
    fn bars(&self) -> usize {
        self.bars()
    }

    fn at(&self, bar: usize) -> f64 {
        self.at(bar)
    }

    fn sample(
        &self,
        bars: &mut dyn Iterator<Item = usize>,
        take: &mut dyn FnMut(Option<f64>, f64),
    ) {
        self.sample(bars, take);
    }

    fn write(&self, from: usize, into: &mut [f64]) {
        self.write(from, into);
    }
}
