//! Reads the values of an axis: a list, steps, or a count.

use super::decimal_steps::DecimalSteps;
use super::value_domain::ValueDomain;
use crate::compute::reserve;
use crate::error::Result;
use crate::market::bars::formatted;
use crate::request::{Fields, Input, Issues, Range};

/// The maximum number of values of one axis.
const MAX_VALUES: u64 = 1_000_000;

/// How values are spread between two bounds.
#[derive(Debug, Clone, Copy)]
enum Scale {
    Linear,
    Log,
}

/// Reads the values of an axis. Every problem is reported with its path, such as `parameters.fast_period[3]`.
///
/// # Errors
/// `LIMIT_EXCEEDED` if the memory cannot be allocated.
pub(super) fn read(
    path: &str,
    input: &Input,
    domain: ValueDomain<'_>,
    issues: &mut Issues,
) -> Result<Option<Vec<f64>>> {
    let mut found = Issues::default();
    let values = match input {
        Input::List(items) => read_list(path, items.iter(), items.len(), domain, &mut found)?,
        Input::Floats(column)
        | Input::Singles(column)
        | Input::Prices(column)
        | Input::Numbers(column) => {
            let items = column.iter().map(|value| Input::Number(*value));
            read_list(path, items, column.len(), domain, &mut found)?
        }
        Input::Record(_) => read_range(path, input, domain, &mut found)?,
        Input::Number(_) | Input::Bool(_) => match domain.read(input) {
            Ok(value) => vec![value],
            Err((code, message)) => {
                found.add(path, code, format!("{path} {message}"));
                Vec::new()
            }
        },
        other => {
            let message = format!(
                "{path} must be a list of values, {{ from, to, step }} or {{ from, to, count, scale }}, was {}",
                other.describe()
            );
            found.add(path, "type", message);
            Vec::new()
        }
    };
    let is_valid = found.is_empty();
    issues.append(found);
    Ok(is_valid.then_some(values))
}

fn read_list<T: std::borrow::Borrow<Input>>(
    path: &str,
    items: impl Iterator<Item = T>,
    count: usize,
    domain: ValueDomain<'_>,
    issues: &mut Issues,
) -> Result<Vec<f64>> {
    if count == 0 {
        issues.add(path, "range", format!("{path} must have at least one value"));
    }
    if is_too_long(path, count as u64, issues) {
        return Ok(Vec::new());
    }
    let mut values = reserve::with_capacity(count, "values of a parameter")?;
    let mut seen = reserve::with_capacity(count, "values of a parameter")?;
    for (index, item) in items.enumerate() {
        match domain.read(item.borrow()) {
            Ok(value) => {
                values.push(value);
                seen.push((value, index));
            }
            Err((code, message)) => issues.add_with(code, || {
                let path = format!("{path}[{index}]");
                let message = format!("{path} {message}");
                (path, message)
            }),
        }
    }
    // −0 and 0 are one value, and so are two that are off.
    seen.sort_by(|(a, i), (b, j)| (a + 0.0).total_cmp(&(b + 0.0)).then(i.cmp(j)));
    for pair in seen.windows(2) {
        let [(a, first), (b, index)] = pair else { continue };
        if (a + 0.0).total_cmp(&(b + 0.0)).is_eq() {
            issues.add_with("duplicate", || {
                let value = if a.is_nan() { "null".to_owned() } else { formatted(*a) };
                let message = format!("{path}[{index}] repeats {value} of {path}[{first}]");
                (format!("{path}[{index}]"), message)
            });
        }
    }
    Ok(values)
}

fn is_too_long(path: &str, count: u64, issues: &mut Issues) -> bool {
    if count > MAX_VALUES {
        let message =
            format!("{path} has {count} values, the maximum is {MAX_VALUES}; use a larger step");
        issues.add(path, "limit", message);
    }
    count > MAX_VALUES
}

/// Reads `{ from, to, step }` or `{ from, to, count, scale }`.
fn read_range(
    path: &str,
    input: &Input,
    domain: ValueDomain<'_>,
    issues: &mut Issues,
) -> Result<Vec<f64>> {
    let mut fields = Fields::open(path, input, issues);
    let from = fields.required_number("from", Range::ANY, issues);
    let to = fields.required_number("to", Range::ANY, issues);
    let has_step = input.has_field("step");
    let step = fields.number("step", Range::POSITIVE, issues);
    let has_count = input.has_field("count");
    let count = fields.integer("count", Range::between(1.0, f64::INFINITY), issues);
    let has_scale = input.has_field("scale");
    let scales = [("linear", Scale::Linear), ("log", Scale::Log)];
    let scale = fields.choice("scale", &scales, issues);
    fields.finish(issues);
    if domain.is_boolean() {
        issues.add(path, "type", format!("{path} is a boolean: write [false, true]"));
    }
    if has_step && has_count {
        let message =
            format!("{path}.step and {path}.count are mutually exclusive: set only one of them");
        issues.add(format!("{path}.step"), "conflict", message);
    }
    if has_scale && !has_count {
        let message = format!("{path}.scale needs {path}.count, the number of values");
        issues.add(format!("{path}.scale"), "conflict", message);
    }
    let (Some(from), Some(to)) = (from, to) else { return Ok(Vec::new()) };
    if to < from {
        let (from, to) = (formatted(from), formatted(to));
        let message = format!("{path}.to must be at least {path}.from {from}, was {to}");
        issues.add(format!("{path}.to"), "range", message);
    }
    if let (Some(Scale::Log), true) = (scale, from <= 0.0) {
        let message =
            format!("{path}.from must be above 0 with scale log, was {}", formatted(from));
        issues.add(format!("{path}.from"), "range", message);
    }
    if !issues.is_empty() {
        return Ok(Vec::new());
    }
    let values = match count {
        Some(count) => spread(path, (from, to), count, scale, domain, issues)?,
        None => steps(path, (from, to), step.unwrap_or(1.0), issues)?,
    };
    check_values(path, &values, domain, issues);
    Ok(values)
}

fn steps(path: &str, (from, to): (f64, f64), step: f64, issues: &mut Issues) -> Result<Vec<f64>> {
    let Some(steps) = DecimalSteps::new(from, to, step) else {
        let message = format!(
            "{path} goes from {} to {} in steps of {}, which are too many; use a larger step, or count",
            formatted(from),
            formatted(to),
            formatted(step)
        );
        issues.add(path, "limit", message);
        return Ok(Vec::new());
    };
    if is_too_long(path, steps.count, issues) {
        return Ok(Vec::new());
    }
    let count = usize::try_from(steps.count).unwrap_or(usize::MAX);
    let mut values = reserve::with_capacity(count, "values of a parameter")?;
    values.extend((0..steps.count).map(|index| steps.value(index)));
    Ok(values)
}

/// Returns `count` values between two bounds, which they include. They are rounded to whole numbers for an integer, and to 15
/// significant digits (12 on a logarithmic scale, whose functions differ between systems) otherwise; equal ones are dropped.
fn spread(
    path: &str,
    (from, to): (f64, f64),
    count: u64,
    scale: Option<Scale>,
    domain: ValueDomain<'_>,
    issues: &mut Issues,
) -> Result<Vec<f64>> {
    if is_too_long(path, count, issues) {
        return Ok(Vec::new());
    }
    let capacity = usize::try_from(count).unwrap_or(usize::MAX);
    let mut values: Vec<f64> = reserve::with_capacity(capacity, "values of a parameter")?;
    let last = count - 1;
    for index in 0..count {
        let value = if index == 0 {
            from
        } else if index == last {
            to
        } else {
            #[expect(clippy::cast_precision_loss, reason = "at most a million")]
            let share = index as f64 / last as f64;
            let between = match scale {
                Some(Scale::Log) => rounded(from * (share * (to / from).ln()).exp(), 11),
                // The difference of the bounds may overflow.
                _ => rounded(from * (1.0 - share) + to * share, 14),
            };
            between.clamp(from, to)
        };
        let value = if domain.is_integer() { value.round() } else { value };
        #[expect(clippy::float_cmp, reason = "equal values are dropped")]
        if values.last().is_none_or(|before| *before != value) {
            values.push(value);
        }
    }
    Ok(values)
}

/// Rounds to significant digits: one more than `places`.
fn rounded(value: f64, places: usize) -> f64 {
    format!("{value:.places$e}").parse().unwrap_or(value)
}

/// Reports the first value of a range that is not allowed.
fn check_values(path: &str, values: &[f64], domain: ValueDomain<'_>, issues: &mut Issues) {
    let wrong = values.iter().enumerate().find_map(|(index, value)| {
        let (code, message) = domain.check(*value).err()?;
        Some((index, code, message))
    });
    if let Some((index, code, message)) = wrong {
        let position = format!("value {} of {}", index + 1, values.len());
        issues.add(path, code, format!("{path} {message} ({position})"));
    }
}
