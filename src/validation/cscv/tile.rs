//! The scores of some trials in a split: their sums over any half of the blocks by a few additions.
//!
//! Each four blocks have 16 subsets, whose sums are tabulated. Nothing is subtracted, so that a trial without returns in a half has
//! the sums 0 there, and results depend on the split alone.

use std::ops::Range;

use super::{Best, MOST_BLOCKS};
use crate::compute::multiversion::multiversion;
use crate::compute::reserve;
use crate::error::Result;
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
    bars: Vec<usize>,
    /// By group and subset.
    tables: Vec<[Sums; SUBSETS]>,
    /// The numbers of the trials; those that failed are left out.
    trials: Vec<usize>,
}

/// The scores of a tile in a split and in its complement: the score is the square of the Sharpe ratio with its sign, but for a factor
/// that all trials share; 0 without variance.
#[derive(Debug, Default)]
pub(super) struct Scores {
    inside: [f64; TILE],
    outside: [f64; TILE],
    /// The same, but −∞ without variance.
    competing: [[f64; TILE]; 2],
}

/// Returns how many bars are in sample and out of it.
pub(super) fn bars_of(bars: &[usize], mask: u16) -> [usize; 2] {
    let inside = bars.iter().enumerate().filter(|(block, _)| mask >> block & 1 == 1);
    let inside: usize = inside.map(|(_, bars)| bars).sum();
    [inside, bars.iter().sum::<usize>() - inside]
}

/// Returns the Sharpe ratio of a score over so many bars.
pub(super) fn ratio(score: f64, bars: usize) -> f64 {
    let bars = count_to_f64(bars);
    (score.abs() * (bars - 1.0) / bars).sqrt().copysign(score)
}

impl Tile {
    pub(super) fn new(bars: &[usize]) -> Result<Self> {
        let mut tables = reserve::with_capacity(GROUPS, "sums of blocks")?;
        tables.resize(GROUPS, [[[0.0; TILE]; 2]; SUBSETS]);
        Ok(Self { bars: bars.to_vec(), tables, trials: Vec::with_capacity(TILE) })
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
            let Some(of_trial) = blocks.get_mut(..self.bars.len()) else { return };
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

    /// Computes the scores of all trials in a split.
    pub(super) fn score(&self, mask: u16, scores: &mut Scores) {
        let [inside, outside] = bars_of(&self.bars, mask).map(count_to_f64);
        let Ok(tables) = <&[[Sums; SUBSETS]; GROUPS]>::try_from(self.tables.as_slice()) else {
            return;
        };
        let subset = |mask: u16| -> [&Sums; GROUPS] {
            std::array::from_fn(|group| {
                &tables[group][usize::from(mask >> (GROUP * group)) & (SUBSETS - 1)]
            })
        };
        let [first, second] = &mut scores.competing;
        score(subset(mask), inside, &mut scores.inside, first);
        score(subset(!mask), outside, &mut scores.outside, second);
    }

    /// Keeps the best of a split and of its complement.
    pub(super) fn take_best(&self, scores: &Scores, best: &mut [Best; 2]) {
        let [first, second] = best;
        let [inside, outside] = &scores.competing;
        self.take(inside, &scores.outside, first);
        self.take(outside, &scores.inside, second);
    }

    fn take(&self, competing: &Row, other: &Row, best: &mut Best) {
        let highest = highest(competing, self.trials.len());
        if highest <= best.score {
            return;
        }
        let lanes = self.trials.iter().zip(competing).zip(other);
        if let Some(((trial, score), other)) =
            lanes.into_iter().find(|((_, score), _)| **score == highest)
        {
            *best = Best { trial: *trial, score: *score, other: *other };
        }
    }

    /// Returns how many trials are below and equal to the winner of each direction on the other blocks.
    pub(super) fn count(&self, scores: &Scores, winners: [f64; 2]) -> [(usize, usize); 2] {
        let trials = self.trials.len();
        [count(&scores.outside, winners[0], trials), count(&scores.inside, winners[1], trials)]
    }

    /// Returns the ratios of all trials outside and inside.
    pub(super) fn ratios(&self, scores: &Scores, bars: [usize; 2]) -> Vec<f64> {
        let [inside, outside] = bars;
        let of = |row: &Row, bars: usize| -> Vec<f64> {
            row.iter().take(self.trials.len()).map(|score| ratio(*score, bars)).collect()
        };
        [of(&scores.outside, outside), of(&scores.inside, inside)].concat()
    }
}

multiversion! {
    /// Writes the scores over some blocks, which have `bars` bars.
    fn score(sums: [&Sums; GROUPS], bars: f64, scores: &mut Row, competing: &mut Row) {
        let [a, b, c, d] = sums;
        for lane in 0..TILE {
            let returns = (a[0][lane] + b[0][lane]) + (c[0][lane] + d[0][lane]);
            let squares = (a[1][lane] + b[1][lane]) + (c[1][lane] + d[1][lane]);
            let whole = bars * squares;
            let square = returns * returns;
            let deviations = whole - square;
            let score = square.copysign(returns) / deviations;
            let varies = deviations > FLAT * whole;
            scores[lane] = if varies { score } else { 0.0 };
            competing[lane] = if varies { score } else { f64::NEG_INFINITY };
        }
    }
}

multiversion! {
    fn highest(competing: &Row, trials: usize) -> f64 {
        if trials == TILE {
            let mut lanes = [f64::NEG_INFINITY; 8];
            for eight in competing.as_chunks::<8>().0 {
                for lane in 0..8 {
                    lanes[lane] = if eight[lane] > lanes[lane] { eight[lane] } else { lanes[lane] };
                }
            }
            lanes.iter().fold(f64::NEG_INFINITY, |most, lane| if *lane > most { *lane } else { most })
        } else {
            competing.iter().take(trials).fold(f64::NEG_INFINITY, |most, lane| if *lane > most { *lane } else { most })
        }
    }
}

multiversion! {
    fn count(scores: &Row, winner: f64, trials: usize) -> (usize, usize) {
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
        (usize::try_from(below).unwrap_or(0), usize::try_from(equal).unwrap_or(0))
    }
}
