//! A request for a backtest, checked as a whole.

use std::sync::Arc;

use crate::data::LoadedBars;
use crate::market::Timeframe;
use crate::settings::Settings;
use crate::store::result_parts::ResultParts;
use crate::strategies::BoundStrategy;

use super::function::BoundFunction;
use super::warm_up_setting::WarmUp;

/// A valid request with its strategy resolved and its parameters bound.
#[derive(Debug)]
pub(super) struct BoundRequest {
    /// The strategy with its parameters.
    pub(super) bound: Arc<BoundStrategy>,
    /// The function that computes the signals. `bound` then has no expressions.
    pub(super) function: Option<BoundFunction>,
    /// The id under which the strategy is recorded.
    pub(super) strategy_id: String,
    /// The source text, unless the strategy is built in or a function: its id may refer to another strategy later.
    pub(super) strategy_source: Option<String>,
    /// The asset.
    pub(super) asset_symbol: String,
    /// First timestamp that is traded, UTC milliseconds, inclusive.
    pub(super) start: i64,
    /// First timestamp of the bars of the request, UTC milliseconds, inclusive: those before `start` only compute signals.
    pub(super) history_start: i64,
    /// How many stored bars before `start` compute signals.
    pub(super) warm_up: WarmUp,
    /// Last timestamp, UTC milliseconds, inclusive.
    pub(super) end: i64,
    /// Initial capital.
    pub(super) initial_capital: f64,
    /// The requested timeframe.
    pub(super) timeframe: Option<Timeframe>,
    /// The settings of the simulation, including the strategy's position size.
    pub(super) settings: Settings,
    /// The bars of the request, of their own timeframe.
    pub(super) bars: Option<Arc<LoadedBars>>,
    /// Whether the run is persisted.
    pub(super) persist: bool,
    /// The parts of the result that are wanted.
    pub(super) parts: ResultParts,
    /// The maximum number of points of the returned curve; `None` for all of them.
    pub(super) max_points: Option<usize>,
    /// Whether to run a function that looks ahead all the same.
    pub(super) allow_look_ahead: bool,
    /// The user that the run belongs to.
    pub(super) user_id: Option<String>,
}
