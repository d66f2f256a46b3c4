//! The machine itself on somebody's own signals: arrays in, a whole result out, nothing stored.

use crate::backtest::{Backtest, BacktestInput, Buffers, Outputs, Pipeline};
use crate::error::{Code, Error, Issue, Result};
use crate::market::bars::median_step;
use crate::market::{Column, Timestamps, time};
use crate::observer::NoObserver;
use crate::portfolio::Trades;
use crate::request::{Fields, Input, Issues, Range};
use crate::settings::Settings;
use crate::signals::{Bits, Signals};
use crate::simulation::{Orders, Prices};
use crate::store::record::Summary;

use super::backtest_request::{FEW_BARS, is_long};
use super::outcome::values;
use super::pool::{Length, SimulationPool};
use super::{bars_input, pool};

/// What came out of a simulation of signals.
#[derive(Debug)]
pub struct SimulationResult {
    /// The headline and the metrics.
    pub summary: Summary,
    /// The orders.
    pub orders: Orders,
    /// The trades.
    pub trades: Trades,
    /// Equity at each bar, money.
    pub equity: Vec<f64>,
}

#[derive(Debug)]
struct Request {
    timestamps: Column<i64>,
    step: i64,
    open: Option<Column>,
    high: Option<Column>,
    low: Option<Column>,
    close: Column,
    /// Whether all prices are known to be finite and above 0.
    are_prices: bool,
    signals: Signals,
    initial_capital: f64,
    settings: Settings,
}

/// Returns whether there are few bars.
pub fn is_small(request: &Input) -> bool {
    let Input::Record(fields) = request else { return false };
    fields.iter().all(|(_, value)| match value {
        Input::Floats(column) | Input::Prices(column) | Input::Numbers(column) => {
            column.len() <= FEW_BARS
        }
        Input::Timestamps(timestamps) => timestamps.values.len() <= FEW_BARS,
        Input::Bytes(column) => column.len() <= FEW_BARS,
        Input::Bits(column) | Input::Flags(column) => column.len() <= FEW_BARS,
        Input::List(column) => column.len() <= FEW_BARS,
        _ => true,
    })
}

/// Simulates signals.
///
/// # Errors
/// `INVALID_ARGUMENT` with all problems, `BAD_DATA` for prices that are not above 0 or timestamps out of order.
pub async fn simulate_signals(input: &Input) -> Result<SimulationResult> {
    let request = pool::reading(is_long(input), || read(input))?;
    pool::run(Length::of(request.close.len()), move || {
        let prices = Prices::checked(
            request.open.as_deref(),
            request.high.as_deref(),
            request.low.as_deref(),
            &request.close,
            request.are_prices,
        )?
        .with_timestamps(&request.timestamps);
        let input = BacktestInput {
            prices,
            timestamps: &request.timestamps,
            bar_milliseconds: request.step,
            initial_capital: request.initial_capital,
            settings: &request.settings,
        };
        let pipeline = Pipeline { executor: &SimulationPool, observer: &NoObserver };
        let buffers = &mut Buffers::default();
        let Backtest { simulation, trades, equity, final_capital, total_return, metrics, warnings } =
            pipeline.run(&input, &request.signals, &Outputs::ALL, buffers)?;
        Ok(SimulationResult {
            summary: Summary { final_capital, total_return, metrics: values(metrics), warnings },
            orders: simulation.orders,
            trades: trades.unwrap_or_default(),
            equity: equity.unwrap_or_default(),
        })
    })
    .await
}

fn read(input: &Input) -> Result<Request> {
    let mut issues = Issues::default();
    let mut fields = Fields::open("", input, &mut issues);
    let close = bars_input::column(&mut fields, "close", true, &mut issues);
    let are_prices = ["open", "high", "low", "close"]
        .into_iter()
        .all(|name| fields.take(name).is_none_or(|column| matches!(column, Input::Prices(_))));
    let bars = close.as_ref().map_or(0, |close| close.len());
    let optional = |name, fields: &mut Fields<'_>, issues: &mut Issues| {
        let column = bars_input::column(fields, name, false, issues);
        column.filter(|column| same_length(name, column.len(), bars, issues))
    };
    let open = optional("open", &mut fields, &mut issues);
    let high = optional("high", &mut fields, &mut issues);
    let low = optional("low", &mut fields, &mut issues);
    let sound = match fields.take("timestamps") {
        Some(Input::Timestamps(timestamps)) => {
            same_length("timestamps", timestamps.values.len(), bars, &mut issues)
                .then_some(timestamps)
        }
        _ => None,
    };
    let timestamps =
        if sound.is_some() { None } else { optional("timestamps", &mut fields, &mut issues) };
    let signals = Signals {
        entries: signal(&mut fields, "entries", bars, true, &mut issues).unwrap_or_default(),
        exits: signal(&mut fields, "exits", bars, true, &mut issues).unwrap_or_default(),
        short_entries: signal(&mut fields, "shortEntries", bars, false, &mut issues),
        short_exits: signal(&mut fields, "shortExits", bars, false, &mut issues),
    };
    let initial_capital = fields.required_number("initialCapital", Range::POSITIVE, &mut issues);
    let settings = Settings::read_fields(&mut fields, &mut issues);
    fields.finish(&mut issues);
    issues.into_result(Code::InvalidArgument)?;
    let (Some(close), Some(initial_capital)) = (close, initial_capital) else {
        return Err(Error::internal("a field was neither read nor refused"));
    };
    let (timestamps, step) = read_timestamps(sound, timestamps.as_deref())?;
    Ok(Request {
        timestamps,
        step,
        open,
        high,
        low,
        close,
        are_prices,
        signals,
        initial_capital,
        settings,
    })
}

fn same_length(name: &str, length: usize, bars: usize, issues: &mut Issues) -> bool {
    if length != bars {
        issues.add(
            name,
            "length",
            format!("{name} has {length} values for {bars} values of close"),
        );
    }
    length == bars
}

/// Reads one 0 or 1 (or boolean) a bar.
fn signal(
    fields: &mut Fields<'_>,
    name: &'static str,
    bars: usize,
    required: bool,
    issues: &mut Issues,
) -> Option<Bits> {
    let Some(input) = fields.take(name) else {
        if required {
            fields.missing(name, issues);
        }
        return None;
    };
    let (length, bits, fault) = match input {
        Input::Bits(bits) | Input::Flags(bits) => (bits.len(), Some(bits.clone()), None),
        Input::Mixed(mixed) => (mixed.length, None, Some((mixed.index, mixed.item.describe()))),
        Input::Bytes(bytes) => {
            let bits = Bits::from_bytes(bytes);
            let other = || bytes.iter().enumerate().find(|(_, byte)| **byte > 1);
            let fault = if bits.is_some() {
                None
            } else {
                other().map(|(bar, byte)| (bar, byte.to_string()))
            };
            (bytes.len(), bits, fault)
        }
        Input::List(items) => {
            let other = items.iter().enumerate().find(|(_, item)| as_bit(item).is_none());
            let bits =
                Bits::from_fn(items.len(), |bar| items.get(bar).and_then(as_bit) == Some(true));
            (items.len(), Some(bits), other.map(|(bar, item)| (bar, item.describe())))
        }
        other => {
            issues.add(
                name,
                "type",
                format!(
                    "{name} must be a Uint8Array or an array of booleans, was {}",
                    other.describe()
                ),
            );
            return None;
        }
    };
    if let Some((bar, found)) = fault {
        let place = format!("{name}[{bar}]");
        issues.add(place.clone(), "range", format!("{place} must be 0 or 1, was {found}"));
        return None;
    }
    bits.filter(|_| same_length(name, length, bars, issues))
}

fn as_bit(input: &Input) -> Option<bool> {
    match input {
        Input::Bool(value) => Some(*value),
        Input::Number(value) if *value == 0.0 => Some(false),
        Input::Number(value) if (*value - 1.0).abs() < f64::EPSILON => Some(true),
        _ => None,
    }
}

/// Returns the timestamps of the bars and the length of one: what is given and its median step, or none and a day.
fn read_timestamps(
    sound: Option<&Timestamps>,
    given: Option<&[f64]>,
) -> Result<(Column<i64>, i64)> {
    if let Some(timestamps) = sound {
        let step = timestamps.median_step().or_else(|| median_step(&timestamps.values));
        return Ok((timestamps.values.clone(), step.unwrap_or(time::DAY)));
    }
    let Some(given) = given else { return Ok((Column::default(), time::DAY)) };
    let timestamps = bars_input::read_timestamps("", given)?;
    if let Some(bar) = timestamps.windows(2).position(|pair| pair[0] >= pair[1]) {
        let place = format!("timestamps[{}]", bar + 1);
        let message = format!("{place} must be after the timestamp before it");
        return Err(Error::with_issues(Code::BadData, vec![Issue::new(place, "bad_bar", message)]));
    }
    let step = median_step(&timestamps).unwrap_or(time::DAY);
    Ok((timestamps.into(), step))
}
