//! The probability of backtest overfitting by combinatorially symmetric cross-validation (CSCV).
//!
//! The bars are S blocks. For each of the C(S, S ÷ 2) ways to put half of the blocks in sample:
//!
//! 1. The winner is the trial with the highest Sharpe ratio in sample; of equals, the first. A trial without variance in sample
//!    cannot win; out of sample its ratio is 0.
//! 2. Its rank out of sample among all N: below + (equal + 1) ÷ 2, where it equals itself; ω = rank ÷ (N + 1); λ = ln(ω ÷ (1 − ω)).
//!
//! | result | what it is |
//! |---|---|
//! | `pbo` | the share of the splits with λ ≤ 0: the winner is not better than the median out of sample |
//! | `probability_of_loss` | the share in which the winner's ratio out of sample is below 0 |
//! | `line` | least squares of the winner's ratio out of sample on that in sample |
//! | `dominance` | whether the winners out of sample are better than all trials out of sample |
//!
//! It judges plain returns, not those above a benchmark: the sums of blocks are those of the equity. Unit: shares; ratios per bar.
//! Reference: Bailey, Borwein, López de Prado and Zhu (2017); holdout-backtest: `probability_of_backtest_overfitting`. Null: for fewer
//! than 64 bars, for fewer than two trials, if no trial varies, and if the budget allows no split.
//!
//! A split and its complement share all sums. If trials × splits exceed the budget, splits are drawn, each with its complement, and
//! never trials: the winner of fewer trials is another winner.
//!
//! **What it cannot say.** In noise it is 0.5 on average with a wide spread, and the slope is negative by construction, because both
//! halves add up to the same whole. It says whether choosing among these trials helps, not whether there is an edge: equally good
//! trials have 0.5. Never alone, and never a probability of loss.

mod dominance;
mod splits;
mod tile;

pub use dominance::Dominance;
pub use splits::SplitPlan;

use std::ops::Range;

use dominance::Comparison;
use tile::{Halves, TILE, Tile};

use super::missing::{Known, Missing};
use super::sums::{pairwise, sum};
use crate::compute::parallel::{Executor, map_parts};
use crate::error::{Error, Result};
use crate::numbers::count_to_f64;
use crate::observer::ProgressObserver;

/// The most blocks.
pub const MOST_BLOCKS: usize = 16;

/// Trials × splits that are evaluated unless another budget is wanted.
pub const DEFAULT_BUDGET: u64 = 2_000_000_000;

/// Trials of one part, which one thread computes.
const PART: usize = 1_024;

/// The number of bins of the histogram of λ.
pub const BINS: usize = 20;

/// Returns the number of blocks for a number of bars: 16, 8 below 256 bars.
///
/// # Errors
/// [`Missing::TooFewBars`] below 64 bars.
pub fn blocks_for(bars: usize) -> Known<usize> {
    match bars {
        ..64 => Err(Missing::TooFewBars),
        64..256 => Ok(8),
        _ => Ok(16),
    }
}

/// The sums of the blocks of all trials.
#[expect(missing_debug_implementations, reason = "a function has none")]
#[derive(Clone, Copy)]
pub struct BlockReturns<'a> {
    /// The number of trials.
    pub trials: usize,
    /// The number of bars of each block: an even number of blocks, at most 16.
    pub bars: &'a [usize],
    /// Writes Σ r and Σ r² of each block of a trial. A trial with a number that is not finite failed: it is left out.
    pub read: &'a (dyn Fn(usize, &mut [[f64; 2]]) + Sync),
}

/// One split and its winner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Split {
    /// The blocks in sample: bit b for block b.
    pub in_sample: u16,
    /// The winner in sample.
    pub winner: usize,
    /// Its Sharpe ratio in sample, per bar.
    pub ratio_in: f64,
    /// Its Sharpe ratio out of sample, per bar.
    pub ratio_out: f64,
    /// The logit of its relative rank out of sample, λ.
    pub logit: f64,
}

/// A line of least squares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// The slope.
    pub slope: f64,
    /// The value at 0.
    pub intercept: f64,
    /// The share of the variance that it explains; `None` if there is no variance.
    pub r2: Option<f64>,
}

/// The result of CSCV.
#[derive(Debug, Clone, PartialEq)]
pub struct Cscv {
    /// The number of trials that were compared: those that did not fail.
    pub trials: usize,
    /// The number of blocks.
    pub blocks: usize,
    /// How many splits there are.
    pub all_splits: usize,
    /// The splits that were used and had a winner, in lexicographic order of their blocks in sample.
    pub splits: Vec<Split>,
    /// The share of the splits with λ ≤ 0.
    pub pbo: f64,
    /// The share of the splits in which the winner's ratio out of sample is below 0.
    pub probability_of_loss: f64,
    /// The winner's ratio out of sample by that in sample; `None` if the latter never changes.
    pub line: Option<Line>,
    /// Whether the winners are better out of sample than all trials.
    pub dominance: Dominance,
    /// How often λ is in each of 20 bins of equal width from −ln N to ln N.
    pub histogram: [u32; BINS],
}

/// The best of one direction of a split so far.
#[derive(Debug, Clone, Copy)]
struct Best {
    trial: usize,
    score: f64,
    /// Its score on the other blocks.
    other: f64,
}

const NOBODY: Best = Best { trial: usize::MAX, score: f64::NEG_INFINITY, other: 0.0 };

/// How many trials are below and equal to the winner out of sample.
#[derive(Debug, Clone, Copy, Default)]
struct Rank {
    below: u64,
    equal: u64,
}

/// Evaluates CSCV. `plan` says which splits; results do not depend on the number of threads.
///
/// # Errors
/// Cancelled by the observer, `LIMIT_EXCEEDED` if the memory cannot be allocated. The inner error says why there is no value:
/// [`Missing::OutOfRange`] for a number of blocks that is odd, 0 or above 16, [`Missing::TooFewTrials`], [`Missing::NoVariance`],
/// [`Missing::NoBudget`].
pub fn cscv(
    returns: &BlockReturns<'_>,
    plan: SplitPlan,
    executor: &dyn Executor,
    observer: &dyn ProgressObserver,
) -> Result<Known<Cscv>> {
    let blocks = returns.bars.len();
    if blocks == 0 || blocks > MOST_BLOCKS || !blocks.is_multiple_of(2) {
        return Ok(Err(Missing::OutOfRange));
    }
    if returns.trials < 2 {
        return Ok(Err(Missing::TooFewTrials));
    }
    let masks = match plan.choose(blocks, returns.trials)? {
        Ok(masks) => masks,
        Err(missing) => return Ok(Err(missing)),
    };
    let halves: Vec<Halves> = masks.iter().map(|mask| Halves::new(*mask, returns.bars)).collect();
    let work = Work { returns, halves: &halves, executor, observer };
    let (trials, best) = work.winners()?;
    if trials < 2 {
        return Ok(Err(Missing::TooFewTrials));
    }
    let comparison = Comparison::new(&work.ratios(&best), trials);
    let (ranks, dominance) = work.ranks(&best, comparison)?;
    let splits = work.splits(&best, &ranks, trials);
    if splits.is_empty() {
        return Ok(Err(Missing::NoVariance));
    }
    Ok(Ok(summary(splits, trials, blocks, plan.all(blocks), dominance)))
}

fn summary(
    splits: Vec<Split>,
    trials: usize,
    blocks: usize,
    all_splits: usize,
    dominance: Dominance,
) -> Cscv {
    let share = |is: fn(&Split) -> bool| {
        count_to_f64(splits.iter().filter(|split| is(split)).count()) / count_to_f64(splits.len())
    };
    let most = libm::log(count_to_f64(trials));
    let mut histogram = [0; BINS];
    for split in &splits {
        let place = (split.logit + most) / (2.0 * most) * count_to_f64(BINS);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a cast saturates"
        )]
        if let Some(bin) = histogram.get_mut((place.max(0.0) as usize).min(BINS - 1)) {
            *bin += 1;
        }
    }
    Cscv {
        trials,
        blocks,
        all_splits,
        pbo: share(|split| split.logit <= 0.0),
        probability_of_loss: share(|split| split.ratio_out < 0.0),
        line: line(&splits),
        dominance,
        histogram,
        splits,
    }
}

fn line(splits: &[Split]) -> Option<Line> {
    let count = count_to_f64(splits.len());
    let xs: Vec<f64> = splits.iter().map(|split| split.ratio_in).collect();
    let ys: Vec<f64> = splits.iter().map(|split| split.ratio_out).collect();
    let (x, y) = (sum(&xs) / count, sum(&ys) / count);
    let at = |index: usize| {
        let [dx, dy] = [xs.get(index).map_or(0.0, |v| v - x), ys.get(index).map_or(0.0, |v| v - y)];
        (dx, dy)
    };
    let sum_of = |term: fn((f64, f64)) -> f64| pairwise(xs.len(), &|index| term(at(index)));
    let (xx, xy, yy) = (sum_of(|(x, _)| x * x), sum_of(|(x, y)| x * y), sum_of(|(_, y)| y * y));
    // Equal ratios differ from their mean by rounding.
    let least = |mean: f64| count * (4.0 * f64::EPSILON * mean).powi(2);
    if xx <= least(x) {
        return None;
    }
    let slope = xy / xx;
    let r2 = (yy > least(y)).then(|| xy / xx * (xy / yy));
    Some(Line { slope, intercept: y - slope * x, r2 })
}

/// What both passes read.
struct Work<'a> {
    returns: &'a BlockReturns<'a>,
    halves: &'a [Halves],
    executor: &'a dyn Executor,
    observer: &'a dyn ProgressObserver,
}

impl Work<'_> {
    /// Calls `each` for every tile of a part, and returns how many trials did not fail.
    fn each(&self, part: usize, each: &mut dyn FnMut(&Tile)) -> Result<usize> {
        let trials = self.range(part);
        let mut tile = Tile::new(self.returns.bars.len());
        let mut filled = 0;
        for from in trials.clone().step_by(TILE) {
            if self.observer.is_cancelled() {
                return Err(Error::cancelled());
            }
            tile.fill(from..trials.end.min(from + TILE), self.returns.read);
            filled += tile.len();
            each(&tile);
        }
        Ok(filled)
    }

    fn range(&self, part: usize) -> Range<usize> {
        part * PART..self.returns.trials.min((part + 1) * PART)
    }

    fn parts(&self) -> usize {
        self.returns.trials.div_ceil(PART)
    }

    /// Returns the number of trials that did not fail, and the winner of each split and of its complement.
    fn winners(&self) -> Result<(usize, Vec<[Best; 2]>)> {
        let mut best = vec![[NOBODY; 2]; self.halves.len()];
        let mut trials = 0;
        // As many parts at once as threads could take, so that memory does not grow with the number of trials.
        for parts in batches(self.parts()) {
            let found = map_parts(self.executor, parts.len(), |part| {
                let mut best = vec![[NOBODY; 2]; self.halves.len()];
                let filled = self.each(parts.start + part, &mut |tile| {
                    tile.take_best(self.halves, &mut best);
                })?;
                Ok::<_, Error>((filled, best))
            });
            for part in found {
                let (filled, found) = part?;
                trials += filled;
                for (best, found) in best.as_flattened_mut().iter_mut().zip(found.as_flattened()) {
                    // Parts come in order, so that the first of equals stays.
                    if found.score > best.score {
                        *best = *found;
                    }
                }
            }
        }
        Ok((trials, best))
    }

    /// Returns the winners' ratios out of sample, of both directions of each split; NaN without a winner.
    fn ratios(&self, best: &[[Best; 2]]) -> Vec<[f64; 2]> {
        let of = |(best, halves): (&[Best; 2], &Halves)| {
            let [inside, outside] = halves.bars;
            let ratio = |best: Best, bars: usize| {
                if best.trial == usize::MAX { f64::NAN } else { tile::ratio(best.other, bars) }
            };
            [ratio(best[0], outside), ratio(best[1], inside)]
        };
        best.iter().zip(self.halves).map(of).collect()
    }

    fn ranks(
        &self,
        best: &[[Best; 2]],
        mut comparison: Comparison,
    ) -> Result<(Vec<[Rank; 2]>, Dominance)> {
        let mut ranks = vec![[Rank::default(); 2]; self.halves.len()];
        for parts in batches(self.parts()) {
            let found = map_parts(self.executor, parts.len(), |part| {
                let mut ranks = vec![[Rank::default(); 2]; self.halves.len()];
                let mut counts = comparison.counts();
                self.each(parts.start + part, &mut |tile| {
                    tile.count(self.halves, best, &mut ranks);
                    for halves in self.halves.iter().step_by(comparison.every()) {
                        counts.add(comparison.thresholds(), tile.ratios(*halves));
                    }
                })?;
                Ok::<_, Error>((ranks, counts))
            });
            for part in found {
                let (found, counts) = part?;
                comparison.append(&counts);
                for (rank, found) in ranks.as_flattened_mut().iter_mut().zip(found.as_flattened()) {
                    rank.below += found.below;
                    rank.equal += found.equal;
                }
            }
        }
        Ok((ranks, comparison.result()))
    }

    /// Returns the splits that have a winner, in lexicographic order: the complements of the first half are the second half
    /// backwards.
    fn splits(&self, best: &[[Best; 2]], ranks: &[[Rank; 2]], trials: usize) -> Vec<Split> {
        #[expect(clippy::cast_precision_loss, reason = "counts of trials")]
        let whole = |count: u64| count as f64;
        let all = u16::MAX >> (MOST_BLOCKS - self.returns.bars.len());
        let split = |index: usize, direction: usize| {
            let best = best.get(index)?.get(direction)?;
            let rank = ranks.get(index)?.get(direction)?;
            let Halves { mask, bars: [inside, outside] } = *self.halves.get(index)?;
            if best.trial == usize::MAX {
                return None;
            }
            let (bars_in, bars_out) =
                if direction == 0 { (inside, outside) } else { (outside, inside) };
            let place = whole(rank.below) + f64::midpoint(whole(rank.equal), 1.0);
            let omega = place / (count_to_f64(trials) + 1.0);
            Some(Split {
                in_sample: if direction == 0 { mask } else { all & !mask },
                winner: best.trial,
                ratio_in: tile::ratio(best.score, bars_in),
                ratio_out: tile::ratio(best.other, bars_out),
                logit: libm::log(omega / (1.0 - omega)),
            })
        };
        let count = self.halves.len();
        let first = (0..count).filter_map(|index| split(index, 0));
        first.chain((0..count).rev().filter_map(|index| split(index, 1))).collect()
    }
}

/// Parts that are computed before their results are joined.
const PARTS_AT_ONCE: usize = 32;

fn batches(parts: usize) -> impl Iterator<Item = Range<usize>> {
    (0..parts).step_by(PARTS_AT_ONCE).map(move |from| from..parts.min(from + PARTS_AT_ONCE))
}

#[cfg(test)]
mod tests;
