//! The moments of a series of returns.
//!
//! | moment | formula |
//! |---|---|
//! | mean | Σ r ÷ T |
//! | variance | Σ (r − mean)² ÷ (T − 1) |
//! | skewness | m3 ÷ m2^1.5, with mᵢ = Σ (r − mean)ⁱ ÷ T |
//! | kurtosis | m4 ÷ m2²; 3 for a normal distribution |
//!
//! Unit: fractions per bar. Reference: scipy's `skew` and `kurtosis(fisher=False)`, both with `bias=True`. Null: for fewer than two
//! bars, and if no return differs from another by more than rounding.

use super::missing::{Known, Missing, finite};
use super::per_bar::PerBar;
use super::sums::{pairwise, sum};
use crate::numbers::count_to_f64;

/// The moments of returns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// The number of returns, T.
    pub bars: usize,
    /// Their mean.
    pub mean: f64,
    /// Their variance, with T − 1.
    pub variance: f64,
    /// Their skewness, from population moments.
    pub skewness: f64,
    /// Their kurtosis, from population moments.
    pub kurtosis: f64,
}

impl Moments {
    /// Computes the moments of returns.
    ///
    /// # Errors
    /// [`Missing::TooFewBars`] below two bars, [`Missing::NoVariance`], [`Missing::NotFinite`].
    pub fn of(returns: &[f64]) -> Known<Self> {
        let bars = returns.len();
        if bars < 2 {
            return Err(Missing::TooFewBars);
        }
        let count = count_to_f64(bars);
        let mean = finite(sum(returns) / count)?;
        let at = |index: usize| returns.get(index).copied().unwrap_or(mean) - mean;
        let squares = finite(pairwise(bars, &|index| at(index) * at(index)))?;
        let most = returns.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
        // Equal returns differ from their rounded mean.
        let rounding = 4.0 * f64::EPSILON * most;
        if squares <= count * rounding * rounding {
            return Err(Missing::NoVariance);
        }
        let m2 = squares / count;
        let m3 = pairwise(bars, &|index| at(index) * at(index) * at(index)) / count;
        let m4 = pairwise(bars, &|index| at(index) * at(index) * at(index) * at(index)) / count;
        Ok(Self {
            bars,
            mean,
            variance: squares / (count - 1.0),
            skewness: finite(m3 / (m2 * m2.sqrt()))?,
            kurtosis: finite(m4 / (m2 * m2))?,
        })
    }

    /// Returns the Sharpe ratio: mean ÷ standard deviation, per bar.
    #[must_use]
    pub fn sharpe_ratio(&self) -> PerBar {
        PerBar(self.mean / self.variance.sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::testing::{D, cases, numbers, same};

    #[test]
    fn they_equal_the_reference() {
        let [first, .., last] = D;
        for (returns, expected, powers) in [
            (
                first,
                [0.256_561_994_921_910_9, -0.726_624_676_626_424_2, 4.587_615_160_153_8],
                [0.0704, 0.003_213_04, 2.611_855_999_999_997_4e-6, 1.597_954_806_4e-6],
            ),
            (
                last,
                [0.477_412_278_970_173_5, 0.235_884_882_785_233_34, 3.096_385_550_940_758_5],
                [0.178, 0.006_870_999_999_999_999, 1.532_100_52e-4, 6.470_581_073_199_999e-6],
            ),
        ] {
            let moments = Moments::of(&returns).unwrap();
            let [ratio, skewness, kurtosis] = expected;
            same(moments.sharpe_ratio().0, ratio);
            same(moments.skewness, skewness);
            same(moments.kurtosis, kurtosis);
            for (power, expected) in (1_i32..).zip(powers) {
                same(pairwise(24, &|bar| returns[bar].powi(power)), expected);
            }
        }
        same(Moments::of(&D[1]).unwrap().sharpe_ratio().0, 0.362_710_808_564_220_44);
        same(Moments::of(&D[2]).unwrap().sharpe_ratio().0, -0.281_846_276_062_799_8);
    }

    #[test]
    fn random_series_equal_holdout_backtest_and_scipy() {
        for case in cases()["series"].as_array().unwrap() {
            let moments = Moments::of(&numbers(&case["returns"])).unwrap();
            same(moments.sharpe_ratio().0, case["sharpe"].as_f64().unwrap());
            assert!((moments.skewness - case["skewness"].as_f64().unwrap()).abs() < 1e-12);
            same(moments.kurtosis, case["kurtosis"].as_f64().unwrap());
        }
    }

    #[test]
    fn returns_without_variance_have_none() {
        assert_eq!(Moments::of(&[]), Err(Missing::TooFewBars));
        assert_eq!(Moments::of(&[0.1]), Err(Missing::TooFewBars));
        for constant in [0.0, 0.1, 1e-9, 1.0 / 3.0] {
            assert_eq!(Moments::of(&[constant; 1001]), Err(Missing::NoVariance), "{constant}");
        }
        assert_eq!(Moments::of(&[0.1, f64::NAN, 0.0]), Err(Missing::NotFinite));
        assert_eq!(Moments::of(&[1e300, -1e300, 0.0]), Err(Missing::NotFinite));
        // A small deviation beside a large mean is a deviation.
        assert!(Moments::of(&[0.1, 0.1, 0.100_000_000_1]).is_ok());
    }
}
