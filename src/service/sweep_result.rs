//! The result of a sweep, or a page of it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::note::Note;
use crate::store::Status;
use crate::store::record::Assumptions;
use crate::sweep::standing::Standing;
use crate::sweep::sum_columns::SumColumns;

/// The result of a sweep, or a page of it.
#[derive(Debug, Clone)]
pub struct SweepResult {
    /// The id of the sweep: `sw-` and 12 hex digits.
    pub sweep_id: String,
    /// `completed`, or how far a kept sweep is; `cancelled` if it was aborted and its caller asked for what was done.
    pub status: Status,
    /// The strategy.
    pub strategy_id: String,
    /// The source text, unless the strategy is built in or a function.
    pub strategy_source: Option<String>,
    /// The text of the objective.
    pub objective_text: String,
    /// The assets.
    pub asset_symbols: Vec<String>,
    /// The timeframes; `tick` if each tick is a bar.
    pub timeframes: Vec<String>,
    /// First timestamp that is traded, UTC milliseconds, inclusive.
    pub start: i64,
    /// Last timestamp, UTC milliseconds, inclusive.
    pub end: i64,
    /// The number of combinations of the sweep.
    pub combinations: usize,
    /// The number of combinations that are done: the first ones in grid order.
    pub done: usize,
    /// Why the sweep failed or was cancelled.
    pub error: Option<String>,
    /// The rows.
    pub part: SweepPart,
    /// What is known of the sweep as a whole.
    pub summary: SweepSummary,
}

/// Some combinations of a sweep. All columns have one entry per row.
#[derive(Debug, Clone, Default)]
pub struct SweepPart {
    /// The combination of each row; `None` if the rows are the combinations from `from` on.
    pub rows: Option<Vec<u32>>,
    /// The combination of the first row.
    pub from: usize,
    /// The values of each axis, in the order of the axes.
    pub parameters: Vec<(String, Vec<f64>)>,
    /// The assets, and the index of each row's asset; `None` unless the request lists assets.
    pub asset: Option<(Vec<String>, Vec<u16>)>,
    /// The timeframes, and the index of each row's timeframe; `None` unless the request lists timeframes.
    pub timeframe: Option<(Vec<String>, Vec<u8>)>,
    /// The metrics; NaN if a metric has no value.
    pub metrics: Vec<(String, Vec<f64>)>,
    /// The objective; NaN if it has no value.
    pub objective: Vec<f64>,
    /// Whether each row competes.
    pub standing: Vec<Standing>,
    /// The sums that judging needs, if the request asked for them.
    pub sums: Option<SumColumns>,
}

/// What is known of a sweep as a whole. The store keeps it as JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SweepSummary {
    /// The best combinations, the best first.
    pub top: Vec<TopCombination>,
    /// The combination with the best mean over itself and its neighbors; `None` if it is not known.
    pub plateau_choice: Option<TopCombination>,
    /// The axes with several values that change nothing.
    pub idle_parameters: Vec<String>,
    /// The number of combinations that do not compete, by reason.
    pub excluded: Map<String, Value>,
    /// The number of combinations by how they were computed.
    pub paths: Map<String, Value>,
    /// The bars of each asset and timeframe, in the order of the columns.
    pub series: Vec<SweepSeries>,
    /// Remarks, the most important first.
    pub notes: Vec<Note>,
    /// Milliseconds from the call to the result.
    pub elapsed_ms: f64,
}

/// One of the best combinations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopCombination {
    /// Its number.
    pub combination: u64,
    /// The asset.
    pub asset_symbol: String,
    /// The timeframe.
    pub timeframe: String,
    /// The value of each axis.
    pub parameters: Map<String, Value>,
    /// Its objective.
    pub objective: f64,
    /// All metrics of its run; null for a metric without a value.
    pub metrics: Map<String, Value>,
    /// How the combinations beside it on the grid did.
    pub neighbours: Neighborhood,
}

/// How the combinations beside one on the grid did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Neighborhood {
    /// Their number.
    pub count: u64,
    /// Their median objective divided by that of the combination; `None` for fewer than three, and if its own is not above 0.
    pub score: Option<f64>,
    /// The share of them with an objective above 0; `None` without any.
    pub positive: Option<f64>,
}

/// The bars of one asset and timeframe, and what runs on them rest on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SweepSeries {
    /// The asset.
    pub asset_symbol: String,
    /// The timeframe.
    pub timeframe: String,
    /// What its runs rest on. The range is always there.
    pub assumptions: Assumptions,
    /// The hash of the bars, if the sweep is stored.
    pub fingerprint: Option<String>,
}
