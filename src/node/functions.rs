//! The package's functions: the use cases of an engine made from the environment, and the machine itself.

use std::sync::Arc;

use napi::bindgen_prelude::{Buffer, Float64Array, Null, PromiseRaw, Unknown};
use napi::{Either, Env, Result, ValueType};
use napi_derive::napi;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::Error;
use crate::market::time;
use crate::request::Input;
use crate::service::simulate_signals::{self, simulate_signals as run_signals};
use crate::service::{
    BacktestRequest, CallControl, CompletedRun, Engine, ImportProgress, Progress, RunProgress, pool,
};
use crate::store::record::{Outcome, Run};

use super::call::{begin, call};
use super::error::{self, promised};
use super::function::JsFunction;
use super::input::read;
use super::runtime::Runtime;
use super::types::{
    AssetInfo, BacktestResult, BacktestSummary, CrossingColumns, CrossingResult, JsImportSummary,
    JsSimulationResult, OrderColumns, ResultColumns, StrategyInfo, TradeColumns, ValidationResult,
    metrics,
};

/// The engine of a call, or why there is none.
pub(super) type Answering = crate::Result<Arc<Engine>>;

fn default_engine(env: &Env) -> Answering {
    let runtime = Runtime::of(env).map_err(|failure| Error::internal(failure.reason.clone()))?;
    runtime.default_engine(env)
}

pub(super) fn on_run_backtest<'env>(
    env: &'env Env,
    engine: Answering,
    request: Option<Unknown<'env>>,
    options: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Unknown<'static>>> {
    promised(env, || {
        let request = BacktestRequest::read(read(env, request, "")?);
        let small = request.is_small();
        let start = |control: CallControl| {
            let engine = engine?;
            let ticket = engine.enqueue_run();
            Ok(async move {
                // Boxed: the state of a run is large, and every await above it would carry it along.
                let work = Box::pin(engine.run_backtest(request, control, ticket));
                let CompletedRun { run, outcome, timestamps_ms } = engine.with_log(work).await?;
                let last = completed(&run, &outcome);
                let result =
                    BacktestResult::new(run, Some((Arc::unwrap_or_clone(outcome), timestamps_ms)));
                Ok((result.cross()?, last))
            })
        };
        Ok(begin(env, options, small, start, |env, (result, last)| {
            Ok((complete(env, result)?, Some(last)))
        })?)
    })
}

/// Puts a result together.
fn complete(env: &Env, result: CrossingResult) -> Result<Unknown<'static>> {
    let CrossingResult { text, columns } = result;
    let runtime = Runtime::of(env)?;
    match columns {
        ResultColumns::Packed(numbers, bars) => runtime
            .helper::<(String, Float64Array, u32), Unknown<'static>>(env, "completePacked")?
            .apply((), (text, numbers.into(), bars).into()),
        ResultColumns::Whole(trades, timestamps, equity_curve) => runtime
            .helper::<(String, Float64Array, Float64Array, Float64Array), Unknown<'static>>(
                env, "complete",
            )?
            .apply((), (text, trades.into(), timestamps.into(), equity_curve.into()).into()),
    }
}

/// Puts the result of a simulation together.
fn assemble(env: &Env, (text, columns): (String, CrossingColumns)) -> Result<Unknown<'static>> {
    let runtime = Runtime::of(env)?;
    match columns {
        CrossingColumns::Packed(numbers, orders, trades) => runtime
            .helper::<(String, Float64Array, u32, u32), Unknown<'static>>(env, "assemblePacked")?
            .apply((), (text, numbers.into(), orders, trades).into()),
        CrossingColumns::Whole(columns) => {
            let (orders, trades, equity_curve) = *columns;
            runtime
                .helper::<(String, OrderColumns, TradeColumns, Float64Array), Unknown<'static>>(
                    env, "assemble",
                )?
                .apply((), (text, orders, trades, equity_curve.into()).into())
        }
    }
}

/// Returns the last report of a run, which comes right before its answer.
fn completed(run: &Run, outcome: &Outcome) -> Progress {
    Progress::Run(RunProgress {
        backtest_id: run.id.clone(),
        progress: 100.0,
        stage: "completed",
        current_date: outcome.timestamps.last().copied(),
        trades_executed: outcome.trades.len(),
    })
}

pub(super) fn on_get_backtest_results<'env>(
    env: &'env Env,
    engine: Answering,
    id: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Either<Unknown<'static>, Null>>> {
    promised(env, || {
        let id = read(env, id, "backtestId")?;
        let work = engine.map(|engine| async move {
            let found = engine.with_log(engine.get_backtest_results(&id)).await?;
            let crossing = |(run, outcome): (Run, Option<Arc<Outcome>>)| {
                let outcome = outcome.map(|outcome| {
                    let timestamps_ms =
                        time::to_numbers(&outcome.timestamps, &pool::SimulationPool);
                    (Arc::unwrap_or_clone(outcome), timestamps_ms)
                });
                BacktestResult::new(run, outcome).cross()
            };
            found.map(crossing).transpose()
        });
        Ok(call(env, work, |env, found: Option<CrossingResult>| {
            found.map_or(Ok(Either::B(Null)), |result| complete(env, result).map(Either::A))
        })?)
    })
}

pub(super) fn on_list_backtests<'env>(
    env: &'env Env,
    engine: Answering,
    filter: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Unknown<'static>>> {
    promised(env, || {
        let filter = read(env, filter, "")?;
        let work = engine.map(|engine| async move {
            let found = engine.with_log(engine.list_backtests(&filter)).await?;
            rows(found, |(run, summary)| BacktestSummary::new(run, summary))
        });
        Ok(call(env, work, list)?)
    })
}

/// How many rows of a list cross in one text.
const ROWS: usize = 32;

/// Writes the rows of a list as texts of some rows each: to set property after property takes many times longer than to
/// parse them, and to parse all at once may hold up the event loop.
fn rows<T, R: Serialize>(
    found: impl IntoIterator<Item = T>,
    row: impl Fn(T) -> R,
) -> crate::Result<Vec<String>> {
    let rows: Vec<R> = found.into_iter().map(row).collect();
    let texts: serde_json::Result<Vec<String>> =
        rows.chunks(ROWS).map(serde_json::to_string).collect();
    texts.map_err(|error| crate::Error::internal(format!("a list cannot be written: {error}")))
}

/// Puts a list together.
fn list(env: &Env, texts: Vec<String>) -> Result<Unknown<'static>> {
    Runtime::of(env)?
        .helper::<(Vec<String>,), Unknown<'static>>(env, "list")?
        .apply((), (texts,).into())
}

pub(super) fn on_delete_backtest<'env>(
    env: &'env Env,
    engine: Answering,
    id: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, bool>> {
    promised(env, || {
        let id = read(env, id, "backtestId")?;
        let work =
            engine.map(|engine| async move { engine.with_log(engine.delete_backtest(&id)).await });
        Ok(call(env, work, |_, deleted| Ok(deleted))?)
    })
}

pub(super) fn on_list_strategies(
    env: &Env,
    engine: Answering,
) -> Result<PromiseRaw<'_, Unknown<'static>>> {
    promised(env, || {
        let work = engine.map(|engine| async move {
            let found = engine.with_log(engine.list_strategies()).await?;
            rows(&found, StrategyInfo::from)
        });
        Ok(call(env, work, list)?)
    })
}

pub(super) fn on_register_strategy<'env>(
    env: &'env Env,
    engine: Answering,
    strategy: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, StrategyInfo>> {
    promised(env, || {
        let function = JsFunction::of(env, strategy)?;
        let strategy = read(env, strategy, "strategy")?;
        let work = engine.map(|engine| async move {
            let known = engine.with_log(engine.register_strategy(&strategy, function)).await?;
            Ok(StrategyInfo::from(&known))
        });
        Ok(call(env, work, |_, registered| Ok(registered))?)
    })
}

pub(super) fn on_validate_strategy<'env>(
    env: &'env Env,
    engine: Answering,
    config: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, ValidationResult>> {
    promised(env, || {
        let config = read(env, config, "")?;
        let work = engine.map(|engine| async move {
            Ok(ValidationResult::from(engine.with_log(engine.validate_strategy(config)).await?))
        });
        Ok(call(env, work, |_, found| Ok(found))?)
    })
}

pub(super) fn on_get_metrics<'env>(
    env: &'env Env,
    engine: Answering,
    id: Option<Unknown<'env>>,
    names: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Map<String, Value>>> {
    promised(env, || {
        let (id, names) = (read(env, id, "backtestId")?, read(env, names, "metrics")?);
        let work = engine.map(|engine| async move {
            Ok(metrics(engine.with_log(engine.get_metrics(&id, &names)).await?))
        });
        Ok(call(env, work, |_, found| Ok(found))?)
    })
}

pub(super) fn on_import_bars<'env>(
    env: &'env Env,
    engine: Answering,
    request: Option<Unknown<'env>>,
    options: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, JsImportSummary>> {
    promised(env, || {
        let request = read(env, request, "")?;
        let start = |control: CallControl| {
            let engine = engine?;
            Ok(async move { engine.with_log(engine.import_bars(request, control)).await })
        };
        Ok(begin(env, options, false, start, |_, summary| {
            let last = Progress::Import(ImportProgress {
                asset_symbol: summary.asset_symbol.clone(),
                timeframe: summary.timeframe,
                progress: 100.0,
                stage: "completed",
                rows: summary.imported.imported,
            });
            Ok((JsImportSummary::from(summary), Some(last)))
        })?)
    })
}

pub(super) fn on_list_assets(
    env: &Env,
    engine: Answering,
) -> Result<PromiseRaw<'_, Unknown<'static>>> {
    promised(env, || {
        let work = engine.map(|engine| async move {
            rows(engine.with_log(engine.list_assets()).await?, AssetInfo::from)
        });
        Ok(call(env, work, list)?)
    })
}

pub(super) fn on_render_chart<'env>(
    env: &'env Env,
    engine: Answering,
    backtest: Option<Unknown<'env>>,
    options: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Buffer>> {
    promised(env, || {
        let backtest = read_drawn(env, backtest)?;
        let options = read(env, options, "options")?;
        let start = |_| {
            let engine = engine?;
            Ok(async move { engine.with_log(engine.render_chart(&backtest, &options)).await })
        };
        let convert = |_: &Env, bytes: Vec<u8>| Ok((Buffer::from(bytes), None));
        Ok(begin(env, None, false, start, convert)?)
    })
}

/// Reads the id of a backtest, or a result, whose trades become columns on the way.
fn read_drawn<'env>(env: &'env Env, backtest: Option<Unknown<'env>>) -> crate::Result<Input> {
    let Some(backtest) = backtest else { return Ok(Input::Null) };
    // Applied, so that an exception stays what it is.
    let packed = Runtime::of(env)
        .and_then(|runtime| runtime.helper::<(Unknown<'env>,), Unknown<'env>>(env, "drawn"))
        .and_then(|pack| pack.apply((), (backtest,).into()))
        .map_err(|failure| error::unread(env, "result", &failure))?;
    read(env, Some(packed), if is_text(packed) { "backtestId" } else { "result" })
}

fn is_text(value: Unknown<'_>) -> bool {
    matches!(value.get_type(), Ok(ValueType::String))
}

/// Runs a backtest. It resolves when the run is completed and, unless `persist` is false, kept in the store.
///
/// Rejects with `INVALID_ARGUMENT`, `UNKNOWN_STRATEGY`, `NO_DATA`, `BAD_DATA`, `LIMIT_EXCEEDED`, `STORAGE` or `CLOSED`, and with an
/// `AbortError` if the signal is aborted.
#[napi(
    catch_unwind,
    ts_args_type = "request: BacktestRequest, options?: RunOptions",
    ts_return_type = "Promise<BacktestResult>"
)]
pub fn run_backtest<'env>(
    env: &'env Env,
    request: Option<Unknown<'env>>,
    options: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Unknown<'static>>> {
    on_run_backtest(env, default_engine(env), request, options)
}

/// Returns a backtest that was kept, or null if there is none with that id.
///
/// Rejects with `INVALID_ARGUMENT`, `STORAGE` or `CLOSED`.
#[napi(
    catch_unwind,
    ts_args_type = "backtestId: string",
    ts_return_type = "Promise<BacktestResult | null>"
)]
pub fn get_backtest_results<'env>(
    env: &'env Env,
    backtest_id: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Either<Unknown<'static>, Null>>> {
    on_get_backtest_results(env, default_engine(env), backtest_id)
}

/// Draws a backtest: its price with entries and exits, equity against buying and holding, and drawdown. It resolves to the
/// bytes of a PNG, or of an SVG in UTF-8.
///
/// The backtest is a completed one, by the id that it is kept under or as the result that `runBacktest` or
/// `getBacktestResults` gave. A run does not keep its prices: they are loaded again from where the run had them, and drawn
/// if they are the same still. Bars that were handed to the run are handed in here again, as `options.bars`. Where there are
/// no prices, the picture has equity and drawdown, the trades on the line of equity, and says so.
///
/// Rejects with `INVALID_ARGUMENT`, `BAD_DATA`, `LIMIT_EXCEEDED`, `NOT_FOUND`, `STORAGE` or `CLOSED`.
#[napi(
    catch_unwind,
    ts_args_type = "backtest: string | BacktestResult, options?: ChartOptions",
    ts_return_type = "Promise<Uint8Array>"
)]
pub fn render_chart<'env>(
    env: &'env Env,
    backtest: Option<Unknown<'env>>,
    options: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Buffer>> {
    on_render_chart(env, default_engine(env), backtest, options)
}

/// Lists backtests, the newest first, without their trades and curves.
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
    on_list_backtests(env, default_engine(env), filter)
}

/// Deletes a backtest and all that belongs to it; resolves to whether there was one.
///
/// Rejects with `INVALID_ARGUMENT`, `STORAGE` or `CLOSED`.
#[napi(catch_unwind, ts_args_type = "backtestId: string", ts_return_type = "Promise<boolean>")]
pub fn delete_backtest<'env>(
    env: &'env Env,
    backtest_id: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, bool>> {
    on_delete_backtest(env, default_engine(env), backtest_id)
}

/// Lists the strategies that can be run: the built-in ones, then the registered ones by id.
///
/// Rejects with `INVALID_ARGUMENT` for settings of the environment that are wrong, `STORAGE` or `CLOSED`.
#[napi(catch_unwind, ts_return_type = "Promise<Array<StrategyInfo>>")]
pub fn list_strategies(env: &Env) -> Result<PromiseRaw<'_, Unknown<'static>>> {
    on_list_strategies(env, default_engine(env))
}

/// Registers a strategy under its id, to be run by it and listed; one of the same id is replaced. A definition is kept in
/// the store, for every engine on it and for later processes. A function (`generateSignals`) is known to this engine only,
/// until it is closed.
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
    on_register_strategy(env, default_engine(env), strategy)
}

/// Checks a strategy and its parameters; every problem comes out at once. One with a function is called on made-up bars
/// to see whether it looks ahead; nothing is run otherwise.
///
/// Rejects with `INVALID_ARGUMENT` if the argument itself cannot be read, `STORAGE` or `CLOSED`.
#[napi(
    catch_unwind,
    ts_args_type = "config: StrategyConfig",
    ts_return_type = "Promise<ValidationResult>"
)]
pub fn validate_strategy<'env>(
    env: &'env Env,
    config: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, ValidationResult>> {
    on_validate_strategy(env, default_engine(env), config)
}

/// Returns metrics of a backtest: those named, or all.
///
/// Rejects with `INVALID_ARGUMENT`, `NOT_FOUND`, `STORAGE` or `CLOSED`.
#[napi(
    catch_unwind,
    ts_args_type = "backtestId: string, metrics?: Array<string>",
    ts_return_type = "Promise<Metrics>"
)]
pub fn get_metrics<'env>(
    env: &'env Env,
    backtest_id: Option<Unknown<'env>>,
    metrics: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Map<String, Value>>> {
    on_get_metrics(env, default_engine(env), backtest_id, metrics)
}

/// Takes bars into the store: from memory, or from a .csv, .parquet or .arrow file. All are imported, or none: an
/// import that is aborted, fails or is ended by closing its engine leaves the store as it was.
///
/// Rejects with `INVALID_ARGUMENT`, `BAD_DATA`, `LIMIT_EXCEEDED`, `STORAGE` or `CLOSED`, and with an
/// `AbortError` if the signal is aborted.
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
    on_import_bars(env, default_engine(env), request, options)
}

/// Lists the assets that there are bars of.
///
/// Rejects with `INVALID_ARGUMENT` for settings of the environment that are wrong, `STORAGE` or `CLOSED`.
#[napi(catch_unwind, ts_return_type = "Promise<Array<AssetInfo>>")]
pub fn list_assets(env: &Env) -> Result<PromiseRaw<'_, Unknown<'static>>> {
    on_list_assets(env, default_engine(env))
}

/// Runs the machine itself on your own signals: arrays in, a whole result out, nothing stored.
///
/// Rejects with `INVALID_ARGUMENT` or `BAD_DATA`.
#[napi(
    catch_unwind,
    ts_args_type = "request: SignalsRequest",
    ts_return_type = "Promise<SimulationResult>"
)]
pub fn simulate_signals<'env>(
    env: &'env Env,
    request: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Unknown<'static>>> {
    promised(env, || {
        let request = read(env, request, "")?;
        let small = simulate_signals::is_small(&request);
        let run = async move { run_signals(&request).await.map(JsSimulationResult::from)?.cross() };
        let convert = |env: &Env, result| Ok((assemble(env, result)?, None));
        Ok(begin(env, None, small, |_| Ok(run), convert)?)
    })
}
