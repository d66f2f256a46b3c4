//! The returns that are judged: those of the equity, less those of a benchmark.
//!
//! | benchmark | judged return | answers |
//! |---|---|---|
//! | zero | r | does it earn anything |
//! | hold | r − m | does it earn more than the asset |
//! | exposure (of p-values, headline and verdict) | r − e·m | does the timing earn more than the same average position held all the time |
//!
//! r: the return of the equity; m: that of holding the asset; e: the mean signed exposure of the trial, which is one number. Σa =
//! Σr − e·Σm and Σa² = Σr² − 2e·Σrm + e²·Σm², so that sums are enough. Unit: fractions. Reference: Jensen (1968), with a fixed beta.
//! Null: if no judged return differs from another.
//!
//! **The mean exposure is taken over the bars that have an m.** The first bar has none. Over all bars, a position that is held from
//! the first bar to the last would have e = 1 − 1/T and the judged returns m/T: their Sharpe ratio is that of the asset, whatever T.

use super::missing::{Known, Missing, finite};
use super::per_bar::PerBar;
use crate::numbers::count_to_f64;

/// Squares below this part of the terms that they are the difference of are rounding: sums of a sweep are exact to 1e-10.
const ROUNDING: f64 = 1e-9;

/// What returns are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BenchmarkKind {
    /// Nothing.
    Zero,
    /// The asset, held all the time.
    Hold,
    /// The mean exposure of the trial, held all the time.
    #[default]
    Exposure,
}

/// Sums over all bars of one trial and of its asset.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ReturnSums {
    /// The number of bars, T.
    pub bars: usize,
    /// Σ r.
    pub returns: f64,
    /// Σ r².
    pub squares: f64,
    /// Σ r·m.
    pub products: f64,
    /// The mean signed exposure, e, over the bars that have an m.
    pub exposure: f64,
    /// Σ m.
    pub held_returns: f64,
    /// Σ m².
    pub held_squares: f64,
}

/// The sums of judged returns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JudgedSums {
    /// The number of bars, T.
    pub bars: usize,
    /// Σ a.
    pub returns: f64,
    /// Σ a².
    pub squares: f64,
    /// The factor of m: 0, 1 or e.
    pub factor: f64,
}

impl JudgedSums {
    /// Computes the sums of judged returns.
    ///
    /// # Errors
    /// [`Missing::TooFewBars`] below two bars, [`Missing::NoVariance`] if no judged return differs from another by more than
    /// rounding, [`Missing::NotFinite`].
    pub fn of(sums: &ReturnSums, benchmark: BenchmarkKind) -> Known<Self> {
        if sums.bars < 2 {
            return Err(Missing::TooFewBars);
        }
        let factor = match benchmark {
            BenchmarkKind::Zero => 0.0,
            BenchmarkKind::Hold => 1.0,
            BenchmarkKind::Exposure => finite(sums.exposure)?,
        };
        let returns = finite(sums.returns - factor * sums.held_returns)?;
        let (product, held) = (2.0 * factor * sums.products, factor * factor * sums.held_squares);
        let squares = finite(sums.squares - product + held)?;
        let judged = Self { bars: sums.bars, returns, squares, factor };
        let terms = sums.squares + product.abs() + held;
        if judged.deviations() <= ROUNDING * terms {
            return Err(Missing::NoVariance);
        }
        Ok(judged)
    }

    /// Returns Σ (a − mean)².
    fn deviations(&self) -> f64 {
        self.squares - self.returns * self.returns / count_to_f64(self.bars)
    }

    /// Returns the Sharpe ratio of the judged returns, per bar.
    #[must_use]
    pub fn sharpe_ratio(&self) -> PerBar {
        let bars = count_to_f64(self.bars);
        PerBar(self.returns / bars / (self.deviations() / (bars - 1.0)).sqrt())
    }

    /// Returns the statistic of block signs: t = Σ a ÷ √(Σ a²).
    #[must_use]
    pub fn t(&self) -> f64 {
        self.returns / self.squares.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::testing::{D, same};

    /// Returns the sums of returns beside those of an asset.
    fn sums(returns: &[f64], held: &[f64], exposure: f64) -> ReturnSums {
        let of =
            |term: fn(f64, f64) -> f64| returns.iter().zip(held).map(|(r, m)| term(*r, *m)).sum();
        ReturnSums {
            bars: returns.len(),
            returns: of(|r, _| r),
            squares: of(|r, _| r * r),
            products: of(|r, m| r * m),
            exposure,
            held_returns: of(|_, m| m),
            held_squares: of(|_, m| m * m),
        }
    }

    #[test]
    fn they_equal_the_reference() {
        let sums = sums(&D[3], &D[0], 0.5);
        same(sums.products, -0.000_988_51);
        let found = JudgedSums::of(&sums, BenchmarkKind::Exposure).unwrap();
        same(found.returns, 0.1428);
        same(found.squares, 0.008_662_77);
        same(found.t(), 1.534_263_013_098_225_5);
        same(found.sharpe_ratio().0, 0.322_826_304_303_846_4);
        let zero = JudgedSums::of(&sums, BenchmarkKind::Zero).unwrap();
        same(zero.t(), 2.147_385_558_265_285_4);
        same(zero.sharpe_ratio().0, 0.477_412_278_970_173_5);
        let hold = JudgedSums::of(&sums, BenchmarkKind::Hold).unwrap();
        same(hold.returns, 0.178 - 0.0704);
    }

    #[test]
    fn holding_the_asset_is_no_evidence() {
        // A rising asset without a return on the first bar, held from its close on.
        let mut held = vec![0.0];
        held.extend(
            (0..2_519).map(|bar| 0.001 + 0.01 * f64::from(bar * 7_919 % 1_000 - 500) / 500.0),
        );
        let found = JudgedSums::of(&sums(&held, &held, 1.0), BenchmarkKind::Exposure);
        assert_eq!(found, Err(Missing::NoVariance));
        // With the mean exposure over all bars it would be as good as the asset.
        let over_all = 1.0 - 1.0 / 2_520.0;
        let wrong = JudgedSums::of(&sums(&held, &held, over_all), BenchmarkKind::Exposure).unwrap();
        let asset = JudgedSums::of(&sums(&held, &held, 1.0), BenchmarkKind::Zero).unwrap();
        assert!(asset.t() > 5.0);
        assert!((wrong.t() - asset.t()).abs() < 1e-6);
    }

    #[test]
    fn one_bar_without_the_position_is_a_variance() {
        let held: Vec<f64> =
            (0..100_000).map(|bar| 0.01 * f64::from(bar * 7_919 % 1_000 - 500) / 500.0).collect();
        let mut returns = held.clone();
        returns[777] = 0.0;
        let exposure = 1.0 - 1e-5;
        let found =
            JudgedSums::of(&sums(&returns, &held, exposure), BenchmarkKind::Exposure).unwrap();
        assert!((found.returns + held[777]).abs() < 1e-3 && found.t().abs() < 2.0, "{found:?}");
    }

    #[test]
    fn trials_that_never_trade_have_none() {
        let found = JudgedSums::of(&sums(&[0.0; 24], &D[0], 0.0), BenchmarkKind::Exposure);
        assert_eq!(found, Err(Missing::NoVariance));
        let found =
            JudgedSums::of(&ReturnSums { bars: 1, ..ReturnSums::default() }, BenchmarkKind::Zero);
        assert_eq!(found, Err(Missing::TooFewBars));
        let nan = ReturnSums { exposure: f64::NAN, ..sums(&D[3], &D[0], 0.5) };
        assert_eq!(JudgedSums::of(&nan, BenchmarkKind::Exposure), Err(Missing::NotFinite));
        assert!(JudgedSums::of(&nan, BenchmarkKind::Zero).is_ok());
    }
}
