//! Lo's factor from a Sharpe ratio per bar to one per year: `η(q) = q ÷ √(q + 2 Σ (q − k)·ρ_k)`, k = 1 … q − 1.
//!
//! q: the bars per year, rounded. `ρ_k`: `Σ (r_t − mean)(r_{t+k} − mean) ÷ Σ (r_t − mean)²`, for lags up to ⌊4·(T ÷ 100)^(2/9)⌋; 0
//! beyond. Unit: a factor; √q without autocorrelation. Reference: Lo (2002); holdout-backtest: `serial_correlation_factor`. Null:
//! if the radicand is not positive, and if no return differs from another.

use super::missing::{Known, Missing, finite};
use super::moments::Moments;
use super::per_bar::BarsPerYear;
use super::sums::pairwise;
use crate::numbers::count_to_f64;

/// Returns the autocorrelations of the lags from 1 to `lags`.
///
/// # Errors
/// Those of [`Moments::of`].
pub fn autocorrelations(returns: &[f64], lags: usize) -> Known<Vec<f64>> {
    let moments = Moments::of(returns)?;
    let at = |bar: usize| returns.get(bar).copied().unwrap_or(moments.mean) - moments.mean;
    let squares = pairwise(returns.len(), &|bar| at(bar) * at(bar));
    let lags = 1..=lags.min(returns.len() - 1);
    Ok(lags
        .map(|lag| pairwise(returns.len() - lag, &|bar| at(bar) * at(bar + lag)) / squares)
        .collect())
}

/// Returns the number of lags that a series of this length can estimate: ⌊4·(T ÷ 100)^(2/9)⌋, at most `bars per year` − 1.
#[must_use]
pub fn lags(bars: usize, bars_per_year: BarsPerYear) -> usize {
    let lags = 4.0 * libm::pow(count_to_f64(bars) / 100.0, 2.0 / 9.0);
    let most = (bars_per_year.get().round() - 1.0).max(0.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast of floats saturates"
    )]
    let lags = lags.min(most) as usize;
    lags
}

/// Returns the factor from a ratio per bar to one per year of `bars_per_year` bars.
///
/// # Errors
/// [`Missing::NoError`] if the radicand is not positive.
pub fn annual_factor(bars_per_year: BarsPerYear, autocorrelations: &[f64]) -> Known {
    let bars = bars_per_year.get().round().max(1.0);
    let terms = autocorrelations.iter().zip(1_u32..);
    let sum: f64 =
        terms.map(|(correlation, lag)| (bars - f64::from(lag)).max(0.0) * correlation).sum();
    let radicand = finite(bars + 2.0 * sum)?;
    if radicand <= 0.0 {
        return Err(Missing::NoError);
    }
    finite(bars / radicand.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::testing::{D, cases, numbers, same};

    fn year(bars: f64) -> BarsPerYear {
        BarsPerYear::new(bars).unwrap()
    }

    #[test]
    fn they_equal_the_reference() {
        let found = autocorrelations(&D[3], 3).unwrap();
        for (found, expected) in found.into_iter().zip([
            -0.468_110_844_217_584_86,
            0.319_195_215_933_543_5,
            -0.198_870_289_746_284_35,
        ]) {
            same(found, expected);
        }
        same(annual_factor(year(12.0), &[0.2, 0.1]).unwrap(), 2.797_514_424_720_941);
    }

    #[test]
    fn random_series_equal_holdout_backtest() {
        let mut without = 0;
        for case in cases()["series"].as_array().unwrap() {
            let expected = numbers(&case["autocorrelations"]);
            let found = autocorrelations(&numbers(&case["returns"]), expected.len()).unwrap();
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-13);
            }
            let found = annual_factor(year(252.0), &found);
            if let Some(expected) = case["annualFactor"].as_f64() {
                same(found.unwrap(), expected);
            } else {
                assert_eq!(found, Err(Missing::NoError));
                without += 1;
            }
        }
        assert!(without > 0);
    }

    #[test]
    fn there_are_few_lags_and_none_without_variance() {
        assert_eq!(lags(100, year(252.0)), 4);
        assert_eq!(lags(10_000, year(252.0)), 11);
        assert_eq!(lags(10_000, year(4.0)), 3);
        assert_eq!(lags(0, year(0.2)), 0);
        assert_eq!(autocorrelations(&[0.0; 9], 2), Err(Missing::NoVariance));
        assert_eq!(autocorrelations(&D[0], 100).unwrap().len(), 23);
    }

    #[test]
    fn without_autocorrelation_it_is_the_root_and_beyond_minus_a_half_there_is_none() {
        assert_eq!(annual_factor(year(256.0), &[]), Ok(16.0));
        assert_eq!(annual_factor(year(256.0), &[-0.9]), Err(Missing::NoError));
        assert_eq!(annual_factor(year(256.0), &[f64::NAN]), Err(Missing::NotFinite));
    }
}
