//! The outer twentieths of the returns, without sorting them all.
//!
//! A sample says roughly where the tails begin; one pass keeps what lies beyond, and the exact order statistics are
//! selected among those few. Where the sample misleads, too few values are kept, which is noticed.

use super::float;
use crate::wide::{Four, Processor};

/// The share of each tail.
const TAIL: f64 = 0.05;
/// Where the upper tail begins.
const HIGH: f64 = 0.95;
/// Values in the sample.
const SAMPLE: usize = 1_024;
/// Below this number of returns all are kept.
const SMALL: usize = 8 * SAMPLE;
/// Where the tails begin in the sorted sample: at 51 of 1,024, and four standard deviations further in.
const MARGIN: usize = 51 + 28;

/// Both ends of the distribution of the returns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TailFacts {
    /// The 5th percentile, interpolated between neighbours.
    pub low: f64,
    /// The 95th percentile, interpolated between neighbours.
    pub high: f64,
    /// The mean of the lowest ⌊(n − 1) × 5 %⌋ + 1 returns.
    pub low_mean: f64,
}

/// Collects the returns that may belong to a tail.
pub(super) struct Tails {
    count: usize,
    low_until: f64,
    high_from: f64,
    low: Vec<f64>,
    high: Vec<f64>,
}

impl Tails {
    /// Looks at a sample of the returns to know what to keep.
    pub(super) fn new(count: usize, one: impl Fn(usize) -> f64) -> Self {
        let mut tails = Self::all(count);
        if count >= SMALL {
            let mut sample: Vec<f64> = (0..SAMPLE).map(|at| one(at * count / SAMPLE)).collect();
            sample.sort_unstable_by(f64::total_cmp);
            if let (Some(&low), Some(&high)) = (sample.get(MARGIN), sample.get(SAMPLE - 1 - MARGIN))
            {
                (tails.low_until, tails.high_from) = (low, high);
                // What is kept is about as much as lies outside the margins of the sample.
                let room = count / SAMPLE * (MARGIN + 24);
                tails.low.reserve(room);
                tails.high.reserve(room);
            }
        }
        tails
    }

    /// Keeps everything.
    pub(super) fn all(count: usize) -> Self {
        Self {
            count,
            low_until: f64::INFINITY,
            high_from: f64::NEG_INFINITY,
            low: Vec::new(),
            high: Vec::new(),
        }
    }

    /// Takes the next returns.
    #[inline(always)]
    pub(super) fn take<P: Processor>(&mut self, processor: P, returns: &[f64]) {
        let (low_until, high_from) = (processor.all(self.low_until), processor.all(self.high_from));
        let (mut low, mut high) = (Room::default(), Room::default());
        for block in returns.chunks(BLOCK) {
            let (fours, rest) = block.as_chunks::<4>();
            for four in fours {
                let four = processor.read(four);
                low.take(|room| four.keep_at_most(low_until, room));
                high.take(|room| four.keep_at_least(high_from, room));
            }
            low.empty(&mut self.low);
            high.empty(&mut self.high);
            self.low.extend(rest.iter().filter(|value| **value <= self.low_until));
            self.high.extend(rest.iter().filter(|value| **value >= self.high_from));
        }
    }

    /// Returns the facts; nothing without returns, or if too few of them were kept.
    pub(super) fn facts(&mut self) -> Option<TailFacts> {
        let (rank, part) = split(self.count.checked_sub(1)?, TAIL);
        let (low, low_next) = select(&mut self.low, rank)?;
        let low_mean = self.low.get(..=rank)?.iter().sum::<f64>() / float(rank + 1);

        let (high_rank, high_part) = split(self.count - 1, HIGH);
        let dropped = self.count - self.high.len();
        let (high, high_next) = select(&mut self.high, high_rank.checked_sub(dropped)?)?;
        // The neighbour above may be missing only at the very end, or if too little was kept.
        let low_next = if part > 0.0 && self.count > 1 { low_next? } else { low };
        let high_next = high_next.unwrap_or(high);
        Some(TailFacts {
            low: between(low, low_next, part),
            high: between(high, high_next, high_part),
            low_mean,
        })
    }
}

/// Values that are looked at together.
const BLOCK: usize = 256;

/// Values that are kept of a block, and room for the four that are looked at.
struct Room {
    values: [f64; BLOCK + 4],
    used: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { values: [0.0; BLOCK + 4], used: 0 }
    }
}

impl Room {
    /// Adds what `keep` writes to the front of the room that it is given.
    #[inline(always)]
    fn take(&mut self, keep: impl FnOnce(&mut [f64; 4]) -> usize) {
        if let Some(room) = self.values.get_mut(self.used..).and_then(<[f64]>::first_chunk_mut) {
            self.used += keep(room);
        }
    }

    fn empty(&mut self, into: &mut Vec<f64>) {
        into.extend_from_slice(self.values.get(..self.used).unwrap_or(&[]));
        self.used = 0;
    }
}

/// Returns the rank below a share of the way from the first to the last value, and the part of a step beyond it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a count is a count"
)]
fn split(last: usize, share: f64) -> (usize, f64) {
    let place = float(last) * share;
    (place as usize, place.fract())
}

/// Moves the value of a rank to its place; returns it, and the one above if there is one.
fn select(values: &mut [f64], rank: usize) -> Option<(f64, Option<f64>)> {
    if rank >= values.len() {
        return None;
    }
    let (_, &mut value, above) = values.select_nth_unstable_by(rank, f64::total_cmp);
    Some((value, above.iter().copied().min_by(f64::total_cmp)))
}

fn between(low: f64, high: f64, part: f64) -> f64 {
    if part > 0.0 { low + (high - low) * part } else { low }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wide::Any;

    fn facts_of(values: &[f64]) -> Option<TailFacts> {
        let mut tails = Tails::new(values.len(), |at| values[at]);
        for block in values.chunks(1_000) {
            tails.take(Any, block);
        }
        tails.facts()
    }

    #[test]
    fn percentiles_are_those_of_numpy() {
        // numpy 2.4.6: np.percentile([3, 1, 4, 1, 5, 9, 2, 6, 5, 3], [5, 95]) = 1.0, 7.65
        let facts = facts_of(&[3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0, 3.0]).unwrap();
        assert!(
            (facts.low - 1.0).abs() < 1e-15
                && (facts.high - 7.65).abs() < 1e-14
                && (facts.low_mean - 1.0).abs() < 1e-15
        );
        let single = facts_of(&[-0.5]).unwrap();
        assert!(
            [single.low, single.high, single.low_mean]
                .iter()
                .all(|value| (value + 0.5).abs() < 1e-15)
        );
        assert_eq!(facts_of(&[]), None);
    }

    #[test]
    fn a_sample_gives_the_same_as_sorting_everything() {
        let mut state = 1_u64;
        let mut values: Vec<f64> = Vec::new();
        for _ in 0..30_011 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            values.push(f64::from(u32::try_from(state >> 40).unwrap()) / 16_777_216.0 - 0.5);
        }
        let facts = facts_of(&values).unwrap();
        values.sort_unstable_by(f64::total_cmp);
        // 30,010 × 0.05 = 1500.5 and 30,010 × 0.95 = 28509.5.
        assert!((facts.low - f64::midpoint(values[1_500], values[1_501])).abs() < 1e-12);
        assert!((facts.high - f64::midpoint(values[28_509], values[28_510])).abs() < 1e-12);
        assert!((facts.low_mean - values[..=1_500].iter().sum::<f64>() / 1_501.0).abs() < 1e-12);
    }

    #[test]
    fn a_sample_that_misleads_is_noticed() {
        // The sample sees only every eighth value, all of them low.
        let values: Vec<f64> = (0..SMALL)
            .map(|at| if at % 8 == 0 { -1.0 - f64::from(u16::try_from(at).unwrap()) } else { 1.0 })
            .collect();
        assert_eq!(facts_of(&values), None);
    }
}
