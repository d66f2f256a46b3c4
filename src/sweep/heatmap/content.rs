//! Makes the content of a heat map of the columns of a sweep.

use super::super::standing::Standing;
use super::axis::{Axis, compare, distinct};
use super::cells::{CellValues, Entry, aggregate, spread};
use super::names::find;
use super::swept::{FixedParameter, FixedValue, HeatmapRequest, SweptColumns, SweptParameter};
use crate::chart::{HeatmapBest, HeatmapCells, HeatmapContent};
use crate::error::{Code, Error, Issue, Result, known_names, nearest};
use crate::numbers::count_to_f64;
use crate::quote::{counted, listed, quoted};

/// A parameter with the only value that is shown of it.
struct Fixed<'a> {
    parameter: &'a SweptParameter<'a>,
    value: f64,
}

/// Makes the content of a heat map.
///
/// # Errors
/// `INVALID_ARGUMENT` for an unknown parameter, for the same on both axes, for a fixed value that no combination has, and for
/// columns of different lengths; `NO_DATA` for a sweep without combinations; `LIMIT_EXCEEDED` if there is not enough memory.
pub fn heatmap_content(
    columns: &SweptColumns<'_>,
    request: &HeatmapRequest<'_>,
) -> Result<HeatmapContent> {
    let combinations = check_lengths(columns)?;
    let parameters = columns.parameters;
    let mut issues = Vec::new();
    let x = find(parameters, "options.x", request.x, &mut issues);
    let y = request.y.map(|name| find(parameters, "options.y", name, &mut issues));
    if request.y == Some(request.x) {
        let message = "options.y must be another parameter than options.x";
        issues.push(Issue::new("options.y", "conflict", message));
    }
    let fixed = read_fixed(parameters, request, &mut issues)?;
    if !issues.is_empty() {
        return Err(Error::with_issues(Code::InvalidArgument, issues));
    }
    let missing = || Error::internal("a parameter was neither found nor rejected");
    let x = Axis::new(x.ok_or_else(missing)?, request.capacity.0)?;
    let y = match y {
        Some(parameter) => Some(Axis::new(parameter.ok_or_else(missing)?, request.capacity.1)?),
        None => None,
    };
    let is_shown = |combination: usize| {
        fixed.iter().all(|fixed| {
            let value = fixed.parameter.values.get(combination);
            value.is_some_and(|value| compare(*value, fixed.value).is_eq())
        })
    };
    let cell = |combination: usize| {
        let position = |axis: &Axis<'_>| axis.position(*axis.parameter.values.get(combination)?);
        let row = y.as_ref().map_or(Some(0), position)?;
        Some((position(&x)?, row))
    };
    let competes =
        |combination: usize| columns.standing.get(combination) == Some(&Standing::Competes);
    let entry = |combination: usize| {
        let at = if is_shown(combination) { cell(combination) } else { None };
        let Some((column, row)) = at else { return Entry::Hidden };
        let at = row * x.len() + column;
        match columns.metric.get(combination) {
            Some(value) if value.is_finite() && competes(combination) => Entry::Value(at, *value),
            _ => Entry::NotCompeting(at),
        }
    };
    let rows = y.as_ref().map_or(1, Axis::len);
    let values = CellValues::sort(x.len().saturating_mul(rows), combinations, entry)?;
    let cells = match &y {
        Some(y) => HeatmapCells::Grid {
            y: y.drawn(),
            cells: values.cells(|values| aggregate(values, request.aggregate))?,
        },
        None => HeatmapCells::Line(values.cells(|values| spread(values, request.aggregate))?),
    };
    let shown = (0..combinations).filter(|combination| is_shown(*combination));
    let best = best(columns, shown.clone().filter(|combination| competes(*combination)));
    let best = best.and_then(|combination| {
        let (column, row) = cell(combination)?;
        let value = columns.metric.get(combination).copied().filter(|value| value.is_finite());
        Some(HeatmapBest { column, row, value, parameters: parameters_text(columns, combination) })
    });
    let (mut competing, mut all) = (0, 0);
    for combination in shown {
        all += 1;
        competing += usize::from(competes(combination));
    }
    let axes: Vec<&Axis<'_>> = [Some(&x), y.as_ref()].into_iter().flatten().collect();
    Ok(HeatmapContent {
        x: x.drawn(),
        cells,
        best,
        combinations: all,
        aggregate: request.aggregate.label(),
        remarks: remarks(columns, request, &axes, &fixed, all - competing)?,
    })
}

fn check_lengths(columns: &SweptColumns<'_>) -> Result<usize> {
    let combinations = columns.objective.len();
    let check = |path: String, length: usize| {
        if length == combinations {
            return Ok(());
        }
        let message = format!(
            "{path} has {} for {}",
            counted(length, "value"),
            counted(combinations, "combination")
        );
        Err(Error::invalid(&path, "length", message))
    };
    check("sweep.metrics".to_owned(), columns.metric.len())?;
    check("sweep.standing".to_owned(), columns.standing.len())?;
    for parameter in columns.parameters {
        check(format!("sweep.parameters.{}", parameter.name), parameter.values.len())?;
    }
    if combinations == 0 {
        return Err(Error::new(Code::NoData, "the sweep has no combinations"));
    }
    Ok(combinations)
}

/// Finds the fixed parameters and the values that their combinations have.
fn read_fixed<'a>(
    parameters: &'a [SweptParameter<'a>],
    request: &HeatmapRequest<'_>,
    issues: &mut Vec<Issue>,
) -> Result<Vec<Fixed<'a>>> {
    let mut fixed: Vec<Fixed<'a>> = Vec::new();
    for FixedParameter { path, name, value } in request.fixed {
        let Some(parameter) = find(parameters, path, name, issues) else { continue };
        if name == request.x || Some(name.as_str()) == request.y {
            let message = format!("{path} is on an axis and cannot be fixed as well");
            issues.push(Issue::new(path, "conflict", message));
            continue;
        }
        if fixed.iter().any(|fixed| fixed.parameter.name == name) {
            issues.push(Issue::new(path, "conflict", format!("{path} is fixed twice")));
            continue;
        }
        match fixed_value(parameter, path, value)? {
            Ok(value) => fixed.push(Fixed { parameter, value }),
            Err(message) => issues.push(Issue::new(path, "range", message)),
        }
    }
    Ok(fixed)
}

/// Returns the value of a parameter that a request names, or why there is none.
fn fixed_value(
    parameter: &SweptParameter<'_>,
    path: &str,
    value: &FixedValue,
) -> Result<std::result::Result<f64, String>> {
    let names = parameter.names;
    let value = match value {
        FixedValue::Number(value) if names.is_empty() => *value,
        FixedValue::Number(value) => {
            let known: Vec<&str> = names.iter().map(String::as_str).collect();
            let known = known_names("names", "", &known);
            return Ok(Err(format!("{path} must be a name, was number {value}{known}")));
        }
        FixedValue::Name(name) if names.is_empty() => {
            return Ok(Err(format!("{path} must be a number, was string {}", quoted(name))));
        }
        FixedValue::Name(name) => {
            let found = names.iter().position(|known| known == name);
            return Ok(found.map(count_to_f64).ok_or_else(|| {
                let known: Vec<&str> = names.iter().map(String::as_str).collect();
                let hint = nearest(name, known.iter().copied()).map_or_else(
                    || known_names("names", name, &known),
                    |name| format!(", did you mean {name}?"),
                );
                format!("no combination has {path} {}{hint}", quoted(name))
            }));
        }
    };
    let known = distinct(parameter.values)?;
    let distance = |known: f64| (known / 2.0 - value / 2.0).abs();
    let numbers = known.iter().copied().filter(|known| !known.is_nan());
    let closest = numbers.min_by(|a, b| distance(*a).total_cmp(&distance(*b)));
    // Values of steps have rounding errors.
    let is_same = |found: f64| distance(found) <= value.abs().max(f64::MIN_POSITIVE) * 1e-9;
    let same = known.iter().copied().find(|known| compare(*known, value).is_eq());
    if let Some(found) = same.or(closest.filter(|closest| is_same(*closest))) {
        return Ok(Ok(found));
    }
    let nearest = match closest {
        Some(closest) if known.len() > 8 && !value.is_nan() => {
            format!("the nearest of its values is {}", parameter.text(closest))
        }
        _ if known.is_empty() => "it has no values".to_owned(),
        _ => {
            let first = known.iter().take(8).map(|value| parameter.text(*value));
            let texts: Vec<String> = first.collect();
            let more = if known.len() > texts.len() { ", …" } else { "" };
            match texts.as_slice() {
                [only] => format!("its only value is {only}"),
                _ if more.is_empty() => format!("its values are {}", listed(&texts)),
                _ => format!("its values are {}{more}", texts.join(", ")),
            }
        }
    };
    let value = if value.is_nan() { "off".to_owned() } else { value.to_string() };
    Ok(Err(format!("no combination has {path} {value}; {nearest}")))
}

/// Returns the combination with the highest objective; of equal ones, the first.
fn best(columns: &SweptColumns<'_>, competing: impl Iterator<Item = usize>) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for combination in competing {
        let Some(&objective) = columns.objective.get(combination) else { continue };
        if !objective.is_nan() && best.is_none_or(|(_, highest)| objective > highest) {
            best = Some((combination, objective));
        }
    }
    best.map(|(combination, _)| combination)
}

/// Returns the parameters of a combination that differ between combinations.
fn parameters_text(columns: &SweptColumns<'_>, combination: usize) -> String {
    let texts = columns.parameters.iter().filter_map(|parameter| {
        let value = *parameter.values.get(combination)?;
        let differs = parameter.values.iter().any(|other| compare(*other, value).is_ne());
        differs.then(|| format!("{} {}", parameter.name, parameter.text(value)))
    });
    texts.collect::<Vec<_>>().join(", ")
}

/// Describes how the parameters that are on no axis are treated, and what does not count.
fn remarks(
    columns: &SweptColumns<'_>,
    request: &HeatmapRequest<'_>,
    axes: &[&Axis<'_>],
    fixed: &[Fixed<'_>],
    not_competing: usize,
) -> Result<Vec<String>> {
    let mut remarks = Vec::new();
    let mut over = Vec::new();
    let mut fixed_texts: Vec<String> = Vec::new();
    for parameter in columns.parameters {
        let is_same = |other: &SweptParameter<'_>| other.name == parameter.name;
        if axes.iter().any(|axis| is_same(axis.parameter)) {
            continue;
        }
        if let Some(fixed) = fixed.iter().find(|fixed| is_same(fixed.parameter)) {
            fixed_texts.push(format!("{} {}", parameter.name, parameter.text(fixed.value)));
            continue;
        }
        match distinct(parameter.values)?.as_slice() {
            [value] => fixed_texts.push(format!("{} {}", parameter.name, parameter.text(*value))),
            values => over.push(format!("{} ({} values)", parameter.name, values.len())),
        }
    }
    let label = request.aggregate.label();
    if !over.is_empty() {
        remarks.push(format!("{label} over {}", listed(&over)));
    }
    if !fixed_texts.is_empty() {
        remarks.push(format!("fixed: {}", fixed_texts.join(", ")));
    }
    let shared: Vec<String> = axes
        .iter()
        .filter(|axis| axis.values_per_position > 1)
        .map(|axis| format!("{} values of {}", axis.values_per_position, axis.parameter.name))
        .collect();
    if !shared.is_empty() {
        let place = if request.y.is_some() { "cell" } else { "point" };
        remarks.push(format!("each {place} is the {label} of {}", shared.join(" × ")));
    }
    if not_competing > 0 {
        remarks.push(format!(
            "{not_competing} {} not compete",
            if not_competing == 1 { "does" } else { "do" }
        ));
    }
    Ok(remarks)
}
