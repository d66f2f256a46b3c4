//! The result of simulating signals.

use std::mem::take;

use napi::bindgen_prelude::{Float64Array, Uint8Array, Uint32Array};
use napi_derive::napi;
use serde::Serialize;

use super::metrics;
use crate::node::transfer::{Arrays, Group, Packed, TakeColumn, as_null};
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
    #[serde(serialize_with = "metrics::as_object")]
    pub metrics: MetricValues,
    /// The orders.
    #[napi(ts_type = "OrderColumns")]
    #[serde(serialize_with = "as_null")]
    pub orders: Orders,
    /// The trades.
    #[napi(ts_type = "TradeColumns")]
    #[serde(serialize_with = "as_null")]
    pub trades: Trades,
    /// Equity at the close of each bar.
    #[napi(ts_type = "Float64Array")]
    #[serde(serialize_with = "as_null")]
    pub equity_curve: Vec<f64>,
    /// Warnings about the data, the settings and the result.
    pub warnings: Vec<String>,
}

impl From<SimulationResult> for JsSimulationResult {
    fn from(result: SimulationResult) -> Self {
        Self {
            final_capital: result.summary.final_capital,
            total_return: result.summary.total_return,
            metrics: result.summary.metrics,
            orders: result.orders,
            trades: result.trades,
            equity_curve: result.equity,
            warnings: result.summary.warnings,
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

type TakeResultColumn = TakeColumn<JsSimulationResult>;

/// The columns of [`OrderColumns`].
static ORDER_COLUMNS: [(&str, TakeResultColumn); 5] = [
    ("bar", TakeColumn::Uint32(|result| take(&mut result.orders.bar))),
    ("side", TakeColumn::Uint8(|result| take(&mut result.orders.side))),
    ("size", TakeColumn::Float64(|result| take(&mut result.orders.size))),
    ("price", TakeColumn::Float64(|result| take(&mut result.orders.price))),
    ("fees", TakeColumn::Float64(|result| take(&mut result.orders.fees))),
];

/// The columns of [`TradeColumns`].
static TRADE_COLUMNS: [(&str, TakeResultColumn); 11] = [
    ("entryBar", TakeColumn::Uint32(|result| take(&mut result.trades.entry_bar))),
    ("exitBar", TakeColumn::Uint32(|result| take(&mut result.trades.exit_bar))),
    ("direction", TakeColumn::Uint8(|result| take(&mut result.trades.direction))),
    ("status", TakeColumn::Uint8(|result| take(&mut result.trades.status))),
    ("size", TakeColumn::Float64(|result| take(&mut result.trades.size))),
    ("entryPrice", TakeColumn::Float64(|result| take(&mut result.trades.entry_price))),
    ("exitPrice", TakeColumn::Float64(|result| take(&mut result.trades.exit_price))),
    ("entryFees", TakeColumn::Float64(|result| take(&mut result.trades.entry_fees))),
    ("exitFees", TakeColumn::Float64(|result| take(&mut result.trades.exit_fees))),
    ("pnl", TakeColumn::Float64(|result| take(&mut result.trades.pnl))),
    ("pnlPercent", TakeColumn::Float64(|result| take(&mut result.trades.pnl_percent))),
];

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
        arrays: Arrays::Column(TakeColumn::Float64(|result| take(&mut result.equity_curve))),
    },
];
