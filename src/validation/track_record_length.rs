//! The minimum track record length: 1 + (1 − g3·SR + (g4 − 1) ÷ 4 · SR²) · (Φ⁻¹(1 − α) ÷ (SR − SR*))².
//!
//! The number of bars at which the probabilistic Sharpe ratio reaches 1 − α if the ratio and the shape of the returns stay as they
//! are. Unit: bars, not rounded; divided by the bars per year, years. Reference: Bailey and López de Prado (2012). Null: if the
//! ratio is at most SR*, if the variance cannot be estimated, and for α outside 0 to ½.

use super::missing::{Known, Missing, finite};
use super::normal;
use super::per_bar::PerBar;
use super::sharpe_estimate::SharpeEstimate;

/// Returns the number of bars that are needed to believe at level `alpha` that the true ratio is above `benchmark`.
///
/// # Errors
/// [`Missing::NotAboveTarget`], [`Missing::NoError`], [`Missing::OutOfRange`] unless 0 < alpha < ½, [`Missing::NotFinite`].
pub fn minimum_track_record_length(
    estimate: &SharpeEstimate,
    benchmark: PerBar,
    alpha: f64,
) -> Known {
    if alpha.is_nan() || alpha >= 0.5 {
        return Err(Missing::OutOfRange);
    }
    let critical = normal::upper_quantile(alpha)?;
    let above = estimate.ratio.0 - benchmark.0;
    if above.is_nan() || above <= 0.0 {
        return Err(Missing::NotAboveTarget);
    }
    let ratio = critical / above;
    finite(1.0 + estimate.unit_variance()? * ratio * ratio)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::testing::{D, cases, numbers, same, within};

    #[test]
    fn it_equals_the_reference() {
        for (trial, expected) in [(0, 52.191_798_798_229_67), (3, 12.951_636_568_636_408)] {
            let estimate = SharpeEstimate::of(&D[trial]).unwrap();
            same(minimum_track_record_length(&estimate, PerBar(0.0), 0.05).unwrap(), expected);
        }
        // sharpebench 0.28.0 uses a quantile of fewer digits.
        let estimate = SharpeEstimate::of(&D[3]).unwrap();
        let found = minimum_track_record_length(&estimate, PerBar(0.0), 0.05).unwrap();
        within(found, 12.951_636_542, 1e-8);
    }

    #[test]
    fn random_series_equal_holdout_backtest() {
        let mut without = 0;
        for case in cases()["series"].as_array().unwrap() {
            let estimate = SharpeEstimate::of(&numbers(&case["returns"])).unwrap();
            let found = minimum_track_record_length(&estimate, PerBar(0.0), 0.05);
            if let Some(expected) = case["minTrl"].as_f64() {
                same(found.unwrap(), expected);
            } else {
                assert_eq!(found, Err(Missing::NotAboveTarget));
                without += 1;
            }
        }
        assert!(without > 0);
    }

    #[test]
    fn it_needs_a_ratio_above_the_benchmark_and_a_level() {
        let estimate = SharpeEstimate::of(&D[3]).unwrap();
        let missing = |benchmark, alpha| {
            minimum_track_record_length(&estimate, PerBar(benchmark), alpha).unwrap_err()
        };
        assert_eq!(missing(0.5, 0.05), Missing::NotAboveTarget);
        assert_eq!(missing(estimate.ratio.0, 0.05), Missing::NotAboveTarget);
        assert_eq!(missing(0.0, 0.5), Missing::OutOfRange);
        assert_eq!(missing(0.0, 0.0), Missing::OutOfRange);
        assert_eq!(missing(0.0, f64::NAN), Missing::OutOfRange);
    }
}
