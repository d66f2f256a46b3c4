//! The types of requests. They only declare the types for TypeScript. The use cases read and check the values, because
//! napi's own conversions do not validate.

use napi::bindgen_prelude::Float64Array;
use napi_derive::napi;

use super::simulation_options::SimulationOptions;
use crate::service::BarColumns;

/// Settings of an engine. Each setting can also be set by an environment variable in UPPER_SNAKE_CASE (`DATABASE_URL`, …)
/// or in `.env`. Settings passed here take precedence.
#[napi(object, object_to_js = false)]
pub struct EngineConfig {
    /// `sqlite:PATH` or `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`, with the user and the password encoded as by
    /// `encodeURIComponent`. Default: an embedded store in `dataDir`.
    pub database_url: Option<String>,
    /// Directory of the embedded store, which contains backtests and imported bars. Default: the user's data directory of the
    /// platform.
    pub data_dir: Option<String>,
    /// Number of pooled database connections. Not used by the embedded store. @default 5
    pub db_pool_size: Option<f64>,
    /// Number of additional database connections under load. Not used by the embedded store. @default 10
    pub db_max_overflow: Option<f64>,
    /// PostgreSQL schema for backtests, results and imported bars, created on first use. @default 'backtesting'
    pub db_schema: Option<String>,
    /// `postgresql://…` of the database from which prices are loaded, for example with a read-only role. Default: the database
    /// of `databaseUrl`; with the embedded store, prices are the imported bars.
    pub market_data_url: Option<String>,
    /// PostgreSQL table or view with prices: `TABLE` or `SCHEMA.TABLE`. @default 'market_data'
    pub market_data_table: Option<String>,
    /// Maximum range of a backtest, days. Default: 1827 (five years) for bars shorter than a day, no limit for others.
    pub max_backtest_duration_days: Option<f64>,
    /// Maximum number of concurrent backtests. Further ones wait in order of arrival. One extra slot is reserved for backtests
    /// over at most 32,768 bars. @default 3
    pub max_concurrent_backtests: Option<f64>,
    /// Maximum number of bars in a backtest. @default 1000000
    pub max_data_points: Option<f64>,
    /// Maximum number of rows in an import. Each row takes about 100 bytes of memory during the import. @default 10000000
    pub max_import_rows: Option<f64>,
    /// Maximum number of combinations in a sweep, all assets and timeframes together. Each takes 8 bytes of memory for each metric
    /// and parameter in the result. @default 5000000
    pub max_combinations: Option<f64>,
    /// Number of rows per read from a database server. Not used by the embedded store. @default 10000
    pub chunk_size: Option<f64>,
    /// Lifetime of cached bars, seconds; 0 disables the cache. @default 3600
    pub cache_ttl_seconds: Option<f64>,
    /// Maximum number of threads of a parameter sweep. Default and at most: the number of cores.
    pub threads: Option<f64>,
    /// Level of the log, which is written to standard error. @default 'info'
    #[napi(ts_type = "'trace' | 'debug' | 'info' | 'warn' | 'error' | 'off'")]
    pub log_level: Option<String>,
    /// Format of the log: JSON lines, or human-readable text. @default 'json'
    #[napi(ts_type = "'json' | 'pretty'")]
    pub log_format: Option<String>,
}

/// Bars to read: columns of equal length. Timestamps strictly increase, prices are finite and above 0, and each bar satisfies
/// low ≤ open ≤ high and low ≤ close ≤ high.
#[napi(object, object_to_js = false)]
pub struct BarsColumns {
    /// Opening times of the bars, UTC milliseconds.
    #[napi(ts_type = "TimestampColumn")]
    pub timestamps: String,
    /// Opening prices.
    #[napi(ts_type = "NumberColumn")]
    pub open: String,
    /// Highest prices.
    #[napi(ts_type = "NumberColumn")]
    pub high: String,
    /// Lowest prices.
    #[napi(ts_type = "NumberColumn")]
    pub low: String,
    /// Closing prices.
    #[napi(ts_type = "NumberColumn")]
    pub close: String,
    /// Traded volumes of at least 0; NaN for a bar without volume.
    #[napi(ts_type = "NumberColumn")]
    pub volume: Option<String>,
}

/// Bars as columns of equal length, as a function of a strategy receives them.
#[napi(object)]
pub struct Bars {
    /// Opening times of the bars, UTC milliseconds.
    pub timestamps: Float64Array,
    /// Opening prices.
    pub open: Float64Array,
    /// Highest prices.
    pub high: Float64Array,
    /// Lowest prices.
    pub low: Float64Array,
    /// Closing prices.
    pub close: Float64Array,
    /// Traded volumes of at least 0; NaN for a bar without volume.
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

/// Bars to import. They replace stored bars with the same timestamps. Either all bars are imported or none.
#[napi(object, object_to_js = false)]
pub struct ImportRequest {
    /// The asset.
    pub asset_symbol: String,
    /// Timeframe of the bars.
    #[napi(ts_type = "Timeframe")]
    pub timeframe: String,
    /// Bars, or the path of a .csv, .csv.gz, .csv.zst, .parquet or .arrow file.
    #[napi(ts_type = "BarsInput | string")]
    pub bars: String,
    /// Names of columns of a file or of Arrow bytes. Columns that are not named are found by their usual names.
    pub columns: Option<ImportColumns>,
    /// Unit of numbers in the time column. By default each number is read by its own size. Bars in typed arrays are always in
    /// milliseconds.
    #[napi(ts_type = "'s' | 'ms' | 'us' | 'ns'")]
    pub time_unit: Option<String>,
    /// IANA name of the time zone of times without one, and of the days of daily and weekly bars, such as `America/New_York`.
    /// @default 'UTC'
    pub timezone: Option<String>,
    /// Whether to multiply open, high, low and close by the ratio of the adjusted close to the close.
    /// @default false
    pub adjust: Option<bool>,
}

/// Names of the columns of a file.
#[napi(object, object_to_js = false)]
pub struct ImportColumns {
    /// Date and time, or a number.
    pub timestamp: Option<String>,
    /// Date, if the time of day has a column of its own.
    pub date: Option<String>,
    /// Time of day.
    pub time: Option<String>,
    /// Opening price.
    pub open: Option<String>,
    /// Highest price.
    pub high: Option<String>,
    /// Lowest price.
    pub low: Option<String>,
    /// Closing price.
    pub close: Option<String>,
    /// Closing price adjusted for splits and dividends.
    pub adjusted_close: Option<String>,
    /// Traded volume.
    pub volume: Option<String>,
}

/// Imported bars to delete. Either all of them are deleted or none.
#[napi(object, object_to_js = false)]
pub struct DeleteBarsRequest {
    /// The asset.
    pub asset_symbol: String,
    /// Only bars that were imported with this timeframe. Default: those of every timeframe.
    #[napi(ts_type = "Timeframe")]
    pub timeframe: Option<String>,
    /// Start of the range of opening times, inclusive: an ISO 8601 string or a Date. A date without a time means UTC midnight.
    /// Default: the first bar.
    #[napi(ts_type = "string | Date")]
    pub from: Option<String>,
    /// End of the range, inclusive. A date without a time means the end of that day in UTC. Default: the last bar.
    #[napi(ts_type = "string | Date")]
    pub to: Option<String>,
}

/// A parameter of a strategy.
#[napi(object, object_to_js = false)]
pub struct ParameterDefinition {
    /// Type of the parameter.
    #[napi(js_name = "type", ts_type = "ParameterType | (string & {})")]
    pub kind: String,
    /// Default value.
    #[napi(ts_type = "number | boolean")]
    pub default: f64,
    /// Minimum value.
    pub minimum: Option<f64>,
    /// Maximum value.
    pub maximum: Option<f64>,
    /// Description of the parameter.
    pub description: Option<String>,
}

/// A strategy with expressions in the strategy language.
#[napi(object, object_to_js = false)]
pub struct StrategyDefinition {
    /// Id in snake_case.
    pub id: String,
    /// Display name.
    pub name: Option<String>,
    /// What the strategy does.
    pub description: Option<String>,
    /// Source of the strategy, such as a book or paper.
    pub reference: Option<String>,
    /// Kind of strategy. @default 'custom'
    #[napi(js_name = "type", ts_type = "StrategyType | (string & {})")]
    pub kind: Option<String>,
    /// Parameters by name (snake_case). Every strategy also has `position_size`, which is not declared.
    #[napi(ts_type = "Record<string, ParameterDefinition>")]
    pub parameters: Option<String>,
    /// Conditions between parameters, each an expression such as `fast_period < slow_period`.
    #[napi(ts_type = "readonly string[]")]
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

/// A strategy with a JavaScript function that computes its signals. It is only known to the engine that registered it, until
/// that engine is closed. It is not stored.
#[napi(object, object_to_js = false)]
pub struct FunctionStrategyDefinition {
    /// Id in snake_case.
    pub id: String,
    /// Display name.
    pub name: Option<String>,
    /// What the strategy does.
    pub description: Option<String>,
    /// Source of the strategy, such as a book or paper.
    pub reference: Option<String>,
    /// Kind of strategy. @default 'custom'
    #[napi(js_name = "type", ts_type = "StrategyType | (string & {})")]
    pub kind: Option<String>,
    /// Parameters by name (snake_case). Every strategy also has `position_size`, which is not declared.
    #[napi(ts_type = "Record<string, ParameterDefinition>")]
    pub parameters: Option<String>,
    /// Conditions between parameters, each an expression such as `fast_period < slow_period`.
    #[napi(ts_type = "readonly string[]")]
    pub constraints: Option<Vec<String>>,
    /// Computes the signals of all bars.
    ///
    /// - It receives a copy of the bars, which it may modify, and all parameters, including defaults and `position_size`.
    /// - It runs on the thread that registered it, with the strategy as `this`, and must not be async.
    /// - A backtest calls it twice: with all bars, and with about half of them to test for look-ahead. It must not keep state
    ///   between calls. If a signal changes with later bars or from call to call, the backtest rejects (`allowLookAhead`).
    /// - If it throws, the backtest rejects with `INVALID_ARGUMENT`, and the thrown value is the `cause` of the error.
    #[napi(ts_type = "(bars: Bars, parameters: Record<string, any>) => StrategySignals")]
    pub generate_signals: String,
}

/// The signals of a strategy: one 0 or 1 (or boolean) per bar.
#[napi(object, object_to_js = false)]
pub struct StrategySignals {
    /// When to enter.
    #[napi(ts_type = "SignalColumn")]
    pub entries: String,
    /// When to exit.
    #[napi(ts_type = "SignalColumn")]
    pub exits: String,
    /// When to enter short. If either short column is present, both directions are traded and `direction` is ignored.
    #[napi(ts_type = "SignalColumn")]
    pub short_entries: Option<String>,
    /// When to exit short.
    #[napi(ts_type = "SignalColumn")]
    pub short_exits: Option<String>,
}

/// The fields of a `StrategyConfig` besides the strategy.
#[napi(object, object_to_js = false)]
pub struct StrategyConfigFields {
    /// Parameters of the strategy. Omitted ones keep their defaults.
    #[napi(ts_type = "Record<string, unknown>")]
    pub parameters: Option<String>,
    /// Number of bars of a planned backtest. There is a warning if the warm-up of the strategy needs all of them. A backtest
    /// always includes this warning.
    pub bar_count: Option<f64>,
}

/// The fields of a `BacktestRequest` besides the strategy.
#[napi(object, object_to_js = false)]
pub struct BacktestRequestFields {
    /// The asset.
    pub asset_symbol: String,
    /// Start of the range, inclusive: an ISO 8601 string or a Date. A date without a time means UTC midnight.
    #[napi(ts_type = "string | Date")]
    pub start_date: String,
    /// End of the range, inclusive: an ISO 8601 string or a Date. A date without a time means the end of that day in UTC,
    /// 23:59:59.999.
    #[napi(ts_type = "string | Date")]
    pub end_date: String,
    /// Initial capital, above 0.
    pub initial_capital: f64,
    /// Parameters of the strategy. Omitted ones keep their defaults.
    #[napi(ts_type = "Record<string, unknown>")]
    pub parameters: Option<String>,
    /// Timeframe of the backtest. Finer bars are resampled if necessary. Default: the finest available timeframe.
    #[napi(ts_type = "Timeframe")]
    pub timeframe: Option<String>,
    /// Number of stored bars before `startDate` that only compute signals: nothing before `startDate` is traded or measured.
    /// `auto`: as many as the signals depend on, at most 10,000; none for a strategy in JavaScript. `none` is 0. They count
    /// towards `maxDataPoints`. @default 'auto'
    #[napi(ts_type = "'auto' | 'none' | number")]
    pub warmup: Option<String>,
    /// Settings of the order model and of the metrics.
    pub simulation: Option<SimulationOptions>,
    /// Bars to use instead of stored ones.
    #[napi(ts_type = "BarsInput")]
    pub bars: Option<String>,
    /// Where trading begins in `bars`; those from `startDate` to there only compute signals. It becomes the `startDate` of the
    /// result. Default: `startDate`.
    #[napi(ts_type = "string | Date")]
    pub trade_from: Option<String>,
    /// Whether to store the backtest. @default true
    pub persist: Option<bool>,
    /// Maximum number of points of `equityCurve` in the result, at least 4. The curve keeps its first, last, lowest and highest
    /// point, and the extremes between them. All points are stored. Default: all points.
    pub max_points: Option<f64>,
    /// Whether to run a JavaScript strategy that looks ahead, or that returns other signals for the same bars. Otherwise, such a
    /// backtest rejects. The result says so in `lookAhead` and in its first note. @default false
    pub allow_look_ahead: Option<bool>,
    /// The user that the backtest belongs to.
    pub user_id: Option<String>,
}

/// Options of a chart.
#[napi(object, object_to_js = false)]
pub struct ChartOptions {
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
    /// The bars of the backtest, as in its request. Default: the stored bars, if they have not changed since the backtest.
    #[napi(ts_type = "BarsInput")]
    pub bars: Option<String>,
}

/// A filter for backtests.
#[napi(object, object_to_js = false)]
pub struct BacktestFilter {
    /// Id of the strategy.
    pub strategy_id: Option<String>,
    /// The asset.
    pub asset_symbol: Option<String>,
    /// Status of the backtest.
    #[napi(ts_type = "BacktestStatus")]
    pub status: Option<String>,
    /// The user that the backtest belongs to.
    pub user_id: Option<String>,
    /// Maximum number of results, up to 1000. @default 50
    pub limit: Option<f64>,
    /// Only backtests older than the one with this id. Pass the last id of the previous page.
    pub before: Option<String>,
}

/// Options of reading a stored backtest.
#[napi(object, object_to_js = false)]
pub struct ResultOptions {
    /// Maximum number of points of `equityCurve`, at least 4, as in a request. Default: all points.
    pub max_points: Option<f64>,
}

/// Options of exporting a table.
#[napi(object, object_to_js = false)]
pub struct TableOptions {
    /// Opening times of the bars, for a result of `simulateSignals`, which has only their indices. Default: no times.
    #[napi(ts_type = "TimestampColumn")]
    pub timestamps: Option<String>,
}

/// Options of a backtest.
#[napi(object, object_to_js = false)]
pub struct RunOptions {
    /// Cancels the backtest. The promise rejects with an `AbortError`.
    #[napi(ts_type = "AbortSignal")]
    pub signal: Option<String>,
    /// Receives progress reports, at most ten per second. If it throws, a process warning is emitted.
    #[napi(ts_type = "(progress: Progress) => void")]
    pub on_progress: Option<String>,
}

/// Options of an import.
#[napi(object, object_to_js = false)]
pub struct ImportOptions {
    /// Cancels the import. The promise rejects with an `AbortError`, and nothing is imported. An import that is already being
    /// committed cannot be cancelled and resolves.
    #[napi(ts_type = "AbortSignal")]
    pub signal: Option<String>,
    /// Receives progress reports, at most ten per second. If it throws, a process warning is emitted.
    #[napi(ts_type = "(progress: ImportProgress) => void")]
    pub on_progress: Option<String>,
}

/// Options of a deletion of bars.
#[napi(object, object_to_js = false)]
pub struct DeleteBarsOptions {
    /// Cancels the deletion. The promise rejects with an `AbortError`, and nothing is deleted. A deletion that is already being
    /// committed cannot be cancelled and resolves.
    #[napi(ts_type = "AbortSignal")]
    pub signal: Option<String>,
}

/// Prices and signals with one entry per bar.
#[napi(object, object_to_js = false)]
pub struct SignalsColumns {
    /// Opening times of the bars, UTC milliseconds. Default: daily bars.
    #[napi(ts_type = "TimestampColumn")]
    pub timestamps: Option<String>,
    /// Opening prices. Default: the closing price.
    #[napi(ts_type = "NumberColumn")]
    pub open: Option<String>,
    /// Highest prices. Default: the higher of open and close.
    #[napi(ts_type = "NumberColumn")]
    pub high: Option<String>,
    /// Lowest prices. Default: the lower of open and close.
    #[napi(ts_type = "NumberColumn")]
    pub low: Option<String>,
    /// Closing prices, finite and above 0.
    #[napi(ts_type = "NumberColumn")]
    pub close: String,
    /// Entries: 0 or 1 per bar.
    #[napi(ts_type = "SignalColumn")]
    pub entries: String,
    /// Exits: 0 or 1 per bar.
    #[napi(ts_type = "SignalColumn")]
    pub exits: String,
    /// Short entries: 0 or 1 per bar. If either short column is present, both directions are traded and `direction` is
    /// ignored.
    #[napi(ts_type = "SignalColumn")]
    pub short_entries: Option<String>,
    /// Short exits: 0 or 1 per bar.
    #[napi(ts_type = "SignalColumn")]
    pub short_exits: Option<String>,
    /// Initial capital, above 0.
    pub initial_capital: f64,
}
