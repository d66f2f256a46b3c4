//! The class `BacktestEngine`.

use std::sync::Arc;

use napi::bindgen_prelude::{Buffer, Null, PromiseRaw, Unknown};
use napi::{Either, Env, Result};
use napi_derive::napi;
use serde_json::{Map, Value};

use crate::service::Engine;

use super::call::call;
use super::error::{Failure, promised};
use super::runtime::configure;
use super::types::{JsImportSummary, StrategyInfo, ValidationResult};
use super::{functions, input};

/// One engine: a store, a cache, limits. The functions of the package use one made from the environment on first use;
/// make your own for other settings, or to close it.
#[napi]
#[derive(Debug)]
pub struct BacktestEngine {
    engine: Arc<Engine>,
}

#[napi]
impl BacktestEngine {
    /// Creates an engine; its store is opened by the first call that needs it. Throws a `BacktestError` for settings that
    /// are unknown or out of range.
    #[napi(constructor, catch_unwind, ts_args_type = "config?: EngineConfig")]
    pub fn new(env: Env, config: Option<Unknown<'_>>) -> Result<Self> {
        let engine = input::read(&env, config, "config")
            .and_then(|config| configure(&env, &config))
            .and_then(Engine::new);
        match engine {
            Ok(engine) => Ok(Self { engine: Arc::new(engine) }),
            Err(refused) => Err(napi::Error::from_unknown_without_coercion(
                Failure::from(refused).into_js(&env),
            )),
        }
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
        &self,
        env: &'env Env,
        request: Option<Unknown<'env>>,
        options: Option<Unknown<'env>>,
    ) -> Result<PromiseRaw<'env, Unknown<'static>>> {
        functions::on_run_backtest(env, Ok(Arc::clone(&self.engine)), request, options)
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
        &self,
        env: &'env Env,
        backtest_id: Option<Unknown<'env>>,
    ) -> Result<PromiseRaw<'env, Either<Unknown<'static>, Null>>> {
        functions::on_get_backtest_results(env, Ok(Arc::clone(&self.engine)), backtest_id)
    }

    /// Draws a backtest: its price with entries and exits, equity against buying and holding, and drawdown. It resolves to
    /// the bytes of a PNG, or of an SVG in UTF-8. The function `renderChart` says more.
    ///
    /// Rejects with `INVALID_ARGUMENT`, `BAD_DATA`, `LIMIT_EXCEEDED`, `NOT_FOUND`, `STORAGE` or `CLOSED`.
    #[napi(
        catch_unwind,
        ts_args_type = "backtest: string | BacktestResult, options?: ChartOptions",
        ts_return_type = "Promise<Uint8Array>"
    )]
    pub fn render_chart<'env>(
        &self,
        env: &'env Env,
        backtest: Option<Unknown<'env>>,
        options: Option<Unknown<'env>>,
    ) -> Result<PromiseRaw<'env, Buffer>> {
        functions::on_render_chart(env, Ok(Arc::clone(&self.engine)), backtest, options)
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
        &self,
        env: &'env Env,
        filter: Option<Unknown<'env>>,
    ) -> Result<PromiseRaw<'env, Unknown<'static>>> {
        functions::on_list_backtests(env, Ok(Arc::clone(&self.engine)), filter)
    }

    /// Deletes a backtest and all that belongs to it; resolves to whether there was one.
    ///
    /// Rejects with `INVALID_ARGUMENT`, `STORAGE` or `CLOSED`.
    #[napi(catch_unwind, ts_args_type = "backtestId: string", ts_return_type = "Promise<boolean>")]
    pub fn delete_backtest<'env>(
        &self,
        env: &'env Env,
        backtest_id: Option<Unknown<'env>>,
    ) -> Result<PromiseRaw<'env, bool>> {
        functions::on_delete_backtest(env, Ok(Arc::clone(&self.engine)), backtest_id)
    }

    /// Lists the strategies that can be run: the built-in ones, then the registered ones by id.
    ///
    /// Rejects with `INVALID_ARGUMENT` for settings of the environment that are wrong, `STORAGE` or `CLOSED`.
    #[napi(catch_unwind, ts_return_type = "Promise<Array<StrategyInfo>>")]
    pub fn list_strategies<'env>(
        &self,
        env: &'env Env,
    ) -> Result<PromiseRaw<'env, Unknown<'static>>> {
        functions::on_list_strategies(env, Ok(Arc::clone(&self.engine)))
    }

    /// Registers a strategy under its id, to be run by it and listed; one of the same id is replaced. A definition is kept
    /// in the store, for every engine on it and for later processes. A function (`generateSignals`) is known to this engine
    /// only, until it is closed.
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
        functions::on_register_strategy(env, Ok(Arc::clone(&self.engine)), strategy)
    }

    /// Checks a strategy and its parameters; every problem comes out at once. One with a function is called on made-up
    /// bars to see whether it looks ahead; nothing is run otherwise.
    ///
    /// Rejects with `INVALID_ARGUMENT` if the argument itself cannot be read, `STORAGE` or `CLOSED`.
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
        functions::on_validate_strategy(env, Ok(Arc::clone(&self.engine)), config)
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
        &self,
        env: &'env Env,
        backtest_id: Option<Unknown<'env>>,
        metrics: Option<Unknown<'env>>,
    ) -> Result<PromiseRaw<'env, Map<String, Value>>> {
        functions::on_get_metrics(env, Ok(Arc::clone(&self.engine)), backtest_id, metrics)
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
        &self,
        env: &'env Env,
        request: Option<Unknown<'env>>,
        options: Option<Unknown<'env>>,
    ) -> Result<PromiseRaw<'env, JsImportSummary>> {
        functions::on_import_bars(env, Ok(Arc::clone(&self.engine)), request, options)
    }

    /// Lists the assets that there are bars of.
    ///
    /// Rejects with `INVALID_ARGUMENT` for settings of the environment that are wrong, `STORAGE` or `CLOSED`.
    #[napi(catch_unwind, ts_return_type = "Promise<Array<AssetInfo>>")]
    pub fn list_assets<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, Unknown<'static>>> {
        functions::on_list_assets(env, Ok(Arc::clone(&self.engine)))
    }

    /// Closes the engine. Runs under way are stopped and reject with `CLOSED`, as do imports and later calls. Closing twice is fine.
    ///
    /// Rejects with `INVALID_ARGUMENT` if it is called on something else, or `STORAGE`.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn close<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, ()>> {
        let engine = Arc::clone(&self.engine);
        // At once, so that the next call is a later one.
        engine.begin_close();
        promised(env, || {
            Ok(call(env, Ok(async move { engine.with_log(engine.close()).await }), |_, ()| Ok(()))?)
        })
    }
}
