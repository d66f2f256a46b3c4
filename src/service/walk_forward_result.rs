//! The result of a walk-forward.

use serde_json::{Map, Value};

use crate::market::Interval;
use crate::note::Note;
use crate::store::record::{Assumptions, MetricValues, Outcome};
use crate::sweep::walk_forward::Stability;

/// The result of a walk-forward.
#[derive(Debug)]
pub struct WalkForwardResult {
    /// The id: `wf-` and 12 hex digits.
    pub walk_forward_id: String,
    /// The strategy.
    pub strategy_id: String,
    /// The source text, unless the strategy is built in or a function.
    pub strategy_source: Option<String>,
    /// The asset.
    pub asset_symbol: String,
    /// The timeframe; `tick` if each tick is a bar.
    pub timeframe: Interval,
    /// Money at the start of each window, and of the joined tests.
    pub initial_capital: f64,
    /// The text of the objective.
    pub objective: String,
    /// The number of combinations that were tried on each window.
    pub combinations: usize,
    /// The windows.
    pub folds: Vec<Fold>,
    /// The tests, joined: metrics, trades and equity on the bars of all tests.
    pub stitched: Outcome,
    /// How much of the result in training the tests kept: see [`crate::sweep::walk_forward::efficiency`].
    pub efficiency: Option<f64>,
    /// The Sharpe ratio of the joined tests ÷ the mean of those in training; `None` if the latter is not above 0.
    pub sharpe_efficiency: Option<f64>,
    /// How steady the choices and the tests were.
    pub stability: Stability,
    /// What the runs rest on.
    pub assumptions: Assumptions,
    /// Remarks, the most important first.
    pub notes: Vec<Note>,
    /// Milliseconds from the call to the result.
    pub elapsed_ms: f64,
}

/// One window.
#[derive(Debug)]
pub struct Fold {
    /// Opening times of the first and the last bar of the training, UTC milliseconds.
    pub train: (i64, i64),
    /// Opening times of the first and the last bar of the test, UTC milliseconds.
    pub test: (i64, i64),
    /// Numbers of bars of the training and of the test.
    pub bars: (usize, usize),
    /// The choice; `None` if no combination competed.
    pub choice: Option<Choice>,
    /// Whether the test ended with an open position, which was closed at the last close.
    pub closed_at_end: bool,
}

/// The best combination of a window.
#[derive(Debug)]
pub struct Choice {
    /// Its number.
    pub combination: usize,
    /// The value of each axis.
    pub parameters: Map<String, Value>,
    /// Its objective in training.
    pub objective: f64,
    /// All metrics in training.
    pub in_sample: MetricValues,
    /// All metrics in the test.
    pub out_of_sample: MetricValues,
}
