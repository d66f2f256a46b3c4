//! The scores of some trials in any split: their sums over half of the blocks by a few additions.
//!
//! Each four blocks have 16 subsets, whose sums are tabulated. Nothing is subtracted, so that a trial without returns in a half has
//! the sums 0 there, and results depend on the split alone.

use std::ops::Range;

use super::{Best, MOST_BLOCKS, Rank};
use crate::compute::multiversion::multiversion;
use crate::numbers::count_to_f64;

/// The trials of a tile: its tables fit into the first cache.
pub(super) const TILE: usize = 32;

/// Blocks whose subsets are tabulated.
const GROUP: usize = 4;
const SUBSETS: usize = 1 << GROUP;
const GROUPS: usize = MOST_BLOCKS / GROUP;

/// A block with less than this part of the squares of a trial has none: they are rounding.
const ROUNDING: f64 = 1e-13;

/// A variance below this part of the mean square is rounding.
const FLAT: f64 = 1e-12;

/// One number for each trial of a tile.
type Row = [f64; TILE];

/// Σ r and Σ r² of a subset of the blocks.
type Sums = [Row; 2];

/// Some trials.
#[derive(Debug)]
pub(super) struct Tile {
    /// The number of blocks.
    blocks: usize,
    /// By group and subset.
    tables: Box<[[Sums; SUBSETS]; GROUPS]>,
    /// The numbers of the trials; those that failed are left out.
    trials: Vec<usize>,
}

/// The scores of a tile over some blocks: the square of the Sharpe ratio with its sign, but for a factor that all trials share.
#[derive(Debug, Clone, Copy)]
struct Scores {
    /// 0 without variance.
    plain: Row,
    /// −∞ without variance.
    competing: Row,
}

/// A split: its blocks in sample, and the number of bars in sample and out of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Halves {
    pub(super) mask: u16,
    pub(super) bars: [usize; 2],
}

impl Halves {
    pub(super) fn new(mask: u16, bars: &[usize]) -> Self {
        let inside = bars.iter().enumerate().filter(|(block, _)| mask >> block & 1 == 1);
        let inside: usize = inside.map(|(_, bars)| bars).sum();
        Self { mask, bars: [inside, bars.iter().sum::<usize>() - inside] }
    }
}

/// Returns the Sharpe ratio of a score over so many bars.
pub(super) fn ratio(score: f64, bars: usize) -> f64 {
    let bars = count_to_f64(bars);
    (score.abs() * (bars - 1.0) / bars).sqrt().copysign(score)
}

impl Tile {
    pub(super) fn new(blocks: usize) -> Self {
        // The compiler writes the zeros where they stay.
        #[expect(
            clippy::large_stack_arrays,
            reason = "32 kB, and a vector has no length that the loops know"
        )]
        let tables = Box::new([[[[0.0; TILE]; 2]; SUBSETS]; GROUPS]);
        Self { blocks: blocks.min(MOST_BLOCKS), tables, trials: Vec::with_capacity(TILE) }
    }

    pub(super) fn len(&self) -> usize {
        self.trials.len()
    }

    /// Reads trials. At most [`TILE`] of them.
    pub(super) fn fill(
        &mut self,
        trials: Range<usize>,
        read: &(dyn Fn(usize, &mut [[f64; 2]]) + Sync),
    ) {
        self.trials.clear();
        let mut blocks = [[0.0; 2]; MOST_BLOCKS];
        for trial in trials {
            let Some(of_trial) = blocks.get_mut(..self.blocks) else { return };
            read(trial, of_trial);
            if of_trial.as_flattened().iter().any(|sum| !sum.is_finite()) {
                continue;
            }
            let squares: f64 = of_trial.iter().map(|block| block[1]).sum();
            for block in of_trial.iter_mut().filter(|block| block[1] <= ROUNDING * squares) {
                *block = [0.0; 2];
            }
            let lane = self.trials.len();
            self.trials.push(trial);
            self.tabulate(lane, &blocks);
        }
    }

    fn tabulate(&mut self, lane: usize, blocks: &[[f64; 2]; MOST_BLOCKS]) {
        let (groups, _) = blocks.as_chunks::<GROUP>();
        for (table, group) in self.tables.iter_mut().zip(groups) {
            for (subset, sums) in table.iter_mut().enumerate() {
                for (kind, row) in sums.iter_mut().enumerate() {
                    let of = |place: usize| {
                        if subset >> place & 1 == 1 { group[place][kind] } else { 0.0 }
                    };
                    row[lane] = (of(0) + of(1)) + (of(2) + of(3));
                }
            }
        }
    }

    /// Keeps the best of each split and of its complement.
    pub(super) fn take_best(&self, splits: &[Halves], best: &mut [[Best; 2]]) {
        take_best(&self.tables, splits, &self.trials, best);
    }

    /// Counts the trials that are below and equal to the winner of each direction on the other blocks.
    pub(super) fn count(&self, splits: &[Halves], best: &[[Best; 2]], ranks: &mut [[Rank; 2]]) {
        count(&self.tables, splits, self.trials.len(), best, ranks);
    }

    /// Returns the ratios of all trials outside and inside.
    pub(super) fn ratios(&self, split: Halves) -> impl Iterator<Item = f64> {
        let [inside, outside] = both(&self.tables, split);
        let [bars_in, bars_out] = split.bars;
        let trials = self.trials.len();
        let of = move |scores: Scores, bars: usize| {
            scores.plain.into_iter().take(trials).map(move |score| ratio(score, bars))
        };
        of(outside, bars_out).chain(of(inside, bars_in))
    }
}

/// Returns the scores in sample and out of it.
#[inline(always)]
fn both(tables: &[[Sums; SUBSETS]; GROUPS], split: Halves) -> [Scores; 2] {
    let subsets = |mask: u16| -> [&Sums; GROUPS] {
        std::array::from_fn(|group| {
            &tables[group][usize::from(mask >> (GROUP * group)) & (SUBSETS - 1)]
        })
    };
    let [inside, outside] = split.bars.map(count_to_f64);
    [score(subsets(split.mask), inside), score(subsets(!split.mask), outside)]
}

/// Returns the scores over some blocks, which have `bars` bars.
#[inline(always)]
fn score(sums: [&Sums; GROUPS], bars: f64) -> Scores {
    let [a, b, c, d] = sums;
    let mut scores = Scores { plain: [0.0; TILE], competing: [0.0; TILE] };
    for lane in 0..TILE {
        let returns = (a[0][lane] + b[0][lane]) + (c[0][lane] + d[0][lane]);
        let squares = (a[1][lane] + b[1][lane]) + (c[1][lane] + d[1][lane]);
        let whole = bars * squares;
        let square = returns * returns;
        let deviations = whole - square;
        let score = square.copysign(returns) / deviations;
        let varies = deviations > FLAT * whole;
        scores.plain[lane] = if varies { score } else { 0.0 };
        scores.competing[lane] = if varies { score } else { f64::NEG_INFINITY };
    }
    scores
}

multiversion! {
    fn take_best(
        tables: &[[Sums; SUBSETS]; GROUPS],
        splits: &[Halves],
        trials: &[usize],
        best: &mut [[Best; 2]],
    ) {
        for (split, [first, second]) in splits.iter().zip(best) {
            let [inside, outside] = both(tables, *split);
            take(&inside.competing, &outside.plain, trials, first);
            take(&outside.competing, &inside.plain, trials, second);
        }
    }
}

#[inline(always)]
#[expect(clippy::float_cmp, reason = "the highest is one of them")]
fn take(competing: &Row, other: &Row, trials: &[usize], best: &mut Best) {
    let mut highest = f64::NEG_INFINITY;
    if trials.len() == TILE {
        let (eights, _) = competing.as_chunks::<8>();
        let mut lanes = [f64::NEG_INFINITY; 8];
        for eight in eights {
            for lane in 0..8 {
                lanes[lane] = if eight[lane] > lanes[lane] { eight[lane] } else { lanes[lane] };
            }
        }
        for lane in lanes {
            highest = if lane > highest { lane } else { highest };
        }
    } else {
        for lane in competing.iter().take(trials.len()) {
            highest = if *lane > highest { *lane } else { highest };
        }
    }
    if highest > best.score {
        let mut lanes = trials.iter().zip(competing).zip(other);
        if let Some(((trial, score), other)) = lanes.find(|((_, score), _)| **score == highest) {
            *best = Best { trial: *trial, score: *score, other: *other };
        }
    }
}

multiversion! {
    fn count(
        tables: &[[Sums; SUBSETS]; GROUPS],
        splits: &[Halves],
        trials: usize,
        best: &[[Best; 2]],
        ranks: &mut [[Rank; 2]],
    ) {
        for ((split, [first, second]), [one, other]) in splits.iter().zip(best).zip(ranks) {
            let [inside, outside] = both(tables, *split);
            count_row(&outside.plain, first.other, trials, one);
            count_row(&inside.plain, second.other, trials, other);
        }
    }
}

#[inline(always)]
#[expect(clippy::float_cmp, reason = "equal trials have equal scores")]
fn count_row(scores: &Row, winner: f64, trials: usize, rank: &mut Rank) {
    let (mut below, mut equal) = (0_u64, 0_u64);
    if trials == TILE {
        for score in scores {
            below += u64::from(*score < winner);
            equal += u64::from(*score == winner);
        }
    } else {
        for score in scores.iter().take(trials) {
            below += u64::from(*score < winner);
            equal += u64::from(*score == winner);
        }
    }
    rank.below += below;
    rank.equal += equal;
}
