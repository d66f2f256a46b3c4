//! The equity curve of a run from order to order.
//!
//! Between two orders equity is a linear function of the close. Without a position its returns are 0, with all money in the
//! asset they are those of the asset; else they are computed bar by bar.

use super::bar_block::{BarBlock, ComputedSums};
use super::falls::Falls;
use super::order_sums::Held;
use super::return_sums::{BarSums, Differences, HeldSums};
use super::tables::Tables;
use super::wanted::Wanted;
use crate::backtest::BacktestInput;
use crate::compute::multiversion::{F64x4, Simd, simd_multiversion};
use crate::metrics::StatisticSet;
use crate::metrics::statistics::GrossExposure;
use crate::numbers::count_to_f64;
use crate::simulation::{add, snap};

/// Equity within these bounds is moderate.
const EQUITY: std::ops::Range<f64> = 1e-3..1e100;

/// What a curve comes to.
#[derive(Debug)]
pub(super) struct Curve {
    pub(super) sums: BarSums<f64>,
    pub(super) falls: Falls,
    pub(super) differences: Differences,
    /// Equity of the last bar.
    pub(super) equity: f64,
    pub(super) equity_sum: f64,
    /// The sum of position value ÷ equity at the close before each bar.
    pub(super) exposure: f64,
    pub(super) gross: GrossExposure,
}

/// Memory that is reused.
#[derive(Debug)]
pub(super) struct CurveBuffers<'a> {
    pub(super) block: &'a mut BarBlock,
    /// Receives the sums of r and r² up to each boundary, if they are wanted.
    pub(super) marks: &'a mut Vec<[f64; 2]>,
}

simd_multiversion! {
    /// Walks from order to order; `None` if equity is not moderate.
    pub(super) fn walk(
        simd,
        tables: &Tables,
        input: &BacktestInput<'_>,
        held: &[Held],
        wanted: &Wanted<'_>,
        buffers: CurveBuffers<'_>,
    ) -> Option<Curve> {
        let bars = tables.bars;
        let close = input.prices.close().get(..bars)?;
        let capital = input.initial_capital;
        if !EQUITY.contains(&capital) {
            return None;
        }
        let CurveBuffers { block, marks } = buffers;
        block.clear();
        marks.clear();
        let splat = |value| simd.splat(value);
        let zero = splat(0.0);
        let mut part = Part {
            simd,
            tables,
            close,
            wants_falls: wanted.set.contains(StatisticSet::DRAWDOWNS),
            is_lean: tables.risk_free == 0.0 && !wanted.sums,
            boundaries: if wanted.sums { &tables.boundaries.bars } else { &[] },
            marks,
            block,
            computed: ComputedSums { bars: BarSums::new(zero, splat(tables.risk_free)), cash: zero },
            rest: ComputedSums { bars: BarSums::new(0.0, tables.risk_free), cash: 0.0 },
            invested: HeldSums::new(simd),
            flat: (0, 0.0),
            // Bars whose exposure is 1, less what cash takes off.
            exposed: 0,
            curve: Curve {
                sums: BarSums::new(0.0, tables.risk_free),
                falls: Falls::new(),
                differences: Differences::default(),
                equity: capital,
                equity_sum: 0.0,
                exposure: 0.0,
                gross: GrossExposure::default(),
            },
        };
        let mut now = Held { from: 0, cash: snap(capital), free_cash: add(0.0, capital), size: 0.0 };
        let mut from = 0;
        let bar = |held: Option<&Held>| held.map_or(bars, |held| (held.from as usize).min(bars));
        for (number, next) in held.iter().enumerate() {
            let (until, after) = (bar(Some(next)), bar(held.get(number + 1)));
            if after > until {
                tables.prefetch(until, after);
            }
            if until > from {
                part.add(&now, from, until)?;
                from = until;
            }
            now = *next;
        }
        if from < bars {
            part.add(&now, from, bars)?;
        }
        Some(part.finish())
    }
}

impl Held {
    #[inline(always)]
    fn equity(&self, close: f64) -> f64 {
        self.cash + close * self.size
    }
}

/// What is held, by how the curve is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// No position.
    Flat,
    /// All money in the asset.
    Invested,
    /// A short position, or one with cash beside it.
    Linear,
}

/// A curve so far.
struct Part<'a, P: Simd> {
    simd: P,
    tables: &'a Tables,
    close: &'a [f64],
    wants_falls: bool,
    /// Whether neither a risk-free rate nor exposures are needed.
    is_lean: bool,
    /// The boundaries to come.
    boundaries: &'a [u32],
    marks: &'a mut Vec<[f64; 2]>,
    block: &'a mut BarBlock,
    computed: ComputedSums<P::F64x4>,
    rest: ComputedSums<f64>,
    invested: HeldSums<P::F64x4>,
    /// Bars without a position after the first of each stretch, and their Σ b².
    flat: (usize, f64),
    exposed: usize,
    curve: Curve,
}

impl<P: Simd> Part<'_, P> {
    /// Adds the bars from `from` to before `until`, on which `held` is held; an order may lie on the first of them.
    #[inline(always)]
    fn add(&mut self, held: &Held, from: usize, until: usize) -> Option<()> {
        let (tables, close) = (self.tables, self.close);
        let closes = close.get(from..until)?;
        let (&first_close, &last_close) = (closes.first()?, closes.last()?);
        let kind = if held.size == 0.0 {
            Kind::Flat
        } else if held.cash == 0.0 && held.size > 0.0 {
            Kind::Invested
        } else {
            Kind::Linear
        };
        let equity = held.equity(first_close);
        if kind == Kind::Flat {
            if !EQUITY.contains(&held.cash) {
                return None;
            }
            self.curve.gross.hold(0.0, held.free_cash, closes, || 0.0);
        } else {
            let extremes = tables.extremes(from, until);
            let (low, high) = (held.equity(extremes.low), held.equity(extremes.high));
            if !EQUITY.contains(&low) || !EQUITY.contains(&high) {
                return None;
            }
            self.curve.gross.hold(held.size, held.free_cash, closes, || extremes.high);
        }
        self.block.make_room(self.simd, &mut self.computed);
        let before = self.curve.equity;
        self.block.push(equity - before, before, *tables.benchmark.get(from)?, 0.0);
        let mut start = from + 1;
        while self.boundaries.first().is_some_and(|&boundary| boundary as usize <= until) {
            let boundary = self.boundaries.first().map_or(until, |&boundary| boundary as usize);
            if boundary > start {
                self.add_after_first(held, kind, start, boundary)?;
                start = boundary;
            }
            self.mark();
            self.boundaries = self.boundaries.get(1..).unwrap_or(&[]);
        }
        if until > start {
            self.add_after_first(held, kind, start, until)?;
        }
        let curve = &mut self.curve;
        // The exposure of a bar is that at the close before it. Of the last one here, that of the next stretch's first bar.
        match kind {
            Kind::Flat => {}
            Kind::Invested => self.exposed += until - from - usize::from(until == tables.bars),
            Kind::Linear if until < tables.bars => {
                curve.exposure += last_close * held.size / held.equity(last_close);
            }
            Kind::Linear => {}
        }
        let closes = tables.rows.get(until - 1)?.high[3] - tables.rows.get(from)?.high[3];
        curve.equity_sum +=
            held.cash * count_to_f64(until - from) + held.size * (closes + first_close);
        if self.wants_falls {
            match kind {
                Kind::Flat => curve.falls.flat(held.cash, until - from),
                Kind::Invested => curve.falls.invested(tables, close, held.size, from, until),
                Kind::Linear => {
                    curve.falls.linear(tables, close, (held.cash, held.size), from, until);
                }
            }
        }
        curve.equity = held.equity(last_close);
        Some(())
    }

    /// Adds bars on which the same is held as on the bar before them.
    #[inline(always)]
    fn add_after_first(
        &mut self,
        held: &Held,
        kind: Kind,
        from: usize,
        until: usize,
    ) -> Option<()> {
        let tables = self.tables;
        if kind == Kind::Linear {
            let closes = self.close.get(from - 1..until)?;
            self.stream(held, closes, tables.benchmark.get(from..until)?);
            self.exposed += until - from;
            return Some(());
        }
        let (before, last) = (tables.rows.get(from - 1)?, tables.rows.get(until - 1)?);
        if kind == Kind::Flat {
            self.curve.differences.flat += 1;
            self.flat.0 += until - from;
            self.flat.1 += last.low[1] - before.low[1];
        } else {
            self.curve.differences.held += 1;
            self.invested.add(self.simd, before, last);
        }
        Some(())
    }

    /// Adds the returns of equity that is linear in the close: `closes` begin with that of the bar before.
    #[inline(always)]
    fn stream(&mut self, held: &Held, closes: &[f64], benchmark: &[f64]) {
        let simd = self.simd;
        let (cash, size, one) = (simd.splat(held.cash), simd.splat(held.size), simd.splat(1.0));
        let later = closes.get(1..).unwrap_or(&[]);
        let ((from, _), (to, to_rest)) = (closes.as_chunks::<4>(), later.as_chunks::<4>());
        let (b, b_rest) = benchmark.as_chunks::<4>();
        let fours = from.iter().zip(to).zip(b);
        let mut sums = self.computed;
        if self.is_lean {
            // The sums stay in registers.
            for ((from, to), b) in fours {
                let (from, to) = (simd.load(from), simd.load(to));
                let inverse = one / (cash + from * size);
                sums.bars.add_return_over_zero((to - from) * size * inverse, simd.load(b));
            }
        } else {
            for ((from, to), b) in fours {
                let (from, to) = (simd.load(from), simd.load(to));
                let inverse = one / (cash + from * size);
                sums.bars.add_return((to - from) * size * inverse, simd.load(b));
                sums.cash = sums.cash + cash * inverse;
            }
        }
        self.computed = sums;
        let before = closes.get(to.len() * 4..).unwrap_or(&[]);
        self.block.make_room(simd, &mut self.computed);
        for ((&from, &to), &b) in before.iter().zip(to_rest).zip(b_rest) {
            self.block.push((to - from) * held.size, held.equity(from), b, held.cash);
        }
    }

    /// Writes the sums of r and r² up to here.
    #[inline(always)]
    fn mark(&mut self) {
        self.block.add_fours(self.simd, &mut self.computed);
        self.block.add_rest(&mut self.rest);
        let [returns, squares, ..] = self.invested.low.to_array();
        let (lanes, rest) = (&self.computed.bars, &self.rest.bars);
        self.marks.push([
            lanes.returns.sum() + rest.returns + returns,
            lanes.squares.sum() + rest.squares + squares,
        ]);
    }

    #[inline(always)]
    fn finish(mut self) -> Curve {
        self.block.add_fours(self.simd, &mut self.computed);
        self.block.add_rest(&mut self.rest);
        let mut curve = self.curve;
        curve.sums = self.computed.bars.sum();
        curve.sums.append(&self.rest.bars);
        curve.sums.add_held(self.invested.low.to_array(), self.invested.high.to_array());
        curve.sums.add_flat(self.flat.0, self.flat.1);
        let of_cash = self.computed.cash.sum() + self.rest.cash;
        curve.exposure += count_to_f64(self.exposed) - of_cash;
        curve
    }
}
