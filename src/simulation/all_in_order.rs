//! The arithmetic of orders that are all in or all out. The order of the operations decides the last digit.

use crate::settings::Costs;

/// A purchase that spends all cash, whether or not it would be filled.
#[derive(Debug, Clone, Copy)]
pub struct AllInPurchase {
    /// After slippage.
    pub price: f64,
    /// Money for the asset, without fees.
    pub for_asset: f64,
    /// Units.
    pub size: f64,
    /// Money.
    pub fees: f64,
}

impl AllInPurchase {
    /// Spends `cash`; `after_fixed` is what the fixed fee leaves of it.
    #[inline(always)]
    #[must_use]
    pub fn new(costs: &Costs, cash: f64, after_fixed: f64, reference_price: f64) -> Self {
        let price = reference_price * (1.0 + costs.slippage);
        let for_asset = after_fixed / (1.0 + costs.fees);
        Self { price, for_asset, size: for_asset / price, fees: cash - for_asset }
    }
}

/// A sale of the whole position, whether or not it would be filled.
#[derive(Debug, Clone, Copy)]
pub struct AllInSale {
    /// After slippage.
    pub price: f64,
    /// Money before fees.
    pub received: f64,
    /// Money.
    pub fees: f64,
}

impl AllInSale {
    /// Sells `size` units.
    #[inline(always)]
    #[must_use]
    pub fn new(costs: &Costs, size: f64, slippage: f64, reference_price: f64) -> Self {
        let price = reference_price * (1.0 - slippage);
        let received = size * price;
        Self { price, received, fees: received * costs.fees + costs.fixed_fees }
    }
}
