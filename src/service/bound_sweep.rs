//! A request for a sweep, checked as a whole.

use std::sync::Arc;

use crate::data::LoadedBars;
use crate::market::Timeframe;
use crate::metrics::Metric;
use crate::settings::Settings;
use crate::strategies::{ParameterValues, Strategy};
use crate::sweep::objective::Objective;
use crate::sweep::space::Space;

use super::function::SignalFunction;
use super::warm_up_setting::WarmUp;

/// A valid request for a sweep with its strategy resolved.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "flags of the request and what it lists")]
pub(super) struct BoundSweep {
    /// The strategy.
    pub(super) strategy: Arc<Strategy>,
    /// The function that computes the signals. `strategy` then has no expressions.
    pub(super) function: Option<Arc<dyn SignalFunction>>,
    /// The source text, unless the strategy is built in or a function.
    pub(super) strategy_source: Option<String>,
    /// The values of the parameters that are not swept, and the first value of those that are.
    pub(super) values: ParameterValues,
    /// The combinations for one asset and one timeframe.
    pub(super) space: Space,
    /// The settings that are not swept.
    pub(super) settings: Settings,
    /// The assets, at least one.
    pub(super) asset_symbols: Vec<String>,
    /// Whether the request lists assets, so that the result has a column for them.
    pub(super) lists_assets: bool,
    /// The timeframes, at least one.
    pub(super) timeframes: Vec<Option<Timeframe>>,
    /// Whether the request lists timeframes.
    pub(super) lists_timeframes: bool,
    /// First timestamp that is traded, UTC milliseconds, inclusive.
    pub(super) start: i64,
    /// First timestamp of the bars of the request, UTC milliseconds, inclusive.
    pub(super) history_start: i64,
    /// Last timestamp, UTC milliseconds, inclusive.
    pub(super) end: i64,
    /// How many stored bars before `start` compute signals.
    pub(super) warm_up: WarmUp,
    /// Money at the start of each run.
    pub(super) initial_capital: f64,
    /// Bars of the request.
    pub(super) bars: Option<Arc<LoadedBars>>,
    /// The metrics to keep.
    pub(super) metrics: Vec<&'static Metric>,
    /// What ranks combinations.
    pub(super) objective: Objective,
    /// A combination with fewer closed trades does not compete.
    pub(super) min_trades: u32,
    /// How many of the best combinations to return with all their metrics.
    pub(super) top: usize,
    /// Whether to store the sweep.
    pub(super) persist: bool,
    /// Whether to keep the sums that judging needs.
    pub(super) sums: bool,
    /// Whether a function that looks ahead may be run.
    pub(super) allow_look_ahead: bool,
    /// The caller's user.
    pub(super) user_id: Option<String>,
}
