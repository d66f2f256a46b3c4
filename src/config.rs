//! Settings from options of the caller, the environment, `.env`, and defaults, in this order of precedence.

use std::path::PathBuf;

use crate::error::{Code, Error, Issue, Result};
use crate::quote::{contains_database_url, quoted};
use crate::request::{Fields, Input, Issues, Range};

/// The level of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Everything.
    Trace,
    /// Steps of a run.
    Debug,
    /// Runs and their results.
    Info,
    /// Potential problems.
    Warn,
    /// Failures.
    Error,
    /// No logging.
    Off,
}

impl LogLevel {
    const ALL: [(&'static str, Self); 6] = [
        ("trace", Self::Trace),
        ("debug", Self::Debug),
        ("info", Self::Info),
        ("warn", Self::Warn),
        ("error", Self::Error),
        ("off", Self::Off),
    ];
}

/// The format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// Human-readable text.
    Pretty,
}

impl LogFormat {
    const ALL: [(&'static str, Self); 2] = [("json", Self::Json), ("pretty", Self::Pretty)];
}

/// A URL that may contain a password and is never displayed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// Where runs and bars are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// An embedded `SQLite` file.
    Sqlite(PathBuf),
    /// A PostgreSQL server.
    Postgres(Secret),
}

/// The settings of one engine.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where runs and bars are stored.
    pub database: DatabaseUrl,
    /// Number of pooled connections.
    pub db_pool_size: u32,
    /// Number of additional connections under load.
    pub db_max_overflow: u32,
    /// The schema of the store in a PostgreSQL database.
    pub db_schema: String,
    /// The PostgreSQL database with prices; `None` for that of `database`.
    pub market_data_url: Option<Secret>,
    /// The table of prices, `schema.table`.
    pub market_data_table: Option<String>,
    /// Maximum range of a run, days; `None` for the default, which depends on the bars.
    pub max_backtest_duration_days: Option<u32>,
    /// Maximum number of concurrent runs.
    pub max_concurrent_backtests: u32,
    /// Maximum number of bars in a run.
    pub max_data_points: u64,
    /// Maximum number of rows in an import.
    pub max_import_rows: u64,
    /// Maximum number of combinations in a sweep.
    pub max_combinations: u64,
    /// Number of rows per read.
    pub chunk_size: u32,
    /// Lifetime of cached bars, seconds; 0 disables the cache.
    pub cache_ttl_seconds: u64,
    /// Maximum number of threads of a sweep; `None` for one per core.
    pub threads: Option<u32>,
    /// The level of the log.
    pub log_level: LogLevel,
    /// The format of the log.
    pub log_format: LogFormat,
}

/// The names of the settings in JavaScript. Environment variables have them in `UPPER_SNAKE_CASE`.
pub const CONFIG_NAMES: [&str; 17] = [
    "databaseUrl",
    "dataDir",
    "dbPoolSize",
    "dbMaxOverflow",
    "dbSchema",
    "marketDataUrl",
    "marketDataTable",
    "maxBacktestDurationDays",
    "maxConcurrentBacktests",
    "maxDataPoints",
    "maxImportRows",
    "maxCombinations",
    "chunkSize",
    "cacheTtlSeconds",
    "threads",
    "logLevel",
    "logFormat",
];

/// The settings that are texts; the others are integers.
const TEXT_SETTINGS: [&str; 7] = [
    "databaseUrl",
    "dataDir",
    "dbSchema",
    "marketDataUrl",
    "marketDataTable",
    "logLevel",
    "logFormat",
];

/// The default schema in a PostgreSQL database.
const DEFAULT_DB_SCHEMA: &str = "backtesting";

/// Returns the environment variable of a setting: `CACHE_TTL_SECONDS` for `cacheTtlSeconds`.
pub fn environment_name(setting: &str) -> String {
    let mut name = String::with_capacity(setting.len() + 4);
    for letter in setting.chars() {
        if letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

impl Config {
    /// Resolves the settings from `options`, `environment`, and defaults.
    ///
    /// `platform_data_dir` is the user's data directory, used if neither a database nor a directory is set.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` with every setting that is unknown, mistyped or out of range; `STORAGE` if there is no directory
    /// for the store.
    pub fn resolve(
        options: &Input,
        environment: &dyn Fn(&str) -> Option<String>,
        platform_data_dir: Option<PathBuf>,
    ) -> Result<Self> {
        let mut issues = Issues::default();
        let (merged, of_environment) = merge(options, environment, &mut issues);
        let mut fields = Fields::open("config", &merged, &mut issues);
        let count = |minimum: f64, maximum: f64| Range::between(minimum, maximum);
        let url = fields.text("databaseUrl", &mut issues);
        let data_dir = fields.text("dataDir", &mut issues).map(PathBuf::from);
        let mut integer = |name: &'static str, default: u64, range: Range, issues: &mut Issues| {
            fields.integer(name, range, issues).unwrap_or(default)
        };
        let db_pool_size = integer("dbPoolSize", 5, count(1.0, 1000.0), &mut issues);
        let db_max_overflow = integer("dbMaxOverflow", 10, count(0.0, 1000.0), &mut issues);
        let max_concurrent = integer("maxConcurrentBacktests", 3, count(1.0, 1000.0), &mut issues);
        let max_data_points = integer("maxDataPoints", 1_000_000, count(1.0, 1e9), &mut issues);
        let max_import_rows = integer("maxImportRows", 10_000_000, count(1.0, 1e9), &mut issues);
        let max_combinations = integer("maxCombinations", 5_000_000, count(1.0, 1e9), &mut issues);
        let chunk_size = integer("chunkSize", 10_000, count(1.0, 10_000_000.0), &mut issues);
        let cache_ttl_seconds = integer("cacheTtlSeconds", 3600, count(0.0, 1e9), &mut issues);
        let threads = fields.integer("threads", count(1.0, 1024.0), &mut issues);
        let days = count(1.0, 1_000_000.0);
        let max_days = fields.integer("maxBacktestDurationDays", days, &mut issues);
        let db_schema = schema(fields.text("dbSchema", &mut issues), &mut issues);
        let market_data_url = market_data(fields.text("marketDataUrl", &mut issues), &mut issues);
        let market_data_table = fields.text("marketDataTable", &mut issues);
        let log_level =
            fields.choice("logLevel", &LogLevel::ALL, &mut issues).unwrap_or(LogLevel::Info);
        let log_format =
            fields.choice("logFormat", &LogFormat::ALL, &mut issues).unwrap_or(LogFormat::Json);
        fields.finish(&mut issues);
        let database = database(url.as_deref(), data_dir, platform_data_dir, &mut issues);
        issues
            .into_result(Code::InvalidArgument)
            .map_err(|error| with_variables(error, &of_environment))?;
        let to_u32 = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        Ok(Self {
            database: database?,
            db_pool_size: to_u32(db_pool_size),
            db_max_overflow: to_u32(db_max_overflow),
            db_schema,
            market_data_url,
            market_data_table,
            max_backtest_duration_days: max_days.map(to_u32),
            max_concurrent_backtests: to_u32(max_concurrent),
            max_data_points,
            max_import_rows,
            max_combinations,
            chunk_size: to_u32(chunk_size),
            cache_ttl_seconds,
            threads: threads.map(to_u32),
            log_level,
            log_format,
        })
    }
}

/// Adds settings from the environment that the caller did not set. Returns the names of those, too.
fn merge(
    options: &Input,
    environment: &dyn Fn(&str) -> Option<String>,
    issues: &mut Issues,
) -> (Input, Vec<&'static str>) {
    let mut of_environment = Vec::new();
    let mut entries = match options {
        Input::Record(entries) => entries.clone(),
        Input::Null => Vec::new(),
        other => return (other.clone(), of_environment),
    };
    // A directory set by the caller takes precedence over a database of the environment.
    let has_data_dir =
        entries.iter().any(|(name, value)| name == "dataDir" && !matches!(value, Input::Null));
    for setting in CONFIG_NAMES {
        if setting == "databaseUrl" && has_data_dir {
            continue;
        }
        if entries.iter().any(|(name, value)| name == setting && !matches!(value, Input::Null)) {
            continue;
        }
        let variable = environment_name(setting);
        // Shells and compose files unset a variable by setting it to an empty text.
        let Some(text) = environment(&variable).filter(|text| !text.trim().is_empty()) else {
            continue;
        };
        let text = text.trim().to_owned();
        let value = if setting.starts_with("log") {
            Input::Text(text.to_lowercase())
        } else if TEXT_SETTINGS.contains(&setting) {
            Input::Text(text)
        } else if let Ok(number) = text.parse::<f64>() {
            Input::Number(number)
        } else {
            issues.add(
                format!("config.{setting}"),
                "type",
                format!("{variable} must be a number, was {}", quoted(&text)),
            );
            continue;
        };
        entries.retain(|(name, _)| name != setting);
        entries.push((setting.to_owned(), value));
        of_environment.push(setting);
    }
    reject_misplaced_urls(&mut entries, issues);
    (Input::Record(entries), of_environment)
}

/// Names the variables that wrong settings come from, because the caller did not write the settings.
fn with_variables(error: Error, of_environment: &[&str]) -> Error {
    let rename = |mut issue: Issue| {
        let setting = issue.path.strip_prefix("config.").unwrap_or_default();
        if of_environment.contains(&setting) {
            let variable = format!("the environment variable {}", environment_name(setting));
            issue.message = issue.message.replacen(&issue.path, &variable, 1);
        }
        issue
    };
    Error::with_issues(error.code, error.issues.into_iter().map(rename).collect())
}

/// Takes the URL of a database out of settings for other values, whose errors would show it.
fn reject_misplaced_urls(entries: &mut [(String, Input)], issues: &mut Issues) {
    for (name, value) in entries {
        let Input::Text(text) = value else { continue };
        let is_other = CONFIG_NAMES.contains(&name.as_str()) && !name.ends_with("Url");
        if is_other && contains_database_url(text) {
            let variable = environment_name(name);
            let message = format!(
                "{name} ({variable}) must not contain the URL of a database, which belongs in databaseUrl (DATABASE_URL)"
            );
            issues.add(format!("config.{name}"), "format", message);
            *value = Input::Null;
        }
    }
}

/// Checks the name of the schema. It must not be a schema of PostgreSQL itself.
fn schema(stated: Option<String>, issues: &mut Issues) -> String {
    let Some(name) = stated else { return DEFAULT_DB_SCHEMA.to_owned() };
    let has_valid_characters =
        name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    let is_reserved =
        ["public", "information_schema"].contains(&name.as_str()) || name.starts_with("pg_");
    if !has_valid_characters
        || is_reserved
        || name.len() > 63
        || name.starts_with(|first: char| first.is_ascii_digit())
    {
        issues.add(
            "config.dbSchema",
            "format",
            format!(
                "dbSchema (DB_SCHEMA) must have at most 63 letters, digits and underscores, must not begin with a digit, and must not be \
                 public, information_schema or begin with pg_, was {}",
                quoted(&name)
            ),
        );
    }
    name
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// Checks the URL of the prices. Messages never contain it, since it may contain a password.
fn market_data(url: Option<String>, issues: &mut Issues) -> Option<Secret> {
    let url = url?;
    if !is_postgres(&url) {
        issues.add(
            "config.marketDataUrl",
            "choice",
            "marketDataUrl (MARKET_DATA_URL) must be postgresql://USER:PASSWORD@HOST:PORT/DATABASE",
        );
    }
    Some(Secret(url))
}

/// Determines the database of the store. Messages never contain its URL, since it may contain a password.
fn database(
    url: Option<&str>,
    data_dir: Option<PathBuf>,
    platform: Option<PathBuf>,
    issues: &mut Issues,
) -> Result<DatabaseUrl> {
    const FILE: &str = "backtesting.db";
    match url {
        Some(url) if is_postgres(url) => Ok(DatabaseUrl::Postgres(Secret(url.to_owned()))),
        Some(url) => {
            let path =
                url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")).filter(
                    |path| !path.is_empty() && *path != ":memory:" && !contains_database_url(path),
                );
            if path.is_none() {
                issues.add(
                    "config.databaseUrl",
                    "choice",
                    "databaseUrl (DATABASE_URL) must be sqlite:PATH or postgresql://USER:PASSWORD@HOST:PORT/DATABASE",
                );
            }
            Ok(DatabaseUrl::Sqlite(PathBuf::from(path.unwrap_or_default())))
        }
        None => data_dir
            .or_else(|| platform.map(|directory| directory.join("aitradepro-backtesting")))
            .map(|directory| DatabaseUrl::Sqlite(directory.join(FILE)))
            .ok_or_else(|| {
                Error::storage("this system has no user data directory: set dataDir (DATA_DIR)")
            }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn resolve(options: serde_json::Value, environment: &[(&str, &str)]) -> Result<Config> {
        let lookup = |name: &str| {
            environment
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Config::resolve(&Input::from(options), &lookup, Some(PathBuf::from("/home/user/data")))
    }

    #[test]
    fn options_take_precedence_over_the_environment_and_defaults() {
        let environment = [
            ("CACHE_TTL_SECONDS", "7"),
            ("MAX_DATA_POINTS", "5"),
            ("LOG_LEVEL", "DEBUG"),
            ("THREADS", ""),
        ];
        let config = resolve(json!({"maxDataPoints": 9, "chunkSize": null}), &environment).unwrap();
        assert_eq!(
            (config.cache_ttl_seconds, config.max_data_points, config.chunk_size),
            (7, 9, 10_000)
        );
        assert_eq!((config.log_level, config.threads), (LogLevel::Debug, None));
        assert_eq!(
            config.database,
            DatabaseUrl::Sqlite("/home/user/data/aitradepro-backtesting/backtesting.db".into())
        );
    }

    #[test]
    fn every_invalid_setting_is_reported_without_passwords() {
        let error = resolve(
            json!({"databaseUrl": "mysql://user:secret@host", "dbPoolSize": 0, "cacheTtl": 1}),
            &[("MAX_CONCURRENT_BACKTESTS", "many")],
        )
        .unwrap_err();
        let paths: Vec<&str> = error.issues.iter().map(|issue| issue.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "config.maxConcurrentBacktests",
                "config.dbPoolSize",
                "config.cacheTtl",
                "config.databaseUrl"
            ]
        );
        assert!(!error.message.contains("secret"), "{}", error.message);
        assert!(
            error.message.contains("unknown field config.cacheTtl, did you mean cacheTtlSeconds?"),
            "{}",
            error.message
        );
    }

    #[test]
    fn a_url_in_the_wrong_setting_is_not_shown() {
        for name in CONFIG_NAMES {
            let url = if name.ends_with("Url") {
                "sqlite:postgres://u:sesame@h/d"
            } else {
                "postgres://u:sesame@h/d"
            };
            let in_options = resolve(json!({ name: url }), &[]).unwrap_err();
            let in_environment = resolve(json!({}), &[(&environment_name(name), url)]).unwrap_err();
            for error in [in_options, in_environment] {
                assert_eq!(error.issues[0].path, format!("config.{name}"));
                assert!(!format!("{error:?}").contains("sesame"), "{error:?}");
            }
        }
    }

    #[test]
    fn prices_may_come_from_another_database() {
        assert_eq!(resolve(json!({}), &[]).unwrap().market_data_url, None);
        // A directory of the store does not affect the prices.
        let environment = [("MARKET_DATA_URL", "postgres://u:secret@h/d")];
        let config = resolve(json!({"dataDir": "/d"}), &environment).unwrap();
        assert_eq!(config.market_data_url, Some(Secret("postgres://u:secret@h/d".into())));
        assert_eq!(config.database, DatabaseUrl::Sqlite("/d/backtesting.db".into()));
        assert!(!format!("{config:?}").contains("secret"), "{config:?}");
        let error = resolve(json!({"marketDataUrl": "mysql://u:secret@h/d"}), &[]).unwrap_err();
        assert_eq!(error.issues[0].path, "config.marketDataUrl");
        assert!(!error.message.contains("secret"), "{}", error.message);
    }

    #[test]
    fn the_schema_must_have_a_valid_name_that_is_not_reserved() {
        assert_eq!(resolve(json!({}), &[]).unwrap().db_schema, "backtesting");
        assert_eq!(resolve(json!({}), &[("DB_SCHEMA", "Tests_2")]).unwrap().db_schema, "Tests_2");
        for name in ["public", "pg_toast", "a-b", "1a", "a\"; DROP", "", &"a".repeat(64)] {
            let Err(error) = resolve(json!({ "dbSchema": name }), &[]) else {
                panic!("{name:?} should be rejected");
            };
            assert_eq!(error.issues[0].path, "config.dbSchema", "{name:?}");
        }
    }

    #[test]
    fn the_store_may_be_a_file_or_a_server() {
        assert_eq!(
            resolve(json!({"databaseUrl": "sqlite:/tmp/a.db"}), &[]).unwrap().database,
            DatabaseUrl::Sqlite("/tmp/a.db".into())
        );
        assert_eq!(
            resolve(json!({"dataDir": "/d"}), &[]).unwrap().database,
            DatabaseUrl::Sqlite("/d/backtesting.db".into())
        );
        let environment = [("DATABASE_URL", "postgresql://u:p@h/d")];
        assert_eq!(
            resolve(json!({"dataDir": "/d"}), &environment).unwrap().database,
            DatabaseUrl::Sqlite("/d/backtesting.db".into())
        );
        let server = resolve(json!({}), &[("DATABASE_URL", "postgresql://u:p@h/d")]).unwrap();
        assert_eq!(format!("{:?}", server.database), "Postgres(…)");
    }
}
