//! The mean length of blocks by Politis and White, with the correction of Patton, Politis and White.
//!
//! ε: the series less its mean; k = max(5, ⌊log₁₀ n⌋), M = ⌈√n⌉ + k, band = 2√(log₁₀ n ÷ n), `γ_i = Σ ε_t·ε_{t+i} ÷ n`.
//! m̂: the first lag such that the k autocorrelations from it on are inside the band; m = 2·max(m̂, 1), at most M; M if there
//! is none. λ(x) = 1 up to ½, then 2(1 − x). With the sums over k = 1 … m
//!
//! ```text
//! g = Σ 2λ(k ÷ m)·k·γ_k                            s = γ_0 + Σ 2λ(k ÷ m)·γ_k
//! stationary = (2g² ÷ 2s²)^(1/3) · n^(1/3)      circular = (2g² ÷ (4/3)s²)^(1/3) · n^(1/3)
//! ```
//!
//! from 1 to ⌈min(3√n, n ÷ 3)⌉. Unit: bars. Reference: Politis and White (2004), Patton, Politis and White (2009); arch:
//! `optimal_block_length`, which can be below 1. Null: for fewer than 16 bars, and if no value differs from another.

use crate::numbers::count_to_f64;
use crate::validation::missing::{Known, Missing, finite};
use crate::validation::moments::Moments;
use crate::validation::sums::pairwise;

/// The fewest bars that blocks are estimated from.
const LEAST_BARS: usize = 16;

/// Mean lengths of blocks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BlockLength {
    /// For the stationary bootstrap.
    pub stationary: f64,
    /// For the circular bootstrap.
    pub circular: f64,
}

impl BlockLength {
    /// Estimates the length from a series.
    ///
    /// # Errors
    /// [`Missing::TooFewBars`] below 16 bars, [`Missing::NoVariance`], [`Missing::NotFinite`].
    pub fn of(series: &[f64]) -> Known<Self> {
        let bars = series.len();
        if bars < LEAST_BARS {
            return Err(Missing::TooFewBars);
        }
        let mean = Moments::of(series)?.mean;
        let count = count_to_f64(bars);
        let at = |bar: usize| series.get(bar).copied().unwrap_or(mean) - mean;
        let cross = |lag: usize| pairwise(bars - lag, &|bar| at(bar + lag) * at(bar));
        let window = whole(libm::log10(count)).max(5);
        let most = (whole(count.sqrt().ceil()) + window).min(bars - 1);
        let bandwidth = bandwidth(series, mean, window, most);
        let covariances: Vec<f64> = (0..=bandwidth).map(|lag| cross(lag) / count).collect();
        let covariance = |lag: usize| covariances.get(lag).copied().unwrap_or(0.0);
        let (mut slope, mut level) = (0.0, covariance(0));
        for lag in 1..=bandwidth {
            let x = count_to_f64(lag) / count_to_f64(bandwidth);
            let weight = if x <= 0.5 { 1.0 } else { 2.0 * (1.0 - x) };
            slope += 2.0 * weight * count_to_f64(lag) * covariance(lag);
            level += 2.0 * weight * covariance(lag);
        }
        let longest = (3.0 * count.sqrt()).min(count / 3.0).ceil();
        let length = |constant: f64| -> Known {
            let ratio = 2.0 * slope * slope / (constant * level * level);
            // Beyond the bound also if the level is 0.
            let length =
                if ratio.is_finite() { libm::cbrt(ratio) * libm::cbrt(count) } else { longest };
            finite(length.clamp(1.0, longest))
        };
        Ok(Self { stationary: length(2.0)?, circular: length(4.0 / 3.0)? })
    }
}

/// Returns m.
fn bandwidth(series: &[f64], mean: f64, window: usize, most: usize) -> usize {
    let (bars, count) = (series.len(), count_to_f64(series.len()));
    let at = |bar: usize| series.get(bar).copied().unwrap_or(mean) - mean;
    let squares = |from: usize, until: usize| {
        pairwise(until.saturating_sub(from), &|bar| at(from + bar) * at(from + bar))
    };
    let band = 2.0 * (libm::log10(count) / count).sqrt();
    // How many autocorrelations before this lag are inside, one after the other.
    let mut inside = 0;
    for lag in 0..most {
        let product = pairwise(bars - lag, &|bar| at(bar + lag) * at(bar));
        let scale = (squares(lag + 1, bars) * squares(0, bars - lag - 1)).sqrt();
        inside = if product.abs() / scale < band { inside + 1 } else { 0 };
        if inside == window {
            let first = lag + 1 - window;
            return (2 * first.max(1)).min(most);
        }
    }
    most
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small positive number"
)]
fn whole(value: f64) -> usize {
    value.max(0.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::testing::{cases, numbers, within};

    #[test]
    fn it_equals_the_reference() {
        let mut series = vec![0.0_f64];
        for bar in 1..300 {
            let noise = (2.3 * f64::from(bar * bar)).cos();
            series.push(0.6 * series[series.len() - 1] + noise);
        }
        within(series[299], -0.265_284_659_434_325_17, 1e-12);
        let found = BlockLength::of(&series).unwrap();
        within(found.stationary, 9.426_947_576_450_114, 1e-12);
        within(found.circular, 10.791_161_154_566_06, 1e-12);
    }

    #[test]
    fn random_series_equal_arch() {
        let mut shorter = 0;
        for case in cases()["series"].as_array().unwrap() {
            let found = BlockLength::of(&numbers(&case["returns"])).unwrap();
            let expected = numbers(&case["blockLength"]);
            within(found.stationary, expected[0].max(1.0), 1e-10);
            within(found.circular, expected[1].max(1.0), 1e-10);
            shorter += u32::from(expected[0] < 1.0);
        }
        assert!(shorter > 0);
    }

    #[test]
    fn short_and_constant_series_have_none() {
        assert_eq!(BlockLength::of(&[1.0, 2.0]), Err(Missing::TooFewBars));
        assert_eq!(BlockLength::of(&[0.5; 30]), Err(Missing::NoVariance));
    }
}
