//! Exit trades as columns.

/// Trades in the order of their exits, one entry of each column a trade; those still open come last.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trades {
    /// The bar of the (first) entry.
    pub entry_bar: Vec<u32>,
    /// The bar of the exit; the last bar for an open trade.
    pub exit_bar: Vec<u32>,
    /// 0 for long, 1 for short.
    pub direction: Vec<u8>,
    /// 0 for open, 1 for closed.
    pub status: Vec<u8>,
    /// Units of the asset, above 0.
    pub size: Vec<f64>,
    /// Average price of the entry, after slippage.
    pub entry_price: Vec<f64>,
    /// Average price of the exit, after slippage; the last close for an open trade.
    pub exit_price: Vec<f64>,
    /// Fees of the entry, money.
    pub entry_fees: Vec<f64>,
    /// Fees of the exit, money; 0 for an open trade.
    pub exit_fees: Vec<f64>,
    /// Profit or loss after fees, money.
    pub pnl: Vec<f64>,
    /// Profit or loss in percent of the entry's value.
    pub pnl_percent: Vec<f64>,
}

impl Trades {
    /// Returns the number of trades.
    pub fn len(&self) -> usize {
        self.entry_bar.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entry_bar.is_empty()
    }
}
