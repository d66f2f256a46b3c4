//! Bars as a caller passes them: columns, or Arrow IPC bytes.

use crate::compute::parallel::Sequential;
use crate::error::{Code, Error, Result};
use crate::market::{Bars, Column, Limit, Timeframe, arrow, time};
use crate::observer::NoObserver;
use crate::request::{Fields, Input, Issues};

/// Reads and checks bars. Arrow bytes with more rows than the limit are rejected before they are decoded.
///
/// # Errors
/// `INVALID_ARGUMENT` for columns that are missing or not numeric, `BAD_DATA` for bars that violate an invariant,
/// `LIMIT_EXCEEDED` for too many Arrow rows.
pub fn read(path: &str, input: &Input, limit: Limit) -> Result<Bars> {
    match input {
        Input::Bars(bars) => return Ok(bars.clone()),
        Input::Bytes(bytes) => return arrow::from_ipc(bytes, limit, &NoObserver),
        _ => {}
    }
    let mut issues = Issues::default();
    let mut fields = Fields::open(path, input, &mut issues);
    let timestamps = column(&mut fields, "timestamps", true, &mut issues);
    let open = column(&mut fields, "open", true, &mut issues);
    let high = column(&mut fields, "high", true, &mut issues);
    let low = column(&mut fields, "low", true, &mut issues);
    let close = column(&mut fields, "close", true, &mut issues);
    let volume = column(&mut fields, "volume", false, &mut issues);
    fields.finish(&mut issues);
    issues.into_result(Code::InvalidArgument)?;
    let (Some(timestamps), Some(open), Some(high), Some(low), Some(close)) =
        (timestamps, open, high, low, close)
    else {
        return Err(Error::internal("a column was neither read nor rejected"));
    };
    Bars::new(read_timestamps(path, &timestamps)?, open, high, low, close, volume)
}

/// Reads a column of numbers: a `Float64Array`, or an array of numbers.
pub fn column(
    fields: &mut Fields<'_>,
    name: &'static str,
    required: bool,
    issues: &mut Issues,
) -> Option<Column> {
    let path = fields.path(name);
    match fields.take(name) {
        Some(Input::Floats(values) | Input::Prices(values) | Input::Numbers(values)) => {
            Some(values.clone())
        }
        Some(Input::Timestamps(timestamps)) => {
            Some(time::to_numbers(&timestamps.values, &Sequential).into())
        }
        Some(Input::List(items)) => numbers(&path, items, issues),
        Some(Input::Mixed(mixed)) => {
            add_not_a_number(&path, mixed.index, &mixed.item, issues);
            None
        }
        Some(other) => {
            issues.add(
                path.clone(),
                "type",
                format!("{path} must be a Float64Array, was {}", other.describe()),
            );
            None
        }
        None => {
            if required {
                fields.missing(name, issues);
            }
            None
        }
    }
}

fn numbers(path: &str, items: &[Input], issues: &mut Issues) -> Option<Column> {
    let mut values = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        match item {
            Input::Number(value) => values.push(*value),
            other => {
                add_not_a_number(path, index, other, issues);
                return None;
            }
        }
    }
    Some(values.into())
}

fn add_not_a_number(path: &str, index: usize, item: &Input, issues: &mut Issues) {
    let path = format!("{path}[{index}]");
    issues.add(path.clone(), "type", format!("{path} must be a number, was {}", item.describe()));
}

/// Converts a column of UTC milliseconds to integers.
///
/// # Errors
/// `BAD_DATA` for the first value that is not a valid timestamp.
pub fn read_timestamps(path: &str, timestamps: &[f64]) -> Result<Vec<i64>> {
    let mut whole = vec![0; timestamps.len()];
    #[expect(
        clippy::cast_possible_truncation,
        reason = "checked below to be whole and within the range of a Date"
    )]
    for (whole, &value) in whole.iter_mut().zip(timestamps) {
        *whole = value as i64;
    }
    #[expect(
        clippy::cast_precision_loss,
        clippy::float_cmp,
        reason = "only exact integers compare equal"
    )]
    let invalid = timestamps
        .iter()
        .zip(&whole)
        .position(|(&number, &whole)| number != whole as f64 || whole.abs() > time::LIMIT);
    if let Some(bar) = invalid {
        let path = format!("{path}.timestamps[{bar}]");
        let found = timestamps.get(bar).copied().unwrap_or(f64::NAN);
        let message = format!("{path} must be whole UTC milliseconds, was {found}");
        return Err(Error::with_issues(
            Code::BadData,
            vec![crate::error::Issue::new(path, "bad_bar", message)],
        ));
    }
    Ok(whole)
}

/// Returns the timeframe of bars: the stated one if the bars are compatible with it, or the inferred one if none is stated.
///
/// # Errors
/// `INVALID_ARGUMENT` if the bars are not compatible with the stated timeframe, or none can be inferred.
pub fn timeframe(path: &str, bars: &Bars, stated: Option<Timeframe>) -> Result<Timeframe> {
    let Some(median) = bars.median_step() else {
        // A single bar is compatible with any timeframe.
        return Ok(stated.unwrap_or(Timeframe::D1));
    };
    let smallest =
        bars.timestamps().windows(2).map(|pair| pair[1] - pair[0]).min().unwrap_or(median);
    match stated {
        // Daily bars in local time are 23 or 25 hours apart twice a year, and an illiquid market has gaps. Bars whose
        // distance is never near the stated timeframe have another one.
        Some(timeframe)
            if median >= timeframe.milliseconds()
                && smallest <= timeframe.milliseconds() * 3 / 2 =>
        {
            Ok(timeframe)
        }
        Some(timeframe) => Err(Error::invalid(
            "timeframe",
            "conflict",
            format!(
                "{path} cannot be of timeframe {timeframe}: the median distance of two bars is {}",
                distance(median)
            ),
        )),
        None => bars.inferred_timeframe().ok_or_else(|| {
            let names: Vec<&str> = Timeframe::ALL.iter().map(|(name, _)| *name).collect();
            let message = format!(
                "timeframe is required: the median distance of two bars is {}, which is not one of {}",
                distance(median),
                names.join(", ")
            );
            Error::invalid("timeframe", "required", message)
        }),
    }
}

fn distance(milliseconds: i64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "only displayed")]
    let value = milliseconds as f64;
    match milliseconds {
        step if step >= time::DAY => format!("{} days", value / 86_400_000.0),
        step if step >= 60_000 => format!("{} minutes", value / 60_000.0),
        _ => format!("{milliseconds} ms"),
    }
}
