//! Backtests.

use std::mem::take;

use napi_derive::napi;
use serde::Serialize;
use serde_json::{Map, Value};

use super::count::count;
use super::part::Part;
use super::{metrics, trades};
use crate::market::time;
use crate::node::transfer::{Arrays, Group, Packed, TakeColumn, as_null};
use crate::note::Note;
use crate::service::{BarsStatus, Curve};
use crate::store::record::{Assumptions, BarRange, MetricValues, Outcome, Remarks, Run, Summary};

/// A backtest without its trades and curves.
#[napi(object, object_from_js = false, object_to_js = false, use_nullable = true)]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BacktestSummary {
    /// Id of the backtest: "bt-" and 12 hex digits.
    pub backtest_id: String,
    /// Status of the backtest.
    #[napi(ts_type = "BacktestStatus")]
    pub status: String,
    /// Id of the strategy.
    pub strategy_id: String,
    /// Source text of the strategy; null for a built-in strategy or a function.
    pub strategy_source: Option<String>,
    /// The asset.
    pub asset_symbol: String,
    /// Timeframe of the bars; `tick` if each tick is a bar.
    #[napi(ts_type = "Timeframe | 'tick'")]
    pub timeframe: String,
    /// Start of the requested range, ISO 8601.
    pub start_date: String,
    /// End of the requested range, ISO 8601.
    pub end_date: String,
    /// Initial capital.
    pub initial_capital: f64,
    /// Parameters of the strategy, including defaults.
    #[napi(ts_type = "Record<string, unknown>")]
    pub parameters: Map<String, Value>,
    /// Settings of the simulation, including defaults. Limits and stops that are not set are null. A backtest that was stored by
    /// an earlier version lacks the settings that were added later.
    #[napi(ts_type = "Required<SimulationOptions>")]
    pub simulation: Map<String, Value>,
    /// Final equity; null until the backtest is completed.
    pub final_capital: Option<f64>,
    /// Total return, percent; null until the backtest is completed.
    pub total_return: Option<f64>,
    /// All metrics; null for a metric without a value. Empty until the backtest is completed. Absent if `outputs` left them out.
    #[napi(ts_type = "Metrics")]
    #[serde(skip_serializing_if = "Part::is_absent")]
    pub metrics: Part<Map<String, Value>>,
    /// Whether the strategy was caught looking ahead, as in `BacktestResult`.
    pub look_ahead: Option<bool>,
    /// Warnings about the data, the settings and the result, the most serious first.
    #[napi(ts_type = "Array<string>")]
    #[serde(skip_serializing_if = "Part::is_absent")]
    pub warnings: Part<Vec<String>>,
    /// The warnings with stable codes and their numbers, in the same order; null in backtests of earlier versions.
    #[napi(ts_type = "Array<Note> | null")]
    #[serde(skip_serializing_if = "Part::is_absent")]
    pub notes: Part<Option<Vec<Note>>>,
    /// Why the backtest failed or was cancelled.
    pub error: Option<String>,
    /// The user that the backtest belongs to.
    pub user_id: Option<String>,
    /// Version of the engine that ran the backtest.
    pub engine_version: String,
    /// Hash of the bars; null for a backtest that is not persisted or not completed.
    pub bars_fingerprint: Option<String>,
    /// Whether the imported bars of the backtest are still in the store: `present`, or `gone` if none are left. Null if that is
    /// unknown without reading bars, because the series was changed since, and in the cases of `BacktestResult`.
    #[napi(ts_type = "BarsStatus")]
    pub bars_status: Option<String>,
    /// Time of the request, ISO 8601.
    pub created_at: String,
    /// Time at which the backtest ended, ISO 8601.
    pub completed_at: Option<String>,
}

/// A backtest with its trades and curves.
#[napi(object, object_from_js = false, object_to_js = false, use_nullable = true)]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BacktestResult {
    /// Id of the backtest: "bt-" and 12 hex digits.
    pub backtest_id: String,
    /// Status of the backtest.
    #[napi(ts_type = "BacktestStatus")]
    pub status: String,
    /// Id of the strategy.
    pub strategy_id: String,
    /// Source text of the strategy; null for a built-in strategy or a function.
    pub strategy_source: Option<String>,
    /// The asset.
    pub asset_symbol: String,
    /// Timeframe of the bars; `tick` if each tick is a bar.
    #[napi(ts_type = "Timeframe | 'tick'")]
    pub timeframe: String,
    /// Start of the requested range, ISO 8601.
    pub start_date: String,
    /// End of the requested range, ISO 8601.
    pub end_date: String,
    /// Initial capital.
    pub initial_capital: f64,
    /// Parameters of the strategy, including defaults.
    #[napi(ts_type = "Record<string, unknown>")]
    pub parameters: Map<String, Value>,
    /// Settings of the simulation, including defaults. Limits and stops that are not set are null. A backtest that was stored by
    /// an earlier version lacks the settings that were added later.
    #[napi(ts_type = "Required<SimulationOptions>")]
    pub simulation: Map<String, Value>,
    /// Final equity; null until the backtest is completed.
    pub final_capital: Option<f64>,
    /// Total return, percent; null until the backtest is completed.
    pub total_return: Option<f64>,
    /// All metrics; null for a metric without a value. Empty until the backtest is completed.
    #[napi(ts_type = "Metrics")]
    #[serde(serialize_with = "metrics::as_object", skip_serializing_if = "Part::is_absent")]
    pub metrics: Part<MetricValues>,
    /// The trades in order of exit; an open trade comes last.
    #[napi(ts_type = "Array<Trade>")]
    #[serde(serialize_with = "as_null", skip_serializing_if = "Part::is_absent")]
    pub trades: Part<Vec<f64>>,
    /// Opening times of the bars, UTC milliseconds; with `maxPoints`, of some of them.
    #[napi(ts_type = "Float64Array")]
    #[serde(serialize_with = "as_null", skip_serializing_if = "Part::is_absent")]
    pub timestamps: Part<Vec<f64>>,
    /// Equity at the close of each bar of `timestamps`.
    #[napi(ts_type = "Float64Array")]
    #[serde(serialize_with = "as_null", skip_serializing_if = "Part::is_absent")]
    pub equity_curve: Part<Vec<f64>>,
    /// Number of points of the whole curve. If it is above the number of `timestamps`, `maxPoints` has thinned the curve.
    #[napi(ts_type = "number")]
    #[serde(skip_serializing_if = "Part::is_absent")]
    pub total_points: Part<f64>,
    /// Whether the strategy is a JavaScript function that was caught looking ahead, or returning other signals for the same
    /// bars, and was run all the same (`allowLookAhead`). Null until the backtest is completed, and for one that was stored by
    /// an earlier version.
    pub look_ahead: Option<bool>,
    /// What the result rests on; null until the backtest is completed.
    pub assumptions: Option<BacktestAssumptions>,
    /// Warnings about the data, the settings and the result, the most serious first.
    // `runtime.js` takes them from the notes; only a backtest of an earlier version, which has none, has them here.
    #[napi(ts_type = "Array<string>")]
    #[serde(skip_serializing_if = "Part::is_absent")]
    pub warnings: Part<Option<Vec<String>>>,
    /// The warnings with stable codes and their numbers, in the same order; null in backtests of earlier versions.
    #[napi(ts_type = "Array<Note> | null")]
    #[serde(skip_serializing_if = "Part::is_absent")]
    pub notes: Part<Option<Vec<Note>>>,
    /// Why the backtest failed or was cancelled.
    pub error: Option<String>,
    /// The user that the backtest belongs to.
    pub user_id: Option<String>,
    /// Version of the engine that ran the backtest.
    pub engine_version: String,
    /// Hash of the bars; null for a backtest that is not persisted or not completed.
    pub bars_fingerprint: Option<String>,
    /// Whether the imported bars of the backtest are still in the store. If they are gone, a warning says so, too.
    /// Null for bars of the request or of a price table, for a backtest that is not completed or of an earlier version, and
    /// if the bars cannot be read now.
    #[napi(ts_type = "BarsStatus")]
    pub bars_status: Option<String>,
    /// Time of the request, ISO 8601.
    pub created_at: String,
    /// Time at which the backtest ended, ISO 8601.
    pub completed_at: Option<String>,
}

/// What a result rests on.
#[napi(object, object_from_js = false, object_to_js = false, use_nullable = true)]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BacktestAssumptions {
    /// Opening time of the first bar, ISO 8601. `startDate` is what was requested.
    pub first_bar: String,
    /// Opening time of the last bar, ISO 8601. `endDate` is what was requested.
    pub last_bar: String,
    /// Number of bars.
    pub bars: f64,
    /// Estimated number of bars that are missing between `startDate` and `endDate`, as far as nights, weekends and usual
    /// holidays do not explain it; 0 for ticks.
    pub missing_bars: f64,
    /// Bars per year for annualized metrics, from the setting `yearDays`. Null if the bars are at irregular times, and in
    /// backtests of earlier versions.
    pub bars_per_year: Option<f64>,
    /// Where `barsPerYear` comes from; null in backtests of earlier versions.
    pub bars_per_year_from: Option<String>,
    /// Number of bars before `firstBar` that only computed the signals; null in backtests of earlier versions.
    pub warmup_bars: Option<f64>,
    /// Where `warmupBars` comes from; null in backtests of earlier versions.
    pub warmup_from: Option<String>,
}

impl BacktestAssumptions {
    /// Returns the assumptions of a run; `None` if it has no bars.
    fn new(
        run: &Run,
        timestamps: &[i64],
        range: Option<BarRange>,
        stored: Option<Assumptions>,
    ) -> Option<Self> {
        let range = match range.or(stored.as_ref().and_then(|stored| stored.range)) {
            Some(range) => range,
            None => BarRange::new(timestamps, run.timeframe, run.start, run.end)?,
        };
        Some(Self {
            first_bar: time::format(range.first),
            last_bar: time::format(range.last),
            bars: count(range.bars),
            missing_bars: count(range.missing),
            bars_per_year: stored.as_ref().and_then(|stored| stored.bars_per_year),
            warmup_bars: stored.as_ref().map(|stored| count(stored.warmup_bars)),
            bars_per_year_from: stored.as_ref().map(|stored| stored.bars_per_year_from.clone()),
            warmup_from: stored.map(|stored| stored.warmup_from),
        })
    }
}

impl BacktestSummary {
    /// Converts a run.
    pub fn new(run: Run, summary: Option<Summary>, bars_status: Option<BarsStatus>) -> Self {
        let (final_capital, total_return) =
            summary.as_ref().map(|summary| (summary.final_capital, summary.total_return)).unzip();
        let summary = summary.unwrap_or_default();
        let parts = summary.parts;
        let metrics = Part::new(parts.metrics, metrics::to_object(summary.metrics));
        let (warnings, notes) = summary.remarks.into_parts();
        let (warnings, notes) =
            (Part::new(parts.warnings, warnings), Part::new(parts.warnings, notes));
        let look_ahead = summary.assumptions.map(|assumptions| assumptions.look_ahead);
        Self {
            backtest_id: run.id,
            status: run.status.as_str().to_owned(),
            strategy_id: run.strategy_id,
            strategy_source: run.strategy_source,
            asset_symbol: run.asset_symbol,
            timeframe: run.timeframe.as_str().to_owned(),
            start_date: time::format(run.start),
            end_date: time::format(run.end),
            initial_capital: run.initial_capital,
            parameters: run.parameters,
            simulation: run.simulation,
            final_capital,
            total_return,
            metrics,
            look_ahead,
            warnings,
            notes,
            error: run.error,
            user_id: run.user_id,
            engine_version: run.engine_version,
            bars_fingerprint: run.fingerprint,
            bars_status: bars_status.map(|status| status.as_str().to_owned()),
            created_at: time::format(run.created_at),
            completed_at: run.completed_at.map(time::format),
        }
    }
}

impl BacktestResult {
    /// Converts a run with its results and the curve that was taken out of them. `range` is that of its bars, if it is known.
    pub fn new(
        run: Run,
        outcome: Option<(Outcome, Curve)>,
        range: Option<BarRange>,
        bars_status: Option<BarsStatus>,
    ) -> Self {
        let is_completed = outcome.is_some();
        let (outcome, curve) = outcome.unwrap_or_default();
        let Outcome { mut summary, trades, timestamps, .. } = outcome;
        let Curve { timestamps_ms, equity, total } = curve;
        let parts = summary.parts;
        let metrics = Part::new(parts.metrics, take(&mut summary.metrics));
        let (warnings, notes) = match take(&mut summary.remarks) {
            Remarks::Notes(notes) => (None, Some(notes)),
            Remarks::Texts(texts) => (Some(texts), None),
        };
        let assumptions =
            BacktestAssumptions::new(&run, &timestamps, range, summary.assumptions.clone());
        let shared = BacktestSummary::new(run, is_completed.then_some(summary), bars_status);
        Self {
            backtest_id: shared.backtest_id,
            status: shared.status,
            strategy_id: shared.strategy_id,
            strategy_source: shared.strategy_source,
            asset_symbol: shared.asset_symbol,
            timeframe: shared.timeframe,
            start_date: shared.start_date,
            end_date: shared.end_date,
            initial_capital: shared.initial_capital,
            parameters: shared.parameters,
            simulation: shared.simulation,
            final_capital: shared.final_capital,
            total_return: shared.total_return,
            metrics,
            trades: Part::new(parts.trades, trades::matrix(&trades, &timestamps)),
            timestamps: Part::new(parts.equity, timestamps_ms),
            equity_curve: Part::new(parts.equity, equity),
            total_points: Part::new(parts.equity, count(total as u64)),
            look_ahead: shared.look_ahead,
            assumptions,
            warnings: Part::new(parts.warnings, warnings),
            notes: Part::new(parts.warnings, notes),
            error: shared.error,
            user_id: shared.user_id,
            engine_version: shared.engine_version,
            bars_fingerprint: shared.bars_fingerprint,
            bars_status: shared.bars_status,
            created_at: shared.created_at,
            completed_at: shared.completed_at,
        }
    }

    /// Packs the result for JavaScript.
    ///
    /// # Errors
    /// `INTERNAL` if it cannot be serialized.
    pub fn pack(self) -> crate::Result<Packed> {
        Packed::new(self, &BACKTEST_LAYOUT)
    }
}

/// The layout of a backtest result.
pub static BACKTEST_LAYOUT: [Group<BacktestResult>; 4] = [
    Group {
        field: "metrics",
        arrays: Arrays::Values(metrics::metric_names, |result| {
            metrics::take_values(&mut result.metrics)
        }),
    },
    Group {
        field: "trades",
        arrays: Arrays::Rows(trades::column_names, |result| result.trades.take()),
    },
    Group {
        field: "timestamps",
        arrays: Arrays::Column(TakeColumn::Float64(|result| result.timestamps.take())),
    },
    Group {
        field: "equityCurve",
        arrays: Arrays::Column(TakeColumn::Float64(|result| result.equity_curve.take())),
    },
];
