//! The drawdowns of a curve that is known by its stretches, by the rules of [`DrawdownStatistics`].

use super::tables::{Squares, Tables};
use crate::metrics::statistics::DrawdownStatistics;
use crate::numbers::count_to_f64;

/// The drawdowns so far, and the one in progress.
#[derive(Debug, Clone)]
pub(super) struct Falls {
    peak: f64,
    /// 1 ÷ peak.
    inverse: f64,
    valley: f64,
    /// Bars below the peak.
    bars: usize,
    /// The sum of the squared distances to the peak.
    squares: Squares,
    statistics: DrawdownStatistics,
}

/// So many bars are tested one by one before tables are asked.
const NEARBY: usize = 16;

/// What the sum of the squared distances may be off by, relative to it.
const TOLERANCE: f64 = 1e-9;

impl Falls {
    pub(super) fn new() -> Self {
        Self {
            peak: f64::NEG_INFINITY,
            inverse: 0.0,
            valley: f64::NEG_INFINITY,
            bars: 0,
            squares: Squares::default(),
            statistics: DrawdownStatistics::default(),
        }
    }

    /// Adds bars of one value, of which there is at least one.
    #[inline(always)]
    pub(super) fn flat(&mut self, value: f64, bars: usize) {
        if value >= self.peak {
            self.rise_to(value);
        } else {
            let distance = 1.0 - value * self.inverse;
            // Both numbers, as everywhere: a load of both would wait for a store of one.
            let sum = count_to_f64(bars) * distance * distance;
            self.squares.add(Squares { sum, canceled: 0.0 });
            self.valley = if value < self.valley { value } else { self.valley };
            self.bars += bars;
        }
    }

    /// Adds the bars from `from` to before `until`, of which there is at least one, with all money in `size` units.
    #[inline(always)]
    pub(super) fn invested(
        &mut self,
        tables: &Tables,
        close: &[f64],
        size: f64,
        from: usize,
        until: usize,
    ) {
        let extremes = tables.extremes(from, until);
        // Rounding is monotonic: the highest close makes the highest equity.
        if extremes.high * size < self.peak {
            let low = extremes.low * size;
            self.valley = if low < self.valley { low } else { self.valley };
            self.bars += until - from;
            self.squares.add(tables.squares(from, until, 1.0, size * self.inverse));
        } else {
            self.invested_above(tables, close, size, from, until);
        }
    }

    /// The same for bars of which one reaches the peak.
    #[inline(never)]
    fn invested_above(
        &mut self,
        tables: &Tables,
        close: &[f64],
        size: f64,
        from: usize,
        until: usize,
    ) {
        // Usually it is one of the first.
        let nearby = close.get(from..until.min(from + NEARBY)).unwrap_or(&[]);
        let reached = match nearby.iter().position(|price| price * size >= self.peak) {
            Some(bar) => from + bar,
            None => tables.first_reaching(from, until, |price| price * size >= self.peak),
        };
        if reached > from {
            let low = tables.extremes(from, reached).low * size;
            self.valley = if low < self.valley { low } else { self.valley };
            self.bars += reached - from;
            self.squares.add(tables.squares(from, reached, 1.0, size * self.inverse));
        }
        self.end();
        let mut bar = reached;
        // Copies, which stay in registers.
        let (mut statistics, mut squares) = (self.statistics.clone(), self.squares);
        while let Some(record) = tables.records.get(bar) {
            let next = record.next as usize;
            if next >= until {
                break;
            }
            let between = next - bar - 1;
            statistics.count += usize::from(between > 0);
            statistics.sum += record.depth;
            statistics.deepest =
                if record.depth < statistics.deepest { record.depth } else { statistics.deepest };
            statistics.longest_bars = statistics.longest_bars.max(between);
            statistics.total_bars += between;
            squares.add(record.squares);
            bar = next;
        }
        (self.statistics, self.squares) = (statistics, squares);
        let price = close.get(bar).copied().unwrap_or(f64::NAN);
        self.start(price * size);
        if bar + 1 < until {
            self.valley = tables.extremes(bar + 1, until).low * size;
            self.bars = until - bar - 1;
            self.squares.add(tables.squares(bar + 1, until, 1.0, 1.0 / price));
        }
    }

    /// Adds the bars from `from` to before `until`, of which there is at least one, with cash beside the position. Equity
    /// stays above 0.
    pub(super) fn linear(
        &mut self,
        tables: &Tables,
        close: &[f64],
        (cash, size): (f64, f64),
        from: usize,
        until: usize,
    ) {
        let extremes = tables.extremes(from, until);
        let (best, worst) =
            if size < 0.0 { (extremes.low, extremes.high) } else { (extremes.high, extremes.low) };
        if cash + best * size < self.peak {
            let low = cash + worst * size;
            self.valley = if low < self.valley { low } else { self.valley };
            self.bars += until - from;
            let (offset, factor) = (1.0 - cash * self.inverse, size * self.inverse);
            self.squares.add(tables.squares(from, until, offset, factor));
        } else {
            for price in close.get(from..until).unwrap_or(&[]) {
                self.flat(cash + price * size, 1);
            }
        }
    }

    #[inline(always)]
    fn rise_to(&mut self, value: f64) {
        self.end();
        self.start(value);
    }

    #[inline(always)]
    fn start(&mut self, value: f64) {
        self.peak = value;
        self.inverse = 1.0 / value;
        self.valley = value;
        self.bars = 0;
    }

    /// Ends the drawdown in progress, if there is one.
    #[inline(always)]
    fn end(&mut self) {
        if self.bars > 0 {
            let depth = (self.valley - self.peak) / self.peak;
            let statistics = &mut self.statistics;
            statistics.deepest =
                if depth < statistics.deepest { depth } else { statistics.deepest };
            statistics.count += 1;
            statistics.sum += depth;
            statistics.longest_bars = statistics.longest_bars.max(self.bars);
            statistics.total_bars += self.bars;
            self.bars = 0;
        }
    }

    /// Returns all drawdowns; `None` if too many digits canceled. The one that lasts to the end counts.
    pub(super) fn finish(mut self) -> Option<DrawdownStatistics> {
        self.end();
        let Squares { sum, canceled } = self.squares;
        let is_precise = 4.0 * f64::EPSILON * canceled <= TOLERANCE * sum;
        is_precise.then_some(DrawdownStatistics { squares: sum, ..self.statistics })
    }
}
