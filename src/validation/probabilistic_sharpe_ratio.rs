//! The probabilistic Sharpe ratio: Φ((SR − SR*) ÷ SE).
//!
//! It is one minus the p-value of "the true ratio is at most SR*", and not the probability that the strategy has skill. Unit: a
//! probability. SE: [`standard_error`]. Reference: Bailey and López de Prado (2012). Null: as the standard error.
//!
//! Some later work puts the variance under the null hypothesis into SE. This is the classical form, which holdout-backtest and
//! skfolio share.

use super::missing::Known;
use super::normal;
use super::per_bar::PerBar;
use super::sharpe_estimate::SharpeEstimate;
use super::standard_error::standard_error;

/// Returns one minus the p-value of "the true ratio is at most `benchmark`".
///
/// # Errors
/// Those of [`standard_error`].
pub fn probabilistic_sharpe_ratio(estimate: &SharpeEstimate, benchmark: PerBar) -> Known {
    Ok(normal::cdf((estimate.ratio.0 - benchmark.0) / standard_error(estimate)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::Missing;
    use crate::validation::testing::{D, cases, numbers, same};

    #[test]
    fn it_equals_the_reference() {
        for (trial, benchmark, expected) in [
            (0, 0.0, 0.864_884_649_386_194_7),
            (3, 0.0, 0.988_749_410_605_707_1),
            (0, 0.1, 0.749_462_247_904_045_4),
            (3, 0.1, 0.964_372_426_496_722_4),
        ] {
            let estimate = SharpeEstimate::of(&D[trial]).unwrap();
            same(probabilistic_sharpe_ratio(&estimate, PerBar(benchmark)).unwrap(), expected);
        }
    }

    #[test]
    fn random_series_equal_holdout_backtest_and_skfolio() {
        for case in cases()["series"].as_array().unwrap() {
            let estimate = SharpeEstimate::of(&numbers(&case["returns"])).unwrap();
            for (benchmark, by) in [(0.0, "psr0"), (0.05, "psr05")] {
                let found = probabilistic_sharpe_ratio(&estimate, PerBar(benchmark)).unwrap();
                for value in numbers(&case[by]) {
                    assert!((found - value).abs() < 1e-12, "{found} {value}");
                }
            }
        }
    }

    #[test]
    fn it_has_no_value_without_an_error() {
        let estimate = SharpeEstimate { bars: 1, ..SharpeEstimate::of(&D[0]).unwrap() };
        assert_eq!(probabilistic_sharpe_ratio(&estimate, PerBar(0.0)), Err(Missing::TooFewBars));
    }
}
