//! What a run is computed from.

use crate::market::{Annualization, Bars};
use crate::settings::Settings;
use crate::settings::YearDays;
use crate::signals::Signals;
use crate::simulation::Prices;
use crate::strategies::BoundStrategy;

/// Returns how results on bars are annualized. `bar_milliseconds` is `None` for bars at irregular times.
pub fn annualization(
    settings: &Settings,
    timestamps: &[i64],
    bar_milliseconds: Option<i64>,
) -> Annualization {
    match settings.conventions.year_days {
        YearDays::Auto => Annualization::from_bars(timestamps, bar_milliseconds),
        YearDays::Days(days) => Annualization::with_year_days(days, bar_milliseconds),
    }
}

/// What a run is computed from, besides its signals.
#[derive(Debug, Clone, Copy)]
pub struct BacktestInput<'a> {
    /// The prices.
    pub prices: Prices<'a>,
    /// Opening times of the bars, UTC milliseconds; empty if they are not known.
    pub timestamps: &'a [i64],
    /// Length of a bar, milliseconds; `None` for bars at irregular times, which have neither annual figures nor durations.
    pub bar_milliseconds: Option<i64>,
    /// Bars per year for annualized metrics, and the years that the bars span.
    pub annualization: Annualization,
    /// Money at the start.
    pub initial_capital: f64,
    /// Costs, sizing, signal rules, stops, conventions.
    pub settings: &'a Settings,
}

/// A strategy and the bars that its signals are computed on.
#[derive(Debug)]
pub struct StrategyRun<'a> {
    /// The strategy.
    pub strategy: &'a BoundStrategy,
    /// Its signals on `bars`; `None` if the strategy computes them.
    pub signals: Option<Signals>,
    /// The bars before those of the run, and those of the run.
    pub bars: &'a Bars,
    /// The number of bars before those of the run. Their signals are dropped.
    pub warm_up: usize,
}
