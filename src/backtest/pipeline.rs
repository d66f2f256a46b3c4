//! The pipeline: one run from signals to its result.

use super::buffers::Buffers;
use super::input::{BacktestInput, StrategyRun};
use super::no_entries;
use super::outputs::Outputs;
use super::result::Backtest;
use super::warning_input::WarningInput;
use super::warnings::{self, never_exits};
use crate::compute::parallel::{Executor, join};
use crate::error::{Error, Result};
use crate::market::{BarRef, overflow};
use crate::metrics::{
    self, ComputedMetrics, EquityInput, EquityStatistics, FINAL_CAPITAL, Metric, StatisticSet,
    Statistics, TOTAL_RETURN, TradingInput, TradingStatistics,
};
use crate::note::{self, Note, NoteCode};
use crate::observer::ProgressObserver;
use crate::portfolio::accounting::Amounts;
use crate::portfolio::{Trades, Valuation};
use crate::signals::Signals;
use crate::simulation::{self, Simulation};

/// Over fewer bars, another thread takes longer to wake than it saves.
const PARALLEL_BARS: usize = 1 << 16;

/// Runs backtests: on which threads, and who observes them.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "neither an executor nor an observer has one")]
pub struct Pipeline<'a> {
    /// Runs the parts of a run that do not depend on each other.
    pub executor: &'a dyn Executor,
    /// Receives the progress and cancels.
    pub observer: &'a dyn ProgressObserver,
}

impl Pipeline<'_> {
    /// Runs a strategy on the bars of `input`.
    ///
    /// # Errors
    /// Those of [`Pipeline::run`]; `INVALID_ARGUMENT` if the strategy reads volume and the bars have none.
    pub fn run_strategy(
        &self,
        run: StrategyRun<'_>,
        input: &BacktestInput<'_>,
        outputs: &Outputs<'_>,
        buffers: &mut Buffers,
    ) -> Result<Backtest> {
        let StrategyRun { strategy, signals, bars, warm_up } = run;
        let signals = if let Some(signals) = signals {
            signals
        } else {
            self.observer.on_stage("signals");
            strategy.signals(bars, self.observer)?
        };
        let signals = signals.after(warm_up);
        let mut backtest = self.run(input, &signals, outputs, buffers)?;
        if outputs.warnings {
            // Of a strategy that is meant to hold its position, the number of trades says enough; stops close it, too.
            let holds = !backtest.simulation.orders.is_empty()
                && strategy.holds_by_design()
                && (input.settings.stops.are_set() || never_exits(input, &signals));
            if !holds {
                let as_note = |text: &String| Note::new(NoteCode::StrategySuspect, text.as_str());
                backtest.notes.extend(strategy.warnings().iter().map(as_note));
            }
            let entered = (&signals, warm_up..bars.len());
            let no_entries = no_entries::find(strategy, entered, bars, &Quiet(self.observer))?;
            // Why there are no trades says more than that there are none.
            let is_suspect = !strategy.warnings().is_empty();
            if backtest.simulation.orders.is_empty() && (is_suspect || no_entries.is_some()) {
                backtest.notes.retain(|note| note.code != NoteCode::FewTrades);
            }
            backtest.notes.extend(no_entries);
            note::sort(&mut backtest.notes);
        }
        Ok(backtest)
    }

    /// Runs signals through simulation, valuation and metrics.
    ///
    /// # Errors
    /// Those of [`simulation::simulate`]; `INVALID_ARGUMENT` for an amount that overflows. Cancelled by the observer.
    pub fn run(
        &self,
        input: &BacktestInput<'_>,
        signals: &Signals,
        outputs: &Outputs<'_>,
        buffers: &mut Buffers,
    ) -> Result<Backtest> {
        let evaluated = self.evaluate(input, signals, outputs, buffers)?;
        result(input, Some(signals), evaluated, outputs, buffers)
    }

    /// Runs signals as [`Pipeline::run`] does, and closes a position that is open at the end at the last close, with costs.
    /// Returns the result, without notes, and whether there was such a position.
    ///
    /// # Errors
    /// Those of [`Pipeline::run`].
    pub fn run_to_flat(
        &self,
        input: &BacktestInput<'_>,
        signals: &Signals,
        outputs: &Outputs<'_>,
    ) -> Result<(Backtest, bool)> {
        let &BacktestInput { prices, initial_capital, settings, .. } = input;
        let observer = self.observer;
        let simulation =
            simulation::simulate(&prices, signals, initial_capital, settings, observer)?;
        let (simulation, was_open) = simulation.close_out(&prices, initial_capital, settings)?;
        Ok((self.measured(input, simulation, outputs)?, was_open))
    }

    /// Values and measures a simulation on the bars of `input`. The result has the notes that need no signals, if they are wanted.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for an amount that overflows. Cancelled by the observer.
    pub fn measured(
        &self,
        input: &BacktestInput<'_>,
        simulation: Simulation,
        outputs: &Outputs<'_>,
    ) -> Result<Backtest> {
        let buffers = &mut Buffers::default();
        let evaluated = self.value(input, simulation, None, outputs, buffers)?;
        result(input, None, evaluated, outputs, buffers)
    }

    /// Runs signals through simulation and valuation, up to the statistics that metrics are computed from.
    ///
    /// # Errors
    /// Those of [`Pipeline::run`].
    pub fn statistics(
        &self,
        input: &BacktestInput<'_>,
        signals: &Signals,
        metrics: &[&'static Metric],
        buffers: &mut Buffers,
    ) -> Result<Statistics> {
        let evaluated = self.evaluate(input, signals, &Outputs::metrics(metrics), buffers)?;
        let Evaluated { simulation, trades, equity, statistics, .. } = evaluated;
        *buffers = Buffers { simulation, trades, equity };
        headline(input, &statistics)?;
        Ok(statistics)
    }

    /// Runs signals through simulation and valuation.
    fn evaluate(
        &self,
        input: &BacktestInput<'_>,
        signals: &Signals,
        outputs: &Outputs<'_>,
        buffers: &mut Buffers,
    ) -> Result<Evaluated> {
        let observer = self.observer;
        observer.on_stage("simulation");
        let &BacktestInput { prices, initial_capital, settings, .. } = input;
        let simulation = simulation::simulate_into(
            std::mem::take(&mut buffers.simulation),
            &prices,
            signals,
            initial_capital,
            settings,
            observer,
        )?;
        self.value(input, simulation, Some(signals), outputs, buffers)
    }

    /// Values and measures a simulation.
    fn value(
        &self,
        input: &BacktestInput<'_>,
        simulation: Simulation,
        signals: Option<&Signals>,
        outputs: &Outputs<'_>,
        buffers: &mut Buffers,
    ) -> Result<Evaluated> {
        let &BacktestInput { prices, timestamps, initial_capital, .. } = input;
        self.observer.on_stage("metrics");
        if self.observer.is_cancelled() {
            return Err(Error::cancelled());
        }
        let measures = self.measure(input, &simulation, signals, outputs, buffers);
        let Measures { of_equity, equity, of_trading, trades, at_next_open } = measures;
        let amounts = Amounts {
            initial_capital,
            orders: &simulation.orders,
            holdings: &simulation.holdings,
            equity: &equity,
            trades: &trades,
            last_close: prices.close().last().copied().unwrap_or(0.0),
        };
        debug_assert!(
            !outputs.trades || amounts.balance(),
            "Invariant: trades add up to the gain of the equity"
        );
        // The statistics know whether an amount may be infinite, without another pass over the columns.
        let is_finite = of_equity.equity_is_finite()
            && of_trading.trades_are_finite()
            && trades.excursions_are_finite()
            && simulation.holdings.are_finite();
        if !is_finite {
            amounts.check_finite(timestamps)?;
        }
        let statistics = Statistics::new(of_equity, of_trading);
        Ok(Evaluated { simulation, trades, equity, statistics, at_next_open })
    }

    /// Values and measures a simulation: its curve, and at the same time its orders and trades.
    fn measure(
        &self,
        input: &BacktestInput<'_>,
        simulation: &Simulation,
        signals: Option<&Signals>,
        outputs: &Outputs<'_>,
        buffers: &mut Buffers,
    ) -> Measures {
        let prices = input.prices;
        let set = metrics::needs(outputs.metrics);
        let wants_trades = outputs.trades || outputs.warnings || set.contains(StatisticSet::TRADES);
        let buffer = std::mem::take(&mut buffers.trades);
        let equity_buffer = std::mem::take(&mut buffers.equity);
        let of_equity = || measure_equity(input, simulation, set, self.executor, equity_buffer);
        let of_trading = || {
            let trades = if outputs.trades {
                let execution = input.settings.conventions.execution;
                buffer.replaced_in_detail(prices, simulation, execution)
            } else if wants_trades {
                buffer.replaced_by(prices.close(), &simulation.orders)
            } else {
                buffer.cleared()
            };
            let statistics = measure_trading(input, simulation, &trades, set);
            let at_next_open = signals
                .filter(|_| outputs.warnings)
                .and_then(|signals| next_open_return(input, signals, simulation, self.observer));
            (statistics, trades, at_next_open)
        };
        let ((of_equity, equity), (of_trading, trades, at_next_open)) =
            if prices.len() < PARALLEL_BARS {
                (of_equity(), of_trading())
            } else {
                join(self.executor, of_equity, of_trading)
            };
        Measures { of_equity, equity, of_trading, trades, at_next_open }
    }
}

/// Computes the metrics and the notes of a run.
fn result(
    input: &BacktestInput<'_>,
    signals: Option<&Signals>,
    evaluated: Evaluated,
    outputs: &Outputs<'_>,
    buffers: &mut Buffers,
) -> Result<Backtest> {
    let Evaluated { simulation, trades, equity, statistics, at_next_open } = evaluated;
    let ComputedMetrics { values, overflowed } = metrics::compute(outputs.metrics, &statistics);
    let (final_capital, total_return) = headline(input, &statistics)?;
    let notes = if outputs.warnings {
        warnings::find(&WarningInput {
            input,
            signals,
            simulation: &simulation,
            trades: &trades,
            equity: &equity,
            is_solvent: statistics.is_solvent,
            total_return,
            at_next_open,
            overflowed: &overflowed,
        })
    } else {
        Vec::new()
    };
    let mut backtest = Backtest {
        simulation,
        trades: Some(trades),
        equity: Some(equity),
        final_capital,
        total_return,
        metrics: values,
        notes,
    };
    if !outputs.trades {
        buffers.trades = backtest.trades.take().unwrap_or_default();
    }
    if !outputs.equity {
        buffers.equity = backtest.equity.take().unwrap_or_default();
    }
    Ok(backtest)
}

/// A run before its metrics.
struct Evaluated {
    simulation: Simulation,
    trades: Trades,
    equity: Vec<f64>,
    statistics: Statistics,
    at_next_open: Option<f64>,
}

/// Returns the final capital and the total return. Every run has both, unless one of them is not finite.
fn headline(input: &BacktestInput<'_>, statistics: &Statistics) -> Result<(f64, f64)> {
    let one = |metric: &Metric| {
        let bar = input.prices.len().saturating_sub(1);
        let last = BarRef { bar, timestamps: input.timestamps };
        let value = metric.of(statistics);
        value.ok_or_else(|| overflow(&format!("the {} reached", metric.name), last))
    };
    Ok((one(&FINAL_CAPITAL)?, one(&TOTAL_RETURN)?))
}

/// A simulation, valued and measured.
struct Measures {
    of_equity: EquityStatistics,
    equity: Vec<f64>,
    of_trading: TradingStatistics,
    trades: Trades,
    /// The total return with fills at the next open, percent, if it is wanted and known.
    at_next_open: Option<f64>,
}

/// Values the run at each close and measures its curve.
fn measure_equity(
    input: &BacktestInput<'_>,
    simulation: &Simulation,
    set: StatisticSet,
    executor: &dyn Executor,
    buffer: Vec<f64>,
) -> (EquityStatistics, Vec<f64>) {
    let (close, conventions) = (input.prices.close(), &input.settings.conventions);
    let curve = EquityInput {
        initial_capital: input.initial_capital,
        close,
        bar_milliseconds: input.bar_milliseconds,
        annualization: input.annualization,
        risk_free: conventions.risk_free,
    };
    let Simulation { orders, holdings, .. } = simulation;
    let valuation = Valuation::new(close, orders, holdings, input.initial_capital);
    EquityStatistics::new(&curve, &valuation, set, executor, buffer)
}

/// Measures orders and trades.
fn measure_trading(
    input: &BacktestInput<'_>,
    simulation: &Simulation,
    trades: &Trades,
    set: StatisticSet,
) -> TradingStatistics {
    let rejected = simulation.rejections.iter().map(|rejection| rejection.count as usize);
    let trading = TradingInput {
        initial_capital: input.initial_capital,
        close: input.prices.close(),
        orders: &simulation.orders,
        holdings: &simulation.holdings,
        trades,
        rejected_signals: rejected.sum(),
    };
    TradingStatistics::new(&trading, set)
}

/// Returns the total return of the same run with fills at the next open, percent. A warning compares it with that of fills
/// at the close.
fn next_open_return(
    input: &BacktestInput<'_>,
    signals: &Signals,
    simulation: &Simulation,
    observer: &dyn ProgressObserver,
) -> Option<f64> {
    let &BacktestInput { prices, initial_capital: capital, settings, .. } = input;
    let quiet = Quiet(observer);
    let (cash, position) =
        simulation::at_next_open(simulation, &prices, signals, capital, settings, &quiet)?;
    let end = cash + position * prices.close().last()?;
    Some((end - capital) / capital * 100.0).filter(|percent| percent.is_finite())
}

/// Cancels with the run, and reports nothing.
struct Quiet<'a>(&'a dyn ProgressObserver);

impl ProgressObserver for Quiet<'_> {
    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}
