//! Runs of any settings: orders by the simulation, and the curve from order to order.
//!
//! Between two orders equity is a linear function of the close. Without a position its returns are 0, with all money in the
//! asset they are those of the asset; else they are computed bar by bar.

use super::all_in::Measures;
use super::falls::Falls;
use super::return_sums::{BarSums, Differences, moments};
use super::scratch::Scratch;
use super::tables::Tables;
use super::trial_sums::TrialSums;
use super::wanted::Wanted;
use crate::backtest::BacktestInput;
use crate::compute::multiversion::{F64x4, simd_multiversion};
use crate::error::Result;
use crate::metrics::statistics::{DrawdownStatistics, ReturnStatistics};
use crate::metrics::{StatisticSet, TradingInput, TradingStatistics};
use crate::numbers::count_to_f64;
use crate::observer::ProgressObserver;
use crate::simulation::{Simulation, SimulationBuffers, simulate_columns, snap};
use crate::sweep::swept_signals::SweptSignals;

/// Equity within these bounds is moderate.
const EQUITY: std::ops::Range<f64> = 1e-3..1e100;

/// Measures a run; `None` if its equity is not moderate, an amount overflows, or too many digits would cancel.
///
/// # Errors
/// Those of [`crate::simulation::simulate`]; `LIMIT_EXCEEDED` if the memory cannot be allocated.
pub(super) fn measure(
    tables: &Tables,
    input: &BacktestInput<'_>,
    signals: &SweptSignals<'_>,
    wanted: &Wanted<'_>,
    scratch: &mut Scratch,
    observer: &dyn ProgressObserver,
) -> Result<Option<Measures>> {
    let simulation = std::mem::take(&mut scratch.simulation);
    let buffers = SimulationBuffers { simulation, moved: &mut scratch.moved };
    let columns =
        [Some(signals.entries), Some(signals.exits), signals.short_entries, signals.short_exits];
    let (prices, capital) = (&input.prices, input.initial_capital);
    let simulation = simulate_columns(buffers, prices, columns, capital, input.settings, observer)?;
    let close = input.prices.close();
    let trades = std::mem::take(&mut scratch.trades);
    scratch.trades = if wanted.set.contains(StatisticSet::TRADES) {
        trades.replaced_by(close, &simulation.orders)
    } else {
        trades.cleared()
    };
    let rejected = simulation.rejections.iter().map(|rejection| rejection.count as usize).sum();
    let trading = TradingInput {
        initial_capital: input.initial_capital,
        close,
        orders: &simulation.orders,
        holdings: &simulation.holdings,
        trades: &scratch.trades,
        rejected_signals: rejected,
    };
    let trading = TradingStatistics::new(&trading, wanted.set);
    let is_finite = trading.trades_are_finite() && simulation.holdings.are_finite();
    let curve =
        if is_finite { walk(tables, input, &simulation, wanted, &mut scratch.marks) } else { None };
    scratch.simulation = simulation;
    let Some(curve) = curve else { return Ok(None) };
    let mut returns = if wanted.set.contains(StatisticSet::RETURNS) {
        let Some(returns) = moments(tables, &curve.sums, curve.differences) else {
            return Ok(None);
        };
        returns
    } else {
        ReturnStatistics { count: tables.bars, ..ReturnStatistics::default() }
    };
    let drawdowns = if wanted.set.contains(StatisticSet::DRAWDOWNS) {
        let Some(found) = curve.falls.finish() else { return Ok(None) };
        found
    } else {
        DrawdownStatistics::default()
    };
    returns.growth = curve.equity / input.initial_capital;
    returns.deepest_drawdown = drawdowns.deepest;
    returns.squared_drawdowns = drawdowns.squares;
    if wanted.sums {
        scratch.finish_sums(
            &tables.boundaries,
            &TrialSums {
                bars: tables.bars,
                returns: curve.sums.returns,
                squares: curve.sums.squares,
                products: curve.sums.products,
                exposure: curve.exposure,
                ..TrialSums::default()
            },
        );
    }
    let (exposure, trades, rejected_signals) = trading.into_parts();
    Ok(Some(Measures {
        final_capital: curve.equity,
        mean_equity: curve.equity_sum / count_to_f64(tables.bars),
        returns,
        drawdowns,
        exposure,
        trades,
        rejected_signals,
    }))
}

/// A curve so far.
struct Curve {
    sums: BarSums<f64>,
    falls: Falls,
    differences: Differences,
    /// Equity of the last bar.
    equity: f64,
    equity_sum: f64,
    exposure: f64,
}

/// What is held from one order to the next.
#[derive(Debug, Clone, Copy)]
struct Held {
    cash: f64,
    size: f64,
}

impl Held {
    #[inline(always)]
    fn equity(self, close: f64) -> f64 {
        self.cash + close * self.size
    }
}

/// Walks from order to order; `None` if equity is not moderate.
fn walk(
    tables: &Tables,
    input: &BacktestInput<'_>,
    simulation: &Simulation,
    wanted: &Wanted<'_>,
    marks: &mut Vec<[f64; 2]>,
) -> Option<Curve> {
    let close = input.prices.close().get(..tables.bars)?;
    let mut curve = Curve {
        sums: BarSums::new(0.0, tables.risk_free),
        falls: Falls::new(),
        differences: Differences::default(),
        equity: input.initial_capital,
        equity_sum: 0.0,
        exposure: 0.0,
    };
    if !EQUITY.contains(&input.initial_capital) {
        return None;
    }
    let mut part = Part { tables, close, wants_falls: false, boundaries: &[], marks };
    part.wants_falls = wanted.set.contains(StatisticSet::DRAWDOWNS);
    part.marks.clear();
    if wanted.sums {
        part.boundaries = &tables.boundaries.bars;
    }
    let Simulation { orders, holdings, .. } = simulation;
    let mut held = Held { cash: snap(input.initial_capital), size: 0.0 };
    let mut from = 0;
    let after = orders.bar.iter().zip(&holdings.cash).zip(&holdings.position);
    for ((&bar, &cash), &size) in after {
        let bar = (bar as usize).min(tables.bars);
        // Several orders may lie on one bar. The last one counts.
        if bar > from {
            part.add(&mut curve, held, from, bar)?;
            from = bar;
        }
        held = Held { cash, size };
    }
    if from < tables.bars {
        part.add(&mut curve, held, from, tables.bars)?;
    }
    Some(curve)
}

/// What the parts of a curve are measured with.
struct Part<'a> {
    tables: &'a Tables,
    close: &'a [f64],
    wants_falls: bool,
    /// The boundaries to come.
    boundaries: &'a [u32],
    marks: &'a mut Vec<[f64; 2]>,
}

impl Part<'_> {
    /// Adds the bars from `from` to before `until`, on which `held` is held; an order may lie on the first of them.
    fn add(&mut self, curve: &mut Curve, held: Held, from: usize, until: usize) -> Option<()> {
        let (tables, close) = (self.tables, self.close);
        let is_flat = held.size == 0.0;
        let is_invested = held.cash == 0.0 && held.size > 0.0;
        let is_moderate = if is_flat {
            EQUITY.contains(&held.cash)
        } else {
            let extremes = tables.extremes(from, until);
            EQUITY.contains(&held.equity(extremes.low))
                && EQUITY.contains(&held.equity(extremes.high))
        };
        if !is_moderate {
            return None;
        }
        let (&first_close, &last_close) = (close.get(from)?, close.get(until - 1)?);
        let equity = held.equity(first_close);
        curve.sums.add((equity - curve.equity) / curve.equity, *tables.benchmark.get(from)?);
        let mut start = from + 1;
        while self.boundaries.first().is_some_and(|&boundary| boundary as usize <= until) {
            let boundary = self.boundaries.first().map_or(until, |&boundary| boundary as usize);
            if boundary > start {
                self.add_after_first(curve, held, (is_flat, is_invested), start, boundary)?;
                start = boundary;
            }
            self.marks.push([curve.sums.returns, curve.sums.squares]);
            self.boundaries = self.boundaries.get(1..).unwrap_or(&[]);
        }
        if until > start {
            self.add_after_first(curve, held, (is_flat, is_invested), start, until)?;
        }
        // The exposure of a bar is that at the close before it.
        let bars = until - from - usize::from(until == tables.bars);
        if is_invested {
            curve.exposure += count_to_f64(bars);
        } else if !is_flat && until < tables.bars {
            curve.exposure += last_close * held.size / held.equity(last_close);
        }
        let closes = tables.rows.get(until - 1)?.high[3] - tables.rows.get(from)?.high[3];
        curve.equity_sum +=
            held.cash * count_to_f64(until - from) + held.size * (closes + first_close);
        if self.wants_falls {
            if is_flat {
                curve.falls.flat(held.cash, until - from);
            } else if is_invested {
                curve.falls.invested(tables, close, held.size, from, until);
            } else {
                curve.falls.linear(tables, close, (held.cash, held.size), from, until);
            }
        }
        curve.equity = held.equity(last_close);
        Some(())
    }

    /// Adds bars on which the same is held as on the bar before them.
    fn add_after_first(
        &mut self,
        curve: &mut Curve,
        held: Held,
        (is_flat, is_invested): (bool, bool),
        from: usize,
        until: usize,
    ) -> Option<()> {
        let tables = self.tables;
        if is_flat || is_invested {
            let (before, last) = (tables.rows.get(from - 1)?, tables.rows.get(until - 1)?);
            if is_flat {
                curve.differences.flat += 1;
                curve.sums.add_flat(until - from, last.low[1] - before.low[1]);
            } else {
                curve.differences.held += 1;
                let difference = |lane: usize| last.low[lane] - before.low[lane];
                let higher = |lane: usize| last.high[lane] - before.high[lane];
                let low = std::array::from_fn(difference);
                curve.sums.add_held(low, std::array::from_fn(higher));
            }
        } else {
            let closes = self.close.get(from - 1..until)?;
            let benchmark = tables.benchmark.get(from..until)?;
            let inverses = stream(&mut curve.sums, (held.cash, held.size), closes, benchmark);
            curve.exposure += count_to_f64(until - from) - held.cash * inverses;
        }
        Some(())
    }
}

simd_multiversion! {
    /// Adds the returns of equity that is linear in the close: `closes` begin with that of the bar before. Returns the sum of
    /// 1 ÷ equity at the close before each bar.
    fn stream(
        simd,
        sums: &mut BarSums<f64>,
        held: (f64, f64),
        closes: &[f64],
        benchmark: &[f64],
    ) -> f64 {
        let (cash, size) = held;
        let risk_free = sums.rate();
        let zero = simd.splat(0.0);
        let mut lanes = BarSums::new(zero, simd.splat(risk_free));
        let mut inverses = zero;
        let (cash_lanes, size_lanes, one) = (simd.splat(cash), simd.splat(size), simd.splat(1.0));
        let later = closes.get(1..).unwrap_or(&[]);
        let ((from, _), (to, to_rest)) = (closes.as_chunks::<4>(), later.as_chunks::<4>());
        let (b, b_rest) = benchmark.as_chunks::<4>();
        for ((from, to), b) in from.iter().zip(to).zip(b) {
            let (from, to) = (simd.load(from), simd.load(to));
            let inverse = one / (cash_lanes + from * size_lanes);
            lanes.add((to - from) * size_lanes * inverse, simd.load(b));
            inverses = inverses + inverse;
        }
        let mut rest = lanes.sum();
        let mut total = inverses.sum();
        let before = closes.get(to.len() * 4..).unwrap_or(&[]);
        for ((&from, &to), &b) in before.iter().zip(to_rest).zip(b_rest) {
            let inverse = 1.0 / (cash + from * size);
            rest.add((to - from) * size * inverse, b);
            total += inverse;
        }
        sums.append(&rest);
        total
    }
}
