//! What the notes on a run are found in.

use super::input::BacktestInput;
use crate::portfolio::Trades;
use crate::signals::Signals;
use crate::simulation::Simulation;

/// A run with its results.
#[derive(Debug)]
pub(super) struct WarningInput<'a> {
    pub(super) input: &'a BacktestInput<'a>,
    /// None for the joined tests of a walk-forward.
    pub(super) signals: Option<&'a Signals>,
    pub(super) simulation: &'a Simulation,
    pub(super) trades: &'a Trades,
    pub(super) equity: &'a [f64],
    pub(super) is_solvent: bool,
    pub(super) total_return: f64,
    /// The total return with fills at the next open, percent, if it is known.
    pub(super) at_next_open: Option<f64>,
    /// Metrics that have no value because a number on the way to it overflows, or is unknown for bars at irregular times.
    pub(super) overflowed: &'a [&'static str],
}
