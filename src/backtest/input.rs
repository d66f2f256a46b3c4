//! What a run is computed from.

use crate::settings::Settings;
use crate::simulation::Prices;

/// What a run is computed from, besides its signals.
#[derive(Debug, Clone, Copy)]
pub struct BacktestInput<'a> {
    /// The prices.
    pub prices: Prices<'a>,
    /// Opening times of the bars, UTC milliseconds; empty if they are not known.
    pub timestamps: &'a [i64],
    /// Length of a bar, milliseconds; `None` for bars at irregular times, which have neither annual figures nor durations.
    pub bar_milliseconds: Option<i64>,
    /// Money at the start.
    pub initial_capital: f64,
    /// Costs, sizing, signal rules, stops, conventions.
    pub settings: &'a Settings,
}
