//! Checks of the amounts of a run: no amount overflows, and trades add up to equity.

use super::Trades;
use crate::error::Result;
use crate::market::{BarRef, overflow};
use crate::simulation::{Holdings, Orders, snap};

/// The amounts of a run.
#[derive(Debug, Clone, Copy)]
pub struct Amounts<'a> {
    /// Money at the start.
    pub initial_capital: f64,
    /// The filled orders.
    pub orders: &'a Orders,
    /// What is held after each order.
    pub holdings: &'a Holdings,
    /// Equity at the close of each bar, money.
    pub equity: &'a [f64],
    /// The trades.
    pub trades: &'a Trades,
    /// The close of the last bar; 0 without bars.
    pub last_close: f64,
}

impl Amounts<'_> {
    /// Checks that every amount is a finite number. `timestamps` are the opening times of the bars, or empty.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` that names the first amount that overflows, and its bar.
    pub fn check_finite(&self, timestamps: &[i64]) -> Result<()> {
        let equity = self.equity.iter().position(|equity| !equity.is_finite());
        let equity = equity.map(|bar| (bar, "the equity".to_owned()));
        let found = [self.overflowed_holding(), equity, self.trades.overflow()];
        match found.into_iter().flatten().min_by_key(|(bar, _)| *bar) {
            Some((bar, what)) => Err(overflow(&what, BarRef { bar, timestamps })),
            None => Ok(()),
        }
    }

    /// Finds the first order that leaves an amount that is not finite; returns its bar and the amount's name.
    fn overflowed_holding(&self) -> Option<(usize, String)> {
        let (orders, holdings) = (self.orders, self.holdings);
        let amounts = [
            ("the cash after", &holdings.cash),
            ("the position after", &holdings.position),
            ("the free cash after", &holdings.free_cash),
        ];
        let first = amounts.into_iter().filter_map(|(name, column)| {
            Some((column.iter().position(|amount| !amount.is_finite())?, name))
        });
        let (order, name) = first.min_by_key(|(order, _)| *order)?;
        let (size, price) = (orders.size.get(order)?, orders.price.get(order)?);
        let bar = usize::try_from(*orders.bar.get(order)?).ok()?;
        Some((bar, format!("{name} an order of {size:?} units at {price:?}")))
    }

    /// Returns whether the profits of all trades add up to the gain of the equity, within rounding error.
    #[must_use]
    pub fn balance(&self) -> bool {
        let (orders, equity) = (self.orders, self.equity);
        let gained = equity.last().map_or(0.0, |last| last - self.initial_capital);
        let made: f64 = self.trades.pnl.iter().sum();
        let rows = orders.size.iter().zip(&orders.price).zip(&orders.fees);
        // Each order may leave up to 1e-12 units that count as no position. They are worth the price of the order or the last
        // close, and the fees of an order of so few units belong to no trade.
        let (moved, lost) = rows.fold((0.0, 0.0), |(moved, lost), ((size, price), fees)| {
            let untraded = if snap(*size) == 0.0 { fees.abs() } else { 0.0 };
            let left = 1e-12 * price.max(self.last_close);
            (moved + size * price + fees.abs(), lost + left + untraded)
        });
        // The position at the end may be worth far more than all that was traded.
        let cash = self.holdings.cash.last();
        let held = equity.last().zip(cash).map_or(0.0, |(all, cash)| (all - cash).abs());
        let rounding = 1e-8 * (self.initial_capital + moved + held) + 1e-9 + lost;
        // Sums that overflow say nothing about the amounts. Amounts that overflow are refused by `check_finite`.
        (made - gained).abs() <= rounding || !(made - gained).is_finite() || !rounding.is_finite()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::Holdings;

    #[test]
    fn units_below_rounding_are_worth_the_last_close() {
        // A short sale of 3.6e-15 units counts as no position, and the price rises a thousand times.
        let orders = Orders {
            bar: vec![0],
            side: vec![1],
            size: vec![3.577e-15],
            price: vec![1e12],
            fees: vec![0.0],
            ..Orders::default()
        };
        let holdings = Holdings::replay(&orders, 0.001);
        let amounts = Amounts {
            initial_capital: 0.001,
            orders: &orders,
            holdings: &holdings,
            equity: &[0.001, 3.557],
            trades: &Trades::default(),
            last_close: 9.95e14,
        };
        assert!(amounts.balance());
        assert!(!Amounts { last_close: 1e12, ..amounts }.balance());
    }

    #[test]
    fn money_from_nowhere_is_noticed() {
        let orders = Orders {
            bar: vec![0, 1],
            side: vec![0, 1],
            size: vec![1.0, 1.0],
            price: vec![100.0, 110.0],
            fees: vec![0.0, 0.0],
            ..Orders::default()
        };
        let trades = Trades::from_orders(&[100.0, 110.0], &orders);
        let holdings = Holdings::replay(&orders, 1000.0);
        let amounts = |equity| Amounts {
            initial_capital: 1000.0,
            orders: &orders,
            holdings: &holdings,
            equity,
            trades: &trades,
            last_close: 110.0,
        };
        assert!(amounts(&[1000.0, 1010.0]).balance());
        assert!(!amounts(&[1000.0, 1010.01]).balance());
    }
}
