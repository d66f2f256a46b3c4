//! Runs backtests in tests, through the same pipeline as production.

use super::{Backtest, BacktestInput, Buffers, Outputs, Pipeline, annualization};
use crate::compute::parallel::Sequential;
use crate::error::Result;
use crate::market::time::DAY;
use crate::observer::NoObserver;
use crate::portfolio::Trades;
use crate::settings::Settings;
use crate::signals::Signals;
use crate::simulation::{Holdings, Prices, Simulation};

/// What most tests look at.
#[derive(Debug)]
pub(super) struct Portfolio {
    pub(super) trades: Trades,
    pub(super) equity: Vec<f64>,
    pub(super) holdings: Holdings,
}

/// Runs signals on daily bars that begin in 1970, with everything wanted.
pub(super) fn backtest(
    prices: &Prices<'_>,
    signals: &Signals,
    initial_capital: f64,
    settings: &Settings,
) -> Result<Backtest> {
    let days = i64::try_from(prices.len()).unwrap();
    let timestamps: Vec<i64> = (0..days).map(|day| day * DAY).collect();
    let input = BacktestInput {
        prices: prices.with_timestamps(&timestamps),
        timestamps: &timestamps,
        bar_milliseconds: Some(DAY),
        annualization: annualization(settings, &timestamps, Some(DAY)),
        initial_capital,
        settings,
    };
    let pipeline = Pipeline { executor: &Sequential, observer: &NoObserver };
    pipeline.run(&input, signals, &Outputs::ALL, &mut Buffers::default())
}

/// Does the same and takes the result apart.
pub(super) fn simulate(
    prices: &Prices<'_>,
    signals: &Signals,
    initial_capital: f64,
    settings: &Settings,
) -> Result<(Simulation, Portfolio)> {
    let Backtest { simulation, trades, equity, .. } =
        backtest(prices, signals, initial_capital, settings)?;
    let (trades, equity) = (trades.unwrap(), equity.unwrap());
    let holdings = simulation.holdings.clone();
    Ok((simulation, Portfolio { trades, equity, holdings }))
}
