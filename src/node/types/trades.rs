//! The trades of a backtest.

use std::iter;

use napi_derive::napi;

use crate::compute::prefetch::{PREFETCH_DISTANCE, prefetch_at};
use crate::portfolio::Trades;

/// A trade: a position, or the part of one that an exit closed.
#[napi(object, object_from_js = false, object_to_js = false, use_nullable = true)]
pub struct Trade {
    /// Time of the entry, ISO 8601.
    pub entry_date: String,
    /// Time of the exit, ISO 8601; null for an open trade.
    pub exit_date: Option<String>,
    /// Direction of the position.
    #[napi(ts_type = "'long' | 'short'")]
    pub direction: String,
    /// Average entry price, including slippage.
    pub entry_price: f64,
    /// Average exit price, including slippage; null for an open trade.
    pub exit_price: Option<f64>,
    /// Units of the asset.
    pub quantity: f64,
    /// Profit or loss after fees; for an open trade, at the last close.
    pub pnl: f64,
    /// Profit or loss in percent of the entry value.
    pub pnl_percent: f64,
    /// Fees of entry and exit.
    pub fees: f64,
    /// Whether the trade is still open at the last bar.
    #[napi(ts_type = "'open' | 'closed'")]
    pub status: String,
    /// Why the trade ended; null for an open trade, and for runs of earlier versions.
    #[napi(ts_type = "'signal' | 'stopLoss' | 'trailing' | 'takeProfit' | 'windowEnd'")]
    pub exit_reason: Option<String>,
    /// Index of the bar of the entry among all bars of the run, which are those of `timestamps` unless `maxPoints` thins it.
    pub entry_bar: f64,
    /// Index of the bar of the exit among all bars of the run; null for an open trade.
    pub exit_bar: Option<f64>,
    /// Number of bars from the entry to the exit, or to the last bar for an open trade.
    pub bars: f64,
    /// The worst result while the trade was held, at most 0, in percent of the entry price, before fees. docs/execution.md
    /// says which prices count. Null for runs of earlier versions.
    pub max_adverse_excursion: Option<f64>,
    /// The best result while the trade was held, at least 0, in percent of the entry price, before fees. Null for runs of
    /// earlier versions.
    pub max_favorable_excursion: Option<f64>,
}

/// Appends a column of trades, given the timestamps of the bars.
type AppendColumn = fn(&Trades, &[i64], &mut Vec<f64>);

/// The columns of trades in the order of the matrix. `runtime.js` creates the objects from them: dates are UTC milliseconds,
/// directions are 0 for long and 1 for short, statuses are 0 for open and 1 for closed, reasons are 0 for none and otherwise
/// numbered as in `ExitReason`. What is not known of runs of earlier versions is 0 for reasons and NaN for excursions.
static COLUMNS: [(&str, AppendColumn); 15] = [
    ("entryDate", |trades, timestamps, matrix| {
        append_timestamps(&trades.entry_bar, timestamps, matrix);
    }),
    ("exitDate", |trades, timestamps, matrix| {
        append_timestamps(&trades.exit_bar, timestamps, matrix);
    }),
    ("direction", |trades, _, matrix| {
        matrix.extend(trades.direction.iter().copied().map(f64::from));
    }),
    ("entryPrice", |trades, _, matrix| matrix.extend_from_slice(&trades.entry_price)),
    ("exitPrice", |trades, _, matrix| matrix.extend_from_slice(&trades.exit_price)),
    ("quantity", |trades, _, matrix| matrix.extend_from_slice(&trades.size)),
    ("pnl", |trades, _, matrix| matrix.extend_from_slice(&trades.pnl)),
    ("pnlPercent", |trades, _, matrix| matrix.extend_from_slice(&trades.pnl_percent)),
    ("fees", |trades, _, matrix| {
        let fees = trades.entry_fees.iter().zip(&trades.exit_fees);
        matrix.extend(fees.map(|(entry, exit)| entry + exit));
    }),
    ("status", |trades, _, matrix| matrix.extend(trades.status.iter().copied().map(f64::from))),
    ("exitReason", |trades, _, matrix| {
        if trades.are_detailed() {
            matrix.extend(trades.exit_reason.iter().copied().map(f64::from));
        } else {
            matrix.extend(iter::repeat_n(0.0, trades.len()));
        }
    }),
    ("entryBar", |trades, _, matrix| {
        matrix.extend(trades.entry_bar.iter().copied().map(f64::from));
    }),
    ("exitBar", |trades, _, matrix| {
        matrix.extend(trades.exit_bar.iter().copied().map(f64::from));
    }),
    ("maxAdverseExcursion", |trades, _, matrix| {
        append_excursions(trades, &trades.max_adverse_excursion, matrix);
    }),
    ("maxFavorableExcursion", |trades, _, matrix| {
        append_excursions(trades, &trades.max_favorable_excursion, matrix);
    }),
];

fn append_excursions(trades: &Trades, column: &[f64], matrix: &mut Vec<f64>) {
    if trades.are_detailed() {
        matrix.extend_from_slice(column);
    } else {
        matrix.extend(iter::repeat_n(f64::NAN, trades.len()));
    }
}

/// Returns the names of the columns.
pub(super) fn column_names() -> Vec<&'static str> {
    COLUMNS.iter().map(|(name, _)| *name).collect()
}

/// Returns the trades as a column-major matrix.
pub(super) fn matrix(trades: &Trades, timestamps: &[i64]) -> Vec<f64> {
    let mut matrix = Vec::with_capacity(trades.len() * COLUMNS.len());
    for (_, append) in &COLUMNS {
        append(trades, timestamps, &mut matrix);
    }
    matrix
}

fn append_timestamps(bars: &[u32], timestamps: &[i64], matrix: &mut Vec<f64>) {
    #[expect(clippy::cast_precision_loss, reason = "timestamps of a Date are below 2^53")]
    let timestamp =
        |bar: &u32| timestamps.get(*bar as usize).map_or(0.0, |&timestamp| timestamp as f64);
    matrix.extend(bars.iter().enumerate().map(|(trade, bar)| {
        if let Some(&later) = bars.get(trade + PREFETCH_DISTANCE) {
            prefetch_at(timestamps, later as usize);
        }
        timestamp(bar)
    }));
}
