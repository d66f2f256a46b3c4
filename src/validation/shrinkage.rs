//! Empirical Bayes: the Sharpe ratios of a whole grid, shrunk towards their mean (James–Stein).
//!
//! With m and V, mean and variance of the ratios, ρ̄, the mean correlation of the trials, at least 0, and s² = 1 ÷ (T − 1):
//!
//! ```text
//! τ² = max(0, V − (1 − ρ̄)·s²)      w = τ² ÷ (τ² + s²)
//! Var m = s²·(ρ̄ + (1 − ρ̄) ÷ N)     m₀ = m·max(0, 1 − Var m ÷ m²)
//! shrunk_k = m₀ + w·(SR_k − m)
//! ```
//!
//! What all trials have in common of the error of estimation does not show in V, hence 1 − ρ̄. Unit: per bar. Reference: Efron and
//! Morris (1973). Null: for fewer than two trials or bars, and for a correlation outside 0 to 1. A second opinion on a grid of similar
//! trials, not the headline: it ruins a single real trial among many.

use super::deflated_sharpe_ratio::variance;
use super::missing::{Known, Missing};
use super::per_bar::PerBar;
use super::sums::sum;
use crate::numbers::count_to_f64;

/// How the ratios of a grid are shrunk.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shrinkage {
    /// The mean of the ratios, m.
    pub mean: PerBar,
    /// The mean that remains, m₀.
    pub center: PerBar,
    /// The variance of the ratios, V.
    pub variance: f64,
    /// The variance of the true ratios, τ².
    pub true_variance: f64,
    /// The variance of the mean, Var m.
    pub variance_of_mean: f64,
    /// The share of a deviation that remains, w.
    pub weight: f64,
}

impl Shrinkage {
    /// Estimates the shrinkage of ratios per bar.
    ///
    /// # Errors
    /// [`Missing::TooFewTrials`] and [`Missing::TooFewBars`] below two, [`Missing::OutOfRange`] unless 0 ≤ correlation ≤ 1,
    /// [`Missing::NotFinite`].
    pub fn of(ratios: &[f64], bars: usize, correlation: f64) -> Known<Self> {
        if ratios.len() < 2 {
            return Err(Missing::TooFewTrials);
        }
        if bars < 2 {
            return Err(Missing::TooFewBars);
        }
        if !(0.0..=1.0).contains(&correlation) {
            return Err(Missing::OutOfRange);
        }
        let count = count_to_f64(ratios.len());
        let variance = variance(ratios)?;
        let mean = sum(ratios) / count;
        let noise = 1.0 / count_to_f64(bars - 1);
        let true_variance = (variance - (1.0 - correlation) * noise).max(0.0);
        let variance_of_mean = noise * (correlation + (1.0 - correlation) / count);
        let kept =
            if mean == 0.0 { 0.0 } else { (1.0 - variance_of_mean / (mean * mean)).max(0.0) };
        Ok(Self {
            mean: PerBar(mean),
            center: PerBar(mean * kept),
            variance,
            true_variance,
            variance_of_mean,
            weight: true_variance / (true_variance + noise),
        })
    }

    /// Returns the shrunk ratio of a trial.
    #[must_use]
    pub fn shrunk(&self, ratio: PerBar) -> PerBar {
        PerBar(self.center.0 + self.weight * (ratio.0 - self.mean.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::testing::same;

    const RATIOS: [f64; 8] = [0.05, 0.02, -0.01, 0.04, 0.03, 0.0, 0.06, -0.02];

    #[test]
    fn it_equals_the_reference() {
        let found = Shrinkage::of(&RATIOS, 1000, 0.3).unwrap();
        same(found.mean.0, 0.02125);
        same(found.variance, 0.000_841_071_428_571_428_5);
        same(found.true_variance, 0.000_140_370_727_870_727_9);
        same(found.weight, 0.122_984_234_075_507_93);
        same(found.variance_of_mean, 0.000_387_887_887_887_887_84);
        same(found.center.0, 0.002_996_452_334_687_626_7);
        same(found.shrunk(PerBar(0.06)).0, 0.007_762_091_405_113_559);
    }

    #[test]
    fn noise_is_shrunk_to_nothing() {
        let found = Shrinkage::of(&[0.01, -0.01], 100, 0.0).unwrap();
        assert_eq!(found.weight, 0.0);
        assert_eq!(found.shrunk(PerBar(0.01)), PerBar(0.0));
    }

    #[test]
    fn arguments_outside_have_none() {
        assert_eq!(Shrinkage::of(&[0.1], 100, 0.0), Err(Missing::TooFewTrials));
        assert_eq!(Shrinkage::of(&RATIOS, 1, 0.0), Err(Missing::TooFewBars));
        assert_eq!(Shrinkage::of(&RATIOS, 100, -0.1), Err(Missing::OutOfRange));
        assert_eq!(Shrinkage::of(&RATIOS, 100, f64::NAN), Err(Missing::OutOfRange));
        assert_eq!(Shrinkage::of(&[0.1, f64::NAN], 100, 0.0), Err(Missing::NotFinite));
    }
}
