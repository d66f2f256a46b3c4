//! Simulates signals of the caller. Nothing is stored.

use crate::backtest::{Backtest, BacktestInput, Buffers, Pipeline, annualization};
use crate::error::{Code, Error, Issue, Result};
use crate::market::bars::{is_regular, median_step};
use crate::market::raw::check_milliseconds;
use crate::market::{Annualization, Column, Timestamps, time};
use crate::note::{self, Note};
use crate::observer::NoObserver;
use crate::portfolio::Trades;
use crate::quote::counted;
use crate::request::{Fields, Input, Issues, Range};
use crate::settings::Settings;
use crate::signals::{Bits, Signals};
use crate::simulation::{Orders, Prices};
use crate::store::record::MetricValues;
use crate::store::result_parts::ResultParts;

use super::outcome::{outputs_of, values};
use super::pool::{BRIEF_BARS, JobLength, SimulationPool};
use super::signal_input::{EXPECTED, SignalColumn, way_out};
use super::{bar_notes, bars_input, outputs, pool};

/// The result of a simulation of signals.
#[derive(Debug)]
pub struct SimulationResult {
    /// Money at the end.
    pub final_capital: f64,
    /// Total return, percent.
    pub total_return: f64,
    /// Every metric, in the order of the list of metrics.
    pub metrics: MetricValues,
    /// What a reader of the results should know, the most serious first.
    pub notes: Vec<Note>,
    /// The parts that were asked for. Others are empty.
    pub parts: ResultParts,
    /// Whether the orders were asked for.
    pub has_orders: bool,
    /// Bars per year for annualized metrics.
    pub annualization: Annualization,
    /// The orders.
    pub orders: Orders,
    /// The trades.
    pub trades: Trades,
    /// Equity at each bar.
    pub equity: Vec<f64>,
}

/// A valid request.
#[derive(Debug)]
struct SignalsRequest {
    timestamps: Column<i64>,
    /// The length of a bar, milliseconds; `None` if the timestamps are irregular.
    step: Option<i64>,
    open: Option<Column>,
    high: Option<Column>,
    low: Option<Column>,
    close: Column,
    /// Whether all prices are known to be finite and above 0.
    is_checked: bool,
    signals: Signals,
    initial_capital: f64,
    parts: ResultParts,
    has_orders: bool,
    settings: Settings,
}

/// The names of the parts of a result.
const OUTPUTS: [&str; 5] = ["metrics", "trades", "equity", "warnings", "orders"];

/// Returns whether the simulation is so small that it can run on the calling thread.
pub fn is_small(request: &Input) -> bool {
    request.longest_column() <= BRIEF_BARS
}

/// Simulates signals.
///
/// # Errors
/// `INVALID_ARGUMENT` with all problems; `BAD_DATA` for prices that are not above 0, or timestamps out of order.
pub async fn simulate_signals(input: &Input) -> Result<SimulationResult> {
    let request = pool::run_blocking(input.is_long_to_read(), || read(input))?;
    pool::run(JobLength::of(request.close.len()), move || {
        let prices = Prices::checked(
            request.open.as_deref(),
            request.high.as_deref(),
            request.low.as_deref(),
            &request.close,
            request.is_checked,
        )?
        .with_timestamps(&request.timestamps);
        let annualization = annualization(&request.settings, &request.timestamps, request.step);
        let input = BacktestInput {
            prices,
            timestamps: &request.timestamps,
            bar_milliseconds: request.step,
            annualization,
            initial_capital: request.initial_capital,
            settings: &request.settings,
        };
        let pipeline = Pipeline { executor: &SimulationPool, observer: &NoObserver };
        let buffers = &mut Buffers::default();
        let Backtest { simulation, trades, equity, final_capital, total_return, metrics, notes } =
            pipeline.run(&input, &request.signals, &outputs_of(request.parts), buffers)?;
        let (open, timestamps) = (request.open.as_deref(), &request.timestamps);
        let mut remarks = Vec::new();
        if request.parts.warnings {
            remarks = bar_notes::of_columns(open, &request.close, timestamps, request.step);
            remarks.extend(notes);
            note::sort(&mut remarks);
        }
        Ok(SimulationResult {
            final_capital,
            total_return,
            metrics: if request.parts.metrics { values(metrics) } else { Vec::new() },
            notes: remarks,
            parts: request.parts,
            has_orders: request.has_orders,
            annualization,
            orders: if request.has_orders { simulation.orders } else { Orders::default() },
            trades: trades.unwrap_or_default(),
            equity: equity.unwrap_or_default(),
        })
    })
    .await
}

fn read(input: &Input) -> Result<SignalsRequest> {
    let mut issues = Issues::default();
    let mut fields = Fields::open("", input, &mut issues);
    let close = bars_input::column(&mut fields, "close", true, &mut issues);
    let is_checked = ["open", "high", "low", "close"]
        .into_iter()
        .all(|name| fields.take(name).is_none_or(|column| matches!(column, Input::Prices(_))));
    let bars = close.as_ref().map_or(0, |close| close.len());
    let optional = |name, fields: &mut Fields<'_>, issues: &mut Issues| {
        let column = bars_input::column(fields, name, false, issues);
        column.filter(|column| has_same_length(name, column.len(), bars, issues))
    };
    let open = optional("open", &mut fields, &mut issues);
    let high = optional("high", &mut fields, &mut issues);
    let low = optional("low", &mut fields, &mut issues);
    let checked = match fields.take("timestamps") {
        Some(Input::Timestamps(timestamps)) => {
            has_same_length("timestamps", timestamps.values.len(), bars, &mut issues)
                .then_some(timestamps)
        }
        _ => None,
    };
    let timestamps =
        if checked.is_some() { None } else { optional("timestamps", &mut fields, &mut issues) };
    let signals = Signals {
        entries: signal(&mut fields, "entries", bars, true, &mut issues).unwrap_or_default(),
        exits: signal(&mut fields, "exits", bars, true, &mut issues).unwrap_or_default(),
        short_entries: signal(&mut fields, "shortEntries", bars, false, &mut issues),
        short_exits: signal(&mut fields, "shortExits", bars, false, &mut issues),
    };
    let initial_capital = fields.required_number("initialCapital", Range::POSITIVE, &mut issues);
    let names = outputs::read_outputs(&mut fields, &OUTPUTS, &mut issues);
    let has_orders = names.as_ref().is_none_or(|names| names.contains(&"orders"));
    let parts = names.map_or(ResultParts::ALL, ResultParts::named);
    let settings = Settings::read_fields(&mut fields, &mut issues);
    fields.finish(&mut issues);
    issues.into_result(Code::InvalidArgument)?;
    let (Some(close), Some(initial_capital)) = (close, initial_capital) else {
        return Err(Error::internal("a field was neither read nor rejected"));
    };
    let (timestamps, step) = read_timestamps(checked, timestamps.as_deref())?;
    Ok(SignalsRequest {
        timestamps,
        step,
        open,
        high,
        low,
        close,
        is_checked,
        signals,
        initial_capital,
        parts,
        has_orders,
        settings,
    })
}

fn has_same_length(name: &str, length: usize, bars: usize, issues: &mut Issues) -> bool {
    if length != bars {
        issues.add(
            name,
            "length",
            format!(
                "{name} has {} for {} of close",
                counted(length, "value"),
                counted(bars, "value")
            ),
        );
    }
    length == bars
}

/// Reads one 0 or 1 (or boolean) per bar.
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
    let Some(column) = SignalColumn::read(input) else {
        issues.add(
            name,
            "type",
            format!("{name} must be {EXPECTED}, was {}{}", input.describe(), way_out(input)),
        );
        return None;
    };
    if let Some((bar, found)) = column.invalid {
        let path = format!("{name}[{bar}]");
        issues.add(path.clone(), "range", format!("{path} must be 0 or 1, was {found}"));
        return None;
    }
    column.bits.filter(|_| has_same_length(name, column.length, bars, issues))
}

/// Returns the timestamps of the bars and their median distance if they are regular; without timestamps, none and one day.
fn read_timestamps(
    checked: Option<&Timestamps>,
    unchecked: Option<&[f64]>,
) -> Result<(Column<i64>, Option<i64>)> {
    let describe = |bar: usize| format!("timestamps[{bar}]");
    if let Some(timestamps) = checked {
        check_milliseconds(&timestamps.values, None, &describe)?;
        let step = timestamps.median_step().or_else(|| step_of(&timestamps.values));
        return Ok((timestamps.values.clone(), step));
    }
    let Some(unchecked) = unchecked else { return Ok((Column::default(), Some(time::DAY))) };
    let timestamps = bars_input::read_timestamps("", unchecked)?;
    if let Some(bar) = timestamps.windows(2).position(|pair| pair[0] >= pair[1]) {
        let path = format!("timestamps[{}]", bar + 1);
        let message = format!("{path} must be after the timestamp before it");
        return Err(Error::with_issues(Code::BadData, vec![Issue::new(path, "bad_bar", message)]));
    }
    check_milliseconds(&timestamps, None, &describe)?;
    let step = step_of(&timestamps);
    Ok((timestamps.into(), step))
}

/// Returns the length of bars; `None` if they are at irregular times. A single bar is a daily one.
fn step_of(timestamps: &[i64]) -> Option<i64> {
    let Some(median) = median_step(timestamps) else { return Some(time::DAY) };
    is_regular(timestamps, median).then_some(median)
}
