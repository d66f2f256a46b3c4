//! A sweep to draw as a heat map.

use crate::compute::reserve;
use crate::error::Result;
use crate::market::Column;
use crate::note::NoteCode;
use crate::store::Status;
use crate::sweep::standing::Standing;

use super::sweep_result::SweepResult;

/// The names under which assets and timeframes can be on an axis.
const ASSET: &str = "assetSymbol";
/// See [`ASSET`].
const TIMEFRAME: &str = "timeframe";

/// A sweep to draw, whole or a page of it.
#[derive(Debug)]
pub(super) struct MappedSweep {
    pub(super) strategy_id: String,
    pub(super) strategy_source: Option<String>,
    pub(super) status: Status,
    /// The number of combinations of the sweep.
    pub(super) combinations: usize,
    /// The text of the objective.
    pub(super) objective_text: String,
    pub(super) asset_symbols: Vec<String>,
    pub(super) timeframes: Vec<String>,
    /// First and last bar, or the requested range if they are not known; UTC milliseconds.
    pub(super) range: (i64, i64),
    pub(super) looks_ahead: bool,
    pub(super) parameters: Vec<MappedParameter>,
    /// The names of the metrics that the sweep keeps.
    pub(super) kept: Vec<String>,
    /// The metric to draw, with its name; `None` for the objective.
    pub(super) metric: Option<(String, Column)>,
    pub(super) objective: Column,
    pub(super) standing: Vec<Standing>,
}

/// A parameter of a sweep to draw.
#[derive(Debug)]
pub(super) struct MappedParameter {
    pub(super) name: String,
    pub(super) values: Column,
    /// If the values are positions in a list: what is there.
    pub(super) names: Vec<String>,
}

impl MappedParameter {
    /// Returns the index of each row's asset as a parameter.
    pub(super) fn assets(symbols: Vec<String>, index: Column) -> Self {
        Self { name: ASSET.to_owned(), values: index, names: symbols }
    }

    /// Returns the index of each row's timeframe as a parameter.
    pub(super) fn timeframes(timeframes: Vec<String>, index: Column) -> Self {
        Self { name: TIMEFRAME.to_owned(), values: index, names: timeframes }
    }
}

impl MappedSweep {
    /// Takes the columns of a result that has at most the metric to draw, of a sweep that keeps some metrics.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if there is not enough memory.
    pub(super) fn new(result: SweepResult, kept: Vec<String>) -> Result<Self> {
        let SweepResult { part, summary, .. } = result;
        let plain = |(name, values): (String, Vec<f64>)| MappedParameter {
            name,
            values: values.into(),
            names: Vec::new(),
        };
        let mut parameters: Vec<MappedParameter> = part.parameters.into_iter().map(plain).collect();
        if let Some((symbols, index)) = part.asset {
            parameters.push(MappedParameter::assets(symbols, positions(&index)?));
        }
        if let Some((timeframes, index)) = part.timeframe {
            parameters.push(MappedParameter::timeframes(timeframes, positions(&index)?));
        }
        let ranges = || summary.series.iter().filter_map(|series| series.assumptions.range);
        let first = ranges().map(|range| range.first).min();
        let last = ranges().map(|range| range.last).max();
        Ok(Self {
            strategy_id: result.strategy_id,
            strategy_source: result.strategy_source,
            status: result.status,
            combinations: result.combinations,
            objective_text: result.objective_text,
            asset_symbols: result.asset_symbols,
            timeframes: result.timeframes,
            range: (first.unwrap_or(result.start), last.unwrap_or(result.end)),
            looks_ahead: summary.notes.iter().any(|note| note.code == NoteCode::LookAhead),
            parameters,
            kept,
            metric: part.metrics.into_iter().next().map(|(name, column)| (name, column.into())),
            objective: part.objective.into(),
            standing: part.standing,
        })
    }
}

/// Returns positions in a list as numbers.
fn positions<T: Copy + Into<f64>>(index: &[T]) -> Result<Column> {
    let mut numbers = reserve::with_capacity(index.len(), "combinations")?;
    numbers.extend(index.iter().map(|position| (*position).into()));
    let numbers: Vec<f64> = numbers;
    Ok(numbers.into())
}
