//! The result of simulating signals.

use std::mem::take;

use napi::bindgen_prelude::{Float64Array, Uint8Array, Uint32Array};
use napi_derive::napi;
use serde::Serialize;

use super::metrics;
use super::part::Part;
use crate::node::transfer::{Arrays, Group, Packed, TakeColumn, as_null};
use crate::note::Note;
use crate::portfolio::Trades;
use crate::service::simulate_signals::SimulationResult;
use crate::simulation::Orders;
use crate::store::record::MetricValues;

/// Orders as columns with one entry per order.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct OrderColumns {
    /// Index of the bar of the fill.
    pub bar: Uint32Array,
    /// 0 for buy, 1 for sell.
    pub side: Uint8Array,
    /// Units of the asset.
    pub size: Float64Array,
    /// Fill price, including slippage.
    pub price: Float64Array,
    /// Fees.
    pub fees: Float64Array,
}

/// Trades as columns with one entry per trade, in order of exit; an open trade comes last.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct TradeColumns {
    /// Index of the bar of the entry.
    pub entry_bar: Uint32Array,
    /// Index of the bar of the exit; for an open trade, the last bar.
    pub exit_bar: Uint32Array,
    /// 0 for long, 1 for short.
    pub direction: Uint8Array,
    /// 0 for open, 1 for closed.
    pub status: Uint8Array,
    /// Units of the asset.
    pub size: Float64Array,
    /// Average entry price.
    pub entry_price: Float64Array,
    /// Average exit price; for an open trade, the last close.
    pub exit_price: Float64Array,
    /// Fees of the entry.
    pub entry_fees: Float64Array,
    /// Fees of the exit.
    pub exit_fees: Float64Array,
    /// Profit or loss after fees.
    pub pnl: Float64Array,
    /// Profit or loss in percent of the entry value.
    pub pnl_percent: Float64Array,
    /// Why the trade ended: 0 for an open trade, 1 for a signal, 2 for a stop loss, 3 for a trailing stop, 4 for a take
    /// profit.
    pub exit_reason: Uint8Array,
    /// Number of bars from the entry to the exit.
    pub bars: Uint32Array,
    /// The worst result while the trade was held, at most 0, in percent of the entry price, before fees.
    pub max_adverse_excursion: Float64Array,
    /// The best result while the trade was held, at least 0, in percent of the entry price, before fees.
    pub max_favorable_excursion: Float64Array,
}

/// The result of simulating signals.
#[napi(object, object_from_js = false, object_to_js = false, js_name = "SimulationResult")]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JsSimulationResult {
    /// Final equity.
    pub final_capital: f64,
    /// Total return, percent.
    pub total_return: f64,
    /// All metrics; null for a metric without a value.
    #[napi(ts_type = "Metrics")]
    #[serde(serialize_with = "metrics::as_object", skip_serializing_if = "Part::is_absent")]
    pub metrics: Part<MetricValues>,
    /// The orders.
    #[napi(ts_type = "OrderColumns")]
    #[serde(serialize_with = "as_null", skip_serializing_if = "Part::is_absent")]
    pub orders: Part<Orders>,
    /// The trades.
    #[napi(ts_type = "TradeColumns")]
    #[serde(serialize_with = "as_null", skip_serializing_if = "Part::is_absent")]
    pub trades: Part<Trades>,
    /// Equity at the close of each bar.
    #[napi(ts_type = "Float64Array")]
    #[serde(serialize_with = "as_null", skip_serializing_if = "Part::is_absent")]
    pub equity_curve: Part<Vec<f64>>,
    /// Warnings about the data, the settings and the result.
    // `runtime.js` takes them from the notes.
    #[napi(ts_type = "Array<string>")]
    #[serde(serialize_with = "as_null", skip_serializing_if = "Part::is_absent")]
    pub warnings: Part<()>,
    /// What the result rests on.
    pub assumptions: SimulationAssumptions,
    /// The warnings with stable codes and their numbers, in the same order.
    #[napi(ts_type = "Array<Note>")]
    #[serde(skip_serializing_if = "Part::is_absent")]
    pub notes: Part<Vec<Note>>,
}

/// What the result of a simulation rests on.
#[napi(object, object_from_js = false, object_to_js = false, use_nullable = true)]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SimulationAssumptions {
    /// Bars per year for annualized metrics, from the setting `yearDays`. Null if the bars are at irregular times.
    pub bars_per_year: Option<f64>,
    /// Where `barsPerYear` comes from.
    pub bars_per_year_from: String,
}

impl From<SimulationResult> for JsSimulationResult {
    fn from(result: SimulationResult) -> Self {
        let parts = result.parts;
        Self {
            final_capital: result.final_capital,
            total_return: result.total_return,
            metrics: Part::new(parts.metrics, result.metrics),
            orders: Part::new(result.has_orders, result.orders),
            trades: Part::new(parts.trades, result.trades),
            equity_curve: Part::new(parts.equity, result.equity),
            warnings: Part::new(parts.warnings, ()),
            assumptions: SimulationAssumptions {
                bars_per_year: result.annualization.bars_per_year,
                bars_per_year_from: result.annualization.describe(),
            },
            notes: Part::new(parts.warnings, result.notes),
        }
    }
}

impl JsSimulationResult {
    /// Packs the result for JavaScript.
    ///
    /// # Errors
    /// `INTERNAL` if it cannot be serialized.
    pub fn pack(self) -> crate::Result<Packed> {
        Packed::new(self, &SIMULATION_LAYOUT)
    }
}

/// Moves a column out of a part; nothing if the part is absent.
fn column_of<P, T>(part: &mut Part<P>, column: fn(&mut P) -> &mut Vec<T>) -> Vec<T> {
    part.get_mut().map(|part| take(column(part))).unwrap_or_default()
}

type TakeResultColumn = TakeColumn<JsSimulationResult>;

/// The columns of [`OrderColumns`].
static ORDER_COLUMNS: [(&str, TakeResultColumn); 5] = [
    ("bar", TakeColumn::Uint32(|result| column_of(&mut result.orders, |orders| &mut orders.bar))),
    ("side", TakeColumn::Uint8(|result| column_of(&mut result.orders, |orders| &mut orders.side))),
    (
        "size",
        TakeColumn::Float64(|result| column_of(&mut result.orders, |orders| &mut orders.size)),
    ),
    (
        "price",
        TakeColumn::Float64(|result| column_of(&mut result.orders, |orders| &mut orders.price)),
    ),
    (
        "fees",
        TakeColumn::Float64(|result| column_of(&mut result.orders, |orders| &mut orders.fees)),
    ),
];

/// The columns of [`TradeColumns`].
static TRADE_COLUMNS: [(&str, TakeResultColumn); 15] = [
    // `bars` is computed from these two.
    (
        "entryBar",
        TakeColumn::Uint32(|result| {
            result.trades.get().map_or_else(Vec::new, |trades| trades.entry_bar.clone())
        }),
    ),
    (
        "exitBar",
        TakeColumn::Uint32(|result| {
            result.trades.get().map_or_else(Vec::new, |trades| trades.exit_bar.clone())
        }),
    ),
    (
        "direction",
        TakeColumn::Uint8(|result| column_of(&mut result.trades, |trades| &mut trades.direction)),
    ),
    (
        "status",
        TakeColumn::Uint8(|result| column_of(&mut result.trades, |trades| &mut trades.status)),
    ),
    (
        "size",
        TakeColumn::Float64(|result| column_of(&mut result.trades, |trades| &mut trades.size)),
    ),
    (
        "entryPrice",
        TakeColumn::Float64(|result| {
            column_of(&mut result.trades, |trades| &mut trades.entry_price)
        }),
    ),
    (
        "exitPrice",
        TakeColumn::Float64(|result| {
            column_of(&mut result.trades, |trades| &mut trades.exit_price)
        }),
    ),
    (
        "entryFees",
        TakeColumn::Float64(|result| {
            column_of(&mut result.trades, |trades| &mut trades.entry_fees)
        }),
    ),
    (
        "exitFees",
        TakeColumn::Float64(|result| column_of(&mut result.trades, |trades| &mut trades.exit_fees)),
    ),
    ("pnl", TakeColumn::Float64(|result| column_of(&mut result.trades, |trades| &mut trades.pnl))),
    (
        "pnlPercent",
        TakeColumn::Float64(|result| {
            column_of(&mut result.trades, |trades| &mut trades.pnl_percent)
        }),
    ),
    (
        "exitReason",
        TakeColumn::Uint8(|result| column_of(&mut result.trades, |trades| &mut trades.exit_reason)),
    ),
    ("bars", TakeColumn::Uint32(|result| result.trades.get().map_or_else(Vec::new, bars_held))),
    (
        "maxAdverseExcursion",
        TakeColumn::Float64(|result| {
            column_of(&mut result.trades, |trades| &mut trades.max_adverse_excursion)
        }),
    ),
    (
        "maxFavorableExcursion",
        TakeColumn::Float64(|result| {
            column_of(&mut result.trades, |trades| &mut trades.max_favorable_excursion)
        }),
    ),
];

fn bars_held(trades: &Trades) -> Vec<u32> {
    let bars = trades.exit_bar.iter().zip(&trades.entry_bar);
    bars.map(|(exit, entry)| exit.saturating_sub(*entry)).collect()
}

/// The layout of a simulation result.
pub static SIMULATION_LAYOUT: [Group<JsSimulationResult>; 4] = [
    Group {
        field: "metrics",
        arrays: Arrays::Values(metrics::metric_names, |result| {
            metrics::take_values(&mut result.metrics)
        }),
    },
    Group { field: "orders", arrays: Arrays::Columns(&ORDER_COLUMNS) },
    Group { field: "trades", arrays: Arrays::Columns(&TRADE_COLUMNS) },
    Group {
        field: "equityCurve",
        arrays: Arrays::Column(TakeColumn::Float64(|result| result.equity_curve.take())),
    },
];
