//! Orders and the positions that they made.
//!
//! Gross exposure is |value of the position| ÷ (|value of the position| + free cash). Free cash is the cash that no
//! short position has bound: a short sale binds its proceeds and as much again; a purchase that covers it gives back
//! twice the debt that it pays off. Between two orders position and free cash stay, so that with free cash at or above
//! zero the largest exposure of the interval is at its highest close.

use super::lanes::maximum;
use super::{Inputs, float};
use crate::simulation::Orders;

/// What was traded, and how much was at stake.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExposureFacts {
    /// Fees of all orders, money.
    pub fees: f64,
    /// What fills were worse than their price before slippage, money.
    pub slippage: f64,
    /// Size × price of all orders, money.
    pub traded_value: f64,
    /// The largest gross exposure at the end of a bar, a fraction; nothing without bars.
    pub max_gross: Option<f64>,
    /// Share of the bars that end with a position, a fraction; nothing without bars.
    pub time_in_market: Option<f64>,
}

impl ExposureFacts {
    pub(super) fn new(inputs: &Inputs<'_>, close: &[f64]) -> Self {
        let orders = inputs.orders;
        let (max_gross, held) = walk(inputs.initial_capital, orders, close);
        Self {
            fees: orders.fees.iter().sum(),
            slippage: slippage_paid(inputs),
            traded_value: orders
                .size
                .iter()
                .zip(&orders.price)
                .map(|(size, price)| size * price)
                .sum(),
            max_gross: (!close.is_empty()).then_some(max_gross),
            time_in_market: (!close.is_empty()).then(|| float(held) / float(close.len())),
        }
    }
}

/// Undoes the slippage of each fill: a purchase was made at price × (1 + slippage), a sale at price × (1 − slippage).
fn slippage_paid(inputs: &Inputs<'_>) -> f64 {
    let (orders, slippage) = (inputs.orders, inputs.slippage);
    let paid = |((side, size), price): ((&u8, &f64), &f64)| {
        let factor =
            if *side == 0 { slippage / (1.0 + slippage) } else { slippage / (1.0 - slippage) };
        size * price * factor
    };
    let all: f64 = orders.side.iter().zip(&orders.size).zip(&orders.price).map(paid).sum();
    let exempt = inputs.fills_without_slippage.iter().filter_map(|&at| {
        let at = usize::try_from(at).ok()?;
        Some(((orders.side.get(at)?, orders.size.get(at)?), orders.price.get(at)?))
    });
    all - exempt.map(paid).sum::<f64>()
}

/// Returns the largest gross exposure and the number of bars that end with a position.
fn walk(initial_capital: f64, orders: &Orders, close: &[f64]) -> (f64, usize) {
    let mut account = Account { position: 0.0, debt: 0.0, free: initial_capital };
    let (mut largest, mut held, mut from) = (f64::NEG_INFINITY, 0, 0);
    let fills = orders.side.iter().zip(&orders.size).zip(&orders.price).zip(&orders.fees);
    for (&bar, (((&side, &size), &price), &fees)) in orders.bar.iter().zip(fills) {
        let bar = usize::try_from(bar).unwrap_or(usize::MAX).min(close.len());
        if let Some(interval) = close.get(from..bar).filter(|interval| !interval.is_empty()) {
            largest = largest.max(account.largest_exposure(interval));
            held += if account.is_flat() { 0 } else { interval.len() };
        }
        from = from.max(bar);
        if side == 0 { account.buy(size, price, fees) } else { account.sell(size, price, fees) }
    }
    if let Some(interval) = close.get(from..).filter(|interval| !interval.is_empty()) {
        largest = largest.max(account.largest_exposure(interval));
        held += if account.is_flat() { 0 } else { interval.len() };
    }
    (largest, held)
}

struct Account {
    position: f64,
    debt: f64,
    free: f64,
}

impl Account {
    fn buy(&mut self, size: f64, price: f64, fees: f64) {
        let before = self.position;
        let spent = size * price + fees;
        self.position = sum(before, size);
        if before < 0.0 {
            let covered = if self.position < 0.0 { size } else { -before };
            let paid_off = covered * self.debt / -before;
            self.debt = sum(self.debt, -paid_off);
            self.free = sum(self.free + 2.0 * paid_off, -spent);
        } else {
            self.free = sum(self.free, -spent);
        }
    }

    fn sell(&mut self, size: f64, price: f64, fees: f64) {
        let before = self.position;
        let got = size * price - fees;
        self.position = sum(before, -size);
        if self.position < 0.0 {
            let sold_short = if before < 0.0 { size } else { -self.position };
            let value = sold_short * price;
            self.debt += value;
            self.free = sum(self.free, sum(got, -2.0 * value));
        } else {
            self.free += got;
        }
    }

    fn is_flat(&self) -> bool {
        self.position.abs() <= 0.0
    }

    fn exposure(&self, close: f64) -> f64 {
        let value = (self.position * close).abs();
        let whole = sum(value, self.free);
        if whole.abs() > 0.0 { value / whole } else { 0.0 }
    }

    fn largest_exposure(&self, closes: &[f64]) -> f64 {
        if self.is_flat() {
            0.0
        } else if self.free >= 0.0 {
            self.exposure(maximum(closes))
        } else {
            closes.iter().map(|&close| self.exposure(close)).fold(f64::NEG_INFINITY, f64::max)
        }
    }
}

/// Adds, and takes for zero what only rounding keeps from it: within 1e-9 relative or 1e-12, as vectorbt does.
fn sum(a: f64, b: f64) -> f64 {
    let total = a + b;
    let cancel =
        a.is_sign_negative() != b.is_sign_negative() && total.abs() <= 1e-9 * a.abs().max(b.abs());
    if cancel || total.abs() <= 1e-12 { 0.0 } else { total }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_does_not_keep_a_sum_from_zero() {
        assert!(sum(0.1 + 0.2, -0.3).abs() <= 0.0);
        assert!((sum(1.0, -0.999) - 0.001).abs() < 1e-15);
    }

    #[test]
    fn exposure_of_a_fully_invested_account_is_one_whatever_the_price() {
        let mut account = Account { position: 0.0, debt: 0.0, free: 1_000.0 };
        account.buy(10.0, 99.9, 1.0);
        assert!((account.largest_exposure(&[90.0, 130.0]) - 1.0).abs() < 1e-15);
        account.sell(10.0, 120.0, 1.0);
        assert!(account.is_flat() && account.largest_exposure(&[1.0]).abs() <= 0.0);
    }
}
