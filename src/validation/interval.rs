//! The confidence interval of a Sharpe ratio: SR ± Φ⁻¹((1 + level) ÷ 2) · SE.
//!
//! Unit: per bar. SE: [`standard_error`]. Reference: Mertens (2002). Null: as the standard error, and for a level outside 0 to 1.

use super::missing::Known;
use super::normal;
use super::per_bar::PerBar;
use super::sharpe_estimate::SharpeEstimate;
use super::standard_error::standard_error;

/// Returns both ends of the interval that holds the true ratio in the share `level` of all samples, per bar.
///
/// # Errors
/// Those of [`standard_error`]; [`super::Missing::OutOfRange`] unless 0 < level < 1.
pub fn confidence_interval(estimate: &SharpeEstimate, level: f64) -> Known<[PerBar; 2]> {
    let half = normal::upper_quantile((1.0 - level) / 2.0)? * standard_error(estimate)?;
    let ratio = estimate.ratio.0;
    Ok([PerBar(ratio - half), PerBar(ratio + half)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::Missing;
    use crate::validation::testing::{D, same};

    #[test]
    fn it_equals_the_reference() {
        for (trial, expected) in [
            (0, [-0.199_526_834_062_838_5, 0.712_650_823_906_660_2]),
            (3, [0.067_336_432_307_637_14, 0.887_488_125_632_709_8]),
        ] {
            let estimate = SharpeEstimate::of(&D[trial]).unwrap();
            let [low, high] = confidence_interval(&estimate, 0.95).unwrap();
            same(low.0, expected[0]);
            same(high.0, expected[1]);
        }
    }

    #[test]
    fn levels_outside_have_none() {
        let estimate = SharpeEstimate::of(&D[0]).unwrap();
        for level in [1.0, 2.0, -1.0, f64::NAN] {
            assert_eq!(confidence_interval(&estimate, level), Err(Missing::OutOfRange), "{level}");
        }
    }
}
