//! Sweeps that the store keeps.

use napi_derive::napi;
use serde::Serialize;

use super::count::count;
use crate::market::time;
use crate::store::Sweep;

/// A kept sweep, without its columns.
#[napi(object, object_from_js = false, object_to_js = false, use_nullable = true)]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SweepInfo {
    /// Id of the sweep: "sw-" and 12 hex digits.
    pub sweep_id: String,
    /// Status of the sweep. One that failed or was cancelled can be resumed.
    #[napi(ts_type = "BacktestStatus")]
    pub status: String,
    /// Id of the strategy.
    pub strategy_id: String,
    /// Source text of the strategy; null for a built-in strategy or a function.
    pub strategy_source: Option<String>,
    /// The assets.
    pub asset_symbols: Vec<String>,
    /// The timeframes; `tick` if each tick is a bar.
    #[napi(ts_type = "Array<Timeframe | 'tick'>")]
    pub timeframes: Vec<String>,
    /// Start of the requested range, ISO 8601.
    pub start_date: String,
    /// End of the requested range, ISO 8601.
    pub end_date: String,
    /// The objective.
    pub objective: String,
    /// Number of combinations.
    pub combinations: f64,
    /// Number of combinations that are kept: the first ones in grid order.
    pub done: f64,
    /// The best objective; null until the sweep is completed, and if no combination competes.
    pub best: Option<f64>,
    /// Why the sweep failed or was cancelled.
    pub error: Option<String>,
    /// The user that the sweep belongs to.
    pub user_id: Option<String>,
    /// Version of the engine that ran the sweep last.
    pub engine_version: String,
    /// Time of the request, ISO 8601.
    pub created_at: String,
    /// Time at which the sweep began, was resumed, or kept combinations last, ISO 8601.
    pub updated_at: String,
    /// Time at which the sweep ended, ISO 8601.
    pub completed_at: Option<String>,
}

impl From<Sweep> for SweepInfo {
    fn from(sweep: Sweep) -> Self {
        let timeframes = sweep.timeframes.iter().map(|timeframe| timeframe.as_str().to_owned());
        Self {
            sweep_id: sweep.id,
            status: sweep.status.as_str().to_owned(),
            strategy_id: sweep.strategy_id,
            strategy_source: sweep.strategy_source,
            asset_symbols: sweep.asset_symbols,
            timeframes: timeframes.collect(),
            start_date: time::format(sweep.start),
            end_date: time::format(sweep.end),
            objective: sweep.objective,
            combinations: count(sweep.combinations),
            done: count(sweep.done),
            best: sweep.best,
            error: sweep.error,
            user_id: sweep.user_id,
            engine_version: sweep.engine_version,
            created_at: time::format(sweep.created_at),
            updated_at: time::format(sweep.updated_at),
            completed_at: sweep.completed_at.map(time::format),
        }
    }
}

/// A filter for sweeps.
#[napi(object, object_to_js = false)]
pub struct SweepFilter {
    /// Id of the strategy.
    pub strategy_id: Option<String>,
    /// The asset, also of sweeps over several assets.
    pub asset_symbol: Option<String>,
    /// Status of the sweep.
    #[napi(ts_type = "BacktestStatus")]
    pub status: Option<String>,
    /// The user that the sweep belongs to.
    pub user_id: Option<String>,
    /// Maximum number of results, up to 1000. @default 50
    pub limit: Option<f64>,
    /// Only sweeps older than the one with this id. Pass the last id of the previous page.
    pub before: Option<String>,
}

/// A page of a kept sweep.
#[napi(object, object_to_js = false)]
pub struct SweepPage {
    /// The first combination. @default 0
    pub from: Option<f64>,
    /// The combination after the last one. Default: all combinations that are kept.
    pub to: Option<f64>,
    /// The metrics to read, of those that the sweep keeps; `[]` for none. Default: all of them.
    #[napi(ts_type = "readonly MetricName[]")]
    pub metrics: Option<Vec<String>>,
    /// Only combinations for which this holds: a condition over metrics, `objective`, and swept parameters and settings, such as
    /// `sharpeRatio > 1 and totalTrades >= 30 and fast_period < 20`. The result then has `combination`.
    pub r#where: Option<String>,
}

/// Options of a heat map.
#[napi(object, object_to_js = false)]
pub struct HeatmapOptions {
    /// The parameter or setting of the horizontal axis, as in the request of the sweep; `assetSymbol` and `timeframe` if the
    /// request lists several. May be left out if one or two parameters have several values: they are the axes, the first one is
    /// `x`.
    pub x: Option<String>,
    /// The parameter of the vertical axis. Default with `x`: none, which draws a line with the spread of the combinations behind
    /// each point.
    pub y: Option<String>,
    /// The metric, of those that the sweep keeps, or `objective`. @default 'objective'
    #[napi(ts_type = "MetricName | 'objective'")]
    pub metric: Option<String>,
    /// What a cell shows of its combinations, or the values of other parameters, as in `fixed`, with the median of the rest.
    /// @default 'median'
    #[napi(ts_type = "'max' | 'mean' | 'median' | FixedParameters")]
    pub aggregate: Option<String>,
    /// The values of other parameters: only combinations with these are drawn.
    #[napi(ts_type = "FixedParameters")]
    pub fixed: Option<String>,
    /// File format. @default 'png'
    #[napi(ts_type = "'png' | 'svg'")]
    pub format: Option<String>,
    /// Width in pixels, 200 to 4096. @default 1200
    pub width: Option<f64>,
    /// Height in pixels, 200 to 4096. @default 800
    pub height: Option<f64>,
    /// Color theme. @default 'light'
    #[napi(ts_type = "'light' | 'dark'")]
    pub theme: Option<String>,
}
