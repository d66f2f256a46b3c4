//! Compares two simple moving averages block by block, without storing their columns.
//!
//! Two averages that are only compared need no columns: their blocks stay in the L1 cache, and the two running sums, each of
//! which is a chain of dependent additions, advance in parallel.

use super::three_way_comparison::{BLOCK_BARS, ThreeWayComparison};
use crate::compute::multiversion::{F64x4, Lanes, Simd, simd_multiversion};

/// One block of values of a series.
type Block = [f64; BLOCK_BARS];

/// Number of bars that are compared with one SIMD operation.
const LANES: usize = 4;

/// An input without missing values and the period of its average.
pub(super) type AveragedInput<'a> = (&'a [f64], usize);

simd_multiversion! {
    /// Compares two averages. The result is that of comparing their columns.
    pub(super) fn compare_averages(
        simd,
        a: AveragedInput<'_>,
        b: AveragedInput<'_>,
    ) -> ThreeWayComparison {
        let mut comparison = ThreeWayComparison::with_capacity(a.0.len().min(b.0.len()));
        let mut pair = AveragePair::new([a.0, b.0], [a.1, b.1]);
        let new_block = SumComparison::new(simd, pair.periods());
        let (mut first, mut second) = ([[f64::NAN; BLOCK_BARS]; 2], [[f64::NAN; BLOCK_BARS]; 2]);
        // The previous block is compared while the current one is computed.
        let (mut current, mut previous) = (&mut first, &mut second);
        let mut is_previous_pending = false;
        loop {
            let mut sum_comparison = new_block;
            let [block_a, block_b] = &mut *current;
            let content =
                pair.next_block(block_a, block_b, |group| sum_comparison.compare(previous, group));
            if is_previous_pending {
                if content != Some(BlockContent::Sums) {
                    (0..BLOCK_BARS / LANES).for_each(|group| sum_comparison.compare(previous, group));
                }
                if let Some(above) = sum_comparison.conclusive() {
                    comparison.push_unequal_block(above);
                } else {
                    let [block_a, block_b] = &mut *previous;
                    pair.divide(block_a, block_b);
                    comparison.push_block(block_a, block_b);
                }
            }
            is_previous_pending = content == Some(BlockContent::Sums);
            match content {
                None => break,
                Some(BlockContent::Sums) => std::mem::swap(&mut current, &mut previous),
                Some(BlockContent::Averages(_)) => comparison.push_block(&current[0], &current[1]),
            }
        }
        comparison
    }
}

/// Two simple moving averages, computed block by block and bit-identical to those of TA-Lib.
#[derive(Debug)]
pub(super) struct AveragePair<'a> {
    inputs: [&'a [f64]; 2],
    periods: [usize; 2],
    sums: [f64; 2],
    next_bar: usize,
}

/// What [`AveragePair::next_block`] wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockContent {
    /// A full block of sums, still to be divided by the periods.
    Sums,
    /// Averages of that many bars, NaN in the warm-up.
    Averages(usize),
}

impl<'a> AveragePair<'a> {
    /// Starts at the first bar. The inputs have no missing values, and the periods are at least 1.
    pub(super) fn new(inputs: [&'a [f64]; 2], periods: [usize; 2]) -> Self {
        Self { inputs, periods: periods.map(|period| period.max(1)), sums: [0.0; 2], next_bar: 0 }
    }

    /// Writes the next block and returns what it contains, or `None` after the last bar.
    ///
    /// While it writes sums, it calls `interleave` after every group of four bars. Independent work there is free, because the sums are
    /// latency-bound.
    #[inline(always)]
    pub(super) fn next_block(
        &mut self,
        a: &mut Block,
        b: &mut Block,
        mut interleave: impl FnMut(usize),
    ) -> Option<BlockContent> {
        let [input_a, input_b] = self.inputs;
        let count = input_a.len().min(input_b.len()).saturating_sub(self.next_bar).min(BLOCK_BARS);
        if count == 0 {
            return None;
        }
        let range = self.next_bar..self.next_bar + count;
        let leaving = |input: &'a [f64], period: usize| {
            let first = (range.start + 1).checked_sub(period)?;
            <&Block>::try_from(input.get(first..first + BLOCK_BARS)?).ok()
        };
        let entering = |input: &'a [f64]| <&Block>::try_from(input.get(range.clone())?).ok();
        let [period_a, period_b] = self.periods;
        if let (Some(in_a), Some(in_b), Some(out_a), Some(out_b)) = (
            entering(input_a),
            entering(input_b),
            leaving(input_a, period_a),
            leaving(input_b, period_b),
        ) {
            let [mut sum_a, mut sum_b] = self.sums;
            for group in 0..BLOCK_BARS / LANES {
                for bar in LANES * group..LANES * (group + 1) {
                    sum_a += in_a[bar];
                    sum_b += in_b[bar];
                    a[bar] = sum_a;
                    b[bar] = sum_b;
                    sum_a -= out_a[bar];
                    sum_b -= out_b[bar];
                }
                interleave(group);
            }
            self.sums = [sum_a, sum_b];
            self.next_bar = range.end;
            Some(BlockContent::Sums)
        } else {
            let [sum_a, sum_b] = &mut self.sums;
            write_averages(input_a, period_a, range.clone(), sum_a, a);
            write_averages(input_b, period_b, range.clone(), sum_b, b);
            self.next_bar = range.end;
            Some(BlockContent::Averages(count))
        }
    }

    /// Turns a block of sums into averages.
    #[inline(always)]
    pub(super) fn divide(&self, a: &mut Block, b: &mut Block) {
        let [period_a, period_b] = self.periods();
        for sum in a {
            *sum /= period_a;
        }
        for sum in b {
            *sum /= period_b;
        }
    }

    fn periods(&self) -> [f64; 2] {
        #[expect(clippy::cast_precision_loss, reason = "a period is at most 10,000")]
        self.periods.map(|period| period as f64)
    }
}

/// Computes averages bar by bar: in the warm-up, and in the last, incomplete block.
#[expect(clippy::cast_precision_loss, reason = "a period is at most 10,000")]
fn write_averages(
    input: &[f64],
    period: usize,
    range: std::ops::Range<usize>,
    sum: &mut f64,
    output: &mut Block,
) {
    for (bar, output) in range.zip(output) {
        *sum += input.get(bar).copied().unwrap_or(f64::NAN);
        *output = f64::NAN;
        if let Some(oldest) = (bar + 1).checked_sub(period) {
            *output = *sum / period as f64;
            *sum -= input.get(oldest).copied().unwrap_or(f64::NAN);
        }
    }
}

/// Compares the averages `a / period_a` and `b / period_b` of a block by their products `a × period_b` and `b × period_a`.
///
/// Multiplying is several times faster than dividing. The result is conclusive only if the products differ by more than
/// rounding can explain on every bar.
#[derive(Clone, Copy)]
struct SumComparison<P: Simd> {
    simd: P,
    periods: [P::F64x4; 2],
    zero: P::F64x4,
    relative_tolerance: P::F64x4,
    absolute_tolerance: P::F64x4,
    above: u64,
    are_distinct: u64,
}

impl<P: Simd> SumComparison<P> {
    #[inline(always)]
    fn new(simd: P, periods: [f64; 2]) -> Self {
        // Thousands of times the rounding error of a product and a quotient.
        const RELATIVE_TOLERANCE: f64 = 1e-12;
        // Far above the subnormal numbers, whose relative rounding error is not bounded.
        const ABSOLUTE_TOLERANCE: f64 = 1e-280;
        Self {
            simd,
            periods: periods.map(|period| simd.splat(period)),
            zero: simd.splat(0.0),
            relative_tolerance: simd.splat(RELATIVE_TOLERANCE),
            absolute_tolerance: simd.splat(ABSOLUTE_TOLERANCE),
            above: 0,
            are_distinct: 0b1111,
        }
    }

    /// Compares a group of four bars of a block.
    #[inline(always)]
    fn compare(&mut self, [a, b]: &[Block; 2], group: usize) {
        let ((a, _), (b, _)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
        let (Some(a), Some(b)) = (a.get(group), b.get(group)) else { return };
        let x = self.simd.load(a) * self.periods[1];
        let y = self.simd.load(b) * self.periods[0];
        let abs = |value: P::F64x4| (self.zero - value).pmax(value);
        let distance = abs(x - y);
        self.above |= x.gt_mask(y) << (LANES * group);
        // NaN and infinite products fail these comparisons.
        self.are_distinct &= distance.gt_mask(self.relative_tolerance * abs(x))
            & distance.gt_mask(self.absolute_tolerance);
    }

    /// Returns the bars on which a is above b, or `None` if rounding could change the result on any bar.
    #[inline(always)]
    fn conclusive(&self) -> Option<u64> {
        (self.are_distinct == 0b1111).then_some(self.above)
    }
}
