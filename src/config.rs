//! Settings: what the caller says, then the environment, then `.env`, then defaults.

use std::path::PathBuf;

use crate::error::{Code, Error, Result};
use crate::quote::quoted;
use crate::request::{Fields, Input, Issues, Range};

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Everything.
    Trace,
    /// Steps of a run.
    Debug,
    /// Runs and their results.
    Info,
    /// What deserves a look.
    Warn,
    /// Failures.
    Error,
    /// Nothing.
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

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// Text for people.
    Pretty,
}

impl LogFormat {
    const ALL: [(&'static str, Self); 2] = [("json", Self::Json), ("pretty", Self::Pretty)];
}

/// A URL that may hold a password and is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// Where runs and bars are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// An embedded `SQLite` file.
    Sqlite(PathBuf),
    /// A PostgreSQL server.
    Postgres(Secret),
}

/// The settings of one engine.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where runs and bars are kept.
    pub database: Database,
    /// Connections kept open.
    pub db_pool_size: u32,
    /// Connections beyond the pool under load.
    pub db_max_overflow: u32,
    /// Our own schema in a PostgreSQL database.
    pub db_schema: String,
    /// The PostgreSQL database that prices are loaded from; nothing for that of `database`. Holds a password.
    pub market_data_url: Option<Secret>,
    /// External table of prices, `schema.table`.
    pub market_data_table: Option<String>,
    /// Longest range of a run, days.
    pub max_backtest_duration_days: u32,
    /// Runs at once; one more waits.
    pub max_concurrent_backtests: u32,
    /// Most bars of a run.
    pub max_data_points: u64,
    /// Most rows of an import.
    pub max_import_rows: u64,
    /// Rows of a read.
    pub chunk_size: u32,
    /// Lifetime of cached bars, seconds; 0 for no cache.
    pub cache_ttl_seconds: u64,
    /// Worker threads of sweeps; nothing for one a core.
    pub threads: Option<u32>,
    /// How much is logged.
    pub log_level: LogLevel,
    /// The form of a log line.
    pub log_format: LogFormat,
}

/// The settings by their names in JavaScript; in the environment they are in `UPPER_SNAKE_CASE`.
pub const SETTINGS: [&str; 16] = [
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
    "chunkSize",
    "cacheTtlSeconds",
    "threads",
    "logLevel",
    "logFormat",
];

/// The settings that are text; the others are whole numbers.
const TEXTS: [&str; 7] = [
    "databaseUrl",
    "dataDir",
    "dbSchema",
    "marketDataUrl",
    "marketDataTable",
    "logLevel",
    "logFormat",
];

/// The schema in a PostgreSQL database where nothing else is said.
const DB_SCHEMA: &str = "backtesting";

/// Returns the name of a setting in the environment: `cacheTtlSeconds` is `CACHE_TTL_SECONDS`.
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
    /// Resolves the settings: those of `given`, then those that `environment` knows, then the defaults.
    ///
    /// `platform_data_dir` is the user's data folder, used where neither a database nor a folder is named.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` with every setting that is unknown, mistyped or out of range; `STORAGE` where there is no
    /// folder to keep anything in.
    pub fn resolve(
        given: &Input,
        environment: &dyn Fn(&str) -> Option<String>,
        platform_data_dir: Option<PathBuf>,
    ) -> Result<Self> {
        let mut issues = Issues::default();
        let merged = merge(given, environment, &mut issues);
        let mut fields = Fields::open("config", &merged, &mut issues);
        let count = |minimum: f64, maximum: f64| Range::between(minimum, maximum);
        let url = fields.text("databaseUrl", &mut issues);
        let data_dir = fields.text("dataDir", &mut issues).map(PathBuf::from);
        let mut whole = |name: &'static str, default: u64, range: Range, issues: &mut Issues| {
            fields.integer(name, range, issues).unwrap_or(default)
        };
        let db_pool_size = whole("dbPoolSize", 5, count(1.0, 1000.0), &mut issues);
        let db_max_overflow = whole("dbMaxOverflow", 10, count(0.0, 1000.0), &mut issues);
        let max_days = whole("maxBacktestDurationDays", 1825, count(1.0, 1_000_000.0), &mut issues);
        let max_concurrent = whole("maxConcurrentBacktests", 3, count(1.0, 1000.0), &mut issues);
        let max_data_points = whole("maxDataPoints", 1_000_000, count(1.0, 1e9), &mut issues);
        let max_import_rows = whole("maxImportRows", 10_000_000, count(1.0, 1e9), &mut issues);
        let chunk_size = whole("chunkSize", 10_000, count(1.0, 10_000_000.0), &mut issues);
        let cache_ttl_seconds = whole("cacheTtlSeconds", 3600, count(0.0, 1e9), &mut issues);
        let threads = fields.integer("threads", count(1.0, 1024.0), &mut issues);
        let db_schema = schema(fields.text("dbSchema", &mut issues), &mut issues);
        let market_data_url = market_data(fields.text("marketDataUrl", &mut issues), &mut issues);
        let market_data_table = fields.text("marketDataTable", &mut issues);
        let log_level =
            fields.choice("logLevel", &LogLevel::ALL, &mut issues).unwrap_or(LogLevel::Info);
        let log_format =
            fields.choice("logFormat", &LogFormat::ALL, &mut issues).unwrap_or(LogFormat::Json);
        fields.finish(&mut issues);
        let database = database(url.as_deref(), data_dir, platform_data_dir, &mut issues);
        issues.into_result(Code::InvalidArgument)?;
        let narrow = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        Ok(Self {
            database: database?,
            db_pool_size: narrow(db_pool_size),
            db_max_overflow: narrow(db_max_overflow),
            db_schema,
            market_data_url,
            market_data_table,
            max_backtest_duration_days: narrow(max_days),
            max_concurrent_backtests: narrow(max_concurrent),
            max_data_points,
            max_import_rows,
            chunk_size: narrow(chunk_size),
            cache_ttl_seconds,
            threads: threads.map(narrow),
            log_level,
            log_format,
        })
    }
}

/// Fills settings that the caller left out from the environment.
fn merge(
    given: &Input,
    environment: &dyn Fn(&str) -> Option<String>,
    issues: &mut Issues,
) -> Input {
    let mut entries = match given {
        Input::Record(entries) => entries.clone(),
        Input::Null => Vec::new(),
        other => return other.clone(),
    };
    // A folder named by the caller is meant, whatever database the environment has for somebody else.
    let names_folder =
        entries.iter().any(|(name, value)| name == "dataDir" && !matches!(value, Input::Null));
    for setting in SETTINGS {
        if setting == "databaseUrl" && names_folder {
            continue;
        }
        if entries.iter().any(|(name, value)| name == setting && !matches!(value, Input::Null)) {
            continue;
        }
        let variable = environment_name(setting);
        // A variable set to nothing is how shells and compose files unset it.
        let Some(text) = environment(&variable).filter(|text| !text.trim().is_empty()) else {
            continue;
        };
        let text = text.trim().to_owned();
        let value = if setting.starts_with("log") {
            Input::Text(text.to_lowercase())
        } else if TEXTS.contains(&setting) {
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
    }
    Input::Record(entries)
}

/// Checks the name of our schema; it must not be one that belongs to others.
fn schema(given: Option<String>, issues: &mut Issues) -> String {
    let Some(name) = given else { return DB_SCHEMA.to_owned() };
    let letters = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    let others =
        ["public", "information_schema"].contains(&name.as_str()) || name.starts_with("pg_");
    if !letters
        || others
        || name.len() > 63
        || name.starts_with(|first: char| first.is_ascii_digit())
    {
        issues.add(
            "config.dbSchema",
            "format",
            format!(
                "dbSchema (DB_SCHEMA) must be up to 63 letters, digits and underscores, not begin with a digit, and not be \
                 public, information_schema or a name that begins with pg_, was {}",
                quoted(&name)
            ),
        );
    }
    name
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// Checks where prices are loaded from; the URL is never repeated in a message, since it may hold a password.
fn market_data(url: Option<String>, issues: &mut Issues) -> Option<Secret> {
    let url = url?;
    if !is_postgres(&url) {
        issues.add(
            "config.marketDataUrl",
            "choice",
            "marketDataUrl (MARKET_DATA_URL) must be postgresql://…",
        );
    }
    Some(Secret(url))
}

/// Finds where to keep things; the URL is never repeated in a message, since it may hold a password.
fn database(
    url: Option<&str>,
    data_dir: Option<PathBuf>,
    platform: Option<PathBuf>,
    issues: &mut Issues,
) -> Result<Database> {
    const FILE: &str = "backtesting.db";
    match url {
        Some(url) if is_postgres(url) => Ok(Database::Postgres(Secret(url.to_owned()))),
        Some(url) => {
            let path = url
                .strip_prefix("sqlite://")
                .or_else(|| url.strip_prefix("sqlite:"))
                .filter(|path| !path.is_empty() && *path != ":memory:");
            if path.is_none() {
                issues.add(
                    "config.databaseUrl",
                    "choice",
                    "databaseUrl (DATABASE_URL) must be sqlite:PATH, the path of a file, or postgresql://…",
                );
            }
            Ok(Database::Sqlite(PathBuf::from(path.unwrap_or_default())))
        }
        None => data_dir
            .or_else(|| platform.map(|folder| folder.join("aitradepro-backtesting")))
            .map(|folder| Database::Sqlite(folder.join(FILE)))
            .ok_or_else(|| {
                Error::storage(
                    "there is no user data folder on this system: set dataDir (DATA_DIR)",
                )
            }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn resolve(given: serde_json::Value, environment: &[(&str, &str)]) -> Result<Config> {
        let lookup = |name: &str| {
            environment
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Config::resolve(&Input::from(given), &lookup, Some(PathBuf::from("/home/user/data")))
    }

    #[test]
    fn the_caller_wins_over_the_environment_and_that_over_defaults() {
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
            Database::Sqlite("/home/user/data/aitradepro-backtesting/backtesting.db".into())
        );
    }

    #[test]
    fn every_bad_setting_is_named_and_no_password_shown() {
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
    fn prices_may_come_from_another_database() {
        assert_eq!(resolve(json!({}), &[]).unwrap().market_data_url, None);
        // A folder for the store says nothing about the prices.
        let environment = [("MARKET_DATA_URL", "postgres://u:secret@h/d")];
        let config = resolve(json!({"dataDir": "/d"}), &environment).unwrap();
        assert_eq!(config.market_data_url, Some(Secret("postgres://u:secret@h/d".into())));
        assert_eq!(config.database, Database::Sqlite("/d/backtesting.db".into()));
        assert!(!format!("{config:?}").contains("secret"), "{config:?}");
        let error = resolve(json!({"marketDataUrl": "mysql://u:secret@h/d"}), &[]).unwrap_err();
        assert_eq!(error.issues[0].path, "config.marketDataUrl");
        assert!(!error.message.contains("secret"), "{}", error.message);
    }

    #[test]
    fn our_schema_is_a_plain_name_and_nobody_elses() {
        assert_eq!(resolve(json!({}), &[]).unwrap().db_schema, "backtesting");
        assert_eq!(resolve(json!({}), &[("DB_SCHEMA", "Tests_2")]).unwrap().db_schema, "Tests_2");
        for name in ["public", "pg_toast", "a-b", "1a", "a\"; DROP", "", &"a".repeat(64)] {
            let Err(error) = resolve(json!({ "dbSchema": name }), &[]) else {
                panic!("{name:?} should be refused");
            };
            assert_eq!(error.issues[0].path, "config.dbSchema", "{name:?}");
        }
    }

    #[test]
    fn a_path_or_a_server_can_be_named() {
        assert_eq!(
            resolve(json!({"databaseUrl": "sqlite:/tmp/a.db"}), &[]).unwrap().database,
            Database::Sqlite("/tmp/a.db".into())
        );
        assert_eq!(
            resolve(json!({"dataDir": "/d"}), &[]).unwrap().database,
            Database::Sqlite("/d/backtesting.db".into())
        );
        let environment = [("DATABASE_URL", "postgresql://u:p@h/d")];
        assert_eq!(
            resolve(json!({"dataDir": "/d"}), &environment).unwrap().database,
            Database::Sqlite("/d/backtesting.db".into())
        );
        let server = resolve(json!({}), &[("DATABASE_URL", "postgresql://u:p@h/d")]).unwrap();
        assert_eq!(format!("{:?}", server.database), "Postgres(…)");
    }
}
