//! Bars as a caller passes them: columns, or Arrow IPC bytes.

use crate::compute::parallel::Sequential;
use crate::error::{Code, Error, Result};
use crate::market::bars::formatted;
use crate::market::intervals::shared_interval;
use crate::market::raw::{NotedBars, RawBars, ReadOptions, check_milliseconds};
use crate::market::{Bars, Column, Limit, Timeframe, arrow, time};
use crate::observer::NoObserver;
use crate::request::{Fields, Input, Issues};

/// Reads and checks bars. Arrow bytes with more rows than the limit are rejected before they are decoded.
///
/// Timestamps in columns are milliseconds: seconds, microseconds and nanoseconds are refused.
///
/// # Errors
/// `INVALID_ARGUMENT` for columns that are missing or not numeric, `BAD_DATA` for bars that violate an invariant,
/// `LIMIT_EXCEEDED` for too many Arrow rows.
pub fn read(path: &str, input: &Input, limit: Limit, options: &ReadOptions) -> Result<NotedBars> {
    let describe = |bar: usize| format!("{path}.timestamps[{bar}]");
    let check = |timestamps: &[i64]| check_milliseconds(timestamps, options.timeframe, &describe);
    match input {
        Input::Bars(bars) => {
            check(bars.timestamps())?;
            return from_checked(bars, options, &describe);
        }
        Input::Bytes(bytes) => return arrow::from_ipc(bytes, limit, options, &NoObserver),
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
    let timestamps = read_timestamps(path, &timestamps)?;
    // Newest first, the largest comes first.
    let is_descending = timestamps.first() > timestamps.last();
    if is_descending {
        check(&timestamps.iter().rev().copied().collect::<Vec<_>>())?;
    } else {
        check(&timestamps)?;
    }
    let prices = [open, high, low, close];
    RawBars { timestamps, prices, volume, ..RawBars::default() }.into_bars(options, &describe)
}

/// Returns bars that satisfy the invariants already.
fn from_checked(
    bars: &Bars,
    options: &ReadOptions,
    describe: &dyn Fn(usize) -> String,
) -> Result<NotedBars> {
    if !options.is_series {
        return Ok(NotedBars { bars: bars.clone(), notes: Vec::new() });
    }
    let raw = RawBars {
        timestamps: bars.timestamps().to_vec(),
        prices: [bars.open(), bars.high(), bars.low(), bars.close()].map(Clone::clone),
        volume: bars.volume().cloned(),
        ..RawBars::default()
    };
    raw.into_bars(options, describe)
}

/// Reads a column of numbers: a `Float64Array`, a `Float32Array` except for timestamps, whole numbers of a `BigInt64Array`, or an
/// array of numbers.
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
        Some(Input::Singles(_)) if name == "timestamps" => {
            let message = format!(
                "{path} must be a Float64Array or a BigInt64Array: a Float32Array has too few digits for milliseconds"
            );
            issues.add(path, "type", message);
            None
        }
        Some(Input::Singles(values)) => Some(values.clone()),
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
                format!(
                    "{path} must be a Float64Array or an array of numbers, was {}",
                    other.describe()
                ),
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
    let is_missing_volume = matches!(item, Input::Null) && path.contains("volume[");
    let hint = if is_missing_volume { "; a missing volume is NaN" } else { "" };
    let message = format!("{path} must be a number, was {}{hint}", item.describe());
    issues.add(path, "type", message);
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
        let dot = if path.is_empty() { "" } else { "." };
        let path = format!("{path}{dot}timestamps[{bar}]");
        let found = timestamps.get(bar).copied().unwrap_or(f64::NAN);
        let hint = if found.fract() == 0.0 {
            ", which is beyond the range of a Date; nanoseconds are divided by 1000000"
        } else {
            ""
        };
        let found = formatted(found);
        let message = format!("{path} must be whole UTC milliseconds, was {found}{hint}");
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
    // The first bar of a session may be shorter, if it has an interval of its own.
    let may_be_half = |timeframe: Timeframe| {
        median >= timeframe.milliseconds() / 2
            && shared_interval(bars.timestamps(), timeframe).is_none()
    };
    match stated {
        // Sessions begin with shorter bars, and daily bars in local time are 23 hours apart once a year. An illiquid market has
        // gaps, and a few bars may be on both sides of a night or a weekend. Of many bars, some are a timeframe apart.
        Some(timeframe)
            if (median >= timeframe.milliseconds() || may_be_half(timeframe))
                && (bars.len() < FEW_BARS || smallest <= timeframe.milliseconds() * 2) =>
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

/// Of fewer bars, the distance may be that of two sessions.
const FEW_BARS: usize = 10;

fn distance(milliseconds: i64) -> String {
    const MINUTE: i64 = 60_000;
    let units = [(time::DAY, "day"), (60 * MINUTE, "hour"), (MINUTE, "minute"), (1000, "second")];
    let Some((length, unit)) = units.into_iter().find(|(length, _)| milliseconds >= *length) else {
        return format!("{milliseconds} ms");
    };
    #[expect(clippy::cast_precision_loss, reason = "only displayed")]
    let value = (milliseconds as f64 / length as f64 * 100.0).round() / 100.0;
    format!("{value} {unit}{}", if milliseconds == length { "" } else { "s" })
}
