//! What callers hand in. These declare the shapes for TypeScript; the values are read and checked by the use cases,
//! since napi's own conversions are no validation.

use napi::bindgen_prelude::Float64Array;
use napi_derive::napi;

use super::simulation_options::SimulationOptions;
use crate::service::BarColumns;

/// Settings of an engine. Each has an environment variable in UPPER_SNAKE_CASE (`DATABASE_URL`, …), also read from
/// `.env`; what is given here wins.
#[napi(object, object_to_js = false)]
pub struct EngineConfig {
    /// `sqlite:PATH`, or `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`. Default: an embedded store under `dataDir`.
    pub database_url: Option<String>,
    /// Folder of the embedded store, imported bars included. Default: the user's data folder of the platform.
    pub data_dir: Option<String>,
    /// Database connections kept open; not used by the embedded store. @default 5
    pub db_pool_size: Option<f64>,
    /// Database connections beyond the pool under load; not used by the embedded store. @default 10
    pub db_max_overflow: Option<f64>,
    /// The schema of a PostgreSQL database in which runs, results and imported bars are kept; made on first use.
    /// @default 'backtesting'
    pub db_schema: Option<String>,
    /// `postgresql://…` of the database that prices are loaded from, under a role that may only read them, say. Default:
    /// that of `databaseUrl`; with the embedded store, prices are what was imported.
    pub market_data_url: Option<String>,
    /// Table or view of prices in PostgreSQL, `TABLE` or `SCHEMA.TABLE`. @default 'market_data'
    pub market_data_table: Option<String>,
    /// Longest range of a backtest, days. @default 1825
    pub max_backtest_duration_days: Option<f64>,
    /// Backtests at once; one more waits its turn, in order of arrival. A backtest over at most 32,768 bars has a place of its
    /// own beside these. @default 3
    pub max_concurrent_backtests: Option<f64>,
    /// Most bars of a backtest. @default 1000000
    pub max_data_points: Option<f64>,
    /// Most rows of an import; each takes some 100 bytes of memory while it is imported. @default 10000000
    pub max_import_rows: Option<f64>,
    /// Rows a read from a database server; not used by the embedded store. @default 10000
    pub chunk_size: Option<f64>,
    /// How long loaded bars stay in memory, seconds; 0 switches the cache off. @default 3600
    pub cache_ttl_seconds: Option<f64>,
    /// Worker threads of sweeps (not there yet). Default: the machine's cores.
    pub threads: Option<f64>,
    /// How much is logged, to standard error. @default 'info'
    #[napi(ts_type = "'trace' | 'debug' | 'info' | 'warn' | 'error' | 'off'")]
    pub log_level: Option<String>,
    /// JSON lines, or text for people. @default 'json'
    #[napi(ts_type = "'json' | 'pretty'")]
    pub log_format: Option<String>,
}

/// Bars as columns of equal length; timestamps strictly increase. Prices are finite and above 0, and each low is at
/// most the open and the close, each high at least.
#[napi(object)]
pub struct Bars {
    /// Openings of the bars, UTC milliseconds.
    pub timestamps: Float64Array,
    /// Opening prices.
    pub open: Float64Array,
    /// Highest prices.
    pub high: Float64Array,
    /// Lowest prices.
    pub low: Float64Array,
    /// Closing prices.
    pub close: Float64Array,
    /// Traded volumes, not negative.
    pub volume: Option<Float64Array>,
}

impl From<BarColumns> for Bars {
    /// Moves the columns: JavaScript owns their memory from then on.
    fn from(columns: BarColumns) -> Self {
        Self {
            timestamps: Float64Array::new(columns.timestamps),
            open: Float64Array::new(columns.open),
            high: Float64Array::new(columns.high),
            low: Float64Array::new(columns.low),
            close: Float64Array::new(columns.close),
            volume: columns.volume.map(Float64Array::new),
        }
    }
}

/// Bars to take into the store. Bars already there for a timestamp are replaced; all are imported, or none.
#[napi(object, object_to_js = false)]
pub struct ImportRequest {
    /// The asset.
    pub asset_symbol: String,
    /// The timeframe of the bars.
    #[napi(ts_type = "Timeframe")]
    pub timeframe: String,
    /// Bars in memory, or the path of a .csv, .parquet or .arrow file.
    #[napi(ts_type = "BarsInput | string")]
    pub bars: String,
}

/// A parameter of a strategy.
#[napi(object, object_to_js = false)]
pub struct ParameterDefinition {
    /// Its type.
    #[napi(js_name = "type", ts_type = "'integer' | 'number' | 'boolean'")]
    pub kind: String,
    /// Its value where the caller gives none.
    #[napi(ts_type = "number | boolean")]
    pub default: f64,
    /// The smallest value allowed.
    pub minimum: Option<f64>,
    /// The largest value allowed.
    pub maximum: Option<f64>,
    /// What it means.
    pub description: Option<String>,
}

/// A strategy as data. The expressions are in the strategy language.
#[napi(object, object_to_js = false)]
pub struct StrategyDefinition {
    /// snake_case.
    pub id: String,
    /// A name for people.
    pub name: Option<String>,
    /// What it does.
    pub description: Option<String>,
    /// Where it comes from.
    pub reference: Option<String>,
    /// Its kind. @default 'custom'
    #[napi(
        js_name = "type",
        ts_type = "'trend' | 'mean_reversion' | 'momentum' | 'arbitrage' | 'custom'"
    )]
    pub kind: Option<String>,
    /// Its parameters by name (snake_case). `position_size` is there for every strategy without being declared.
    #[napi(ts_type = "Record<string, ParameterDefinition>")]
    pub parameters: Option<String>,
    /// Conditions between parameters, each an expression: `fast_period < slow_period`.
    pub constraints: Option<Vec<String>>,
    /// When to enter.
    pub entries: String,
    /// When to exit.
    pub exits: String,
    /// When to enter short.
    pub short_entries: Option<String>,
    /// When to exit short.
    pub short_exits: Option<String>,
}

/// A strategy whose signals a function of yours computes. It is known to the engine that it is registered with, until
/// that is closed; it is not kept in the store.
#[napi(object, object_to_js = false)]
pub struct FunctionStrategyDefinition {
    /// snake_case.
    pub id: String,
    /// A name for people.
    pub name: Option<String>,
    /// What it does.
    pub description: Option<String>,
    /// Where it comes from.
    pub reference: Option<String>,
    /// Its kind. @default 'custom'
    #[napi(
        js_name = "type",
        ts_type = "'trend' | 'mean_reversion' | 'momentum' | 'arbitrage' | 'custom'"
    )]
    pub kind: Option<String>,
    /// Its parameters by name (snake_case). `position_size` is there for every strategy without being declared.
    #[napi(ts_type = "Record<string, ParameterDefinition>")]
    pub parameters: Option<String>,
    /// Conditions between parameters, each an expression: `fast_period < slow_period`.
    pub constraints: Option<Vec<String>>,
    /// Computes the signals of all bars at once, from a copy of the bars that is the function's own, and the parameters,
    /// defaults filled in and `position_size` included. It runs on the thread that registered it, with the strategy as
    /// `this`, and may not be async. A run calls it twice: on all bars, and on about half of them to see whether it looks
    /// ahead; it must not remember anything between calls. What it throws rejects the run with INVALID_ARGUMENT and is
    /// the error's `cause`.
    #[napi(ts_type = "(bars: Bars, parameters: Record<string, any>) => StrategySignals")]
    pub generate_signals: String,
}

/// What a strategy's function returns: one 0 or 1 (or boolean) a bar.
#[napi(object, object_to_js = false)]
pub struct StrategySignals {
    /// When to enter.
    #[napi(ts_type = "Uint8Array | boolean[]")]
    pub entries: String,
    /// When to exit.
    #[napi(ts_type = "Uint8Array | boolean[]")]
    pub exits: String,
    /// When to enter short. With either short column, both directions are traded and `direction` is passed over.
    #[napi(ts_type = "Uint8Array | boolean[]")]
    pub short_entries: Option<String>,
    /// When to exit short.
    #[napi(ts_type = "Uint8Array | boolean[]")]
    pub short_exits: Option<String>,
}

/// A strategy, by id or given on the spot, with parameters.
#[napi(object, object_to_js = false)]
pub struct StrategyConfig {
    /// The id of a known strategy.
    pub strategy_id: Option<String>,
    /// Instead of strategyId: a strategy given on the spot.
    pub strategy: Option<StrategyDefinition>,
    /// Its parameters; one not given keeps its default.
    #[napi(ts_type = "Record<string, unknown>")]
    pub parameters: Option<String>,
    /// How many bars it will run on: a warning tells if its warm-up takes all of them. A run warns of that by itself.
    pub bar_count: Option<f64>,
}

/// What to backtest.
#[napi(object, object_to_js = false)]
pub struct BacktestRequest {
    /// The id of a known strategy.
    pub strategy_id: Option<String>,
    /// Instead of strategyId: a strategy given on the spot.
    pub strategy: Option<StrategyDefinition>,
    /// The asset.
    pub asset_symbol: String,
    /// First moment, included: an ISO 8601 string or a Date; a date alone is UTC midnight.
    #[napi(ts_type = "string | Date")]
    pub start_date: String,
    /// Last moment, included.
    #[napi(ts_type = "string | Date")]
    pub end_date: String,
    /// Money at the start, above 0.
    pub initial_capital: f64,
    /// The strategy's parameters; one not given keeps its default.
    #[napi(ts_type = "Record<string, unknown>")]
    pub parameters: Option<String>,
    /// Default: the finest timeframe that there are bars of. A coarser one is made from finer bars.
    #[napi(ts_type = "Timeframe")]
    pub timeframe: Option<String>,
    /// The order model and the conventions of the metrics.
    pub simulation: Option<SimulationOptions>,
    /// Bars handed in; nothing is loaded then.
    #[napi(ts_type = "BarsInput")]
    pub bars: Option<String>,
    /// Keep the run in the store. @default true
    pub persist: Option<bool>,
    /// Whose run it is.
    pub user_id: Option<String>,
}

/// How a picture of a backtest looks.
#[napi(object, object_to_js = false)]
pub struct ChartOptions {
    /// What kind of file the bytes are. @default 'png'
    #[napi(ts_type = "'png' | 'svg'")]
    pub format: Option<String>,
    /// Pixels, from 200 to 4096. @default 1200
    pub width: Option<f64>,
    /// Pixels, from 200 to 4096. @default 800
    pub height: Option<f64>,
    /// Dark on white, or light on near black. @default 'light'
    #[napi(ts_type = "'light' | 'dark'")]
    pub theme: Option<String>,
    /// The bars that the run was computed on, as they were handed in with its request. Default: those of its asset,
    /// timeframe and range in the store or database, if they have not changed since.
    #[napi(ts_type = "BarsInput")]
    pub bars: Option<String>,
}

/// Which backtests to list; the newest come first.
#[napi(object, object_to_js = false)]
pub struct BacktestFilter {
    /// Only this strategy.
    pub strategy_id: Option<String>,
    /// Only this asset.
    pub asset_symbol: Option<String>,
    /// Only this status.
    #[napi(ts_type = "BacktestStatus")]
    pub status: Option<String>,
    /// Only this user.
    pub user_id: Option<String>,
    /// At most this many, up to 1000. @default 50
    pub limit: Option<f64>,
    /// Only runs older than the one with this id: the last id of the page before.
    pub before: Option<String>,
}

/// How a run is followed and stopped.
#[napi(object, object_to_js = false)]
pub struct RunOptions {
    /// Stops the run at any moment; the promise rejects with an AbortError.
    #[napi(ts_type = "AbortSignal")]
    pub signal: Option<String>,
    /// Hears how far the run is, at most ten times a second. What it throws becomes a process warning.
    #[napi(ts_type = "(progress: Progress) => void")]
    pub on_progress: Option<String>,
}

/// How an import is followed and stopped.
#[napi(object, object_to_js = false)]
pub struct ImportOptions {
    /// Stops the import; the promise rejects with an AbortError, and nothing is imported. An import that is being made
    /// final can no longer be stopped, and resolves.
    #[napi(ts_type = "AbortSignal")]
    pub signal: Option<String>,
    /// Hears how far the import is, at most ten times a second. What it throws becomes a process warning.
    #[napi(ts_type = "(progress: ImportProgress) => void")]
    pub on_progress: Option<String>,
}

/// Prices and signals, one entry a bar.
#[napi(object, object_to_js = false)]
pub struct SignalsColumns {
    /// Openings of the bars, UTC milliseconds. Absent: bars one day apart.
    pub timestamps: Option<Float64Array>,
    /// Opening prices; absent: the close.
    pub open: Option<Float64Array>,
    /// Highest prices; absent: the higher of open and close.
    pub high: Option<Float64Array>,
    /// Lowest prices; absent: the lower of open and close.
    pub low: Option<Float64Array>,
    /// Closing prices, finite and above 0.
    pub close: Float64Array,
    /// 0 or 1 a bar.
    #[napi(ts_type = "Uint8Array | boolean[]")]
    pub entries: String,
    /// 0 or 1 a bar.
    #[napi(ts_type = "Uint8Array | boolean[]")]
    pub exits: String,
    /// 0 or 1 a bar. With either short column, both directions are traded and `direction` is passed over.
    #[napi(ts_type = "Uint8Array | boolean[]")]
    pub short_entries: Option<String>,
    /// 0 or 1 a bar.
    #[napi(ts_type = "Uint8Array | boolean[]")]
    pub short_exits: Option<String>,
    /// Money at the start, above 0.
    pub initial_capital: f64,
}
