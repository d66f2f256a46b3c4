//! What the statistics of orders and trades are computed from.

use crate::portfolio::Trades;
use crate::simulation::{Holdings, Orders};

/// What the statistics of orders and trades are computed from.
#[derive(Debug, Clone, Copy)]
pub struct TradingInput<'a> {
    /// Money at the start.
    pub initial_capital: f64,
    /// The close of each bar.
    pub close: &'a [f64],
    /// The filled orders, in the order of their bars.
    pub orders: &'a Orders,
    /// What is held after each order.
    pub holdings: &'a Holdings,
    /// The trades.
    pub trades: &'a Trades,
    /// Signals that made no order.
    pub rejected_signals: usize,
}
