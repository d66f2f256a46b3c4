//! The returns of the bars, from one pass over equity and close in blocks that stay in the nearest cache.
//!
//! The return of a bar is (out − in) ÷ in, with the initial capital as the first `in`. Where equity is at or below zero
//! the sign follows vectorbt: against the magnitude of a negative `in`; 0 from zero to zero, and infinite from zero to
//! anything else. The benchmark is the close; its first return is 0.

use super::drawdowns::Drawdowns;
use super::extremes::minimum;
use super::tails::{TailFacts, Tails};
use super::totals::Totals;
use super::{Course, DrawdownFacts, float};
use crate::wide::by_fours;

/// Bars a block. Two blocks of returns and their sources take 32 kB.
const BLOCK: usize = 1_024;

/// Moments of the returns of the bars (`r`), of the benchmark (`b`) and of both together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReturnFacts {
    /// How many returns there are: one a bar.
    pub count: usize,
    /// Mean of r.
    pub mean: f64,
    /// Mean of b.
    pub benchmark_mean: f64,
    /// Sum of (r − mean)².
    pub squares: f64,
    /// Sum of (r − mean)³.
    pub cubes: f64,
    /// Sum of (r − mean)⁴.
    pub fourths: f64,
    /// Sum of the squares of the negative r.
    pub downside_squares: f64,
    /// Sum of the positive r − risk-free rate.
    pub gains: f64,
    /// Sum of the negative r − risk-free rate, at most 0.
    pub losses: f64,
    /// Sum of the squared deviations of b from its mean.
    pub benchmark_squares: f64,
    /// Sum of the products of the deviations of r and b.
    pub products: f64,
    /// Sum of the squared deviations of r − b from its mean.
    pub active_squares: f64,
    /// Product of 1 + r.
    pub growth: f64,
    /// The deepest fall of the running product of 1 + r from its peak, a fraction, at most 0.
    pub deepest_fall: f64,
    /// Sum over the bars of the squared fall of that product from its peak.
    pub fall_squares: f64,
}

impl ReturnFacts {
    /// Returns the variance with n − 1; nothing for fewer than two returns.
    pub fn variance(&self) -> Option<f64> {
        self.per_freedom(self.squares)
    }

    /// Divides a sum by n − 1; nothing for fewer than two returns.
    pub fn per_freedom(&self, sum: f64) -> Option<f64> {
        (self.count > 1).then(|| sum / float(self.count - 1))
    }

    /// Divides a sum by n; nothing without returns.
    pub fn per_bar(&self, sum: f64) -> Option<f64> {
        (self.count > 0).then(|| sum / float(self.count))
    }
}

/// What the pass gives.
pub(super) struct Measured {
    pub facts: ReturnFacts,
    pub tails: Option<TailFacts>,
    pub drawdowns: DrawdownFacts,
    pub mean_equity: Option<f64>,
    pub lowest_equity: Option<f64>,
}

by_fours! {
    /// Measures a curve: its returns and its drawdowns.
    pub(super) fn measure(
        processor,
        initial_capital: f64,
        equity: &mut dyn Course,
        close: &[f64],
        risk_free: f64,
    ) -> Measured {
        let bars = close.len();
        let mut facts = ReturnFacts { count: bars, growth: 1.0, ..ReturnFacts::default() };
        let Some(&first_close) = close.first() else {
            return Measured {
                facts,
                tails: None,
                drawdowns: DrawdownFacts::default(),
                mean_equity: None,
                lowest_equity: None,
            };
        };
        let count = float(bars);
        let (r, b) = ([0.0; BLOCK], [0.0; BLOCK]);
        let mut blocks = Blocks { initial_capital, first_close, equity, close, next: 0, r, b };

        let mut totals = Totals::default();
        let mut tails = Tails::new(bars, |bar| blocks.one(bar));
        let mut drawdowns = Drawdowns::default();
        let mut lowest = f64::INFINITY;
        while let Some(block) = blocks.next() {
            lowest = lowest.min(block.lowest);
            totals.take(processor, &block, risk_free);
            tails.take(processor, block.r);
            drawdowns.take(processor, block.equity);
        }
        let drawdowns = drawdowns.facts();
        totals.give(&mut facts);
        let tails = tails.facts().or_else(|| {
            // The sample misjudged the distribution: take all.
            let mut tails = Tails::all(bars);
            while let Some(block) = blocks.next() {
                tails.take(processor, block.r);
            }
            tails.facts()
        });

        if initial_capital > 0.0 && lowest > 0.0 {
            // The running product of 1 + r is the equity itself, but for a factor.
            facts.growth = blocks.equity.at(bars - 1) / initial_capital;
            facts.deepest_fall = drawdowns.deepest;
            facts.fall_squares = drawdowns.squares;
        } else {
            compound(&mut facts, &mut blocks);
        }
        Measured {
            facts,
            tails,
            drawdowns,
            mean_equity: Some(totals.equity / count),
            lowest_equity: Some(lowest),
        }
    }
}

/// Multiplies the returns of a curve that touches zero: its product is not its equity any more.
fn compound(facts: &mut ReturnFacts, blocks: &mut Blocks<'_>) {
    let (mut growth, mut peak) = (1.0_f64, None);
    while let Some(block) = blocks.next() {
        for &r in block.r {
            growth *= 1.0 + r;
            let highest = peak.map_or(growth, |peak: f64| peak.max(growth));
            let fall = growth / highest - 1.0;
            facts.deepest_fall = facts.deepest_fall.min(fall);
            facts.fall_squares += fall * fall;
            peak = Some(highest);
        }
    }
    facts.growth = growth;
}

/// The return from one equity to the next.
fn change(from: f64, to: f64) -> f64 {
    if from > 0.0 {
        (to - from) / from
    } else if from < 0.0 {
        (from - to) / from
    } else if to.abs() > 0.0 {
        f64::INFINITY.copysign(to)
    } else {
        0.0
    }
}

/// Equity and close, served as blocks of returns.
struct Blocks<'a> {
    initial_capital: f64,
    first_close: f64,
    equity: &'a mut dyn Course,
    close: &'a [f64],
    /// The first bar of the next block.
    next: usize,
    r: [f64; BLOCK],
    b: [f64; BLOCK],
}

/// One block of returns, with the equity that they lead to.
pub(super) struct Block<'a> {
    pub r: &'a [f64],
    pub b: &'a [f64],
    pub equity: &'a [f64],
    /// The lowest equity.
    lowest: f64,
}

impl Blocks<'_> {
    /// Returns the next block; after the last one nothing, and then the first again.
    // No iterator: a block lives in the room that the next one takes. No closure either: it would not be compiled for
    // wider instructions along with its caller.
    #[inline(always)]
    fn next(&mut self) -> Option<Block<'_>> {
        let start = self.next;
        let end = self.close.len().min(start + BLOCK);
        self.next = end;
        if start == end {
            self.next = 0;
            return None;
        }
        let (so_far, close) = (self.equity.until(end), self.close.get(start..end)?);
        let equity = so_far.get(start..end)?;
        let before = |column: &[f64], first: f64| {
            start.checked_sub(1).and_then(|bar| column.get(bar).copied()).unwrap_or(first)
        };
        let equity_before = before(so_far, self.initial_capital);
        let (r, b) = (self.r.get_mut(..equity.len())?, self.b.get_mut(..close.len())?);
        let lowest = minimum(equity);
        if equity_before > 0.0 && lowest > 0.0 {
            changes(equity_before, equity, r);
        } else {
            let mut before = equity_before;
            for (r, &value) in r.iter_mut().zip(equity) {
                *r = change(before, value);
                before = value;
            }
        }
        changes(before(self.close, self.first_close), close, b);
        Some(Block { r, b, equity, lowest })
    }

    /// Returns the return of one bar.
    fn one(&self, bar: usize) -> f64 {
        let before =
            bar.checked_sub(1).map_or(self.initial_capital, |before| self.equity.at(before));
        change(before, self.equity.at(bar))
    }
}

/// Returns of a column whose values are all above 0.
#[inline(always)]
fn changes(before: f64, values: &[f64], returns: &mut [f64]) {
    if let (Some(first), Some(&value)) = (returns.first_mut(), values.first()) {
        *first = (value - before) / before;
    }
    let to = values.get(1..).unwrap_or(&[]);
    let into = returns.get_mut(1..).unwrap_or(&mut []);
    for ((r, from), to) in into.iter_mut().zip(values).zip(to) {
        *r = (to - from) / from;
    }
}

#[cfg(test)]
mod tests {
    use super::super::Known;
    use super::*;

    #[test]
    fn returns_around_zero_follow_vectorbt() {
        // vectorbt 1.2.0: returns of the values 100, 50, -50, -100, 0, 0, 10 with 100 before them.
        let expected = [0.0, -0.5, -2.0, -1.0, 1.0, 0.0];
        let equity = [100.0, 50.0, -50.0, -100.0, 0.0, 0.0];
        let mut before = 100.0;
        for (value, expected) in equity.into_iter().zip(expected) {
            assert!((change(before, value) - expected).abs() < 1e-15, "{before} to {value}");
            before = value;
        }
        assert!(change(0.0, 10.0).is_infinite() && change(0.0, -10.0) < 0.0);
    }

    #[test]
    fn blocks_and_lanes_leave_no_bar_out() {
        // 2,061 bars: two blocks, a part of a third, and one bar beyond a multiple of four.
        let equity: Vec<f64> =
            (0..2_061).map(|bar| 1_000.0 + f64::from(bar % 37) + f64::from(bar) / 9.0).collect();
        let close: Vec<f64> = (0..2_061).map(|bar| 50.0 + f64::from(bar % 23)).collect();
        let measured = measure(990.0, &mut Known(&equity), &close, 0.0);
        let plain = |before: f64, values: &[f64]| -> Vec<f64> {
            let from = std::iter::once(before).chain(values.iter().copied());
            let returns: Vec<f64> =
                values.iter().zip(from).map(|(to, from)| (to - from) / from).collect();
            let mean = returns.iter().sum::<f64>() / float(returns.len());
            returns.iter().map(|value| value - mean).collect()
        };
        let (r, b) = (plain(990.0, &equity), plain(50.0, &close));
        let sum = |of: fn(f64, f64) -> f64| r.iter().zip(&b).map(|(r, b)| of(*r, *b)).sum::<f64>();
        let facts = measured.facts;
        for (found, expected) in [
            (facts.squares, sum(|r, _| r * r)),
            (facts.cubes, sum(|r, _| r.powi(3))),
            (facts.fourths, sum(|r, _| r.powi(4))),
            (facts.benchmark_squares, sum(|_, b| b * b)),
            (facts.products, sum(|r, b| r * b)),
            (facts.active_squares, sum(|r, b| (r - b).powi(2))),
            (facts.growth, equity[2_060] / 990.0),
        ] {
            assert!((found / expected - 1.0).abs() < 1e-11, "{found} {expected}");
        }
    }
}
