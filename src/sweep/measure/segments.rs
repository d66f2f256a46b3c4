//! Runs of any settings: their orders one at a time, and the curve from order to order.

use super::all_in::Measures;
use super::curve::{CurveBuffers, walk};
use super::order_sums::OrderSums;
use super::return_sums::moments;
use super::scratch::Scratch;
use super::tables::Tables;
use super::trial_sums::TrialSums;
use super::wanted::Wanted;
use crate::backtest::BacktestInput;
use crate::compute::multiversion::multiversion;
use crate::compute::reserve;
use crate::error::Result;
use crate::metrics::StatisticSet;
use crate::metrics::statistics::{DrawdownStatistics, ReturnStatistics};
use crate::numbers::count_to_f64;
use crate::observer::ProgressObserver;
use crate::settings::Settings;
use crate::simulation::{Prices, SimulationBuffers, simulate_columns, stream_orders};
use crate::sweep::swept_signals::SweptSignals;

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
    let columns =
        [Some(signals.entries), Some(signals.exits), signals.short_entries, signals.short_exits];
    let (prices, capital, settings) = (&input.prices, input.initial_capital, input.settings);
    let wants_trades = wanted.set.contains(StatisticSet::TRADES);
    let given = scratch.prepare_orders(signals)?;
    let mut sums = OrderSums::new(&mut scratch.held, &mut scratch.closed, wants_trades);
    let moved = &mut scratch.moved;
    let streamed = streamed(prices, columns, moved, capital, settings, &mut sums);
    let rejected_signals = if let Some(served) = streamed {
        given - served
    } else {
        let simulation = std::mem::take(&mut scratch.simulation);
        let buffers = SimulationBuffers { simulation, moved };
        let simulation = simulate_columns(buffers, prices, columns, capital, settings, observer)?;
        let orders = simulation.orders.len();
        reserve::cleared(&mut scratch.held, orders, "orders")?;
        reserve::cleared(&mut scratch.closed, orders, "results of trades")?;
        sums = OrderSums::new(&mut scratch.held, &mut scratch.closed, wants_trades);
        sums.take_all(&simulation);
        let rejections = simulation.rejections.iter();
        let rejected = rejections.map(|rejection| rejection.count as usize).sum();
        scratch.simulation = simulation;
        rejected
    };
    let Some(totals) = sums.finish(prices.close()) else { return Ok(None) };
    let buffers = CurveBuffers { block: &mut scratch.bars, marks: &mut scratch.marks };
    let Some(curve) = walk(tables, input, &scratch.held, wanted, buffers) else { return Ok(None) };
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
    let exposure = totals.exposure(&curve.gross, tables.bars);
    Ok(Some(Measures {
        final_capital: curve.equity,
        mean_equity: curve.equity_sum / count_to_f64(tables.bars),
        returns,
        drawdowns,
        exposure,
        trades: totals.trades,
        rejected_signals,
    }))
}

multiversion! {
    /// Adds all orders of a run without stops; returns how many signals they served.
    fn streamed(
        prices: &Prices<'_>,
        columns: [Option<&[u64]>; 4],
        moved: &mut [Vec<u64>; 4],
        capital: f64,
        settings: &Settings,
        sums: &mut OrderSums<'_>,
    ) -> Option<usize> {
        stream_orders(prices, columns, moved, capital, settings, |order| sums.take(order))
    }
}
