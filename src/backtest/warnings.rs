//! Warnings about a run: what an expert would point out about its results.

use super::input::BacktestInput;
use crate::market::BarRef;
use crate::portfolio::Trades;
use crate::quote::counted;
use crate::settings::Execution;
use crate::simulation::{SignalKind, Simulation};

/// Fewer closed trades than this say little about a strategy.
const FEW_TRADES: usize = 30;

/// Annualized metrics of fewer bars than this are mostly chance.
const FEW_BARS: usize = 100;

/// What warnings look at.
#[derive(Debug)]
pub(super) struct WarningInput<'a> {
    pub(super) input: &'a BacktestInput<'a>,
    pub(super) simulation: &'a Simulation,
    pub(super) trades: &'a Trades,
    pub(super) equity: &'a [f64],
    pub(super) is_solvent: bool,
    pub(super) total_return: f64,
    /// The total return with fills at the next open, percent, if it is known.
    pub(super) at_next_open: Option<f64>,
    /// Metrics that have no value because a number on the way to it overflows, or is unknown for bars at irregular times.
    pub(super) overflowed: &'a [&'static str],
}

/// Returns the warnings of a run, the most serious first.
pub(super) fn find(run: &WarningInput<'_>) -> Vec<String> {
    [
        ruin(run),
        metrics_without_value(run),
        same_bar_fills(run),
        ambiguous_stops(run),
        few_trades(run),
        few_bars(run),
    ]
    .into_iter()
    .flatten()
    .chain(rejected_signals(run))
    .collect()
}

fn ruin(run: &WarningInput<'_>) -> Option<String> {
    if run.is_solvent {
        return None;
    }
    let bar = run.equity.iter().position(|value| *value <= 0.0)?;
    let bar = BarRef { bar, timestamps: run.input.timestamps };
    Some(format!("equity is at or below zero on {bar}: a broker would have closed the account"))
}

fn metrics_without_value(run: &WarningInput<'_>) -> Option<String> {
    let subject = match run.overflowed {
        [] => return None,
        [only] => format!("{only} has no value"),
        [first @ .., last] => format!("{} and {last} have no value", first.join(", ")),
    };
    let reason = if run.input.bar_milliseconds.is_none() {
        "the bars are at irregular times, so they have no length in days; aggregate them to bars of a timeframe"
    } else {
        "an intermediate result is outside the range of 64-bit floating-point numbers"
    };
    Some(format!("{subject}: {reason}"))
}

/// Formats percent for a sentence. The digits of a huge number are noise.
fn percent(value: f64) -> String {
    if value.abs() < 1e15 { format!("{value:.2} %") } else { format!("{value:.2e} %") }
}

/// A signal that needs the close of its bar cannot be filled at that close.
fn same_bar_fills(run: &WarningInput<'_>) -> Option<String> {
    let fills = run.simulation.orders.len();
    if run.input.settings.conventions.execution != Execution::Close || fills == 0 {
        return None;
    }
    let comparison = run.at_next_open.map_or_else(String::new, |at_next_open| {
        format!(
            "; filled at the next open, total return would be {} instead of {}",
            percent(at_next_open),
            percent(run.total_return)
        )
    });
    let orders = counted(fills, "order");
    let are = if fills == 1 { "is" } else { "are" };
    Some(format!(
        "{orders} {are} filled at the close of the bar that gave the signal{comparison} (setting execution: nextOpen)"
    ))
}

fn ambiguous_stops(run: &WarningInput<'_>) -> Option<String> {
    let ambiguous = run.simulation.stops.ambiguous;
    (ambiguous > 0).then(|| {
        let bars = counted(ambiguous as usize, "bar");
        format!(
            "{bars} touched both the stop loss and the take profit: the stop loss is assumed to come first, only finer \
             bars can tell"
        )
    })
}

fn few_trades(run: &WarningInput<'_>) -> Option<String> {
    let closed: usize = run.trades.status.iter().map(|status| usize::from(*status == 1)).sum();
    (closed < FEW_TRADES).then(|| {
        let trades = counted(closed, "closed trade");
        format!("only {trades}: fewer than {FEW_TRADES} say little about a strategy")
    })
}

fn few_bars(run: &WarningInput<'_>) -> Option<String> {
    let bars = run.input.prices.len();
    (bars < FEW_BARS).then(|| {
        let bars = counted(bars, "bar");
        format!(
            "metrics are computed from only {bars}: with fewer than {FEW_BARS}, annualized ones are mostly chance"
        )
    })
}

fn rejected_signals<'a>(run: &'a WarningInput<'_>) -> impl Iterator<Item = String> + 'a {
    SignalKind::ALL.into_iter().filter_map(|kind| {
        let of_kind = run.simulation.rejections.iter().filter(|rejection| rejection.kind == kind);
        let reason_counts: Vec<String> = of_kind
            .clone()
            .map(|rejection| format!("{} ({})", rejection.reason.as_str(), rejection.count))
            .collect();
        let total: usize = of_kind.map(|rejection| rejection.count as usize).sum();
        (total > 0).then(|| {
            let signals = counted(total, &format!("{} signal", kind.as_str()));
            format!("{signals} made no order: {}", reason_counts.join(", "))
        })
    })
}
