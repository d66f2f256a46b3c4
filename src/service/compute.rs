//! The way of the data: signals, orders, trades, equity, metrics. Runs on a simulation thread.

use std::borrow::Cow;

use crate::error::Result;
use crate::market::{BarRef, Bars, overflow};
use crate::metrics::{self, Curve, EquityStatistics, Ledger, Statistics, TradingStatistics};
use crate::observer::ProgressObserver;
use crate::portfolio::{Holdings, Portfolio, Trades, Valuation};
use crate::signals::Signals;
use crate::simulation::{self, Options, Orders, Prices, Simulation};
use crate::store::record::{Outcome, Summary, Values};
use crate::strategies::BoundStrategy;

use super::progress::Reporter;
use super::{pool, warnings};

/// What a simulation needs besides prices and signals.
#[derive(Debug)]
pub(super) struct Terms<'a> {
    pub(super) initial_capital: f64,
    pub(super) options: &'a Options,
    /// Length of a bar, milliseconds.
    pub(super) bar_milliseconds: i64,
}

/// Everything that came out of a simulation.
#[derive(Debug)]
pub(super) struct Computed {
    pub(super) orders: Orders,
    pub(super) portfolio: Portfolio,
    pub(super) summary: Summary,
}

/// Runs a strategy on bars, on signals that were given or else on its own.
pub(super) fn backtest(
    bound: &BoundStrategy,
    given: Option<Signals>,
    bars: &Bars,
    terms: &Terms<'_>,
    reporter: &Reporter,
) -> Result<Outcome> {
    let signals = if let Some(signals) = given {
        signals
    } else {
        reporter.stage("signals");
        bound.signals(bars, &reporter.observer("signals", bars.timestamps()))?
    };
    let mut computed = simulate(&Prices::from(bars), &signals, bars.timestamps(), terms, reporter)?;
    computed.summary.warnings.splice(0..0, bound.warnings_on(bars.len()));
    computed.summary.warnings.extend_from_slice(bound.warnings());
    Ok(Outcome {
        summary: computed.summary,
        trades: computed.portfolio.trades,
        timestamps: bars.timestamp_column(),
        equity: computed.portfolio.equity,
    })
}

/// Runs the machine on signals.
pub(super) fn simulate(
    prices: &Prices<'_>,
    signals: &Signals,
    timestamps: &[i64],
    terms: &Terms<'_>,
    reporter: &Reporter,
) -> Result<Computed> {
    let observer = reporter.observer("simulation", timestamps);
    reporter.stage("simulation");
    let bars = prices.len();
    let Results { simulation, portfolio, statistics, next_open } =
        results(prices, signals, timestamps, terms, &observer, reporter)?;
    let metrics::Computed { values, overflowed } = metrics::compute_all(&statistics);
    let metrics: Values =
        values.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)).collect();
    // Every run has a final capital and a total return, unless one of them is no number.
    let headline = |name: &str| {
        let value = metrics.iter().find(|(known, _)| known == name).and_then(|(_, value)| *value);
        let last = BarRef { bar: bars.saturating_sub(1), timestamps };
        value.ok_or_else(|| overflow(&format!("the {name} reached"), last))
    };
    let final_capital = headline("finalCapital")?;
    let total_return = headline("totalReturn")?;
    let is_solvent = statistics.is_solvent;
    let subject = warnings::Subject {
        bars,
        timestamps,
        options: terms.options,
        simulation: &simulation,
        portfolio: &portfolio,
        is_solvent,
        total_return,
        next_open,
        overflowed: &overflowed,
    };
    let warnings = warnings::of(&subject);
    Ok(Computed {
        orders: simulation.orders,
        portfolio,
        summary: Summary { final_capital, total_return, metrics, warnings },
    })
}

/// What the orders came to.
struct Results {
    simulation: Simulation,
    portfolio: Portfolio,
    statistics: Statistics,
    next_open: Option<f64>,
}

fn results(
    prices: &Prices<'_>,
    signals: &Signals,
    timestamps: &[i64],
    terms: &Terms<'_>,
    observer: &dyn ProgressObserver,
    reporter: &Reporter,
) -> Result<Results> {
    let (close, capital, options) = (prices.close(), terms.initial_capital, terms.options);
    let simulation = simulation::simulate(prices, signals, capital, options, observer)?;
    reporter.stage("metrics");
    let orders = &simulation.orders;
    let holdings = Holdings::of(close, orders, capital)?;
    reporter.cancel().check()?;
    let of_curve = || {
        let curve = Curve {
            initial_capital: capital,
            close,
            bar_milliseconds: terms.bar_milliseconds,
            year_days: options.year_days,
            risk_free: options.risk_free,
        };
        EquityStatistics::new(
            &curve,
            &Valuation::new(close, orders, &holdings, capital),
            &pool::SimulationPool,
        )
    };
    let of_orders = || {
        let trades = Trades::of(close, orders);
        let unexecuted = simulation.unexecuted.iter();
        let statistics = TradingStatistics::new(&Ledger {
            initial_capital: capital,
            close,
            orders,
            holdings: &holdings,
            trades: &trades,
            slippage: options.slippage,
            fills_without_slippage: &fills_without_slippage(&simulation),
            unexecuted_signals: unexecuted.map(|signals| u64::from(signals.count)).sum(),
        });
        let next_open =
            warnings::next_open_return(prices, signals, &simulation, terms, &Quiet(observer));
        (trades, statistics, next_open)
    };
    let ((of_curve, equity), (trades, of_orders, next_open)) =
        pool::both(close.len(), of_curve, of_orders);
    let portfolio = Portfolio::new(trades, equity, holdings, orders, capital);
    // The gate that no infinite amount passes: the measures know whether there may be one, without another look at it.
    let is_finite = of_curve.equity_is_finite()
        && of_orders.trades_are_finite()
        && portfolio.holdings.are_finite();
    if !is_finite {
        portfolio.check_finite(orders, timestamps)?;
    }
    Ok(Results {
        statistics: Statistics::of(of_curve, of_orders),
        portfolio,
        simulation,
        next_open,
    })
}

/// Stops with the run, and tells nothing of its own.
struct Quiet<'a>(&'a dyn ProgressObserver);

impl ProgressObserver for Quiet<'_> {
    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}

/// Returns the positions of fills at the very price that they were quoted at.
fn fills_without_slippage(simulation: &Simulation) -> Vec<u32> {
    let pairs = simulation.orders.price.iter().zip(&simulation.quoted_prices);
    #[expect(clippy::float_cmp, reason = "without slippage the fill is the quoted price itself")]
    let same =
        pairs.enumerate().filter(|(_, (price, quoted))| price == quoted).map(|(order, _)| order);
    same.filter_map(|order| u32::try_from(order).ok()).collect()
}

#[cfg(test)]
#[path = "compute_tests.rs"]
mod tests;
