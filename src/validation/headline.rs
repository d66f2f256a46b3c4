//! The headline: the Sharpe ratio to expect of the best of a search.
//!
//! Before the search, half of the belief is that nothing in it is real; the other half is spread evenly over its effective trials. A
//! real trial has a true Sharpe ratio that is normal with the standard deviation σ₁ a year. With s² = 1 ÷ (T − 1), g² = σ₁² ÷ Y:
//!
//! ```text
//! BF       = √(s² ÷ (s² + g²)) · exp(½·SR²·(1 ÷ s² − 1 ÷ (s² + g²)))
//! real     = BF ÷ (BF + N_eff + (N_eff − 1)·min(B, 1))
//! headline = real · g² ÷ (g² + s²) · SR · √Y, and 0 for SR ≤ 0
//! band     = quantiles 0.05 and 0.95 of (1 − real)·δ₀ + real·N(g² ÷ (g² + s²)·SR·√Y, Y ÷ (1 ÷ s² + 1 ÷ g²))
//! ```
//!
//! B: the mean Bayes factor of the other trials of the search. By Bayes' theorem, real = BF ÷ (N + Σ BF of all): what the others show
//! speaks for them and so against the chosen one. Without it, a `real` of 0.31 is right in 20 % of searches, which a test shows. More
//! than 1, what is expected of them if nothing is in them, is not counted: where many trials are real, it is no evidence against one.
//!
//! δ₀: all probability at 0. Unit: Sharpe ratios a year. Reference: a spike-and-slab prior (Mitchell and Beauchamp 1988). Null: for
//! fewer than two bars, and for arguments outside their range. The headline is a mean and need not lie within the band: with a small
//! `real` both ends of the band are 0.

use super::missing::{Known, Missing, finite};
use super::normal;
use super::per_bar::{Annual, BarsPerYear, PerBar};
use crate::numbers::count_to_f64;

/// The standard deviation of the true annual Sharpe ratio of a real trial, unless another is wanted.
pub const DEFAULT_SPREAD: Annual = Annual(1.0);

/// The mean Bayes factor of the other trials if it is not known: the expectation of one in which nothing is real.
pub const UNKNOWN_OTHERS: f64 = 1.0;

/// The Sharpe ratio to expect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Headline {
    /// The logarithm of the Bayes factor of "real" against "nothing is real", for one trial.
    pub log_bayes_factor: f64,
    /// The chance that the chosen trial is real, under this prior.
    pub real: f64,
    /// The expected true ratio.
    pub expected: Annual,
    /// The 0.05 and the 0.95 quantile of the true ratio.
    pub band: [Annual; 2],
}

/// The other trials that the chosen one was found among.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Company {
    /// The effective number of trials of the search.
    pub effective_trials: f64,
    /// The mean Bayes factor of those that were not chosen; [`UNKNOWN_OTHERS`] if it is not known.
    pub others: f64,
}

/// What a Bayes factor depends on beside the ratio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prior {
    /// The variance of the estimate of a ratio per bar, s².
    noise: f64,
    /// The variance of the true ratio per bar of a real trial, g².
    slab: f64,
}

impl Prior {
    /// Creates the prior for a number of bars, with the standard deviation of the true annual ratio of a real trial.
    ///
    /// # Errors
    /// [`Missing::TooFewBars`] below two bars, [`Missing::OutOfRange`] for a spread that is not above 0.
    pub fn new(bars: usize, bars_per_year: BarsPerYear, spread: Annual) -> Known<Self> {
        if bars < 2 {
            return Err(Missing::TooFewBars);
        }
        let slab = spread.0 * spread.0 / bars_per_year.get();
        if spread.0.is_nan() || spread.0 <= 0.0 || !slab.is_finite() {
            return Err(Missing::OutOfRange);
        }
        Ok(Self { noise: 1.0 / count_to_f64(bars - 1), slab })
    }

    /// Returns the logarithm of the Bayes factor of "real" for a trial with this ratio.
    #[must_use]
    pub fn log_bayes_factor(&self, ratio: PerBar) -> f64 {
        let Self { noise, slab } = *self;
        0.5 * libm::log(noise / (noise + slab))
            + 0.5 * ratio.0 * ratio.0 * (1.0 / noise - 1.0 / (noise + slab))
    }
}

/// Returns what to expect of the chosen trial of a search, from its judged returns.
///
/// # Errors
/// [`Missing::OutOfRange`] for fewer than one effective trial or a negative Bayes factor, [`Missing::NotFinite`].
pub fn headline(
    ratio: PerBar,
    prior: &Prior,
    bars_per_year: BarsPerYear,
    company: Company,
) -> Known<Headline> {
    let Company { effective_trials, others } = company;
    if effective_trials.is_nan() || effective_trials < 1.0 || others.is_nan() || others < 0.0 {
        return Err(Missing::OutOfRange);
    }
    let (ratio, year) = (finite(ratio.0)?, bars_per_year.get());
    let Prior { noise, slab } = *prior;
    let log_bayes_factor = prior.log_bayes_factor(PerBar(ratio));
    // BF ÷ (BF + N) as 1 ÷ (1 + N ÷ BF), which does not overflow.
    let against = effective_trials + (effective_trials - 1.0) * others.min(1.0);
    let odds = libm::exp(libm::log(against) - log_bayes_factor);
    let real = 1.0 / (1.0 + odds);
    let mean = slab / (slab + noise) * ratio * year.sqrt();
    let deviation = (year / (1.0 / noise + 1.0 / slab)).sqrt();
    let expected = if ratio > 0.0 { real * mean } else { 0.0 };
    let mixture = Mixture { real, mean, deviation };
    Ok(Headline {
        log_bayes_factor: finite(log_bayes_factor)?,
        real,
        expected: Annual(finite(expected)?),
        band: [Annual(finite(mixture.quantile(0.05))?), Annual(finite(mixture.quantile(0.95))?)],
    })
}

/// 0 with probability 1 − real, else a normal number.
struct Mixture {
    real: f64,
    mean: f64,
    deviation: f64,
}

impl Mixture {
    fn quantile(&self, p: f64) -> f64 {
        let below = self.real * normal::cdf(-self.mean / self.deviation);
        let of_slab = if p < below {
            p / self.real
        } else if p <= below + (1.0 - self.real) {
            return 0.0;
        } else {
            1.0 - (1.0 - p) / self.real
        };
        normal::quantile(of_slab).map_or(0.0, |x| self.mean + self.deviation * x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix64;
    use crate::validation::testing::same;

    fn year() -> BarsPerYear {
        BarsPerYear::new(252.0).unwrap()
    }

    fn among(ratio: f64, bars: usize, effective_trials: f64, others: f64) -> Headline {
        let prior = Prior::new(bars, year(), DEFAULT_SPREAD).unwrap();
        headline(PerBar(ratio), &prior, year(), Company { effective_trials, others }).unwrap()
    }

    /// Returns the headline among trials that show nothing at all.
    fn of(ratio: f64, bars: usize, trials: f64) -> Headline {
        among(ratio, bars, trials, 0.0)
    }

    #[test]
    fn the_chance_that_a_trial_is_real_is_right_as_often_as_it_says() {
        const TRIALS: usize = 20;
        let (bars, searches) = (1_260, 20_000);
        let prior = Prior::new(bars, year(), DEFAULT_SPREAD).unwrap();
        let mut random = SplitMix64::new(77);
        let mut normal = || normal::quantile(random.unit().max(1e-17)).unwrap();
        let (mut real, mut said, mut alone) = (0.0, 0.0, 0.0);
        for search in 0..searches {
            let mut ratios: Vec<f64> = (0..TRIALS).map(|_| normal() / 1259.0_f64.sqrt()).collect();
            // In half of the searches the first trial is real.
            if search % 2 == 0 {
                ratios[0] += normal() / 252.0_f64.sqrt();
            }
            let best = (0..TRIALS).max_by(|a, b| ratios[*a].total_cmp(&ratios[*b])).unwrap();
            let factors: Vec<f64> =
                ratios.iter().map(|ratio| prior.log_bayes_factor(PerBar(*ratio)).exp()).collect();
            let others = (factors.iter().sum::<f64>() - factors[best]) / (TRIALS - 1) as f64;
            real += f64::from(u8::from(search % 2 == 0 && best == 0));
            said += among(ratios[best], bars, TRIALS as f64, others).real;
            alone += of(ratios[best], bars, TRIALS as f64).real;
        }
        // Four standard errors of the count.
        let error = 4.0 * real.sqrt();
        assert!((said - real).abs() < error, "{said} of {real}");
        assert!(alone - real > 3.0 * error, "{alone} of {real}");
    }

    #[test]
    fn many_good_trials_are_no_evidence_against_one() {
        let found = among(0.2, 1260, 20.0, 1e6);
        assert_eq!(found, among(0.2, 1260, 20.0, UNKNOWN_OTHERS));
        assert!(found.real > 0.99);
        // A single trial has no others.
        assert_eq!(among(0.08, 1260, 1.0, 1.0), of(0.08, 1260, 1.0));
    }

    #[test]
    fn it_equals_the_reference() {
        let found = of(0.08, 1260, 1.0);
        same(found.log_bayes_factor.exp(), 11.720_506_621_863_796);
        same(found.real, 0.921_386_778_866_085_7);
        same(found.expected.0, 0.974_975_043_885_681_2);
        let found = of(0.08, 1260, 20.0);
        same(found.real, 0.369_493_046_299_117_9);
        same(found.expected.0, 0.390_982_926_273_673_7);
        let found = of(0.08, 1260, 1000.0);
        same(found.real, 0.011_584_727_743_632_067);
        same(found.expected.0, 0.012_258_500_663_696_773);
        let found = of(0.12, 1260, 1000.0);
        same(found.log_bayes_factor.exp(), 778.563_998_217_058_3);
        same(found.real, 0.437_748_655_093_400_44);
        same(found.expected.0, 0.694_812_467_467_502_5);
    }

    #[test]
    fn the_band_has_the_probability_of_its_ends() {
        for (ratio, trials) in [(0.08, 1.0), (0.08, 20.0), (0.12, 1000.0), (0.2, 5.0), (-0.05, 3.0)]
        {
            let found = of(ratio, 1260, trials);
            let noise = 1.0 / 1259.0;
            let slab: f64 = 1.0 / 252.0;
            let mean = slab / (slab + noise) * ratio * 252.0_f64.sqrt();
            let deviation = (252.0 / (1.0 / noise + 1.0 / slab)).sqrt();
            let up_to = |x: f64, with: bool| {
                let spike = if x > 0.0 || with && x == 0.0 { 1.0 - found.real } else { 0.0 };
                spike + found.real * normal::cdf((x - mean) / deviation)
            };
            for (end, p) in found.band.into_iter().zip([0.05, 0.95]) {
                // At 0 the distribution jumps.
                assert!(up_to(end.0, true) >= p - 1e-12, "{ratio} {trials} {end:?}");
                assert!(up_to(end.0, false) <= p + 1e-12, "{ratio} {trials} {end:?}");
            }
        }
        assert_eq!(of(0.08, 1260, 1000.0).band, [Annual(0.0); 2]);
    }

    #[test]
    fn losses_have_no_headline_and_great_ratios_do_not_overflow() {
        assert_eq!(of(-0.1, 1260, 1.0).expected, Annual(0.0));
        let found = of(2.0, 100_000, 1e9);
        assert_eq!(found.real, 1.0);
        assert!(found.expected.0 > 31.0 && found.band[0].0 > 31.0);
    }

    #[test]
    fn arguments_outside_have_none() {
        let company = Company { effective_trials: 1.0, others: 0.0 };
        let prior = |bars, spread| Prior::new(bars, year(), Annual(spread));
        assert_eq!(prior(1, 1.0), Err(Missing::TooFewBars));
        for spread in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(prior(100, spread), Err(Missing::OutOfRange));
        }
        let hundred = prior(100, 1.0).unwrap();
        let missing =
            |ratio: f64, company| headline(PerBar(ratio), &hundred, year(), company).unwrap_err();
        for trials in [0.9, f64::NAN] {
            let company = Company { effective_trials: trials, ..company };
            assert_eq!(missing(0.1, company), Missing::OutOfRange);
        }
        assert_eq!(missing(0.1, Company { others: -0.1, ..company }), Missing::OutOfRange);
        assert_eq!(missing(f64::NAN, company), Missing::NotFinite);
    }
}
