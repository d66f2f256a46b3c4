//! Filled orders as columns.

/// Filled orders in the order of their filling, one entry of each column an order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Orders {
    /// The bar of the fill.
    pub bar: Vec<u32>,
    /// 0 for a purchase, 1 for a sale.
    pub side: Vec<u8>,
    /// Units of the asset, above 0.
    pub size: Vec<f64>,
    /// Price of the fill, after slippage.
    pub price: Vec<f64>,
    /// Fees, money.
    pub fees: Vec<f64>,
}

impl Orders {
    /// Returns the number of orders.
    pub fn len(&self) -> usize {
        self.bar.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bar.is_empty()
    }
}
