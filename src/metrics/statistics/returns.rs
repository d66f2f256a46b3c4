//! The returns of the bars and their statistics.
//!
//! The return of a bar is (out − in) ÷ in, with the initial capital as the first `in`. If equity is at or below zero, the
//! sign follows vectorbt: relative to the magnitude of a negative `in`; 0 from zero to zero, and infinite from zero to
//! anything else. The benchmark is the close; its first return is 0.

use crate::numbers::count_to_f64;

/// Moments of the returns of the bars (`r`), of the benchmark (`b`) and of both together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReturnStatistics {
    /// How many returns there are: one a bar.
    pub count: usize,
    /// Mean of r.
    pub mean: f64,
    /// Mean of b.
    pub benchmark_mean: f64,
    /// Sum of (r − mean)².
    pub squares: f64,
    /// Sum of (r − mean)³.
    pub cubes: f64,
    /// Sum of (r − mean)⁴.
    pub fourths: f64,
    /// Sum of the squares of the negative r.
    pub downside_squares: f64,
    /// Sum of the positive r − risk-free rate.
    pub gains: f64,
    /// Sum of the negative r − risk-free rate, at most 0.
    pub losses: f64,
    /// Sum of the squared deviations of b from its mean.
    pub benchmark_squares: f64,
    /// Sum of the products of the deviations of r and b.
    pub products: f64,
    /// Sum of the squared deviations of r − b from its mean.
    pub active_squares: f64,
    /// Product of 1 + r.
    pub growth: f64,
    /// The deepest drawdown of the running product of 1 + r, a fraction, at most 0.
    pub deepest_drawdown: f64,
    /// Sum over the bars of the squared drawdown of that product.
    pub squared_drawdowns: f64,
}

impl ReturnStatistics {
    /// Returns the standard deviation of the returns.
    pub fn deviation(&self) -> Option<f64> {
        self.deviation_of(self.squares)
    }

    /// Returns the standard deviation for a sum of squared deviations, with n − 1; `None` for fewer than two returns, and if
    /// rounding takes the sum below zero.
    pub fn deviation_of(&self, squares: f64) -> Option<f64> {
        let variance = self.per_freedom(squares)?;
        // A variance that overflowed is NaN, and so is its root.
        (variance >= 0.0 || variance.is_nan()).then(|| variance.sqrt())
    }

    /// Returns everything except the count.
    pub(super) fn numbers_mut(&mut self) -> [&mut f64; 14] {
        [
            &mut self.mean,
            &mut self.benchmark_mean,
            &mut self.squares,
            &mut self.cubes,
            &mut self.fourths,
            &mut self.downside_squares,
            &mut self.gains,
            &mut self.losses,
            &mut self.benchmark_squares,
            &mut self.products,
            &mut self.active_squares,
            &mut self.growth,
            &mut self.deepest_drawdown,
            &mut self.squared_drawdowns,
        ]
    }

    /// Divides a sum by n − 1; `None` for fewer than two returns.
    pub fn per_freedom(&self, sum: f64) -> Option<f64> {
        (self.count > 1).then(|| sum / count_to_f64(self.count - 1))
    }

    /// Divides a sum by n; `None` without returns.
    pub fn per_bar(&self, sum: f64) -> Option<f64> {
        (self.count > 0).then(|| sum / count_to_f64(self.count))
    }
}

/// Returns the return from one equity to the next.
pub(super) fn change(from: f64, to: f64) -> f64 {
    if from > 0.0 {
        (to - from) / from
    } else if from < 0.0 {
        (from - to) / from
    } else if to.abs() > 0.0 {
        f64::INFINITY.copysign(to)
    } else {
        0.0
    }
}

/// Writes the returns of a column after the value `before` it.
pub(super) fn any_changes(mut before: f64, values: &[f64], returns: &mut [f64]) {
    for (r, &value) in returns.iter_mut().zip(values) {
        *r = change(before, value);
        before = value;
    }
}

/// The same of a column whose values, and the one before them, are all above 0.
#[inline(always)]
pub(super) fn changes(before: f64, values: &[f64], returns: &mut [f64]) {
    if let (Some(first), Some(&value)) = (returns.first_mut(), values.first()) {
        *first = (value - before) / before;
    }
    let to = values.get(1..).unwrap_or(&[]);
    let into = returns.get_mut(1..).unwrap_or(&mut []);
    for ((r, from), to) in into.iter_mut().zip(values).zip(to) {
        *r = (to - from) / from;
    }
}

impl ReturnStatistics {
    /// Compounds the returns of a curve that touches zero, whose product is no longer proportional to its equity.
    pub(super) fn compound(&mut self, returns: &[f64]) {
        let (mut growth, mut peak) = (1.0_f64, None);
        for &r in returns {
            growth *= 1.0 + r;
            let highest = peak.map_or(growth, |peak: f64| peak.max(growth));
            let fall = growth / highest - 1.0;
            self.deepest_drawdown = self.deepest_drawdown.min(fall);
            self.squared_drawdowns += fall * fall;
            peak = Some(highest);
        }
        self.growth = growth;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn returns_around_zero_follow_vectorbt() {
        // vectorbt 1.2.0: returns of the values 100, 50, -50, -100, 0, 0, 10 with 100 before them.
        let expected = [0.0, -0.5, -2.0, -1.0, 1.0, 0.0];
        let equity = [100.0, 50.0, -50.0, -100.0, 0.0, 0.0];
        let mut returns = [0.0; 6];
        any_changes(100.0, &equity, &mut returns);
        for (found, expected) in returns.into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-15, "{found} is not {expected}");
        }
        assert!(change(0.0, 10.0).is_infinite() && change(0.0, -10.0) < 0.0);
    }
}
