//! The sweep to draw, as a caller passes it: the id of a kept sweep, or a result.
//!
//! The binding picks the columns that are needed, and converts them to typed arrays.

use crate::compute::reserve;
use crate::market::Column;
use crate::request::{Fields, Input, Issues, Range};
use crate::store::Status;
use crate::sweep::standing::Standing;

use super::mapped_sweep::{MappedParameter, MappedSweep};

/// More combinations than any sweep has.
const MAX_COMBINATIONS: f64 = 1e15;

/// The sweep to draw.
#[derive(Debug)]
pub(super) enum HeatmapInput {
    /// A kept sweep, by its id.
    Kept(String),
    /// A result that the caller passed.
    Result(Box<MappedSweep>),
}

/// Reads an id or a result.
pub(super) fn read(input: &Input, issues: &mut Issues) -> Option<HeatmapInput> {
    match input {
        Input::Text(id) => Some(HeatmapInput::Kept(id.clone())),
        Input::Record(_) => {
            read_result(input, issues).map(|sweep| HeatmapInput::Result(Box::new(sweep)))
        }
        Input::Null => {
            issues.add("sweep", "required", "sweep is required: the id of one, or its result");
            None
        }
        other => {
            let message =
                format!("sweep must be the id of a sweep or its result, was {}", other.describe());
            issues.add("sweep", "type", message);
            None
        }
    }
}

fn read_result(input: &Input, issues: &mut Issues) -> Option<MappedSweep> {
    // Other fields of a result are not passed on by the binding.
    let mut fields = Fields::open("sweep", input, issues);
    let status = match fields.take("status") {
        Some(Input::Text(status)) => Status::parse(status),
        _ => None,
    };
    let strategy_id = fields.required_text("strategyId", issues);
    let strategy_source = fields.text("strategySource", issues);
    let objective_text = fields.required_text("objectiveText", issues);
    let combinations =
        fields.integer("combinations", Range::between(0.0, MAX_COMBINATIONS), issues);
    let asset_symbols = texts(&mut fields, "assetSymbols", issues);
    let timeframes = texts(&mut fields, "timeframes", issues);
    let first = fields.required_timestamp("startDate", issues);
    let last = fields.required_timestamp("endDate", issues);
    let looks_ahead = fields.boolean("looksAhead", issues).unwrap_or(false);
    let names = texts(&mut fields, "parameterNames", issues);
    let columns = match fields.take("parameterColumns") {
        Some(Input::List(columns)) => columns.iter().map(column).collect(),
        _ => None,
    };
    let kept = texts(&mut fields, "metricNames", issues);
    let metric = fields.text("metricName", issues).zip(take_column(&mut fields, "metric"));
    let objective = take_column(&mut fields, "objective");
    if objective.is_none() {
        fields.missing("objective", issues);
    }
    let standing = take_column(&mut fields, "standing");
    if standing.is_none() {
        fields.missing("standing", issues);
    }
    let asset = take_column(&mut fields, "assetIndex");
    let timeframe = take_column(&mut fields, "timeframeIndex");
    let standing = read_standing(&standing?, issues)?;
    let (names, columns): (_, Vec<Column>) = (names?, columns?);
    let (asset_symbols, timeframes) = (asset_symbols?, timeframes?);
    let parameters = names.into_iter().zip(columns);
    let plain = |(name, values)| MappedParameter { name, values, names: Vec::new() };
    let mut parameters: Vec<MappedParameter> = parameters.map(plain).collect();
    if let Some(index) = asset {
        parameters.push(MappedParameter::assets(asset_symbols.clone(), index));
    }
    if let Some(index) = timeframe {
        parameters.push(MappedParameter::timeframes(timeframes.clone(), index));
    }
    let objective = objective?;
    Some(MappedSweep {
        strategy_id: strategy_id?,
        strategy_source,
        status: status.unwrap_or(Status::Completed),
        combinations: combinations
            .and_then(|combinations| usize::try_from(combinations).ok())
            .unwrap_or(objective.len()),
        objective_text: objective_text?,
        asset_symbols,
        timeframes,
        range: (first?, last?),
        looks_ahead,
        parameters,
        kept: kept?,
        metric,
        objective,
        standing,
    })
}

/// Reads a list of texts.
fn texts(fields: &mut Fields<'_>, name: &'static str, issues: &mut Issues) -> Option<Vec<String>> {
    let path = fields.path(name);
    let items = match fields.take(name) {
        Some(Input::List(items)) => items,
        Some(other) => {
            let message = format!("{path} must be an array of strings, was {}", other.describe());
            issues.add(path, "type", message);
            return None;
        }
        None => {
            fields.missing(name, issues);
            return None;
        }
    };
    let mut texts = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let Input::Text(text) = item else {
            let path = format!("{path}[{index}]");
            let message = format!("{path} must be a string, was {}", item.describe());
            issues.add(path, "type", message);
            return None;
        };
        texts.push(text.clone());
    }
    Some(texts)
}

fn take_column(fields: &mut Fields<'_>, name: &'static str) -> Option<Column> {
    fields.take(name).and_then(column)
}

/// Returns a column of the binding.
fn column(input: &Input) -> Option<Column> {
    match input {
        Input::Floats(values) | Input::Prices(values) => Some(values.clone()),
        _ => None,
    }
}

fn read_standing(numbers: &[f64], issues: &mut Issues) -> Option<Vec<Standing>> {
    let mut standing = match reserve::with_capacity(numbers.len(), "combinations") {
        Ok(standing) => standing,
        Err(error) => {
            issues.add("sweep.standing", "limit", error.message);
            return None;
        }
    };
    for (row, number) in numbers.iter().enumerate() {
        let Some(known) = Standing::from_number(*number) else {
            let path = format!("sweep.standing[{row}]");
            let last = Standing::ALL.len() - 1;
            let message = format!("{path} must be a whole number from 0 to {last}, was {number}");
            issues.add(path, "range", message);
            return None;
        };
        standing.push(known);
    }
    Some(standing)
}
