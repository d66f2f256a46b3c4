//! The functions of the package: the use cases of the default engine, and the simulation of signals.

use napi::bindgen_prelude::{Buffer, Null, PromiseRaw, Unknown};
use napi::{Either, Env, Result};
use napi_derive::napi;
use serde_json::{Map, Value};

use super::default_engine::default_engine;
use super::types::{JsImportSummary, StrategyInfo, ValidationResult};
use super::{sweep_stream, use_cases};

/// Runs a backtest. Resolves when the run is completed and, unless `persist` is false, stored.
///
/// Rejects with `INVALID_ARGUMENT`, `UNKNOWN_STRATEGY`, `NO_DATA`, `BAD_DATA`, `LIMIT_EXCEEDED`, `STORAGE` or `CLOSED`, or with
/// an `AbortError` if the signal is aborted.
#[napi(
    catch_unwind,
    ts_generic_types = "Output extends OutputName = OutputName",
    ts_args_type = "request: BacktestRequest<Output>, options?: RunOptions",
    ts_return_type = "Promise<BacktestResultWith<Output>>"
)]
pub fn run_backtest<'env>(
    env: &'env Env,
    request: Option<Unknown<'env>>,
    options: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Unknown<'static>>> {
    use_cases::run_backtest(env, default_engine(env), request, options)
}

/// Runs a strategy with many sets of parameters and settings, and returns the metrics of all of them as columns, the best ones
/// with all their metrics, and what speaks against the best.
///
/// Each combination has the metrics that `runBacktest` returns for it. Combinations without trades, with fewer than `minTrades`
/// closed trades, or without an objective come last. Aborting rejects with an `AbortError` whose property `sweep` is the result of
/// the combinations that were done.
///
/// Rejects with `INVALID_ARGUMENT`, `UNKNOWN_STRATEGY`, `NO_DATA`, `BAD_DATA`, `LIMIT_EXCEEDED`, `NOT_FOUND`, `STORAGE` or `CLOSED`.
#[napi(
    catch_unwind,
    ts_args_type = "request: SweepRequest, options?: SweepOptions",
    ts_return_type = "Promise<SweepResult>"
)]
pub fn run_sweep<'env>(
    env: &'env Env,
    request: Option<Unknown<'env>>,
    options: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Unknown<'static>>> {
    use_cases::run_sweep(env, default_engine(env), request, options)
}

/// Runs a sweep in parts: an async iterable that computes a part when it is asked for, so that the results of all combinations are
/// never in memory at once. Each part is valid by itself. A sweep in parts is not kept, and `top` does nothing.
///
/// The iterable rejects with the errors of `runSweep`, and ends when it is left early.
#[napi(
    catch_unwind,
    ts_args_type = "request: SweepRequest, options?: SweepOptions",
    ts_return_type = "AsyncIterableIterator<SweepPart>"
)]
pub fn sweep<'env>(
    env: &'env Env,
    request: Option<Unknown<'env>>,
    options: Option<Unknown<'env>>,
) -> Result<Unknown<'static>> {
    sweep_stream::sweep(env, default_engine(env), request, options)
}

/// Chooses the best combination of a sweep on one window of the bars, tests it on the next window, and moves on: what a search would
/// have earned on bars that it had not seen. Resolves to the choice and both results of each window, and to the joined tests.
///
/// A test begins with cash, is warmed up by the bars before it as a backtest on that window is, and ends flat: an open position is
/// closed at the last close, with costs. Annual figures take the bars per year of the whole range.
///
/// Rejects with `INVALID_ARGUMENT`, `UNKNOWN_STRATEGY`, `NO_DATA`, `BAD_DATA`, `LIMIT_EXCEEDED`, `STORAGE` or `CLOSED`.
#[napi(
    catch_unwind,
    ts_args_type = "request: WalkForwardRequest, options?: SweepOptions",
    ts_return_type = "Promise<WalkForwardResult>"
)]
pub fn walk_forward<'env>(
    env: &'env Env,
    request: Option<Unknown<'env>>,
    options: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Unknown<'static>>> {
    use_cases::walk_forward(env, default_engine(env), request, options)
}

/// Returns a kept sweep, whole or a page of it, as far as it is done, or null if no sweep has this id.
///
/// Rejects with `INVALID_ARGUMENT`, `LIMIT_EXCEEDED`, `STORAGE` or `CLOSED`.
#[napi(
    catch_unwind,
    ts_args_type = "sweepId: string, page?: SweepPage",
    ts_return_type = "Promise<SweepResult | null>"
)]
pub fn get_sweep<'env>(
    env: &'env Env,
    sweep_id: Option<Unknown<'env>>,
    page: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Either<Unknown<'static>, Null>>> {
    use_cases::get_sweep(env, default_engine(env), sweep_id, page)
}

/// Lists kept sweeps, newest first, without their columns.
///
/// Rejects with `INVALID_ARGUMENT`, `STORAGE` or `CLOSED`.
#[napi(
    catch_unwind,
    ts_args_type = "filter?: SweepFilter",
    ts_return_type = "Promise<Array<SweepInfo>>"
)]
pub fn list_sweeps<'env>(
    env: &'env Env,
    filter: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Unknown<'static>>> {
    use_cases::list_sweeps(env, default_engine(env), filter)
}

/// Deletes a kept sweep. Resolves to whether it existed. A sweep that is under way must be aborted first.
///
/// Rejects with `INVALID_ARGUMENT`, `STORAGE` or `CLOSED`.
#[napi(catch_unwind, ts_args_type = "sweepId: string", ts_return_type = "Promise<boolean>")]
pub fn delete_sweep<'env>(
    env: &'env Env,
    sweep_id: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, bool>> {
    use_cases::delete_sweep(env, default_engine(env), sweep_id)
}

/// Returns a stored backtest, or null if no backtest has this id.
///
/// Rejects with `INVALID_ARGUMENT`, `STORAGE` or `CLOSED`.
#[napi(
    catch_unwind,
    ts_args_type = "backtestId: string, options?: ResultOptions",
    ts_return_type = "Promise<BacktestResult | null>"
)]
pub fn get_backtest_results<'env>(
    env: &'env Env,
    backtest_id: Option<Unknown<'env>>,
    options: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Either<Unknown<'static>, Null>>> {
    use_cases::get_backtest_results(env, default_engine(env), backtest_id, options)
}

/// Draws a chart of a backtest: prices with entries and exits, equity compared with buy and hold, and drawdown. Resolves to
/// the bytes of a PNG, or of a UTF-8 encoded SVG.
///
/// `backtest` is the id of a completed, stored backtest, or a result of `runBacktest` or `getBacktestResults`.
///
/// A result does not contain prices. They are loaded from the same source as for the run and drawn if they have not
/// changed. If bars were passed to the run, pass them again as `options.bars`. Without prices, the chart shows equity with
/// the trades on it and drawdown, and says that there are no prices.
///
/// Rejects with `INVALID_ARGUMENT`, `BAD_DATA`, `LIMIT_EXCEEDED`, `NOT_FOUND`, `STORAGE` or `CLOSED`.
#[napi(
    catch_unwind,
    ts_args_type = "backtest: string | BacktestResult | JsonOf<BacktestResult>, options?: ChartOptions",
    ts_return_type = "Promise<Uint8Array>"
)]
pub fn render_chart<'env>(
    env: &'env Env,
    backtest: Option<Unknown<'env>>,
    options: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Buffer>> {
    use_cases::render_chart(env, default_engine(env), backtest, options)
}

/// Draws the combinations of a sweep as a heat map over two parameters, or as a line over one. Resolves to the bytes of a PNG, or
/// of a UTF-8 encoded SVG.
///
/// `sweep` is the id of a kept sweep, or a result of `runSweep` or `getSweep`, also after `JSON.parse`. A sweep that was
/// interrupted is drawn as far as it is done.
///
/// Each cell shows the median of its combinations unless `aggregate` says otherwise: over enough other parameters, every maximum
/// is a lucky one. The best combination is marked. Cells without combinations are hatched, and those whose combinations do not
/// compete are gray, hatched the other way.
///
/// Rejects with `INVALID_ARGUMENT`, `NO_DATA`, `LIMIT_EXCEEDED`, `NOT_FOUND`, `STORAGE` or `CLOSED`.
#[napi(
    catch_unwind,
    ts_args_type = "sweep: string | SweepResult | SweepJson, options?: HeatmapOptions",
    ts_return_type = "Promise<Uint8Array>"
)]
pub fn render_heatmap<'env>(
    env: &'env Env,
    sweep: Option<Unknown<'env>>,
    options: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Buffer>> {
    use_cases::render_heatmap(env, default_engine(env), sweep, options)
}

/// Lists stored backtests, newest first, without their trades and curves.
///
/// Rejects with `INVALID_ARGUMENT`, `STORAGE` or `CLOSED`.
#[napi(
    catch_unwind,
    ts_args_type = "filter?: BacktestFilter",
    ts_return_type = "Promise<Array<BacktestSummary>>"
)]
pub fn list_backtests<'env>(
    env: &'env Env,
    filter: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Unknown<'static>>> {
    use_cases::list_backtests(env, default_engine(env), filter)
}

/// Deletes a stored backtest with its results. Resolves to whether it existed.
///
/// Rejects with `INVALID_ARGUMENT`, `STORAGE` or `CLOSED`.
#[napi(catch_unwind, ts_args_type = "backtestId: string", ts_return_type = "Promise<boolean>")]
pub fn delete_backtest<'env>(
    env: &'env Env,
    backtest_id: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, bool>> {
    use_cases::delete_backtest(env, default_engine(env), backtest_id)
}

/// Lists all strategies: the built-in ones, then the registered ones by id.
///
/// Rejects with `INVALID_ARGUMENT` for invalid environment variables, `STORAGE` or `CLOSED`.
#[napi(catch_unwind, ts_return_type = "Promise<Array<StrategyInfo>>")]
pub fn list_strategies(env: &Env) -> Result<PromiseRaw<'_, Unknown<'static>>> {
    use_cases::list_strategies(env, default_engine(env))
}

/// Registers a strategy so that it can be run by its id. It replaces a registered strategy with the same id.
///
/// A definition is stored for all engines that use the same store and for later processes. A function (`generateSignals`)
/// is only known to this engine, until the engine is closed.
///
/// Rejects with `INVALID_ARGUMENT`, `STORAGE` or `CLOSED`.
#[napi(
    catch_unwind,
    ts_args_type = "strategy: StrategyDefinition | FunctionStrategyDefinition",
    ts_return_type = "Promise<StrategyInfo>"
)]
pub fn register_strategy<'env>(
    env: &'env Env,
    strategy: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, StrategyInfo>> {
    use_cases::register_strategy(env, default_engine(env), strategy)
}

/// Validates a strategy and its parameters and reports every problem. A function is also called on generated bars to test
/// it for look-ahead.
///
/// Rejects with `INVALID_ARGUMENT` if the argument cannot be read, `STORAGE` or `CLOSED`.
#[napi(
    catch_unwind,
    ts_args_type = "config: StrategyConfig",
    ts_return_type = "Promise<ValidationResult>"
)]
pub fn validate_strategy<'env>(
    env: &'env Env,
    config: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, ValidationResult>> {
    use_cases::validate_strategy(env, default_engine(env), config)
}

/// Returns the named metrics of a stored backtest, or all of them.
///
/// Rejects with `INVALID_ARGUMENT`, `NOT_FOUND`, `STORAGE` or `CLOSED`.
#[napi(
    catch_unwind,
    ts_generic_types = "Name extends MetricName = MetricName",
    ts_args_type = "backtestId: string, metrics?: readonly Name[]",
    ts_return_type = "Promise<Pick<Metrics, Name>>"
)]
pub fn get_metrics<'env>(
    env: &'env Env,
    backtest_id: Option<Unknown<'env>>,
    metrics: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Map<String, Value>>> {
    use_cases::get_metrics(env, default_engine(env), backtest_id, metrics)
}

/// Imports bars from memory or from a .csv, .parquet or .arrow file. Either all bars are imported or none: an import that
/// fails, is aborted, or ends because its engine is closed leaves the store unchanged.
///
/// Rejects with `INVALID_ARGUMENT`, `BAD_DATA`, `LIMIT_EXCEEDED`, `STORAGE` or `CLOSED`, or with
/// an `AbortError` if the signal is aborted.
#[napi(
    catch_unwind,
    ts_args_type = "request: ImportRequest, options?: ImportOptions",
    ts_return_type = "Promise<ImportSummary>"
)]
pub fn import_bars<'env>(
    env: &'env Env,
    request: Option<Unknown<'env>>,
    options: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, JsImportSummary>> {
    use_cases::import_bars(env, default_engine(env), request, options)
}

/// Deletes imported bars. Resolves to their number, which is 0 if the asset has no such bars. `listAssets` lists what is left;
/// a series without bars is not listed any more. Either all bars are deleted or none: a deletion that fails, is aborted, or
/// ends because its engine is closed leaves the store unchanged.
///
/// Backtests that were computed on these bars are kept. Their `barsStatus` says that the bars have changed or are gone.
///
/// Rejects with `INVALID_ARGUMENT`, also for bars that are only in a price table; `NO_DATA` if there are no bars of the asset;
/// `STORAGE` or `CLOSED`; or with an `AbortError` if the signal is aborted.
#[napi(
    catch_unwind,
    ts_args_type = "request: DeleteBarsRequest, options?: DeleteBarsOptions",
    ts_return_type = "Promise<number>"
)]
pub fn delete_bars<'env>(
    env: &'env Env,
    request: Option<Unknown<'env>>,
    options: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, f64>> {
    use_cases::delete_bars(env, default_engine(env), request, options)
}

/// Lists the assets that have bars.
///
/// Rejects with `INVALID_ARGUMENT` for invalid environment variables, `STORAGE` or `CLOSED`.
#[napi(catch_unwind, ts_return_type = "Promise<Array<AssetInfo>>")]
pub fn list_assets(env: &Env) -> Result<PromiseRaw<'_, Unknown<'static>>> {
    use_cases::list_assets(env, default_engine(env))
}

/// Simulates your own signals. Nothing is stored.
///
/// Rejects with `INVALID_ARGUMENT` or `BAD_DATA`.
#[napi(
    catch_unwind,
    ts_generic_types = "Output extends SignalsOutputName = SignalsOutputName",
    ts_args_type = "request: SignalsRequest<Output>",
    ts_return_type = "Promise<SimulationResultWith<Output>>"
)]
pub fn simulate_signals<'env>(
    env: &'env Env,
    request: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Unknown<'static>>> {
    use_cases::simulate_signals(env, request)
}

/// Writes a table of a result as CSV (RFC 4180): a header, lines that end with CR LF, empty fields for missing values. Numbers
/// have all their digits, and times are ISO 8601.
///
/// `result` is a result of `runBacktest`, `getBacktestResults` or `simulateSignals`, also after `JSON.parse`. The columns of a
/// table are the fields of the result, with these differences:
///
/// - `equity` has the columns `timestamp` and `equity`.
/// - `orders`, which only results of `simulateSignals` have, says `buy` or `sell` in `side`.
/// - Results of `simulateSignals` have the index of each bar. Pass its `timestamps` as an option to get times, too: `date`,
///   `entryDate` and `exitDate`.
///
/// Rejects with `INVALID_ARGUMENT` or `LIMIT_EXCEEDED`.
#[napi(
    catch_unwind,
    ts_args_type = "result: TableSource, table: TableName, options?: TableOptions",
    ts_return_type = "Promise<string>"
)]
pub fn to_csv<'env>(
    env: &'env Env,
    result: Option<Unknown<'env>>,
    table: Option<Unknown<'env>>,
    options: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, String>> {
    use_cases::to_csv(env, result, table, options)
}

/// Writes a table of a result as an Arrow IPC stream, which apache-arrow, pandas, Polars and `DuckDB` read. The columns are those
/// of `toCsv`: numbers are `float64`, bars `uint32`, times `timestamp` in milliseconds with the zone UTC, words `utf8`. Missing
/// values are null.
///
/// Rejects with `INVALID_ARGUMENT` or `LIMIT_EXCEEDED`.
#[napi(
    catch_unwind,
    ts_args_type = "result: TableSource, table: TableName, options?: TableOptions",
    ts_return_type = "Promise<Uint8Array>"
)]
pub fn to_arrow<'env>(
    env: &'env Env,
    result: Option<Unknown<'env>>,
    table: Option<Unknown<'env>>,
    options: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Buffer>> {
    use_cases::to_arrow(env, result, table, options)
}
