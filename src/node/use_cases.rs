//! The use cases as promises, for the methods of `BacktestEngine` and the functions of the package.

use std::sync::Arc;

use napi::bindgen_prelude::{Buffer, JsObjectValue, Null, Object, PromiseRaw, Unknown};
use napi::{Either, Env, Result, ValueType};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::request::Input;
use crate::service::export_table;
use crate::service::simulate_signals::{self, simulate_signals as run_signals};
use crate::service::{
    BacktestRequest, BarsStatus, CallControl, CompletedRun, Curve, Engine, ImportProgress,
    Progress, RunProgress, StoredBacktest, SweepOutcome, SweepRequest, WalkForwardRequest,
};
use crate::store::record::{Outcome, Run};

use super::call::{Call, promise, promise_with_options};
use super::error::{self, reject_on_failure};
use super::input::read;
use super::runtime::Runtime;
use super::signal_function::JsFunction;
use super::transfer::Packed;
use super::types::{
    AssetInfo, BacktestResult, BacktestSummary, JsImportSummary, JsSimulationResult, StrategyInfo,
    SweepInfo, ValidationResult, count, metrics_object, pack_sweep, pack_walk_forward,
};

/// The engine of a call, or the error that prevents its use.
pub(super) type EngineResult = crate::Result<Arc<Engine>>;

/// The function of `runtime.js` that unpacks the result of a backtest.
const UNPACK_BACKTEST: &str = "unpackBacktest";

/// The function of `runtime.js` that unpacks the result of a walk-forward.
const UNPACK_WALK_FORWARD: &str = "unpackWalkForward";

/// The function of `runtime.js` that unpacks the result of a sweep.
pub(super) const UNPACK_SWEEP: &str = "unpackSweep";

/// The function of `runtime.js` that unpacks the result of a simulation.
const UNPACK_SIMULATION: &str = "unpackSimulation";

pub(super) fn run_backtest<'env>(
    env: &'env Env,
    engine: EngineResult,
    request: Option<Unknown<'env>>,
    options: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Unknown<'static>>> {
    reject_on_failure(env, || {
        let request = BacktestRequest::read(read(env, request, "")?);
        // Bars in the cache are found at once; otherwise the run continues elsewhere.
        let finds_bars = !request.needs_stored_bars()
            || engine.as_ref().is_ok_and(|engine| engine.finds_bars_at_once());
        let is_small = request.may_be_small() && finds_bars;
        let start = |control: CallControl| {
            let engine = engine?;
            let revoking = Arc::clone(&engine);
            let ticket = engine.enqueue_run();
            Ok(async move {
                // Boxed because the state of a run is large and would be part of every future that awaits it.
                let work = Box::pin(engine.run_backtest(request, control, ticket));
                let CompletedRun { run, outcome, timestamps_ms, range, max_points, is_stored } =
                    engine.with_log(work).await?;
                let last_report = completed(&run, &outcome);
                let bars_status = BarsStatus::of_new(&run);
                let mut outcome = Arc::unwrap_or_clone(outcome);
                let curve = Curve::take(&mut outcome, timestamps_ms, max_points);
                let outcome = Some((outcome, curve));
                let stored = is_stored.then(|| (revoking, run.clone()));
                let result = BacktestResult::new(run, outcome, range, bars_status);
                Ok(Delivery { result: result.pack()?, last_report, stored })
            })
        };
        Ok(promise_with_options(env, options, is_small, start, Delivery::deliver)?)
    })
}

/// A completed run on its way to the caller, who may still abort it.
struct Delivery {
    result: Packed,
    last_report: Progress,
    /// The run as it was stored, with its engine.
    stored: Option<(Arc<Engine>, Run)>,
}

impl Delivery {
    fn deliver(env: &Env, call: &Call, delivery: Self) -> Result<Unknown<'static>> {
        call.report(env, delivery.last_report)?;
        // The record cannot be changed any more after the engine was closed.
        let is_final = delivery.stored.as_ref().is_some_and(|(engine, _)| engine.is_closed());
        if call.settle() || is_final {
            return delivery.result.into_js(env, UNPACK_BACKTEST);
        }
        // The record of the run must agree with what its caller learns.
        call.reject_later(env, async move {
            match delivery.stored {
                Some((engine, run)) => engine.with_log(engine.revoke_run(&run)).await,
                None => crate::Error::cancelled(),
            }
        })
    }
}

/// Returns the last report of a run, which precedes its result.
fn completed(run: &Run, outcome: &Outcome) -> Progress {
    Progress::Run(RunProgress {
        backtest_id: run.id.clone(),
        progress: 100.0,
        stage: "completed",
        current_date: outcome.timestamps.last().copied(),
        trades_executed: outcome.trades.len(),
    })
}

pub(super) fn run_sweep<'env>(
    env: &'env Env,
    engine: EngineResult,
    request: Option<Unknown<'env>>,
    options: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Unknown<'static>>> {
    reject_on_failure(env, || {
        let request = SweepRequest::read(read(env, request, "")?);
        let start = |control: CallControl| {
            let engine = engine?;
            let ticket = engine.enqueue_run();
            Ok(async move {
                let work = Box::pin(engine.run_sweep(request, control, ticket));
                Ok(match engine.with_log(work).await? {
                    SweepOutcome::Completed(result, last_report) => {
                        (pack_sweep(*result)?, Some(last_report))
                    }
                    SweepOutcome::Aborted(result) => (pack_sweep(*result)?, None),
                })
            })
        };
        Ok(promise_with_options(env, options, false, start, |env, call, (result, last_report)| {
            if let Some(last_report) = last_report {
                call.report(env, last_report)?;
                if call.settle() {
                    return result.into_js(env, UNPACK_SWEEP);
                }
            }
            let partial = result.into_js(env, UNPACK_SWEEP)?;
            call.reject_with(env, &crate::Error::cancelled(), partial)
        })?)
    })
}

pub(super) fn get_backtest_results<'env>(
    env: &'env Env,
    engine: EngineResult,
    id: Option<Unknown<'env>>,
    options: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Either<Unknown<'static>, Null>>> {
    reject_on_failure(env, || {
        let (id, options) = (read(env, id, "backtestId")?, read(env, options, "options")?);
        let work = engine.map(|engine| async move {
            let found = engine.with_log(engine.get_backtest_results(&id, &options)).await?;
            let pack = |StoredBacktest { run, outcome, bars_status, max_points }| {
                let outcome = outcome.map(|mut outcome| {
                    let curve = Curve::take(&mut outcome, Vec::new(), max_points);
                    (outcome, curve)
                });
                BacktestResult::new(run, outcome, None, bars_status).pack()
            };
            found.map(pack).transpose()
        });
        Ok(promise(env, work, |env, found: Option<Packed>| {
            let unpack = |result: Packed| result.into_js(env, UNPACK_BACKTEST).map(Either::A);
            found.map_or(Ok(Either::B(Null)), unpack)
        })?)
    })
}

pub(super) fn list_backtests<'env>(
    env: &'env Env,
    engine: EngineResult,
    filter: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Unknown<'static>>> {
    reject_on_failure(env, || {
        let filter = read(env, filter, "")?;
        let work = engine.map(|engine| async move {
            let found = engine.with_log(engine.list_backtests(&filter)).await?;
            serialize_rows(found, |(run, summary, bars_status)| {
                BacktestSummary::new(run, summary, bars_status)
            })
        });
        Ok(promise(env, work, parse_rows)?)
    })
}

/// The number of rows in one text of a list.
const ROWS_PER_TEXT: usize = 32;

/// Serializes the rows of a list to texts of a few rows each. Setting property after property takes many times longer than
/// parsing, and parsing all rows at once may block the event loop.
fn serialize_rows<T, R: Serialize>(
    found: impl IntoIterator<Item = T>,
    row: impl Fn(T) -> R,
) -> crate::Result<Vec<String>> {
    let rows: Vec<R> = found.into_iter().map(row).collect();
    let texts: serde_json::Result<Vec<String>> =
        rows.chunks(ROWS_PER_TEXT).map(serde_json::to_string).collect();
    texts.map_err(|error| crate::Error::internal(format!("a list cannot be serialized: {error}")))
}

/// Parses the rows of a list in JavaScript.
fn parse_rows(env: &Env, texts: Vec<String>) -> Result<Unknown<'static>> {
    Runtime::of(env)?
        .helper::<(Vec<String>,), Unknown<'static>>(env, "parseRows")?
        .apply((), (texts,).into())
}

pub(super) fn delete_backtest<'env>(
    env: &'env Env,
    engine: EngineResult,
    id: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, bool>> {
    reject_on_failure(env, || {
        let id = read(env, id, "backtestId")?;
        let work =
            engine.map(|engine| async move { engine.with_log(engine.delete_backtest(&id)).await });
        Ok(promise(env, work, |_, deleted| Ok(deleted))?)
    })
}

pub(super) fn walk_forward<'env>(
    env: &'env Env,
    engine: EngineResult,
    request: Option<Unknown<'env>>,
    options: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Unknown<'static>>> {
    reject_on_failure(env, || {
        let request = WalkForwardRequest::read(read(env, request, "")?);
        let start = |control: CallControl| {
            let engine = engine?;
            let ticket = engine.enqueue_run();
            Ok(async move {
                let work = Box::pin(engine.walk_forward(request, control, ticket));
                let (result, last_report) = engine.with_log(work).await?;
                Ok((pack_walk_forward(result)?, last_report))
            })
        };
        Ok(promise_with_options(env, options, false, start, |env, call, (result, last_report)| {
            call.report(env, last_report)?;
            if call.settle() {
                return result.into_js(env, UNPACK_WALK_FORWARD);
            }
            call.reject_later(env, async { crate::Error::cancelled() })
        })?)
    })
}

pub(super) fn get_sweep<'env>(
    env: &'env Env,
    engine: EngineResult,
    id: Option<Unknown<'env>>,
    page: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Either<Unknown<'static>, Null>>> {
    reject_on_failure(env, || {
        let (id, page) = (read(env, id, "sweepId")?, read(env, page, "page")?);
        let work = engine.map(|engine| async move {
            engine.with_log(engine.get_sweep(&id, &page)).await?.map(pack_sweep).transpose()
        });
        Ok(promise(env, work, |env, found: Option<Packed>| {
            let unpack = |result: Packed| result.into_js(env, UNPACK_SWEEP).map(Either::A);
            found.map_or(Ok(Either::B(Null)), unpack)
        })?)
    })
}

pub(super) fn list_sweeps<'env>(
    env: &'env Env,
    engine: EngineResult,
    filter: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Unknown<'static>>> {
    reject_on_failure(env, || {
        let filter = read(env, filter, "")?;
        let work = engine.map(|engine| async move {
            let found = engine.with_log(engine.list_sweeps(&filter)).await?;
            serialize_rows(found, SweepInfo::from)
        });
        Ok(promise(env, work, parse_rows)?)
    })
}

pub(super) fn delete_sweep<'env>(
    env: &'env Env,
    engine: EngineResult,
    id: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, bool>> {
    reject_on_failure(env, || {
        let id = read(env, id, "sweepId")?;
        let work =
            engine.map(|engine| async move { engine.with_log(engine.delete_sweep(&id)).await });
        Ok(promise(env, work, |_, deleted| Ok(deleted))?)
    })
}

pub(super) fn list_strategies(
    env: &Env,
    engine: EngineResult,
) -> Result<PromiseRaw<'_, Unknown<'static>>> {
    reject_on_failure(env, || {
        let work = engine.map(|engine| async move {
            let found = engine.with_log(engine.list_strategies()).await?;
            serialize_rows(&found, StrategyInfo::from)
        });
        Ok(promise(env, work, parse_rows)?)
    })
}

pub(super) fn register_strategy<'env>(
    env: &'env Env,
    engine: EngineResult,
    strategy: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, StrategyInfo>> {
    reject_on_failure(env, || {
        let function = JsFunction::of(env, strategy)?;
        let strategy = read(env, strategy, "strategy")?;
        let work = engine.map(|engine| async move {
            let entry = engine.with_log(engine.register_strategy(&strategy, function)).await?;
            Ok(StrategyInfo::from(&entry))
        });
        Ok(promise(env, work, |_, registered| Ok(registered))?)
    })
}

pub(super) fn validate_strategy<'env>(
    env: &'env Env,
    engine: EngineResult,
    config: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, ValidationResult>> {
    reject_on_failure(env, || {
        let config = read(env, config, "")?;
        let work = engine.map(|engine| async move {
            Ok(ValidationResult::from(engine.with_log(engine.validate_strategy(config)).await?))
        });
        Ok(promise(env, work, |_, found| Ok(found))?)
    })
}

pub(super) fn get_metrics<'env>(
    env: &'env Env,
    engine: EngineResult,
    id: Option<Unknown<'env>>,
    names: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Map<String, Value>>> {
    reject_on_failure(env, || {
        let (id, names) = (read(env, id, "backtestId")?, read(env, names, "metrics")?);
        let work = engine.map(|engine| async move {
            Ok(metrics_object(engine.with_log(engine.get_metrics(&id, &names)).await?))
        });
        Ok(promise(env, work, |_, found| Ok(found))?)
    })
}

pub(super) fn import_bars<'env>(
    env: &'env Env,
    engine: EngineResult,
    request: Option<Unknown<'env>>,
    options: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, JsImportSummary>> {
    reject_on_failure(env, || {
        let request = read(env, request, "")?;
        let start = |control: CallControl| {
            let engine = engine?;
            Ok(async move { engine.with_log(engine.import_bars(request, control)).await })
        };
        Ok(promise_with_options(env, options, false, start, |env, call, summary| {
            let last_report = Progress::Import(ImportProgress {
                asset_symbol: summary.asset_symbol.clone(),
                timeframe: summary.timeframe,
                progress: 100.0,
                stage: "completed",
                rows: summary.imported.imported,
            });
            call.report(env, last_report)?;
            Ok(JsImportSummary::from(summary))
        })?)
    })
}

pub(super) fn delete_bars<'env>(
    env: &'env Env,
    engine: EngineResult,
    request: Option<Unknown<'env>>,
    options: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, f64>> {
    reject_on_failure(env, || {
        let request = read(env, request, "")?;
        let start = |control: CallControl| {
            let engine = engine?;
            if control.on_progress.is_some() {
                let message = "unknown field options.onProgress; deleteBars reports no progress";
                return Err(crate::Error::invalid("options.onProgress", "unknown", message));
            }
            let cancellation = control.cancellation;
            Ok(async move { engine.with_log(engine.delete_bars(&request, cancellation)).await })
        };
        let convert = |_: &Env, _: &Call, deleted: u64| Ok(count(deleted));
        Ok(promise_with_options(env, options, false, start, convert)?)
    })
}

pub(super) fn list_assets(
    env: &Env,
    engine: EngineResult,
) -> Result<PromiseRaw<'_, Unknown<'static>>> {
    reject_on_failure(env, || {
        let work = engine.map(|engine| async move {
            serialize_rows(engine.with_log(engine.list_assets()).await?, AssetInfo::from)
        });
        Ok(promise(env, work, parse_rows)?)
    })
}

pub(super) fn render_chart<'env>(
    env: &'env Env,
    engine: EngineResult,
    backtest: Option<Unknown<'env>>,
    options: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Buffer>> {
    reject_on_failure(env, || {
        let backtest = read_chart_input(env, backtest)?;
        let options = read(env, options, "options")?;
        let start = |_| {
            let engine = engine?;
            Ok(async move { engine.with_log(engine.render_chart(&backtest, &options)).await })
        };
        let convert = |_: &Env, _: &Call, bytes: Vec<u8>| Ok(Buffer::from(bytes));
        Ok(promise_with_options(env, None, false, start, convert)?)
    })
}

/// Reads the id of a backtest, or a result with its trades converted to columns.
fn read_chart_input<'env>(env: &'env Env, backtest: Option<Unknown<'env>>) -> crate::Result<Input> {
    let Some(backtest) = backtest else { return Ok(Input::Null) };
    // `apply` preserves the exception.
    let packed = Runtime::of(env)
        .and_then(|runtime| {
            runtime.helper::<(Unknown<'env>,), Unknown<'env>>(env, "packChartInput")
        })
        .and_then(|pack| pack.apply((), (backtest,).into()))
        .map_err(|failure| error::unreadable(env, "result", &failure))?;
    read(env, Some(packed), if is_text(packed) { "backtestId" } else { "result" })
}

pub(super) fn render_heatmap<'env>(
    env: &'env Env,
    engine: EngineResult,
    sweep: Option<Unknown<'env>>,
    options: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Buffer>> {
    reject_on_failure(env, || {
        let options = read(env, options, "options")?;
        let sweep = read_heatmap_input(env, sweep, &options)?;
        let start = |_| {
            let engine = engine?;
            Ok(async move { engine.with_log(engine.render_heatmap(&sweep, &options)).await })
        };
        let convert = |_: &Env, _: &Call, bytes: Vec<u8>| Ok(Buffer::from(bytes));
        Ok(promise_with_options(env, None, false, start, convert)?)
    })
}

/// Reads the id of a sweep, or the columns of a result that a heat map needs.
fn read_heatmap_input<'env>(
    env: &'env Env,
    sweep: Option<Unknown<'env>>,
    options: &Input,
) -> crate::Result<Input> {
    let Some(sweep) = sweep else { return Ok(Input::Null) };
    // The options were read already: reading them twice may give two answers.
    let metric = match options {
        Input::Record(fields) => fields.iter().find(|(name, _)| name == "metric"),
        _ => None,
    };
    let metric = match metric {
        Some((_, Input::Text(name))) => name.clone(),
        _ => String::new(),
    };
    let unreadable = |failure: napi::Error| error::unreadable(env, "sweep", &failure);
    // `apply` preserves the exception.
    let packed: Object<'env> = Runtime::of(env)
        .and_then(|runtime| {
            runtime.helper::<(Unknown<'env>, String), Object<'env>>(env, "packHeatmapInput")
        })
        .and_then(|pack| pack.apply((), (sweep, metric).into()))
        .map_err(unreadable)?;
    read_packed(env, &packed, "sweep")
}

/// Reads the columns of an argument that JavaScript packed, or returns the problem that it found.
fn read_packed(env: &Env, packed: &Object<'_>, name: &str) -> crate::Result<Input> {
    let unreadable = |failure: napi::Error| error::unreadable(env, name, &failure);
    if packed.has_named_property("columns").map_err(unreadable)? {
        let columns = packed.get::<Unknown<'_>>("columns").map_err(unreadable)?;
        return read(env, columns, name);
    }
    let text = |name| packed.get_named_property::<String>(name).map_err(unreadable);
    Err(crate::Error::invalid(&text("path")?, &text("code")?, text("problem")?))
}

fn is_text(value: Unknown<'_>) -> bool {
    matches!(value.get_type(), Ok(ValueType::String))
}

pub(super) fn simulate_signals<'env>(
    env: &'env Env,
    request: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Unknown<'static>>> {
    reject_on_failure(env, || {
        let request = read(env, request, "")?;
        let is_small = simulate_signals::is_small(&request);
        let run = async move { run_signals(&request).await.map(JsSimulationResult::from)?.pack() };
        let convert = |env: &Env, _: &Call, result: Packed| result.into_js(env, UNPACK_SIMULATION);
        Ok(promise_with_options(env, None, is_small, |_| Ok(run), convert)?)
    })
}

pub(super) fn to_csv<'env>(
    env: &'env Env,
    result: Option<Unknown<'env>>,
    table: Option<Unknown<'env>>,
    options: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, String>> {
    reject_on_failure(env, || {
        let columns = read_table(env, result, table, options)?;
        Ok(promise(env, Ok(export_table::to_csv(columns)), |_, text| Ok(text))?)
    })
}

pub(super) fn to_arrow<'env>(
    env: &'env Env,
    result: Option<Unknown<'env>>,
    table: Option<Unknown<'env>>,
    options: Option<Unknown<'env>>,
) -> Result<PromiseRaw<'env, Buffer>> {
    reject_on_failure(env, || {
        let columns = read_table(env, result, table, options)?;
        let work = export_table::to_arrow(columns);
        Ok(promise(env, Ok(work), |_, bytes: Vec<u8>| Ok(Buffer::from(bytes)))?)
    })
}

/// Reads a table of a result as columns.
fn read_table<'env>(
    env: &'env Env,
    result: Option<Unknown<'env>>,
    table: Option<Unknown<'env>>,
    options: Option<Unknown<'env>>,
) -> crate::Result<Input> {
    type Arguments<'env> = (Option<Unknown<'env>>, Option<Unknown<'env>>, Option<Unknown<'env>>);
    let unreadable = |failure: napi::Error| error::unreadable(env, "result", &failure);
    // `apply` preserves the exception.
    let packed: Object<'env> = Runtime::of(env)
        .and_then(|runtime| runtime.helper::<Arguments<'env>, Object<'env>>(env, "packTable"))
        .and_then(|pack| pack.apply((), (result, table, options).into()))
        .map_err(unreadable)?;
    read_packed(env, &packed, "result")
}
