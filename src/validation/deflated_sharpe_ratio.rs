//! The deflated Sharpe ratio: the probabilistic Sharpe ratio against the expected maximum of a search, SR0 = √V·z(N).
//!
//! | form | V | N |
//! |---|---|---|
//! | across trials (published) | the sample variance of the ratios of all trials | the number of trials |
//! | null | 1 ÷ (T − 1), the variance of a ratio whose true value is 0 | the effective number of trials |
//!
//! Correlation makes V across trials small, so that the effective number in its place would correct twice. Unit: a probability; one
//! minus a p-value, not the probability of skill. Reference: Bailey and López de Prado (2014); skfolio: `deflated_sharpe_ratio`.
//! Null: as the standard error of the ratio. With one trial it is the probabilistic Sharpe ratio against 0.
//!
//! It is reported and not decided on: it compares with the mean of the maximum and then asks for 1.65 standard errors more, so that
//! it exceeds 0.95 in less than 1 % of searches in noise, and a true edge raises its own V.

use super::expected_maximum::expected_maximum;
use super::missing::{Known, Missing, finite};
use super::per_bar::PerBar;
use super::probabilistic_sharpe_ratio::probabilistic_sharpe_ratio;
use super::sharpe_estimate::SharpeEstimate;
use super::sums::{pairwise, sum};
use crate::numbers::count_to_f64;

/// A deflated Sharpe ratio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Deflated {
    /// The expected maximum of the search, SR0, per bar.
    pub benchmark: PerBar,
    /// The probabilistic Sharpe ratio against it.
    pub probability: f64,
}

/// Returns the published form for the chosen trial, from the ratios per bar of all trials, which include it.
///
/// # Errors
/// [`Missing::TooFewTrials`] without trials, [`Missing::NotFinite`], and those of [`probabilistic_sharpe_ratio`].
pub fn deflated_across_trials(chosen: &SharpeEstimate, ratios: &[f64]) -> Known<Deflated> {
    if ratios.is_empty() {
        return Err(Missing::TooFewTrials);
    }
    deflated(chosen, variance(ratios)?, count_to_f64(ratios.len()))
}

/// Returns the form whose variance is that of a ratio whose true value is 0, with the effective number of trials.
///
/// # Errors
/// Those of [`probabilistic_sharpe_ratio`].
pub fn deflated_null(chosen: &SharpeEstimate, effective_trials: f64) -> Known<Deflated> {
    deflated(chosen, 1.0 / chosen.degrees()?, effective_trials)
}

/// Returns the ratio against √variance·z(trials).
///
/// # Errors
/// [`Missing::NotFinite`], and those of [`probabilistic_sharpe_ratio`].
pub fn deflated(chosen: &SharpeEstimate, variance: f64, trials: f64) -> Known<Deflated> {
    let benchmark = PerBar(finite(variance.sqrt() * expected_maximum(trials))?);
    Ok(Deflated { benchmark, probability: probabilistic_sharpe_ratio(chosen, benchmark)? })
}

/// Returns the sample variance of ratios, with n − 1; 0 for a single one.
///
/// # Errors
/// [`Missing::NotFinite`].
pub fn variance(ratios: &[f64]) -> Known {
    if ratios.len() < 2 {
        return Ok(0.0);
    }
    let count = count_to_f64(ratios.len());
    let mean = sum(ratios) / count;
    let squares = pairwise(ratios.len(), &|index| {
        let deviation = ratios.get(index).copied().unwrap_or(mean) - mean;
        deviation * deviation
    });
    finite(squares / (count - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::per_bar::{Annual, BarsPerYear};
    use crate::validation::testing::{D, cases, numbers, same};

    #[test]
    fn it_equals_the_reference() {
        let ratios = D.map(|returns| SharpeEstimate::of(&returns).unwrap().ratio.0);
        same(variance(&ratios).unwrap(), 0.112_917_475_076_128_65);
        let chosen = SharpeEstimate::of(&D[3]).unwrap();
        let found = deflated_across_trials(&chosen, &ratios).unwrap();
        same(found.benchmark.0, 0.353_546_889_974_287_8);
        same(found.probability, 0.723_080_257_927_822_5);
    }

    #[test]
    fn the_published_example_is_reached() {
        let year = BarsPerYear::new(250.0).unwrap();
        let chosen = SharpeEstimate {
            ratio: Annual(2.5).per_bar(year),
            skewness: -3.0,
            kurtosis: 10.0,
            bars: 1250,
        };
        let found = deflated(&chosen, 0.5 / 250.0, 100.0).unwrap();
        same(found.benchmark.0, 0.113_172_001_865_132_14);
        same(found.probability, 0.900_396_834_449_390_3);
    }

    #[test]
    fn random_searches_equal_skfolio() {
        for case in cases()["searches"].as_array().unwrap() {
            let trials: Vec<SharpeEstimate> = case["returns"]
                .as_array()
                .unwrap()
                .iter()
                .map(|returns| SharpeEstimate::of(&numbers(returns)).unwrap())
                .collect();
            let ratios: Vec<f64> = trials.iter().map(|trial| trial.ratio.0).collect();
            let best = case["best"].as_u64().unwrap() as usize;
            let found = deflated_across_trials(&trials[best], &ratios).unwrap();
            same(found.probability, case["deflated"].as_f64().unwrap());
        }
    }

    #[test]
    fn one_trial_is_compared_with_nothing() {
        let chosen = SharpeEstimate::of(&D[3]).unwrap();
        let plain = probabilistic_sharpe_ratio(&chosen, PerBar(0.0)).unwrap();
        assert_eq!(deflated_across_trials(&chosen, &[chosen.ratio.0]).unwrap().probability, plain);
        assert_eq!(deflated_null(&chosen, 1.0).unwrap().probability, plain);
        assert_eq!(deflated_across_trials(&chosen, &[]), Err(Missing::TooFewTrials));
        assert_eq!(deflated_across_trials(&chosen, &[0.1, f64::NAN]), Err(Missing::NotFinite));
        let found = deflated_null(&chosen, 4.0).unwrap();
        same(found.benchmark.0, 1.052_122_824_189_300_6 / 23.0_f64.sqrt());
    }
}
