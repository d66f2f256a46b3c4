//! Filled orders as columns.

/// Filled orders in the order of their fills, one entry of each column per order.
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
    /// Price before slippage.
    pub reference_price: Vec<f64>,
}

impl Orders {
    /// Returns the number of orders.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bar.len()
    }

    /// Returns whether there are no orders.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bar.is_empty()
    }

    /// Reserves capacity for more orders.
    pub(super) fn reserve(&mut self, orders: usize) {
        self.bar.reserve(orders);
        self.side.reserve(orders);
        for column in [&mut self.size, &mut self.price, &mut self.fees, &mut self.reference_price] {
            column.reserve(orders);
        }
    }

    /// Removes all orders and keeps the capacity.
    pub(super) fn clear(&mut self) {
        self.bar.clear();
        self.side.clear();
        for column in [&mut self.size, &mut self.price, &mut self.fees, &mut self.reference_price] {
            column.clear();
        }
    }
}
