//! Bars whose returns are computed four at a time, wherever in a run they lie.

use super::return_sums::BarSums;
use crate::compute::multiversion::Simd;

/// So many bars are collected.
const ROWS: usize = 64;

/// What room there must be for: three bars after the last whole four of a stretch, and the first bar of the next one.
const SLACK: usize = 8;

/// Single bars, one entry of each column per bar.
#[derive(Debug)]
pub(super) struct BarBlock {
    /// The change of equity, money.
    change: [f64; ROWS],
    /// Equity at the close before.
    before: [f64; ROWS],
    /// The return of the asset.
    benchmark: [f64; ROWS],
    /// Cash at the close before that counts against exposure, money.
    cash: [f64; ROWS],
    used: usize,
}

impl Default for BarBlock {
    fn default() -> Self {
        let zero = [0.0; ROWS];
        Self { change: zero, before: zero, benchmark: zero, cash: zero, used: 0 }
    }
}

/// The sums over bars whose returns are computed.
#[derive(Debug, Clone, Copy)]
pub(super) struct ComputedSums<N> {
    pub(super) bars: BarSums<N>,
    /// The sum of cash ÷ equity at the close before.
    pub(super) cash: N,
}

impl BarBlock {
    /// Forgets all bars.
    pub(super) fn clear(&mut self) {
        self.used = 0;
    }

    /// Adds a bar. There must be room.
    #[inline(always)]
    pub(super) fn push(&mut self, change: f64, before: f64, benchmark: f64, cash: f64) {
        // The mask only removes the bounds checks.
        let row = self.used & (ROWS - 1);
        self.change[row] = change;
        self.before[row] = before;
        self.benchmark[row] = benchmark;
        self.cash[row] = cash;
        self.used += 1;
    }

    /// Makes room for the bars of a stretch.
    #[inline(always)]
    pub(super) fn make_room<P: Simd>(&mut self, simd: P, sums: &mut ComputedSums<P::F64x4>) {
        if self.used > ROWS - SLACK {
            self.add_fours(simd, sums);
        }
    }

    /// Adds the returns of whole fours of bars to sums, and keeps the rest.
    #[inline(always)]
    pub(super) fn add_fours<P: Simd>(&mut self, simd: P, sums: &mut ComputedSums<P::F64x4>) {
        let fours = self.used / 4;
        let columns = (
            self.change.as_chunks::<4>().0.iter(),
            self.before.as_chunks::<4>().0.iter(),
            self.benchmark.as_chunks::<4>().0.iter(),
            self.cash.as_chunks::<4>().0.iter(),
        );
        let rows = columns.0.zip(columns.1).zip(columns.2).zip(columns.3).take(fours);
        let one = simd.splat(1.0);
        let mut found = *sums;
        for (((change, before), benchmark), cash) in rows {
            let inverse = one / simd.load(before);
            found.bars.add_return(simd.load(change) * inverse, simd.load(benchmark));
            found.cash = found.cash + simd.load(cash) * inverse;
        }
        *sums = found;
        let (from, left) = (fours * 4, self.used % 4);
        for column in [&mut self.change, &mut self.before, &mut self.benchmark, &mut self.cash] {
            column.copy_within(from.min(ROWS - left)..(from + left).min(ROWS), 0);
        }
        self.used = left;
    }

    /// Adds the bars that are left over, of which there are at most three.
    #[inline(always)]
    pub(super) fn add_rest(&mut self, sums: &mut ComputedSums<f64>) {
        let columns = (&self.change, &self.before, &self.benchmark, &self.cash);
        let rows = columns.0.iter().zip(columns.1).zip(columns.2).zip(columns.3).take(self.used);
        for (((change, before), benchmark), cash) in rows {
            let inverse = 1.0 / before;
            sums.bars.add_return(change * inverse, *benchmark);
            sums.cash += cash * inverse;
        }
        self.used = 0;
    }
}
