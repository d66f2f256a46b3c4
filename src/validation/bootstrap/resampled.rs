//! The means of strategies in the draws of a bootstrap, and the variance that draws give them.
//!
//! ```text
//! ω²  = γ_0 + 2 Σ_{i=1}^{n−1} κ_i·γ_i
//! κ_i = (1 − i ÷ n)·q^i + (i ÷ n)·q^(n−i)                       q = 1 − 1 ÷ L
//! ```
//!
//! γ: autocovariances with divisor n. It is the variance of √n·mean under the stationary bootstrap, exactly. Unit: squared fractions per
//! bar. Reference: Politis and Romano (1994); Hansen (2005); arch: `SPA._compute_variance`. Null: for fewer than three bars, and for a
//! strategy of which no return differs from another.
//!
//! With the circular autocovariances `γ_i + γ_{n−i}`, the sum is `Σ (1 − i ÷ n)·q^i·(γ_i + γ_{n−i})`, whose terms vanish with `q^i`.
//!
//! A mean of a draw is a sum of differences of prefix sums, one for each block.

use std::ops::Range;

use super::stationary::{Block, Stationary};
use crate::compute::parallel::{Executor, map_parts};
use crate::compute::reserve;
use crate::error::{Error, Result};
use crate::numbers::count_to_f64;
use crate::observer::ProgressObserver;
use crate::validation::missing::{Known, Missing};
use crate::validation::moments::Moments;
use crate::validation::sums::pairwise;

/// Draws of one part, which one thread computes.
const PART: usize = 32;

/// Weights of autocovariances below this do not change a sum.
const NEGLIGIBLE: f64 = 1e-18;

/// A strategy in the bootstrap.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampled {
    /// The mean of its judged returns.
    pub mean: f64,
    /// The variance of √n·mean, ω².
    pub variance: f64,
}

impl Sampled {
    /// Returns √n·mean ÷ ω.
    #[must_use]
    pub fn t(&self, bars: usize) -> f64 {
        count_to_f64(bars).sqrt() * self.mean / self.variance.sqrt()
    }
}

/// The means of strategies in all draws.
#[derive(Debug, Clone, PartialEq)]
pub struct Resampled {
    /// The number of bars, n.
    pub bars: usize,
    /// The strategies, in the order of the input; those that cannot be tested say why.
    pub strategies: Vec<Known<Sampled>>,
    /// The means of all strategies in each draw, draw by draw.
    means: Vec<f64>,
}

impl Resampled {
    /// Draws the judged returns of strategies, which have the same bars. `length`: the mean length of blocks.
    ///
    /// # Errors
    /// Cancelled by the observer, `LIMIT_EXCEEDED` if the memory cannot be allocated. The inner error: [`Missing::TooFewBars`] below
    /// three bars, [`Missing::TooFewTrials`] without strategies or draws, [`Missing::OutOfRange`] if strategies differ in bars or the
    /// length is below 1.
    pub fn of(
        strategies: &[&[f64]],
        length: f64,
        draws: usize,
        seed: u64,
        executor: &dyn Executor,
        observer: &dyn ProgressObserver,
    ) -> Result<Known<Self>> {
        let bars = strategies.first().map_or(0, |returns| returns.len());
        let bootstrap =
            match check(strategies, draws).and_then(|()| Stationary::new(bars, length, seed)) {
                Ok(bootstrap) => bootstrap,
                Err(missing) => return Ok(Err(missing)),
            };
        let blocks = |draw: usize, blocks: &mut Vec<Block>| {
            bootstrap.draw(u64::try_from(draw).unwrap_or(u64::MAX), blocks);
        };
        Self::of_draws(strategies, length, draws, &blocks, executor, observer).map(Ok)
    }

    /// Does the same with given draws.
    pub(super) fn of_draws(
        strategies: &[&[f64]],
        length: f64,
        draws: usize,
        blocks: &(dyn Fn(usize, &mut Vec<Block>) + Sync),
        executor: &dyn Executor,
        observer: &dyn ProgressObserver,
    ) -> Result<Self> {
        let bars = strategies.first().map_or(0, |returns| returns.len());
        let sampled = map_parts(executor, strategies.len(), |strategy| {
            if observer.is_cancelled() {
                return Err(Error::cancelled());
            }
            Ok(sampled(strategies.get(strategy).copied().unwrap_or(&[]), length))
        });
        let prefixes = Prefixes::of(strategies)?;
        let parts = map_parts(executor, draws.div_ceil(PART), |part| {
            let range = part * PART..draws.min((part + 1) * PART);
            if observer.is_cancelled() {
                Err(Error::cancelled())
            } else {
                prefixes.means(range, blocks)
            }
        });
        let mut means = reserve::with_capacity(draws.saturating_mul(strategies.len()), "means")?;
        for part in parts {
            means.extend(part?);
        }
        let strategies = sampled.into_iter().collect::<Result<_>>()?;
        Ok(Self { bars, strategies, means })
    }

    /// Returns the means of all strategies in each draw.
    pub(super) fn draws(&self) -> impl Iterator<Item = &[f64]> {
        self.means.chunks(self.strategies.len().max(1))
    }

    /// Returns the strategies that can be tested, by their number.
    pub(super) fn tested(&self) -> Known<Vec<(usize, Sampled)>> {
        let tested: Vec<(usize, Sampled)> = (0..)
            .zip(&self.strategies)
            .filter_map(|(number, sampled)| sampled.ok().map(|sampled| (number, sampled)))
            .collect();
        if tested.is_empty() { Err(Missing::NoVariance) } else { Ok(tested) }
    }
}

fn check(strategies: &[&[f64]], draws: usize) -> Known<()> {
    let bars = strategies.first().ok_or(Missing::TooFewTrials)?.len();
    if draws == 0 {
        return Err(Missing::TooFewTrials);
    }
    if strategies.iter().any(|returns| returns.len() != bars) {
        return Err(Missing::OutOfRange);
    }
    // ln ln n, which the test uses, is above 0 from three bars on.
    if bars < 3 { Err(Missing::TooFewBars) } else { Ok(()) }
}

fn sampled(returns: &[f64], length: f64) -> Known<Sampled> {
    let moments = Moments::of(returns)?;
    let (bars, mean) = (returns.len(), moments.mean);
    let deviations: Vec<f64> = returns.iter().map(|value| value - mean).collect();
    let covariance = |lag: usize| {
        let (front, back) = deviations.split_at(bars - lag);
        let straight = pairwise(bars - lag, &|bar| product(front, &deviations, bar, bar + lag));
        let around = pairwise(lag, &|bar| product(back, &deviations, bar, bar));
        (straight + around) / count_to_f64(bars)
    };
    let keep = 1.0 - 1.0 / length;
    let (mut weight, mut variance) = (1.0, covariance(0));
    for lag in 1..bars {
        weight *= keep;
        if weight * length < NEGLIGIBLE {
            break;
        }
        variance += 2.0 * (1.0 - count_to_f64(lag) / count_to_f64(bars)) * weight * covariance(lag);
    }
    if variance > 0.0 { Ok(Sampled { mean, variance }) } else { Err(Missing::NoVariance) }
}

fn product(one: &[f64], other: &[f64], first: usize, second: usize) -> f64 {
    one.get(first).copied().unwrap_or(0.0) * other.get(second).copied().unwrap_or(0.0)
}

/// The sums of the first bars of all strategies: those of no bar, of one bar, …
struct Prefixes {
    bars: usize,
    strategies: usize,
    rows: Vec<f64>,
}

impl Prefixes {
    fn of(strategies: &[&[f64]]) -> Result<Self> {
        let bars = strategies.first().map_or(0, |returns| returns.len());
        let count = strategies.len();
        let mut rows = reserve::with_capacity((bars + 1).saturating_mul(count), "sums")?;
        rows.resize(count, 0.0);
        let mut sums = vec![0.0; count];
        for bar in 0..bars {
            for (sum, returns) in sums.iter_mut().zip(strategies) {
                *sum += returns.get(bar).copied().unwrap_or(0.0);
            }
            rows.extend_from_slice(&sums);
        }
        Ok(Self { bars, strategies: count, rows })
    }

    fn row(&self, bars: usize) -> &[f64] {
        self.rows.get(bars * self.strategies..(bars + 1) * self.strategies).unwrap_or(&[])
    }

    fn add(&self, sums: &mut [f64], from: usize, until: usize) {
        for ((sum, until), from) in sums.iter_mut().zip(self.row(until)).zip(self.row(from)) {
            *sum += until - from;
        }
    }

    fn means(
        &self,
        draws: Range<usize>,
        blocks_of: &(dyn Fn(usize, &mut Vec<Block>) + Sync),
    ) -> Result<Vec<f64>> {
        let mut means =
            reserve::with_capacity(draws.len().saturating_mul(self.strategies), "means")?;
        let mut blocks = Vec::new();
        for draw in draws {
            blocks_of(draw, &mut blocks);
            let first = means.len();
            means.resize(first + self.strategies, 0.0);
            let Some(sums) = means.get_mut(first..) else { continue };
            for block in &blocks {
                // A block may go around more than once.
                let (mut start, mut left) = (block.start, block.len);
                while left > 0 {
                    let until = self.bars.min(start + left);
                    self.add(sums, start, until);
                    left -= until - start;
                    start = 0;
                }
            }
            sums.iter_mut().for_each(|sum| *sum /= count_to_f64(self.bars));
        }
        Ok(means)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::compute::parallel::Sequential;
    use crate::observer::NoObserver;
    use crate::validation::testing::{D, cases, numbers, same};
    use serde_json::Value;

    /// Returns the blocks of rows, each of one bar.
    fn blocks_of_rows(rows: &[Vec<usize>]) -> impl Fn(usize, &mut Vec<Block>) + Sync {
        |draw, blocks| {
            blocks.clear();
            blocks.extend(rows[draw].iter().map(|row| Block { start: *row, len: 1 }));
        }
    }

    /// Returns the means of strategies in draws with these rows.
    pub(in super::super) fn of_rows(
        strategies: &[Vec<f64>],
        length: f64,
        rows: &[Vec<usize>],
    ) -> Resampled {
        let strategies: Vec<&[f64]> = strategies.iter().map(Vec::as_slice).collect();
        Resampled::of_draws(
            &strategies,
            length,
            rows.len(),
            &blocks_of_rows(rows),
            &Sequential,
            &NoObserver,
        )
        .unwrap()
    }

    /// Returns the strategies 1, 2 and 3 against 0, in draws with the rows of the specification.
    pub(in super::super) fn eight_rows() -> Resampled {
        const ROWS: [&str; 8] = [
            "16 17 18 19 20 21 22 6 7 8 9 9 10 11 3 4 5 1 2 23 0 1 18 19",
            "7 8 3 4 5 6 7 8 9 10 11 12 13 14 1 2 3 4 5 6 7 12 13 14",
            "20 21 22 23 2 3 4 5 6 7 8 17 18 19 20 3 4 5 11 12 13 14 15 13",
            "23 0 1 2 3 4 5 6 7 0 18 4 15 8 5 22 23 0 1 2 3 4 5 6",
            "6 7 8 9 0 1 2 3 4 5 6 7 8 12 13 14 22 23 0 1 2 3 4 1",
            "23 0 1 5 6 7 7 8 9 10 11 5 2 1 11 12 13 14 15 12 13 14 4 5",
            "17 18 19 20 4 5 20 15 16 17 14 2 3 18 19 20 17 18 19 9 4 5 6 7",
            "12 13 14 15 16 17 2 3 4 5 6 7 8 9 10 11 12 13 14 17 18 19 20 21",
        ];
        let rows: Vec<Vec<usize>> = ROWS
            .iter()
            .map(|row| row.split(' ').map(|bar| bar.parse().unwrap()).collect())
            .collect();
        let against =
            |model: usize| -> Vec<f64> { D[model].iter().zip(D[0]).map(|(r, b)| r - b).collect() };
        of_rows(&[against(1), against(2), against(3)], 4.0, &rows)
    }

    pub(in super::super) fn of_case(case: &Value) -> Resampled {
        let lists = |name: &str| -> Vec<Vec<f64>> {
            case[name].as_array().unwrap().iter().map(numbers).collect()
        };
        let rows: Vec<Vec<usize>> =
            lists("rows").iter().map(|row| row.iter().map(|bar| *bar as usize).collect()).collect();
        of_rows(&lists("differences"), case["length"].as_f64().unwrap(), &rows)
    }

    #[test]
    fn means_and_variances_equal_the_reference() {
        let found = eight_rows();
        let expected = [
            (0.001_058_333_333_333_333_7, 0.000_179_455_412_820_826_35, 0.387_034_620_454_333_2),
            (-0.005_687_500_000_000_001, 0.000_178_062_375_035_494_5, -2.088_050_267_539_666),
            (0.004_483_333_333_333_333, 0.000_269_084_804_794_078_66, 1.338_942_921_195_693_8),
        ];
        for (found, (mean, variance, t)) in found.strategies.iter().zip(expected) {
            let found = found.unwrap();
            same(found.mean, mean);
            same(found.variance, variance);
            same(found.t(24), t);
        }
        for case in cases()["bootstraps"].as_array().unwrap() {
            for (found, expected) in
                of_case(case).strategies.iter().zip(numbers(&case["variances"]))
            {
                same(found.unwrap().variance, expected);
            }
        }
    }

    #[test]
    fn means_of_blocks_are_those_of_their_bars() {
        let strategies: Vec<&[f64]> = D.iter().map(<[f64; 24]>::as_slice).collect();
        let bootstrap = Stationary::new(24, 9.0, 5).unwrap();
        let found =
            Resampled::of(&strategies, 9.0, 100, 5, &Sequential, &NoObserver).unwrap().unwrap();
        let mut blocks = Vec::new();
        for (draw, means) in found.draws().enumerate() {
            bootstrap.draw(draw as u64, &mut blocks);
            for (returns, mean) in D.iter().zip(means) {
                let bars = blocks.iter().flat_map(|block| block.start..block.start + block.len);
                let expected: f64 = bars.map(|bar| returns[bar % 24]).sum::<f64>() / 24.0;
                assert!((mean - expected).abs() < 1e-16);
            }
        }
        // ω² is the variance of the draws.
        let many =
            Resampled::of(&strategies, 9.0, 20_000, 6, &Sequential, &NoObserver).unwrap().unwrap();
        for (strategy, sampled) in many.strategies.iter().enumerate() {
            let sampled = sampled.unwrap();
            let square =
                many.draws().map(|means| (means[strategy] - sampled.mean).powi(2)).sum::<f64>();
            let ratio = square / 20_000.0 * 24.0 / sampled.variance;
            // Five standard errors of a variance of 20,000 draws.
            assert!((ratio - 1.0).abs() < 0.05, "{ratio}");
        }
    }

    #[test]
    fn strategies_that_cannot_be_tested_say_why() {
        let of = |strategies: &[&[f64]], length: f64, draws: usize| {
            Resampled::of(strategies, length, draws, 1, &Sequential, &NoObserver).unwrap()
        };
        assert_eq!(of(&[], 2.0, 9), Err(Missing::TooFewTrials));
        assert_eq!(of(&[&D[0]], 2.0, 0), Err(Missing::TooFewTrials));
        assert_eq!(of(&[&[0.1, 0.2]], 2.0, 9), Err(Missing::TooFewBars));
        assert_eq!(of(&[&D[0], &[0.1, 0.2]], 2.0, 9), Err(Missing::OutOfRange));
        assert_eq!(of(&[&D[0]], 0.5, 9), Err(Missing::OutOfRange));
        let found = of(&[&D[0], &[0.0; 24], &[f64::NAN; 24]], 2.0, 9).unwrap();
        assert_eq!(found.strategies[1], Err(Missing::NoVariance));
        assert_eq!(found.strategies[2], Err(Missing::NotFinite));
        assert_eq!(found.tested().unwrap().len(), 1);
    }
}
