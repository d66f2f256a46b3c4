//! Orders to trades, one order at a time.

use crate::simulation::{add, close as same};

/// The position that the orders so far left.
#[derive(Debug, Clone, Copy, Default)]
pub struct TradeWalk {
    open: Option<OpenPosition>,
}

/// An order, as far as trades depend on it.
#[derive(Debug, Clone, Copy)]
pub struct TradeOrder {
    /// The bar of the fill.
    pub bar: u32,
    /// 0 for a purchase, 1 for a sale.
    pub side: u8,
    /// Units, above 0.
    pub size: f64,
    /// After slippage.
    pub price: f64,
    /// Money.
    pub fees: f64,
}

/// A trade.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trade {
    /// The bar of the (first) entry.
    pub entry_bar: u32,
    /// The bar of the exit; the last bar for an open trade.
    pub exit_bar: u32,
    /// 0 for long, 1 for short.
    pub direction: u8,
    /// Units of the asset, above 0.
    pub size: f64,
    /// Average price of the entry, after slippage.
    pub entry_price: f64,
    /// Average price of the exit, after slippage; the last close for an open trade.
    pub exit_price: f64,
    /// Fees of the entry, money.
    pub entry_fees: f64,
    /// Fees of the exit, money; 0 for an open trade.
    pub exit_fees: f64,
    /// Profit or loss after fees, money.
    pub pnl: f64,
    /// Profit or loss in percent of the entry's value.
    pub pnl_percent: f64,
}

impl TradeWalk {
    /// Takes the next order; returns the trade that it ends.
    #[inline(always)]
    pub fn take(&mut self, order: &TradeOrder) -> Option<Trade> {
        // A purchase opens a long position, a sale a short one; the other side closes.
        let TradeOrder { bar, side, size, price, fees } = *order;
        let exit = |size, fees| Exit { bar, size, price, fees };
        let (ended, open) = match self.open {
            None => (None, Some(OpenPosition::new(order))),
            Some(position) if position.direction == side => (None, Some(position.increased(order))),
            Some(position) if same(size, position.size) => {
                (Some(position.ended(&exit(position.size, fees))), None)
            }
            Some(position) if size < position.size => {
                let ended = position.part(size).ended(&exit(size, fees));
                (Some(ended), Some(position.reduced(size)))
            }
            Some(position) => {
                let closing_fees = position.size / size * fees;
                let ended = position.ended(&exit(position.size, closing_fees));
                let (size, fees) = (size - position.size, fees - closing_fees);
                (Some(ended), Some(OpenPosition::new(&TradeOrder { size, fees, ..*order })))
            }
        };
        self.open = open;
        ended
    }

    /// Returns the direction of the open position; `None` without one.
    #[inline]
    pub fn direction(&self) -> Option<u8> {
        self.open.map(|position| position.direction)
    }

    /// Returns the trade that is left open, valued at the last close.
    #[inline]
    pub fn left_open(&self, last_bar: u32, last_close: f64) -> Option<Trade> {
        // Up to 1e-12 units are left by rounding. They are no position and no trade.
        let left = self.open.filter(|position| !same(position.size, 0.0))?;
        Some(left.ended(&Exit { bar: last_bar, size: left.size, price: last_close, fees: 0.0 }))
    }
}

/// An open position.
#[derive(Debug, Clone, Copy)]
struct OpenPosition {
    /// The bar of the first entry.
    bar: u32,
    /// 0 for long, 1 for short.
    direction: u8,
    /// Units.
    size: f64,
    /// What was paid or received for them before fees, money.
    value: f64,
    /// Fees of the entries, money.
    fees: f64,
}

/// The order, or the part of an order, that ends a trade.
#[derive(Debug, Clone, Copy)]
struct Exit {
    bar: u32,
    size: f64,
    price: f64,
    fees: f64,
}

impl OpenPosition {
    #[inline]
    fn new(order: &TradeOrder) -> Self {
        let TradeOrder { bar, side, size, price, fees } = *order;
        Self { bar, direction: side, size, value: size * price, fees }
    }

    fn increased(self, order: &TradeOrder) -> Self {
        Self {
            size: self.size + order.size,
            value: self.value + order.size * order.price,
            fees: self.fees + order.fees,
            ..self
        }
    }

    /// Returns the part of the position that an order of this size closes.
    fn part(self, size: f64) -> Self {
        let share = size / self.size;
        Self { size, value: self.value * share, fees: self.fees * share, ..self }
    }

    /// Returns the position after an order of this size.
    fn reduced(self, size: f64) -> Self {
        let left = (self.size - size) / self.size;
        Self { size: self.size * left, value: self.value * left, fees: self.fees * left, ..self }
    }

    /// Returns the trade that an exit ends.
    #[inline]
    fn ended(self, exit: &Exit) -> Trade {
        let entry_price = self.value / self.size;
        let gain = add(exit.size * exit.price, -exit.size * entry_price);
        // Adding zero turns −0 into 0. SQLite would lose the sign.
        let pnl = (if self.direction == 0 { gain } else { -gain }) - self.fees - exit.fees + 0.0;
        Trade {
            entry_bar: self.bar,
            exit_bar: exit.bar,
            direction: self.direction,
            size: exit.size,
            entry_price,
            exit_price: exit.price,
            entry_fees: self.fees,
            exit_fees: exit.fees,
            pnl,
            pnl_percent: pnl / (exit.size * entry_price) * 100.0,
        }
    }
}
