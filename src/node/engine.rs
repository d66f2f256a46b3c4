//! The class `BacktestEngine`.

use std::sync::Arc;

use napi::bindgen_prelude::{Buffer, Null, PromiseRaw, Unknown};
use napi::{Either, Env, Result};
use napi_derive::napi;
use serde_json::{Map, Value};

use crate::service::Engine;

use super::call::promise;
use super::error::{CallFailure, reject_on_failure};
use super::types::{EngineLimits, JsImportSummary, StrategyInfo, ValidationResult};
use super::{engine_config, input, sweep_stream, use_cases};

/// An engine: a store, a cache, and limits.
///
/// The functions of the package use a default engine that is configured by environment variables. Create your own for other
/// settings, or to close it.
#[napi]
#[derive(Debug)]
pub struct BacktestEngine {
    engine: Arc<Engine>,
}

#[napi]
impl BacktestEngine {
    /// Creates an engine. The first call that needs the store opens it. Throws a `BacktestError` for settings that are
    /// unknown or out of range.
    #[napi(constructor, catch_unwind, ts_args_type = "config?: EngineConfig")]
    pub fn new(env: Env, config: Option<Unknown<'_>>) -> Result<Self> {
        let engine = input::read(&env, config, "config")
            .and_then(|config| engine_config::resolve(&env, &config))
            .and_then(Engine::new);
        match engine {
            Ok(engine) => Ok(Self { engine: Arc::new(engine) }),
            Err(error) => Err(napi::Error::from_unknown_without_coercion(
                CallFailure::from(error).into_js(&env),
            )),
        }
    }

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
        &self,
        env: &'env Env,
        request: Option<Unknown<'env>>,
        options: Option<Unknown<'env>>,
    ) -> Result<PromiseRaw<'env, Unknown<'static>>> {
        use_cases::run_backtest(env, Ok(Arc::clone(&self.engine)), request, options)
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
        &self,
        env: &'env Env,
        request: Option<Unknown<'env>>,
        options: Option<Unknown<'env>>,
    ) -> Result<PromiseRaw<'env, Unknown<'static>>> {
        use_cases::run_sweep(env, Ok(Arc::clone(&self.engine)), request, options)
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
        &self,
        env: &'env Env,
        request: Option<Unknown<'env>>,
        options: Option<Unknown<'env>>,
    ) -> Result<Unknown<'static>> {
        sweep_stream::sweep(env, Ok(Arc::clone(&self.engine)), request, options)
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
        &self,
        env: &'env Env,
        request: Option<Unknown<'env>>,
        options: Option<Unknown<'env>>,
    ) -> Result<PromiseRaw<'env, Unknown<'static>>> {
        use_cases::walk_forward(env, Ok(Arc::clone(&self.engine)), request, options)
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
        &self,
        env: &'env Env,
        sweep_id: Option<Unknown<'env>>,
        page: Option<Unknown<'env>>,
    ) -> Result<PromiseRaw<'env, Either<Unknown<'static>, Null>>> {
        use_cases::get_sweep(env, Ok(Arc::clone(&self.engine)), sweep_id, page)
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
        &self,
        env: &'env Env,
        filter: Option<Unknown<'env>>,
    ) -> Result<PromiseRaw<'env, Unknown<'static>>> {
        use_cases::list_sweeps(env, Ok(Arc::clone(&self.engine)), filter)
    }

    /// Deletes a kept sweep. Resolves to whether it existed. A sweep that is under way must be aborted first.
    ///
    /// Rejects with `INVALID_ARGUMENT`, `STORAGE` or `CLOSED`.
    #[napi(catch_unwind, ts_args_type = "sweepId: string", ts_return_type = "Promise<boolean>")]
    pub fn delete_sweep<'env>(
        &self,
        env: &'env Env,
        sweep_id: Option<Unknown<'env>>,
    ) -> Result<PromiseRaw<'env, bool>> {
        use_cases::delete_sweep(env, Ok(Arc::clone(&self.engine)), sweep_id)
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
        &self,
        env: &'env Env,
        backtest_id: Option<Unknown<'env>>,
        options: Option<Unknown<'env>>,
    ) -> Result<PromiseRaw<'env, Either<Unknown<'static>, Null>>> {
        use_cases::get_backtest_results(env, Ok(Arc::clone(&self.engine)), backtest_id, options)
    }

    /// Draws a chart of a backtest: prices with entries and exits, equity compared with buy and hold, and drawdown. Resolves
    /// to the bytes of a PNG, or of a UTF-8 encoded SVG. See the function `renderChart` for details.
    ///
    /// Rejects with `INVALID_ARGUMENT`, `BAD_DATA`, `LIMIT_EXCEEDED`, `NOT_FOUND`, `STORAGE` or `CLOSED`.
    #[napi(
        catch_unwind,
        ts_args_type = "backtest: string | BacktestResult | JsonOf<BacktestResult>, options?: ChartOptions",
        ts_return_type = "Promise<Uint8Array>"
    )]
    pub fn render_chart<'env>(
        &self,
        env: &'env Env,
        backtest: Option<Unknown<'env>>,
        options: Option<Unknown<'env>>,
    ) -> Result<PromiseRaw<'env, Buffer>> {
        use_cases::render_chart(env, Ok(Arc::clone(&self.engine)), backtest, options)
    }

    /// Draws the combinations of a sweep as a heat map over two parameters, or as a line over one. Resolves to the bytes of a PNG,
    /// or of a UTF-8 encoded SVG. See the function `renderHeatmap` for details.
    ///
    /// Rejects with `INVALID_ARGUMENT`, `NO_DATA`, `LIMIT_EXCEEDED`, `NOT_FOUND`, `STORAGE` or `CLOSED`.
    #[napi(
        catch_unwind,
        ts_args_type = "sweep: string | SweepResult | SweepJson, options?: HeatmapOptions",
        ts_return_type = "Promise<Uint8Array>"
    )]
    pub fn render_heatmap<'env>(
        &self,
        env: &'env Env,
        sweep: Option<Unknown<'env>>,
        options: Option<Unknown<'env>>,
    ) -> Result<PromiseRaw<'env, Buffer>> {
        use_cases::render_heatmap(env, Ok(Arc::clone(&self.engine)), sweep, options)
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
        &self,
        env: &'env Env,
        filter: Option<Unknown<'env>>,
    ) -> Result<PromiseRaw<'env, Unknown<'static>>> {
        use_cases::list_backtests(env, Ok(Arc::clone(&self.engine)), filter)
    }

    /// Deletes a stored backtest with its results. Resolves to whether it existed.
    ///
    /// Rejects with `INVALID_ARGUMENT`, `STORAGE` or `CLOSED`.
    #[napi(catch_unwind, ts_args_type = "backtestId: string", ts_return_type = "Promise<boolean>")]
    pub fn delete_backtest<'env>(
        &self,
        env: &'env Env,
        backtest_id: Option<Unknown<'env>>,
    ) -> Result<PromiseRaw<'env, bool>> {
        use_cases::delete_backtest(env, Ok(Arc::clone(&self.engine)), backtest_id)
    }

    /// Lists all strategies: the built-in ones, then the registered ones by id.
    ///
    /// Rejects with `INVALID_ARGUMENT` if `this` is not an engine, `STORAGE` or `CLOSED`.
    #[napi(catch_unwind, ts_return_type = "Promise<Array<StrategyInfo>>")]
    pub fn list_strategies<'env>(
        &self,
        env: &'env Env,
    ) -> Result<PromiseRaw<'env, Unknown<'static>>> {
        use_cases::list_strategies(env, Ok(Arc::clone(&self.engine)))
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
        &self,
        env: &'env Env,
        strategy: Option<Unknown<'env>>,
    ) -> Result<PromiseRaw<'env, StrategyInfo>> {
        use_cases::register_strategy(env, Ok(Arc::clone(&self.engine)), strategy)
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
        &self,
        env: &'env Env,
        config: Option<Unknown<'env>>,
    ) -> Result<PromiseRaw<'env, ValidationResult>> {
        use_cases::validate_strategy(env, Ok(Arc::clone(&self.engine)), config)
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
        &self,
        env: &'env Env,
        backtest_id: Option<Unknown<'env>>,
        metrics: Option<Unknown<'env>>,
    ) -> Result<PromiseRaw<'env, Map<String, Value>>> {
        use_cases::get_metrics(env, Ok(Arc::clone(&self.engine)), backtest_id, metrics)
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
        &self,
        env: &'env Env,
        request: Option<Unknown<'env>>,
        options: Option<Unknown<'env>>,
    ) -> Result<PromiseRaw<'env, JsImportSummary>> {
        use_cases::import_bars(env, Ok(Arc::clone(&self.engine)), request, options)
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
        &self,
        env: &'env Env,
        request: Option<Unknown<'env>>,
        options: Option<Unknown<'env>>,
    ) -> Result<PromiseRaw<'env, f64>> {
        use_cases::delete_bars(env, Ok(Arc::clone(&self.engine)), request, options)
    }

    /// Lists the assets that have bars.
    ///
    /// Rejects with `INVALID_ARGUMENT` if `this` is not an engine, `STORAGE` or `CLOSED`.
    #[napi(catch_unwind, ts_return_type = "Promise<Array<AssetInfo>>")]
    pub fn list_assets<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, Unknown<'static>>> {
        use_cases::list_assets(env, Ok(Arc::clone(&self.engine)))
    }

    /// Returns the limits of the runs of this engine, from its settings. Throws `INVALID_ARGUMENT` if `this` is not an engine.
    #[napi(catch_unwind)]
    pub fn limits(&self) -> EngineLimits {
        EngineLimits::from(self.engine.limits())
    }

    /// Closes the engine. Active backtests and imports are cancelled and reject with `CLOSED`, as do later calls. Closing
    /// twice is allowed.
    ///
    /// Rejects with `INVALID_ARGUMENT` if `this` is not an engine, or `STORAGE`.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn close<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, ()>> {
        let engine = Arc::clone(&self.engine);
        // Synchronously, so that the next call is already rejected.
        engine.begin_close();
        reject_on_failure(env, || {
            Ok(promise(env, Ok(async move { engine.with_log(engine.close()).await }), |_, ()| {
                Ok(())
            })?)
        })
    }
}
