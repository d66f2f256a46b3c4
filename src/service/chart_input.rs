//! The run to draw, as a caller passes it: the id of a stored run, or a result.
//!
//! The binding converts the trades of a result to columns, because reading many objects from Rust is slow.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::market::Interval;
use crate::numbers::count_to_f64;
use crate::portfolio::Trades;
use crate::quote::counted;
use crate::request::{Fields, Input, Issues, Range};
use crate::store::record::{Outcome, Status, Summary};

use super::bars_input;
use super::charted_run::{ChartedRun, not_completed, without_outputs};

/// The run to draw.
#[derive(Debug)]
pub(super) enum ChartInput {
    /// A stored run, by its id.
    Stored(String),
    /// A result that the caller passed.
    Result(Box<ChartedRun>),
}

/// Reads an id or a result.
pub(super) fn read(input: &Input, issues: &mut Issues) -> Option<ChartInput> {
    match input {
        Input::Text(id) => Some(ChartInput::Stored(id.clone())),
        Input::Record(_) => read_result(input, issues).map(|run| ChartInput::Result(Box::new(run))),
        Input::Null => {
            issues.add(
                "backtest",
                "required",
                "backtest is required: the id of one, or its result",
            );
            None
        }
        other => {
            let message = format!(
                "backtest must be the id of a backtest or its result, was {}",
                other.describe()
            );
            issues.add("backtest", "type", message);
            None
        }
    }
}

fn read_result(input: &Input, issues: &mut Issues) -> Option<ChartedRun> {
    // Other fields of a result are ignored.
    let mut fields = Fields::open("result", input, issues);
    if let Some(Input::Text(status)) = fields.take("status")
        && Status::parse(status).is_some_and(|status| status != Status::Completed)
    {
        let id = fields.text("backtestId", issues).unwrap_or_default();
        issues.extend(not_completed("result.status", &id, status).issues);
        return None;
    }
    let strategy_id = fields.required_text("strategyId", issues);
    let strategy_source = fields.text("strategySource", issues);
    let asset_symbol = fields.required_text("assetSymbol", issues);
    let timeframe = required_timeframe(&mut fields, issues);
    let start = fields.required_timestamp("startDate", issues);
    let end = fields.required_timestamp("endDate", issues);
    let initial_capital = fields.required_number("initialCapital", Range::POSITIVE, issues);
    let fingerprint = fields.text("barsFingerprint", issues);
    // Only runs on imported bars have a status of their bars.
    let is_on_imported_bars = matches!(fields.take("barsStatus"), Some(Input::Text(_)));
    let parameters = record(fields.take("parameters"));
    let metrics = record(fields.take("metrics"));
    let timestamps = bars_input::column(&mut fields, "timestamps", false, issues);
    let equity = bars_input::column(&mut fields, "equityCurve", false, issues);
    let trades = fields.take("trades");
    let looks_ahead = fields.boolean("lookAhead", issues).unwrap_or(false);
    let total_points = fields.number("totalPoints", Range::NOT_NEGATIVE, issues);
    // One message names all that is missing.
    let missing = ["timestamps", "equityCurve", "trades"]
        .into_iter()
        .find(|name| fields.take(name).is_none());
    if let Some(name) = missing {
        issues.extend(without_outputs(&fields.path(name), "result").issues);
    }
    if let (Some(total), Some(timestamps), Some(equity)) = (total_points, &timestamps, &equity)
        && timestamps.len() == equity.len()
        && total > count_to_f64(timestamps.len())
    {
        let message = format!(
            "result.timestamps has {} of {total} points, because the result was thinned by maxPoints: pass the id of the backtest, or a result without maxPoints",
            timestamps.len()
        );
        issues.add("result.timestamps", "thinned", message);
        return None;
    }
    let (timestamps, equity) = columns(&timestamps?, &equity?, issues)?;
    let trades = read_trades(trades?, &timestamps, issues)?;
    let metrics = metrics.into_iter().map(|(name, value)| (name.into(), value.as_f64())).collect();
    Some(ChartedRun {
        strategy_id: strategy_id?,
        strategy_source,
        asset_symbol: asset_symbol?,
        timeframe: timeframe?,
        start: start?,
        end: end?,
        initial_capital: initial_capital?,
        parameters,
        fingerprint,
        is_on_imported_bars,
        looks_ahead,
        outcome: Arc::new(Outcome {
            summary: Summary { metrics, ..Summary::default() },
            trades,
            timestamps: timestamps.into(),
            equity,
        }),
    })
}

fn required_timeframe(fields: &mut Fields<'_>, issues: &mut Issues) -> Option<Interval> {
    if fields.take("timeframe").is_none() {
        fields.missing("timeframe", issues);
        return None;
    }
    fields.choice("timeframe", &Interval::ALL, issues)
}

fn record(input: Option<&Input>) -> Map<String, Value> {
    match input.map(Input::to_json) {
        Some(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

/// Checks the columns of a result.
fn columns(
    timestamps: &[f64],
    equity: &[f64],
    issues: &mut Issues,
) -> Option<(Vec<i64>, Vec<f64>)> {
    if timestamps.is_empty() {
        issues.add("result.timestamps", "range", "result.timestamps must not be empty");
        return None;
    }
    if timestamps.len() != equity.len() {
        let message = format!(
            "result.equityCurve has {} for {}",
            counted(equity.len(), "value"),
            counted(timestamps.len(), "timestamp")
        );
        issues.add("result.equityCurve", "length", message);
        return None;
    }
    let timestamps = match bars_input::read_timestamps("result", timestamps) {
        Ok(timestamps) => timestamps,
        Err(error) => {
            issues.extend(error.issues);
            return None;
        }
    };
    if let Some(bar) = timestamps.windows(2).position(|pair| pair[0] >= pair[1]) {
        let path = format!("result.timestamps[{}]", bar + 1);
        issues.add(path.clone(), "range", format!("{path} must be after the timestamp before it"));
        return None;
    }
    if let Some((bar, value)) = equity.iter().enumerate().find(|(_, value)| !value.is_finite()) {
        let path = format!("result.equityCurve[{bar}]");
        issues.add(path.clone(), "range", format!("{path} must be a finite number, was {value}"));
        return None;
    }
    Some((timestamps, equity.to_vec()))
}

/// Reads the columns that the binding created from `result.trades`.
fn read_trades(input: &Input, timestamps: &[i64], issues: &mut Issues) -> Option<Trades> {
    if !matches!(input, Input::Record(_)) {
        let message = format!("result.trades must be an array of trades, was {}", input.describe());
        issues.add("result.trades", "type", message);
        return None;
    }
    let mut fields = Fields::open("result.trades", input, issues);
    let mut column = |name| bars_input::column(&mut fields, name, true, issues);
    let entry_dates = column("entryDate");
    let exit_dates = column("exitDate");
    let entry_prices = column("entryPrice");
    let exit_prices = column("exitPrice");
    let shorts = column("short");
    let closed = column("closed");
    let profits = column("pnl");
    let (entry_dates, exit_dates) = (entry_dates?, exit_dates?);
    let (entry_prices, exit_prices) = (entry_prices?, exit_prices?);
    let (shorts, closed, profits) = (shorts?, closed?, profits?);
    let last = u32::try_from(timestamps.len() - 1).ok()?;
    let mut trades = Trades::default();
    let dates = entry_dates.iter().zip(exit_dates.iter());
    let prices = entry_prices.iter().zip(exit_prices.iter());
    let kinds = shorts.iter().zip(closed.iter()).zip(profits.iter());
    for (index, ((dates, prices), ((short, closed), pnl))) in
        dates.zip(prices).zip(kinds).enumerate()
    {
        let open = *closed == 0.0;
        let entry = bar_of(*dates.0, timestamps);
        let exit = if open { Some(last) } else { bar_of(*dates.1, timestamps) };
        let checks = [
            (entry.is_none(), "entryDate", "must be one of result.timestamps"),
            (exit.is_none(), "exitDate", "must be one of result.timestamps"),
            (short.is_nan(), "direction", "must be one of long, short"),
            (closed.is_nan(), "status", "must be one of open, closed"),
            (!prices.0.is_finite(), "entryPrice", "must be a finite number"),
            (!open && !prices.1.is_finite(), "exitPrice", "must be a finite number"),
            (!pnl.is_finite(), "pnl", "must be a finite number"),
        ];
        if let Some((_, field, what)) = checks.into_iter().find(|(is_invalid, ..)| *is_invalid) {
            let path = format!("result.trades[{index}].{field}");
            issues.add(path.clone(), "type", format!("{path} {what}"));
            return None;
        }
        trades.entry_bar.push(entry?);
        trades.exit_bar.push(exit?);
        trades.direction.push(u8::from(*short != 0.0));
        trades.status.push(u8::from(!open));
        trades.entry_price.push(*prices.0);
        trades.exit_price.push(if prices.1.is_finite() { *prices.1 } else { *prices.0 });
        trades.pnl.push(*pnl);
    }
    Some(trades)
}

fn bar_of(timestamp: f64, timestamps: &[i64]) -> Option<u32> {
    #[expect(clippy::cast_possible_truncation, reason = "looked up among timestamps")]
    let bar = timestamps.binary_search(&(timestamp as i64)).ok().filter(|_| !timestamp.is_nan())?;
    u32::try_from(bar).ok()
}
