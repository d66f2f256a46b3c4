//! The result of a run.

use crate::note::Note;
use crate::portfolio::Trades;
use crate::simulation::Simulation;

/// The result of a run.
#[derive(Debug)]
pub struct Backtest {
    /// The orders, what was held after each of them, and the signals that made none.
    pub simulation: Simulation,
    /// The trades, if they were wanted.
    pub trades: Option<Trades>,
    /// Equity at the close of each bar, money, if it was wanted.
    pub equity: Option<Vec<f64>>,
    /// Money at the end.
    pub final_capital: f64,
    /// Total return, percent.
    pub total_return: f64,
    /// The metrics that were wanted, in the order of that list.
    pub metrics: Vec<(&'static str, Option<f64>)>,
    /// Reasons to doubt the run, the most serious first; empty if they were not wanted.
    pub notes: Vec<Note>,
}
