//! The 5th and 95th percentiles of the returns, without sorting all of them.
//!
//! A sample estimates where the tails begin. One pass keeps the values beyond, and the exact order statistics are selected
//! among those few. If the sample misleads, too few values are kept, which is noticed.

use crate::compute::multiversion::{F64x4, Simd};
use crate::numbers::count_to_f64;

/// The fraction of each tail.
const TAIL: f64 = 0.05;
/// The rank at which the upper tail begins, a fraction.
const HIGH: f64 = 0.95;
/// Values in the sample.
const SAMPLE: usize = 1_024;
/// Below this number all returns are kept.
const SMALL: usize = 8 * SAMPLE;
/// The rank at which a tail begins in the sorted sample: 51 of 1,024, plus four standard deviations.
const MARGIN: usize = 51 + 28;

/// Both tails of the distribution of the returns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TailStatistics {
    /// The 5th percentile, interpolated between neighbors.
    pub low: f64,
    /// The 95th percentile, interpolated between neighbors.
    pub high: f64,
    /// The mean of the lowest ⌊(n − 1) × 5 %⌋ + 1 returns.
    pub low_mean: f64,
}

/// Estimates of where the tails begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct TailBounds {
    low_until: f64,
    high_from: f64,
}

impl TailBounds {
    /// Bounds that keep everything.
    pub(super) const EVERYTHING: Self =
        Self { low_until: f64::INFINITY, high_from: f64::NEG_INFINITY };

    /// Estimates the bounds from a sample of the returns; `take` passes the returns of bars in ascending order.
    pub(super) fn sample(
        count: usize,
        take: impl FnOnce(&mut dyn Iterator<Item = usize>, &mut dyn FnMut(f64)),
    ) -> Self {
        if count < SMALL {
            return Self::EVERYTHING;
        }
        let mut sample = Vec::with_capacity(SAMPLE);
        take(&mut (0..SAMPLE).map(|at| at * count / SAMPLE), &mut |value| sample.push(value));
        if sample.len() <= 2 * MARGIN {
            return Self::EVERYTHING;
        }
        let (_, &mut low_until, above) = sample.select_nth_unstable_by(MARGIN, f64::total_cmp);
        let last = above.len().saturating_sub(MARGIN + 1);
        let (_, &mut high_from, _) = above.select_nth_unstable_by(last, f64::total_cmp);
        Self { low_until, high_from }
    }
}

/// The returns that may belong to a tail.
#[derive(Debug, Default)]
pub(super) struct TailCandidates {
    low: Vec<f64>,
    high: Vec<f64>,
}

impl TailCandidates {
    /// Reserves capacity for what that many returns are likely to leave.
    pub(super) fn with_capacity_for(count: usize) -> Self {
        // About as many as lie outside the margins of the sample, if there was one.
        let capacity = if count < SMALL { count } else { count / SAMPLE * (MARGIN + 24) };
        Self { low: Vec::with_capacity(capacity), high: Vec::with_capacity(capacity) }
    }

    /// Adds the next returns.
    #[inline(always)]
    pub(super) fn extend<P: Simd>(&mut self, simd: P, bounds: TailBounds, returns: &[f64]) {
        let TailBounds { low_until, high_from } = bounds;
        let (lows, highs) = (simd.splat(low_until), simd.splat(high_from));
        let (mut low, mut high) = (TailBuffer::default(), TailBuffer::default());
        for block in returns.chunks(BLOCK) {
            let (chunks, rest) = block.as_chunks::<4>();
            for chunk in chunks {
                // Without a branch on whether there is anything to keep, which is hard to predict.
                let values = simd.load(chunk);
                low.push_kept(|into| values.compress_le(lows, into));
                high.push_kept(|into| values.compress_ge(highs, into));
            }
            low.drain_into(&mut self.low);
            high.drain_into(&mut self.high);
            self.low.extend(rest.iter().filter(|value| **value <= low_until));
            self.high.extend(rest.iter().filter(|value| **value >= high_from));
        }
    }
}

/// Returns the 5th percentile and the mean of the values up to it; `None` without returns, or if too few were kept.
pub(super) fn low<'a>(
    count: usize,
    kept: impl IntoIterator<Item = &'a TailCandidates>,
) -> Option<(f64, f64)> {
    let mut kept = kept.into_iter().map(|kept| kept.low.as_slice()).collect::<Vec<_>>().concat();
    let (rank, part) = split(count.checked_sub(1)?, TAIL);
    let (low, next) = select(&mut kept, rank)?;
    let mean = kept.get(..=rank)?.iter().sum::<f64>() / count_to_f64(rank + 1);
    // The next value can be missing only at the end, or if too few were kept.
    let next = if part > 0.0 && count > 1 { next? } else { low };
    Some((between(low, next, part), mean))
}

/// Returns the 95th percentile; `None` without returns, or if too few were kept.
pub(super) fn high<'a>(
    count: usize,
    kept: impl IntoIterator<Item = &'a TailCandidates>,
) -> Option<f64> {
    let mut kept = kept.into_iter().map(|kept| kept.high.as_slice()).collect::<Vec<_>>().concat();
    let (rank, part) = split(count.checked_sub(1)?, HIGH);
    let dropped = count - kept.len();
    let (high, next) = select(&mut kept, rank.checked_sub(dropped)?)?;
    Some(between(high, next.unwrap_or(high), part))
}

impl TailStatistics {
    /// Combines both tails.
    pub(super) fn new(low: Option<(f64, f64)>, high: Option<f64>) -> Option<Self> {
        let ((low, low_mean), high) = low.zip(high)?;
        Some(Self { low, high, low_mean })
    }
}

/// Values per block.
const BLOCK: usize = 256;

/// The values kept of a block, and space for the four lanes being compressed.
struct TailBuffer {
    values: [f64; BLOCK + 4],
    used: usize,
}

impl Default for TailBuffer {
    fn default() -> Self {
        Self { values: [0.0; BLOCK + 4], used: 0 }
    }
}

impl TailBuffer {
    /// Adds the values that `keep` writes to the front of its argument.
    #[inline(always)]
    fn push_kept(&mut self, keep: impl FnOnce(&mut [f64; 4]) -> usize) {
        if let Some(free) = self.values.get_mut(self.used..).and_then(<[f64]>::first_chunk_mut) {
            self.used += keep(free);
        }
    }

    fn drain_into(&mut self, into: &mut Vec<f64>) {
        into.extend_from_slice(self.values.get(..self.used).unwrap_or(&[]));
        self.used = 0;
    }
}

/// Returns the rank at a fraction of the way from the first to the last value, rounded down, and the rest.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a count is a count"
)]
fn split(last: usize, share: f64) -> (usize, f64) {
    let place = count_to_f64(last) * share;
    (place as usize, place.fract())
}

/// Selects the value of a rank. Returns it, and the next higher one if there is one.
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
    use crate::compute::multiversion::Scalar;

    fn facts_of(values: &[f64]) -> Option<TailStatistics> {
        let bounds =
            TailBounds::sample(values.len(), |bars, take| bars.for_each(|bar| take(values[bar])));
        let kept: Vec<TailCandidates> = values
            .chunks(9_000)
            .map(|section| {
                let mut kept = TailCandidates::with_capacity_for(section.len());
                for block in section.chunks(1_000) {
                    kept.extend(Scalar, bounds, block);
                }
                kept
            })
            .collect();
        TailStatistics::new(low(values.len(), &kept), high(values.len(), &kept))
    }

    #[test]
    fn percentiles_are_those_of_numpy() {
        // numpy 2.4.6: np.percentile([3, 1, 4, 1, 5, 9, 2, 6, 5, 3], [5, 95]) = 1.0, 7.65
        let statistics = facts_of(&[3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0, 3.0]).unwrap();
        assert!(
            (statistics.low - 1.0).abs() < 1e-15
                && (statistics.high - 7.65).abs() < 1e-14
                && (statistics.low_mean - 1.0).abs() < 1e-15
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
        let statistics = facts_of(&values).unwrap();
        values.sort_unstable_by(f64::total_cmp);
        // 30,010 × 0.05 = 1500.5 and 30,010 × 0.95 = 28509.5.
        assert!((statistics.low - f64::midpoint(values[1_500], values[1_501])).abs() < 1e-12);
        assert!((statistics.high - f64::midpoint(values[28_509], values[28_510])).abs() < 1e-12);
        assert!(
            (statistics.low_mean - values[..=1_500].iter().sum::<f64>() / 1_501.0).abs() < 1e-12
        );
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
