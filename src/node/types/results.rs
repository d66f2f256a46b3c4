//! What callers get.

use napi::Either;
use napi::bindgen_prelude::{Float64Array, Uint8Array, Uint32Array};
use napi_derive::napi;
use serde::Serialize;
use serde_json::{Map, Value};

use super::crossing::{by_name, place, trade_columns};
use crate::data::Asset;
use crate::error;
use crate::market::time;
use crate::portfolio::Trades;
use crate::request::json_number;
use crate::service::simulate_signals::SimulationResult;
use crate::service::validate_strategy::ValidationReport;
use crate::service::{self, CatalogueEntry, progress};
use crate::simulation::Orders;
use crate::store::record::{MetricValues, Outcome, Run, Summary};

/// One problem, at one place.
#[napi(object, object_from_js = false, js_name = "Issue")]
pub struct JsIssue {
    /// Where: `parameters.fast_period`, `bars.close[17]`; empty for the whole request.
    pub path: String,
    /// What kind: `required`, `type`, `range`, `choice`, `unknown`, `conflict`, `overflow`, …
    pub code: String,
    /// What is wrong, the value found, and what is allowed.
    pub message: String,
}

impl From<error::Issue> for JsIssue {
    fn from(issue: error::Issue) -> Self {
        Self { path: issue.path, code: issue.code, message: issue.message }
    }
}

/// How far a run is.
#[napi(object, object_from_js = false, js_name = "Progress", use_nullable = true)]
pub struct JsRunProgress {
    /// The run.
    pub backtest_id: String,
    /// 0 to 100, never falling.
    pub progress: f64,
    /// `queued`, `loading`, `signals`, `simulation`, `metrics`, `storing` or `completed`.
    pub stage: String,
    /// The bar being computed, ISO 8601.
    pub current_date: Option<String>,
    /// Orders made so far.
    pub trades_executed: f64,
}

/// How far an import is.
#[napi(object, object_from_js = false, js_name = "ImportProgress")]
pub struct JsImportProgress {
    /// The asset.
    pub asset_symbol: String,
    /// The timeframe.
    #[napi(ts_type = "Timeframe")]
    pub timeframe: String,
    /// 0 to 100, never falling.
    pub progress: f64,
    /// What is being done.
    #[napi(ts_type = "'reading' | 'writing' | 'completed'")]
    pub stage: String,
    /// Rows read so far; when writing, bars written so far.
    pub rows: f64,
}

/// A report of either kind.
pub type JsProgress = Either<JsRunProgress, JsImportProgress>;

impl From<service::Progress> for JsProgress {
    fn from(progress: service::Progress) -> Self {
        match progress {
            service::Progress::Run(progress) => Self::A(progress.into()),
            service::Progress::Import(progress) => Self::B(progress.into()),
        }
    }
}

impl From<service::ImportProgress> for JsImportProgress {
    fn from(progress: service::ImportProgress) -> Self {
        Self {
            asset_symbol: progress.asset_symbol,
            timeframe: progress.timeframe.as_str().to_owned(),
            progress: progress.progress,
            stage: progress.stage.to_owned(),
            rows: count(progress.rows),
        }
    }
}

impl From<service::RunProgress> for JsRunProgress {
    fn from(progress: service::RunProgress) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "orders are fewer than 2^53")]
        let trades_executed = progress.trades_executed as f64;
        Self {
            current_date: progress::date_text(&progress),
            backtest_id: progress.backtest_id,
            progress: progress.progress,
            stage: progress.stage.to_owned(),
            trades_executed,
        }
    }
}

/// What an import did.
#[napi(object, object_from_js = false, js_name = "ImportSummary")]
pub struct JsImportSummary {
    /// The asset.
    pub asset_symbol: String,
    /// The timeframe.
    #[napi(ts_type = "Timeframe")]
    pub timeframe: String,
    /// Bars imported, replaced ones included.
    pub imported: f64,
    /// Bars that were there before for the same timestamp.
    pub replaced: f64,
    /// Opening of the first bar imported, ISO 8601.
    pub first: String,
    /// Opening of the last bar imported, ISO 8601.
    pub last: String,
}

impl From<service::ImportSummary> for JsImportSummary {
    fn from(summary: service::ImportSummary) -> Self {
        Self {
            asset_symbol: summary.asset_symbol,
            timeframe: summary.timeframe.as_str().to_owned(),
            imported: count(summary.imported.imported),
            replaced: count(summary.imported.replaced),
            first: time::format(summary.imported.first),
            last: time::format(summary.imported.last),
        }
    }
}

/// Bars of one timeframe.
#[napi(object, object_from_js = false, object_to_js = false)]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AssetTimeframe {
    /// The timeframe.
    #[napi(ts_type = "Timeframe")]
    pub timeframe: String,
    /// How many bars there are.
    pub bars: f64,
    /// Opening of the first bar, ISO 8601.
    pub first: String,
    /// Opening of the last bar, ISO 8601.
    pub last: String,
    /// Where the bars are.
    pub source: String,
}

/// An asset and the bars there are of it.
#[napi(object, object_from_js = false, object_to_js = false)]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AssetInfo {
    /// The asset.
    pub asset_symbol: String,
    /// Its bars by timeframe, the finest first.
    pub timeframes: Vec<AssetTimeframe>,
}

impl From<Asset> for AssetInfo {
    fn from(asset: Asset) -> Self {
        let timeframes = asset.series.into_iter().map(|series| AssetTimeframe {
            timeframe: series.timeframe.as_str().to_owned(),
            bars: count(series.bars),
            first: time::format(series.first),
            last: time::format(series.last),
            source: series.source,
        });
        Self { asset_symbol: asset.symbol, timeframes: timeframes.collect() }
    }
}

/// A strategy that can be run.
#[napi(object, object_from_js = false)]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StrategyInfo {
    /// Its id.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// What it does.
    pub description: String,
    /// Its kind.
    #[napi(
        js_name = "type",
        ts_type = "'trend' | 'mean_reversion' | 'momentum' | 'arbitrage' | 'custom'"
    )]
    #[serde(rename = "type")]
    pub kind: String,
    /// JSON Schema (2020-12) of its parameters.
    #[napi(ts_type = "Record<string, unknown>")]
    pub parameters_schema: Value,
    /// The values of parameters that are not given.
    #[napi(ts_type = "Record<string, unknown>")]
    pub default_parameters: Map<String, Value>,
    /// The strategy as text in the strategy language; absent for one registered as a JavaScript function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl From<&CatalogueEntry> for StrategyInfo {
    fn from(known: &CatalogueEntry) -> Self {
        let strategy = &known.strategy;
        let definition = strategy.definition();
        Self {
            id: definition.id.clone(),
            name: definition.name.clone(),
            description: definition.description.clone(),
            kind: definition.strategy_type.as_str().to_owned(),
            parameters_schema: strategy.parameters_schema(),
            default_parameters: strategy.default_parameters(),
            source: (!known.is_function).then(|| strategy.source().to_owned()),
        }
    }
}

/// What a check of a strategy found.
#[napi(object, object_from_js = false)]
pub struct ValidationResult {
    /// Whether it can be run.
    pub valid: bool,
    /// The messages of `issues`.
    pub errors: Vec<String>,
    /// What works but deserves a look.
    pub warnings: Vec<String>,
    /// Every problem, with its place.
    #[napi(ts_type = "Issue[]")]
    pub issues: Vec<JsIssue>,
}

impl From<ValidationReport> for ValidationResult {
    fn from(report: ValidationReport) -> Self {
        Self {
            valid: report.issues.is_empty(),
            errors: report.issues.iter().map(|issue| issue.message.clone()).collect(),
            warnings: report.warnings,
            issues: report.issues.into_iter().map(JsIssue::from).collect(),
        }
    }
}

/// A trade: a position, or the part of one that an exit closed.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct Trade {
    /// When it was entered, ISO 8601.
    pub entry_date: String,
    /// When it was exited; null while it is open.
    pub exit_date: Option<String>,
    /// Its direction.
    #[napi(ts_type = "'long' | 'short'")]
    pub direction: String,
    /// Average price of the entry, after slippage.
    pub entry_price: f64,
    /// Average price of the exit, after slippage; null while it is open.
    pub exit_price: Option<f64>,
    /// Units of the asset.
    pub quantity: f64,
    /// Profit or loss after fees, money; of an open trade at the last close.
    pub pnl: f64,
    /// Profit or loss in percent of the entry's value.
    pub pnl_percent: f64,
    /// Fees of entry and exit, money.
    pub fees: f64,
    /// Whether it is open at the end.
    #[napi(ts_type = "'open' | 'closed'")]
    pub status: String,
}

/// What is known of a backtest without its trades and curves.
#[napi(object, object_from_js = false, object_to_js = false, use_nullable = true)]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BacktestSummary {
    /// "bt-" and 12 hex digits.
    pub backtest_id: String,
    /// How far it has come.
    #[napi(ts_type = "BacktestStatus")]
    pub status: String,
    /// The strategy.
    pub strategy_id: String,
    /// The text of the strategy, unless it is a built-in one or a function.
    pub strategy_source: Option<String>,
    /// The asset.
    pub asset_symbol: String,
    /// The timeframe of the bars.
    #[napi(ts_type = "Timeframe")]
    pub timeframe: String,
    /// First moment asked for, ISO 8601.
    pub start_date: String,
    /// Last moment asked for, ISO 8601.
    pub end_date: String,
    /// Money at the start.
    pub initial_capital: f64,
    /// The strategy's parameters, defaults filled in.
    #[napi(ts_type = "Record<string, unknown>")]
    pub parameters: Map<String, Value>,
    /// The simulation's settings, defaults filled in. No limit, and a stop that is not set, are null.
    #[napi(ts_type = "Required<SimulationOptions>")]
    pub simulation: Map<String, Value>,
    /// Money at the end; null until the run is completed.
    pub final_capital: Option<f64>,
    /// Percent; null until the run is completed.
    pub total_return: Option<f64>,
    /// Every metric; null where it has no value. Empty until the run is completed.
    #[napi(ts_type = "Metrics")]
    pub metrics: Map<String, Value>,
    /// What an expert would warn of.
    pub warnings: Vec<String>,
    /// Why the run failed or was cancelled.
    pub error: Option<String>,
    /// Whose run it is.
    pub user_id: Option<String>,
    /// Version of the engine that computed it.
    pub engine_version: String,
    /// Hash of the bars it was computed on; null for a run that is not kept, or not completed.
    pub bars_fingerprint: Option<String>,
    /// When it was asked for, ISO 8601.
    pub created_at: String,
    /// When it ended, ISO 8601.
    pub completed_at: Option<String>,
}

/// A backtest.
#[napi(object, object_from_js = false, object_to_js = false, use_nullable = true)]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BacktestResult {
    /// "bt-" and 12 hex digits.
    pub backtest_id: String,
    /// How far it has come.
    #[napi(ts_type = "BacktestStatus")]
    pub status: String,
    /// The strategy.
    pub strategy_id: String,
    /// The text of the strategy, unless it is a built-in one or a function.
    pub strategy_source: Option<String>,
    /// The asset.
    pub asset_symbol: String,
    /// The timeframe of the bars.
    #[napi(ts_type = "Timeframe")]
    pub timeframe: String,
    /// First moment asked for, ISO 8601.
    pub start_date: String,
    /// Last moment asked for, ISO 8601.
    pub end_date: String,
    /// Money at the start.
    pub initial_capital: f64,
    /// The strategy's parameters, defaults filled in.
    #[napi(ts_type = "Record<string, unknown>")]
    pub parameters: Map<String, Value>,
    /// The simulation's settings, defaults filled in. No limit, and a stop that is not set, are null.
    #[napi(ts_type = "Required<SimulationOptions>")]
    pub simulation: Map<String, Value>,
    /// Money at the end; null until the run is completed.
    pub final_capital: Option<f64>,
    /// Percent; null until the run is completed.
    pub total_return: Option<f64>,
    /// Every metric; null where it has no value. Empty until the run is completed.
    #[napi(ts_type = "Metrics")]
    #[serde(serialize_with = "by_name")]
    pub metrics: MetricValues,
    /// The trades in the order of their exits; one still open comes last.
    #[napi(ts_type = "Array<Trade>")]
    #[serde(serialize_with = "place")]
    pub trades: Vec<f64>,
    /// Openings of the bars, UTC milliseconds.
    #[napi(ts_type = "Float64Array")]
    #[serde(serialize_with = "place")]
    pub timestamps: Vec<f64>,
    /// Equity at each bar, money.
    #[napi(ts_type = "Float64Array")]
    #[serde(serialize_with = "place")]
    pub equity_curve: Vec<f64>,
    /// What an expert would warn of.
    pub warnings: Vec<String>,
    /// Why the run failed or was cancelled.
    pub error: Option<String>,
    /// Whose run it is.
    pub user_id: Option<String>,
    /// Version of the engine that computed it.
    pub engine_version: String,
    /// Hash of the bars it was computed on; null for a run that is not kept, or not completed.
    pub bars_fingerprint: Option<String>,
    /// When it was asked for, ISO 8601.
    pub created_at: String,
    /// When it ended, ISO 8601.
    pub completed_at: Option<String>,
}

impl BacktestSummary {
    /// Returns a run as JavaScript sees it.
    pub fn new(run: Run, summary: Option<Summary>) -> Self {
        let (final_capital, total_return) =
            summary.as_ref().map(|summary| (summary.final_capital, summary.total_return)).unzip();
        let (metrics, warnings) =
            summary.map(|summary| (metrics(summary.metrics), summary.warnings)).unwrap_or_default();
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
            warnings,
            error: run.error,
            user_id: run.user_id,
            engine_version: run.engine_version,
            bars_fingerprint: run.fingerprint,
            created_at: time::format(run.created_at),
            completed_at: run.completed_at.map(time::format),
        }
    }
}

impl BacktestResult {
    /// Returns a run with all that came out of it, and the openings of its bars as numbers, as JavaScript sees it.
    pub fn new(run: Run, outcome: Option<(Outcome, Vec<f64>)>) -> Self {
        let completed = outcome.is_some();
        let (outcome, timestamps_ms) = outcome.unwrap_or_default();
        let Outcome { mut summary, trades, timestamps, equity } = outcome;
        let metrics = std::mem::take(&mut summary.metrics);
        let head = BacktestSummary::new(run, completed.then_some(summary));
        Self {
            backtest_id: head.backtest_id,
            status: head.status,
            strategy_id: head.strategy_id,
            strategy_source: head.strategy_source,
            asset_symbol: head.asset_symbol,
            timeframe: head.timeframe,
            start_date: head.start_date,
            end_date: head.end_date,
            initial_capital: head.initial_capital,
            parameters: head.parameters,
            simulation: head.simulation,
            final_capital: head.final_capital,
            total_return: head.total_return,
            metrics,
            trades: trade_columns(&trades, &timestamps),
            timestamps: timestamps_ms,
            equity_curve: equity,
            warnings: head.warnings,
            error: head.error,
            user_id: head.user_id,
            engine_version: head.engine_version,
            bars_fingerprint: head.bars_fingerprint,
            created_at: head.created_at,
            completed_at: head.completed_at,
        }
    }
}

/// Returns metrics as an object whose numbers may be null.
pub fn metrics(metrics: MetricValues) -> Map<String, Value> {
    metrics
        .into_iter()
        .map(|(name, value)| (name.into_owned(), value.map_or(Value::Null, json_number)))
        .collect()
}

/// Orders, one entry of each column an order.
#[napi(object, object_from_js = false)]
pub struct OrderColumns {
    /// The bar of the fill.
    pub bar: Uint32Array,
    /// 0 for a purchase, 1 for a sale.
    pub side: Uint8Array,
    /// Units of the asset.
    pub size: Float64Array,
    /// Price of the fill, after slippage.
    pub price: Float64Array,
    /// Fees, money.
    pub fees: Float64Array,
}

/// Trades, one entry of each column a trade, in the order of their exits; one still open comes last.
#[napi(object, object_from_js = false)]
pub struct TradeColumns {
    /// The bar of the entry.
    pub entry_bar: Uint32Array,
    /// The bar of the exit; the last bar for an open trade.
    pub exit_bar: Uint32Array,
    /// 0 for long, 1 for short.
    pub direction: Uint8Array,
    /// 0 for open, 1 for closed.
    pub status: Uint8Array,
    /// Units of the asset.
    pub size: Float64Array,
    /// Average price of the entry.
    pub entry_price: Float64Array,
    /// Average price of the exit; the last close for an open trade.
    pub exit_price: Float64Array,
    /// Fees of the entry, money.
    pub entry_fees: Float64Array,
    /// Fees of the exit, money.
    pub exit_fees: Float64Array,
    /// Profit or loss after fees, money.
    pub pnl: Float64Array,
    /// Profit or loss in percent of the entry's value.
    pub pnl_percent: Float64Array,
}

/// What came out of a simulation of signals.
#[napi(object, object_from_js = false, object_to_js = false, js_name = "SimulationResult")]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JsSimulationResult {
    /// Money at the end.
    pub final_capital: f64,
    /// Percent.
    pub total_return: f64,
    /// Every metric; null where it has no value.
    #[napi(ts_type = "Metrics")]
    #[serde(serialize_with = "by_name")]
    pub metrics: MetricValues,
    /// The orders.
    #[napi(ts_type = "OrderColumns")]
    #[serde(serialize_with = "place")]
    pub orders: Orders,
    /// The trades.
    #[napi(ts_type = "TradeColumns")]
    #[serde(serialize_with = "place")]
    pub trades: Trades,
    /// Equity at each bar, money.
    #[napi(ts_type = "Float64Array")]
    #[serde(serialize_with = "place")]
    pub equity_curve: Vec<f64>,
    /// What an expert would warn of.
    pub warnings: Vec<String>,
}

impl From<SimulationResult> for JsSimulationResult {
    fn from(result: SimulationResult) -> Self {
        Self {
            final_capital: result.summary.final_capital,
            total_return: result.summary.total_return,
            metrics: result.summary.metrics,
            orders: result.orders,
            trades: result.trades,
            equity_curve: result.equity,
            warnings: result.summary.warnings,
        }
    }
}

impl From<Orders> for OrderColumns {
    fn from(orders: Orders) -> Self {
        Self {
            bar: orders.bar.into(),
            side: orders.side.into(),
            size: orders.size.into(),
            price: orders.price.into(),
            fees: orders.fees.into(),
        }
    }
}

impl From<Trades> for TradeColumns {
    fn from(trades: Trades) -> Self {
        Self {
            entry_bar: trades.entry_bar.into(),
            exit_bar: trades.exit_bar.into(),
            direction: trades.direction.into(),
            status: trades.status.into(),
            size: trades.size.into(),
            entry_price: trades.entry_price.into(),
            exit_price: trades.exit_price.into(),
            entry_fees: trades.entry_fees.into(),
            exit_fees: trades.exit_fees.into(),
            pnl: trades.pnl.into(),
            pnl_percent: trades.pnl_percent.into(),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are below 2^53")]
fn count(value: u64) -> f64 {
    value as f64
}
