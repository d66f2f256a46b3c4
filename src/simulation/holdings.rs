//! Cash and position after each order, computed like vectorbt's `value()`.
//!
//! The simulation decides orders with the arithmetic of vectorbt's order functions. `value()` sums the cash flows of the
//! orders again, and its last digits differ. Equity is compared with `value()`, so it is computed from these columns.

use super::approx::{add, snap};

/// What is held from the bar of each order until that of the next one; one entry of each column per order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Holdings {
    /// Money.
    pub cash: Vec<f64>,
    /// Cash that neither comes from short positions nor secures them, money. Gross exposure is measured against it.
    pub free_cash: Vec<f64>,
    /// Units of the asset; negative for a short position.
    pub position: Vec<f64>,
}

impl Holdings {
    /// Returns whether all amounts are finite. Amounts stay infinite or NaN once they are, so the last entries decide.
    #[must_use]
    pub fn are_finite(&self) -> bool {
        let columns = [&self.cash, &self.free_cash, &self.position];
        columns.into_iter().all(|column| column.last().is_none_or(|amount| amount.is_finite()))
    }

    /// Returns the holdings of orders that a test made up.
    #[cfg(test)]
    pub(crate) fn replay(orders: &super::Orders, capital: f64) -> Self {
        let (mut holdings, mut held) = (Self::default(), Held::initial(capital));
        for order in 0..orders.len() {
            let (side, size) = (orders.side[order], orders.size[order]);
            held.apply(side, size, orders.price[order], orders.fees[order]);
            holdings.push(&held);
        }
        holdings
    }

    pub(super) fn push(&mut self, held: &Held) {
        self.cash.push(held.cash);
        self.free_cash.push(held.free_cash);
        self.position.push(held.position);
    }

    pub(super) fn reserve(&mut self, orders: usize) {
        for column in [&mut self.cash, &mut self.free_cash, &mut self.position] {
            column.reserve(orders);
        }
    }

    pub(super) fn clear(&mut self) {
        for column in [&mut self.cash, &mut self.free_cash, &mut self.position] {
            column.clear();
        }
    }
}

/// What is held at one point of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Held {
    /// Money.
    pub(super) cash: f64,
    /// Money.
    pub(super) free_cash: f64,
    /// Units of the asset; negative for a short position.
    pub(super) position: f64,
    /// What the shorted units were sold for, money.
    pub(super) debt: f64,
}

impl Held {
    /// Returns what is held before the first order. Capital within rounding error of zero is zero.
    pub(super) fn initial(capital: f64) -> Self {
        let capital = snap(capital);
        Self { cash: capital, free_cash: capital, position: 0.0, debt: 0.0 }
    }

    /// Applies a fill.
    #[inline(always)]
    pub(super) fn apply(&mut self, side: u8, size: f64, price: f64, fees: f64) {
        let traded = if side == 0 { size } else { -size };
        // Amounts within rounding error of zero move nothing.
        self.cash = add(self.cash, snap(-traded * price - fees));
        let before = self.position;
        let after = add(before, snap(traded));
        let changed = add(after, -before);
        let flow = -changed * price - fees;
        let free_flow = if changed == 0.0 {
            0.0
        } else if changed > 0.0 && before < 0.0 {
            let covered = if after < 0.0 { changed } else { -before };
            let released = covered * (self.debt / -before);
            self.debt = add(self.debt, -released);
            add(flow, 2.0 * released)
        } else if changed < 0.0 && after < 0.0 {
            let shorted_value = if before < 0.0 { -changed } else { -after } * price;
            self.debt += shorted_value;
            add(flow, -2.0 * shorted_value)
        } else {
            flow
        };
        self.free_cash = add(self.free_cash, snap(free_flow));
        self.position = after;
    }
}
