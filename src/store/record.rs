//! What is kept of a backtest, and of a registered strategy.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::market::{Column, Timeframe};
use crate::portfolio::Trades;

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Waiting for its turn.
    Pending,
    /// Being computed.
    Running,
    /// Done, with an [`Outcome`].
    Completed,
    /// Ended by an error.
    Failed,
    /// Ended by its caller.
    Cancelled,
}

impl Status {
    /// Every status with its name.
    pub const ALL: [(&'static str, Self); 5] = [
        ("pending", Self::Pending),
        ("running", Self::Running),
        ("completed", Self::Completed),
        ("failed", Self::Failed),
        ("cancelled", Self::Cancelled),
    ];

    /// Returns the name.
    pub const fn as_str(self) -> &'static str {
        Self::ALL[self as usize].0
    }

    /// Returns whether a run is yet to end.
    pub const fn is_under_way(self) -> bool {
        matches!(self, Self::Pending | Self::Running)
    }

    /// Finds a status by its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, status)| *status)
    }
}

/// What was asked, and how far it has come.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// `bt-` and 12 hex digits.
    pub id: String,
    /// The caller's user, if given.
    pub user_id: Option<String>,
    /// The strategy's id.
    pub strategy_id: String,
    /// The text of the strategy, unless it is a built-in one or a function.
    pub strategy_source: Option<String>,
    /// The asset.
    pub asset_symbol: String,
    /// The timeframe of the bars.
    pub timeframe: Timeframe,
    /// First moment asked for, UTC milliseconds, included.
    pub start: i64,
    /// Last moment asked for, UTC milliseconds, included.
    pub end: i64,
    /// Money at the start.
    pub initial_capital: f64,
    /// Strategy parameters, defaults filled in.
    pub parameters: Map<String, Value>,
    /// Simulation settings as JSON, defaults filled in.
    pub simulation: Map<String, Value>,
    /// How far the run has come.
    pub status: Status,
    /// Why it failed.
    pub error: Option<String>,
    /// Version of this library.
    pub engine_version: String,
    /// Hash of the bars, once they are known.
    pub fingerprint: Option<String>,
    /// When the run was created, UTC milliseconds.
    pub created_at: i64,
    /// When it ended, UTC milliseconds.
    pub completed_at: Option<i64>,
}

/// Metrics by their camelCase names.
pub type Values = Vec<(Cow<'static, str>, Option<f64>)>;

/// What came out of a run, apart from trades and curves.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Summary {
    /// Money at the end.
    pub final_capital: f64,
    /// Percent.
    pub total_return: f64,
    /// Every metric by its camelCase name, in the order of the list; nothing where it has no value.
    pub metrics: Values,
    /// What an expert would warn of.
    pub warnings: Vec<String>,
}

/// What came out of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// The headline and the metrics.
    pub summary: Summary,
    /// The trades; bars are positions in `timestamps`.
    pub trades: Trades,
    /// The openings of the bars, UTC milliseconds.
    pub timestamps: Column<i64>,
    /// Equity at each bar, money.
    pub equity: Vec<f64>,
}

/// Which runs to list; newest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter {
    /// Only this strategy.
    pub strategy_id: Option<String>,
    /// Only this asset.
    pub asset_symbol: Option<String>,
    /// Only this status.
    pub status: Option<Status>,
    /// Only this user.
    pub user_id: Option<String>,
    /// At most this many.
    pub limit: Option<u32>,
    /// Only runs that come after this id in the list (older ones): the last id of the page before.
    pub before: Option<String>,
}

/// A registered strategy.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredStrategy {
    /// Its id.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// What it does; may be empty.
    pub description: String,
    /// Its kind, such as `trend`.
    pub kind: String,
    /// JSON Schema of its parameters. Kept for those who read the table; the definition says it too.
    pub parameters_schema: Value,
    /// The values of parameters that are not given. Kept for those who read the table.
    pub default_parameters: Map<String, Value>,
    /// The strategy in the text format, from which it is made again.
    pub definition: String,
    /// When it was registered first, UTC milliseconds.
    pub created_at: i64,
    /// When it was registered last, UTC milliseconds.
    pub updated_at: i64,
}
