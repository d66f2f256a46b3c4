//! The headline: the Sharpe ratio to expect of the best of a search.
//!
//! Before the search, half of the belief is that nothing in it is real; the other half is spread evenly over its effective trials. A
//! real trial has a true Sharpe ratio that is normal with the standard deviation σ₁ a year. With s² = 1 ÷ (T − 1), g² = σ₁² ÷ Y:
//!
//! ```text
//! BF       = √(s² ÷ (s² + g²)) · exp(½·SR²·(1 ÷ s² − 1 ÷ (s² + g²)))
//! real     = BF ÷ (BF + N_eff)
//! headline = real · g² ÷ (g² + s²) · SR · √Y, and 0 for SR ≤ 0
//! band     = quantiles 0.05 and 0.95 of (1 − real)·δ₀ + real·N(g² ÷ (g² + s²)·SR·√Y, Y ÷ (1 ÷ s² + 1 ÷ g²))
//! ```
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

/// Returns what to expect of the chosen trial of a search, from its judged returns.
///
/// # Errors
/// [`Missing::TooFewBars`] below two bars, [`Missing::OutOfRange`] for fewer than one effective trial or a spread that is not above
/// 0, [`Missing::NotFinite`].
pub fn headline(
    ratio: PerBar,
    bars: usize,
    bars_per_year: BarsPerYear,
    effective_trials: f64,
    spread: Annual,
) -> Known<Headline> {
    if bars < 2 {
        return Err(Missing::TooFewBars);
    }
    if effective_trials.is_nan() || effective_trials < 1.0 || spread.0.is_nan() || spread.0 <= 0.0 {
        return Err(Missing::OutOfRange);
    }
    let (ratio, year) = (finite(ratio.0)?, bars_per_year.get());
    let noise = 1.0 / count_to_f64(bars - 1);
    let slab = finite(spread.0 * spread.0 / year)?;
    let log_bayes_factor = 0.5 * libm::log(noise / (noise + slab))
        + 0.5 * ratio * ratio * (1.0 / noise - 1.0 / (noise + slab));
    // BF ÷ (BF + N) as 1 ÷ (1 + N ÷ BF), which does not overflow.
    let odds = libm::exp(libm::log(effective_trials) - log_bayes_factor);
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
    use crate::validation::testing::same;

    fn of(ratio: f64, bars: usize, trials: f64) -> Headline {
        let year = BarsPerYear::new(252.0).unwrap();
        headline(PerBar(ratio), bars, year, trials, DEFAULT_SPREAD).unwrap()
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
        let year = BarsPerYear::new(252.0).unwrap();
        let missing = |bars, trials, spread| {
            headline(PerBar(0.1), bars, year, trials, Annual(spread)).unwrap_err()
        };
        assert_eq!(missing(1, 1.0, 1.0), Missing::TooFewBars);
        assert_eq!(missing(100, 0.9, 1.0), Missing::OutOfRange);
        assert_eq!(missing(100, 1.0, 0.0), Missing::OutOfRange);
        assert_eq!(missing(100, f64::NAN, 1.0), Missing::OutOfRange);
        let found = headline(PerBar(f64::NAN), 100, year, 1.0, Annual(1.0));
        assert_eq!(found, Err(Missing::NotFinite));
    }
}
