//! The records of backtests and registered strategies.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::market::coverage::Coverage;
use crate::market::{Column, Interval};
use crate::note::Note;
use crate::portfolio::Trades;

use super::result_parts::ResultParts;

/// The progress of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Waiting in the queue.
    Pending,
    /// Loading or computing.
    Running,
    /// Ended with an [`Outcome`].
    Completed,
    /// Ended by an error.
    Failed,
    /// Cancelled by its caller.
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

    /// Returns whether a run has not ended yet.
    pub const fn is_under_way(self) -> bool {
        matches!(self, Self::Pending | Self::Running)
    }

    /// Returns the status with a name; `None` if there is none.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, status)| *status)
    }
}

/// The request of a backtest and its progress.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// `bt-` and 12 hex digits.
    pub id: String,
    /// The caller's user, if given.
    pub user_id: Option<String>,
    /// The strategy's id.
    pub strategy_id: String,
    /// The text of the strategy; `None` for a built-in strategy or a function.
    pub strategy_source: Option<String>,
    /// The symbol of the asset.
    pub asset_symbol: String,
    /// The timeframe of the bars.
    pub timeframe: Interval,
    /// Start of the requested range, UTC milliseconds, inclusive.
    pub start: i64,
    /// End of the requested range, UTC milliseconds, inclusive.
    pub end: i64,
    /// Money at the start of the run.
    pub initial_capital: f64,
    /// Strategy parameters, including defaults.
    pub parameters: Map<String, Value>,
    /// Simulation settings, including defaults.
    pub simulation: Map<String, Value>,
    /// The progress of the run.
    pub status: Status,
    /// Why it failed.
    pub error: Option<String>,
    /// The version of this library that ran the backtest.
    pub engine_version: String,
    /// Hash of the bars, once they are loaded.
    pub fingerprint: Option<String>,
    /// The revision of the imported series that the bars come from; `None` for other bars, and in runs of earlier versions.
    pub bars_revision: Option<i64>,
    /// When the run was created, UTC milliseconds.
    pub created_at: i64,
    /// When the run ended, UTC milliseconds.
    pub completed_at: Option<i64>,
}

/// Metrics by their camelCase names; `None` for a metric without a value.
pub type MetricValues = Vec<(Cow<'static, str>, Option<f64>)>;

/// The results of a run without trades and curves.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Summary {
    /// Equity at the end of the run.
    pub final_capital: f64,
    /// Total return, percent.
    pub total_return: f64,
    /// Every metric, in the order of the list of metrics.
    pub metrics: MetricValues,
    /// What a reader of the results should know, the most serious first.
    pub remarks: Remarks,
    /// What the results rest on; `None` in runs of earlier versions.
    pub assumptions: Option<Assumptions>,
    /// The parts that were asked for. Others are empty.
    pub parts: ResultParts,
}

/// What a reader of results should know.
#[derive(Debug, Clone, PartialEq)]
pub enum Remarks {
    /// Remarks with codes.
    Notes(Vec<Note>),
    /// The texts of a run of an earlier version, which had no codes.
    Texts(Vec<String>),
}

impl Default for Remarks {
    fn default() -> Self {
        Self::Notes(Vec::new())
    }
}

impl Remarks {
    /// Adds a remark at the end.
    pub fn push(&mut self, note: Note) {
        match self {
            Self::Notes(notes) => notes.push(note),
            Self::Texts(texts) => texts.push(note.text),
        }
    }

    /// Returns the texts and, unless an earlier version kept the run, the notes.
    pub fn into_parts(self) -> (Vec<String>, Option<Vec<Note>>) {
        match self {
            Self::Notes(notes) => {
                (notes.iter().map(|note| note.text.clone()).collect(), Some(notes))
            }
            Self::Texts(texts) => (texts, None),
        }
    }

    /// Returns the texts.
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Self::Notes(notes) => notes.iter().map(|note| note.text.as_str()).collect(),
            Self::Texts(texts) => texts.iter().map(String::as_str).collect(),
        }
    }

    /// Returns the notes; `None` for a run of an earlier version.
    pub fn notes(&self) -> Option<&[Note]> {
        match self {
            Self::Notes(notes) => Some(notes),
            Self::Texts(_) => None,
        }
    }
}

/// What results rest on, as far as the request and the bars do not show it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Assumptions {
    /// The number of bars in a year; `None` if the bars are at irregular times.
    pub bars_per_year: Option<f64>,
    /// Where that number comes from.
    pub bars_per_year_from: String,
    /// The number of bars before the range that only computed the signals.
    pub warmup_bars: u64,
    /// Where that number comes from.
    pub warmup_from: String,
    /// The hash of the bars before the range; `None` if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warmup_fingerprint: Option<String>,
    /// Whether the strategy is a function of the caller that looked ahead, or that returned different signals for the same bars.
    pub look_ahead: bool,
    /// The bars, if the times of the bars are not kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<BarRange>,
}

/// The bars of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BarRange {
    /// Opening time of the first bar, UTC milliseconds.
    pub first: i64,
    /// Opening time of the last bar, UTC milliseconds.
    pub last: i64,
    /// The number of bars.
    pub bars: u64,
    /// An estimate of the number of missing bars.
    pub missing: u64,
}

impl BarRange {
    /// Returns the range of the bars of a run from `start` to `end`; `None` without bars.
    pub fn new(timestamps: &[i64], interval: Interval, start: i64, end: i64) -> Option<Self> {
        let missing = || Coverage::new(timestamps, interval, start, end).missing_bars();
        Self::with_missing(timestamps, missing)
    }

    /// Returns the range of bars, given how many are missing; `None` without bars.
    pub fn with_missing(timestamps: &[i64], missing: impl FnOnce() -> u64) -> Option<Self> {
        Some(Self {
            first: *timestamps.first()?,
            last: *timestamps.last()?,
            bars: timestamps.len() as u64,
            missing: missing(),
        })
    }
}

/// All results of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// Final capital, metrics and warnings.
    pub summary: Summary,
    /// The trades; their bars are indices into `timestamps`.
    pub trades: Trades,
    /// The opening times of the bars, UTC milliseconds. A stored outcome without trades and equity has none.
    pub timestamps: Column<i64>,
    /// Equity at each bar; empty if it was not asked for.
    pub equity: Vec<f64>,
}

impl Outcome {
    /// Returns the times of the bars as far as they are kept.
    pub fn kept_timestamps(&self) -> &[i64] {
        if self.summary.parts.keep_timestamps() { &self.timestamps } else { &[] }
    }
}

/// Which runs to list. `None` in a field does not filter.
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
    /// The maximum number of runs.
    pub limit: Option<u32>,
    /// Only runs older than the one with this id, which is the last id of the previous page.
    pub before: Option<String>,
}

/// A registered strategy.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredStrategy {
    /// The id.
    pub id: String,
    /// The display name.
    pub name: String,
    /// The description; may be empty.
    pub description: String,
    /// The kind, such as `trend`.
    pub kind: String,
    /// JSON Schema of the parameters. Redundant with the definition; kept for other readers of the table.
    pub parameters_schema: Value,
    /// Default values of the parameters. Redundant with the definition; kept for other readers of the table.
    pub default_parameters: Map<String, Value>,
    /// The strategy in the text format. The strategy is parsed from it.
    pub definition: String,
    /// When the strategy was first registered, UTC milliseconds.
    pub created_at: i64,
    /// When the strategy was last registered, UTC milliseconds.
    pub updated_at: i64,
}
