//! Results of sweeps.

use napi_derive::napi;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::count::count;
use crate::market::time;
use crate::node::transfer::{Column, Packed};
use crate::note::Note;
use crate::service::{Neighborhood, SweepPart, SweepResult, SweepSeries, TopCombination};
use crate::sweep::sum_columns::{BlockColumn, SumColumns};

/// One of the best combinations of a sweep.
#[napi(object, object_from_js = false, use_nullable = true)]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SweepTop {
    /// Its number: the index of its entries in the columns.
    pub combination: f64,
    /// The asset.
    pub asset_symbol: String,
    /// The timeframe.
    pub timeframe: String,
    /// The value of each swept parameter or setting.
    #[napi(ts_type = "Record<string, number | boolean | null>")]
    pub parameters: Map<String, Value>,
    /// Its objective.
    pub objective: f64,
    /// All metrics of its run.
    #[napi(ts_type = "Metrics")]
    pub metrics: Map<String, Value>,
    /// How the combinations beside it on the grid did.
    pub neighbours: SweepNeighbours,
}

/// How the combinations beside one on the grid did. A good combination among bad ones is a spike, and probably luck.
#[napi(object, object_from_js = false, use_nullable = true)]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SweepNeighbours {
    /// Their number: combinations that differ by at most one step on each axis.
    pub count: f64,
    /// Their median objective divided by that of the combination: near 1 on a plateau, near 0 or below for a spike. Null for
    /// fewer than three, and if its own objective is not above 0.
    pub score: Option<f64>,
    /// The share of them with an objective above 0; null without any.
    pub positive: Option<f64>,
}

/// The bars of one asset and timeframe of a sweep.
#[napi(object, object_from_js = false, use_nullable = true)]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SweepBars {
    /// The asset.
    pub asset_symbol: String,
    /// The timeframe.
    pub timeframe: String,
    /// Opening time of the first bar of the range, ISO 8601.
    pub first_bar: String,
    /// Opening time of the last bar, ISO 8601.
    pub last_bar: String,
    /// Number of bars in the range.
    pub bars: f64,
    /// An estimate of the number of missing bars.
    pub missing_bars: f64,
    /// Bars per year in annualized metrics; null for bars at irregular times.
    pub bars_per_year: Option<f64>,
    /// Where `barsPerYear` comes from.
    pub bars_per_year_from: String,
    /// Number of bars before the range that only computed the signals. It is the same for all combinations: a backtest with
    /// `warmup` set to this number has the same signals.
    pub warmup_bars: f64,
    /// Where `warmupBars` comes from.
    pub warmup_from: String,
}

/// What is the same for a whole result and for a page or a part of it: the columns. They have one entry per row.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ColumnsText {
    parameters: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asset: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeframe: Option<Value>,
    metrics: Map<String, Value>,
    objective: Value,
    standing: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    combination: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sums: Option<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SweepText {
    sweep_id: String,
    status: String,
    strategy_id: String,
    strategy_source: Option<String>,
    asset_symbols: Vec<String>,
    timeframes: Vec<String>,
    start_date: String,
    end_date: String,
    objective_text: String,
    combinations: f64,
    done: f64,
    error: Option<String>,
    from: f64,
    #[serde(flatten)]
    columns: ColumnsText,
    top: Vec<SweepTop>,
    plateau_choice: Option<SweepTop>,
    idle_parameters: Vec<String>,
    excluded: Map<String, Value>,
    paths: Map<String, Value>,
    bars: Vec<SweepBars>,
    judgement: Value,
    warnings: Vec<String>,
    notes: Vec<Note>,
    elapsed_ms: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PartText {
    from: f64,
    combinations: f64,
    #[serde(flatten)]
    columns: ColumnsText,
}

/// Moves the columns out of a part of a sweep, in the order in which `runtime.js` takes them.
fn take_columns(part: SweepPart) -> (ColumnsText, Vec<Column>) {
    let SweepPart {
        rows, parameters, asset, timeframe, metrics, objective, standing, sums, ..
    } = part;
    let mut columns = Vec::new();
    let mut names = |named: Vec<(String, Vec<f64>)>| -> Map<String, Value> {
        let entries = named.into_iter().map(|(name, values)| {
            columns.push(Column::Float64(values));
            (name, Value::Null)
        });
        entries.collect()
    };
    let (parameters, metrics) = (names(parameters), names(metrics));
    columns.push(Column::Float64(objective));
    columns.push(Column::Uint8(standing.into_iter().map(|standing| standing as u8).collect()));
    let asset = asset.map(|(symbols, index)| {
        columns.push(Column::Uint16(index));
        json!({ "symbols": symbols, "index": null })
    });
    let timeframe = timeframe.map(|(timeframes, index)| {
        columns.push(Column::Uint8(index));
        json!({ "timeframes": timeframes, "index": null })
    });
    let combination = rows.map(|rows| {
        columns.push(Column::Uint32(rows));
        Value::Null
    });
    let sums = sums.map(|sums| {
        let SumColumns { returns, squares, products, exposure, block_returns, block_squares } =
            sums;
        columns.extend([returns, squares, products, exposure].map(Column::Float64));
        columns.extend([block_returns, block_squares].map(|column| match column {
            BlockColumn::Double(values) => Column::Float64(values),
            BlockColumn::Single(values) => Column::Float32(values),
        }));
        json!({
            "returns": null, "squares": null, "products": null, "exposure": null,
            "blockReturns": null, "blockSquares": null,
        })
    });
    let (objective, standing) = (Value::Null, Value::Null);
    let text = ColumnsText {
        parameters,
        asset,
        timeframe,
        metrics,
        objective,
        standing,
        combination,
        sums,
    };
    (text, columns)
}

/// Packs the result of a sweep for JavaScript.
///
/// # Errors
/// `INTERNAL` if it cannot be serialized.
pub fn pack_sweep(result: SweepResult) -> crate::Result<Packed> {
    let SweepResult { part, summary, .. } = result;
    let from = count(part.from as u64);
    let (text, columns) = take_columns(part);
    let warnings = summary.notes.iter().map(|note| note.text.clone()).collect();
    let text = SweepText {
        sweep_id: result.sweep_id,
        status: result.status.as_str().to_owned(),
        strategy_id: result.strategy_id,
        strategy_source: result.strategy_source,
        asset_symbols: result.asset_symbols,
        timeframes: result.timeframes,
        start_date: time::format(result.start),
        end_date: time::format(result.end),
        objective_text: result.objective_text,
        combinations: count(result.combinations as u64),
        done: count(result.done as u64),
        error: result.error,
        from,
        columns: text,
        top: summary.top.into_iter().map(SweepTop::from).collect(),
        plateau_choice: summary.plateau_choice.map(SweepTop::from),
        idle_parameters: summary.idle_parameters,
        excluded: summary.excluded,
        paths: summary.paths,
        bars: summary.series.into_iter().map(SweepBars::from).collect(),
        judgement: Value::Null,
        warnings,
        notes: summary.notes,
        elapsed_ms: summary.elapsed_ms,
    };
    Packed::of_columns(&text, columns)
}

/// Packs a part of a sweep for JavaScript.
///
/// # Errors
/// `INTERNAL` if it cannot be serialized.
pub fn pack_part(part: SweepPart) -> crate::Result<Packed> {
    let (from, combinations) = (count(part.from as u64), count(part.objective.len() as u64));
    let (columns, arrays) = take_columns(part);
    Packed::of_columns(&PartText { from, combinations, columns }, arrays)
}

impl From<TopCombination> for SweepTop {
    fn from(top: TopCombination) -> Self {
        Self {
            combination: count(top.combination),
            asset_symbol: top.asset_symbol,
            timeframe: top.timeframe,
            parameters: top.parameters,
            objective: top.objective,
            metrics: top.metrics,
            neighbours: top.neighbours.into(),
        }
    }
}

impl From<Neighborhood> for SweepNeighbours {
    fn from(found: Neighborhood) -> Self {
        Self { count: count(found.count), score: found.score, positive: found.positive }
    }
}

impl From<SweepSeries> for SweepBars {
    fn from(series: SweepSeries) -> Self {
        let assumptions = series.assumptions;
        let range = assumptions.range;
        let at = |time: Option<i64>| time.map_or_else(String::new, time::format);
        Self {
            asset_symbol: series.asset_symbol,
            timeframe: series.timeframe,
            first_bar: at(range.map(|range| range.first)),
            last_bar: at(range.map(|range| range.last)),
            bars: count(range.map_or(0, |range| range.bars)),
            missing_bars: count(range.map_or(0, |range| range.missing)),
            bars_per_year: assumptions.bars_per_year,
            bars_per_year_from: assumptions.bars_per_year_from,
            warmup_bars: count(assumptions.warmup_bars),
            warmup_from: assumptions.warmup_from,
        }
    }
}
