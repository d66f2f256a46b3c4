//! The stationary bootstrap: blocks of bars that begin anywhere, with lengths that are geometric with a given mean.
//!
//! Each position has a random bar and a random number u from 0 to below 1. The first position takes its bar; a later one takes its
//! bar if u ≤ 1 ÷ L, else the bar after that of the position before, and the first bar after the last. All strategies take the same
//! bars, so that their correlation is kept. Unit: bars. Reference: Politis and Romano (1994); arch: `StationaryBootstrap`. Null: for a
//! length below 1.

use crate::random::SplitMix64;
use crate::validation::missing::{Known, Missing};

/// A block of consecutive bars; after the last bar comes the first one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Its first bar.
    pub start: usize,
    /// Its number of bars.
    pub len: usize,
}

/// How bars are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stationary {
    bars: usize,
    /// The probability that a block begins.
    restart: f64,
    seed: u64,
}

impl Stationary {
    /// Draws from so many bars blocks with a mean length.
    ///
    /// # Errors
    /// [`Missing::TooFewBars`] without bars, [`Missing::OutOfRange`] for a length that is not finite or below 1.
    pub fn new(bars: usize, length: f64, seed: u64) -> Known<Self> {
        if bars == 0 {
            return Err(Missing::TooFewBars);
        }
        if !length.is_finite() || length < 1.0 {
            return Err(Missing::OutOfRange);
        }
        Ok(Self { bars, restart: 1.0 / length, seed })
    }

    /// Writes the blocks of a draw, which depend on the seed and the number of the draw alone.
    pub fn draw(&self, number: u64, blocks: &mut Vec<Block>) {
        let mut random = SplitMix64::keyed(self.seed, number);
        let bound = u64::try_from(self.bars).unwrap_or(u64::MAX);
        let positions = (0..self.bars).map(|position| {
            let uniform = if position == 0 { 0.0 } else { random.unit() };
            // A bar that is not taken need not be drawn.
            let start = if uniform <= self.restart { random.below(bound) } else { 0 };
            (usize::try_from(start).unwrap_or(0), uniform)
        });
        blocks_of(positions, self.restart, blocks);
    }
}

/// Writes the blocks that follow from the random bar and number of each position.
pub(super) fn blocks_of(
    positions: impl Iterator<Item = (usize, f64)>,
    restart: f64,
    blocks: &mut Vec<Block>,
) {
    blocks.clear();
    for (start, uniform) in positions {
        match blocks.last_mut().filter(|_| uniform > restart) {
            Some(block) => block.len += 1,
            None => blocks.push(Block { start, len: 1 }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::testing::{cases, numbers};

    fn rows(blocks: &[Block], bars: usize) -> Vec<usize> {
        blocks
            .iter()
            .flat_map(|block| (0..block.len).map(move |at| (block.start + at) % bars))
            .collect()
    }

    #[test]
    fn rows_of_random_positions_equal_arch() {
        for case in cases()["bootstraps"].as_array().unwrap() {
            let restart = 1.0 / case["length"].as_f64().unwrap();
            let lists = |name: &str| case[name].as_array().unwrap();
            for ((starts, uniforms), expected) in
                lists("starts").iter().zip(lists("uniforms")).zip(lists("rows"))
            {
                let starts = numbers(starts).into_iter().map(|start| start as usize);
                let mut blocks = Vec::new();
                blocks_of(starts.zip(numbers(uniforms)), restart, &mut blocks);
                let expected: Vec<usize> =
                    numbers(expected).into_iter().map(|row| row as usize).collect();
                assert_eq!(rows(&blocks, expected.len()), expected);
            }
        }
    }

    #[test]
    fn bars_are_as_likely_as_each_other_and_lengths_are_geometric() {
        let bootstrap = Stationary::new(50, 4.0, 9).unwrap();
        let (mut counts, mut begun, mut blocks) = ([0_u32; 50], 0, Vec::new());
        for draw in 0..4_000 {
            bootstrap.draw(draw, &mut blocks);
            let rows = rows(&blocks, 50);
            assert_eq!(rows.len(), 50);
            for row in rows {
                counts[row] += 1;
            }
            begun += blocks.len() - 1;
        }
        // A quarter of 49 × 4,000 positions begin a block: five standard deviations.
        assert!(begun.abs_diff(49_000) < 960, "{begun}");
        // Rows of a block are correlated: seven times as much variance.
        assert!(counts.iter().all(|count| count.abs_diff(4_000) < 850), "{counts:?}");
        let (mut again, mut other) = (Vec::new(), Vec::new());
        bootstrap.draw(7, &mut again);
        bootstrap.draw(8, &mut other);
        bootstrap.draw(7, &mut blocks);
        assert!(again == blocks && again != other);
    }

    #[test]
    fn blocks_of_mean_length_one_are_single_bars() {
        let mut blocks = Vec::new();
        Stationary::new(30, 1.0, 2).unwrap().draw(0, &mut blocks);
        assert!(blocks.len() == 30 && blocks.iter().all(|block| block.len == 1));
        assert_eq!(Stationary::new(0, 2.0, 1), Err(Missing::TooFewBars));
        for length in [0.5, f64::NAN, f64::INFINITY] {
            assert_eq!(Stationary::new(9, length, 1), Err(Missing::OutOfRange));
        }
    }
}
