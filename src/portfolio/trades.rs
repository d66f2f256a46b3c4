//! Exit trades as columns.
//!
//! Each order that reduces a position ends a trade. The entry price of the trade is the size-weighted average price of the
//! position, and it bears its share of the entry fees. An order that goes beyond the position ends one trade and opens the
//! next, and its fees are split by size.

use super::excursions::{Course, Excursions};
use super::trade_walk::{Trade, TradeOrder, TradeWalk};
use crate::settings::Execution;
use crate::simulation::{ExitReason, Orders, Prices, Simulation};

/// Trades in the order of their exits, one entry of each column per trade; an open trade comes last.
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
    /// Why the trade ended, as [`ExitReason::code`]; 0 for an open trade. Empty unless wanted, like the next two, and in runs
    /// that an earlier version stored.
    pub exit_reason: Vec<u8>,
    /// The worst result while the trade was held, percent of the entry price, at most 0.
    pub max_adverse_excursion: Vec<f64>,
    /// The best result while the trade was held, percent of the entry price, at least 0.
    pub max_favorable_excursion: Vec<f64>,
}

impl Trades {
    /// Builds trades from filled orders in new memory.
    #[cfg(test)]
    #[must_use]
    pub fn from_orders(close: &[f64], orders: &Orders) -> Self {
        Self::default().replaced_by(close, orders)
    }

    /// Builds trades from filled orders in the memory of these trades. A position that is open at the end is valued at the last
    /// close.
    #[must_use]
    pub fn replaced_by(self, close: &[f64], orders: &Orders) -> Self {
        self.build(close, orders, None)
    }

    /// Does the same, and adds why each trade ended and how far the price went while it was held.
    #[must_use]
    pub fn replaced_in_detail(
        self,
        prices: Prices<'_>,
        simulation: &Simulation,
        execution: Execution,
    ) -> Self {
        let excursions = Excursions::new(prices, simulation, execution);
        self.build(prices.close(), &simulation.orders, Some(excursions))
    }

    fn build(self, close: &[f64], orders: &Orders, mut excursions: Option<Excursions<'_>>) -> Self {
        let mut trades = self;
        trades.clear();
        // Usually every second order ends a trade.
        trades.reserve(orders.len() / 2 + 1);
        let mut walk = TradeWalk::default();
        let rows = orders
            .bar
            .iter()
            .zip(&orders.side)
            .zip(&orders.size)
            .zip(&orders.price)
            .zip(&orders.fees);
        for (number, ((((&bar, &side), &size), &price), &fees)) in rows.enumerate() {
            let was_open = walk.direction().is_some();
            let ended = walk.take(&TradeOrder { bar, side, size, price, fees });
            if let Some(trade) = &ended {
                trades.push(trade, CLOSED);
            }
            if let Some(excursions) = &mut excursions {
                let has_ended = ended.is_some();
                if has_ended {
                    trades.push_course(excursions.ended(number));
                }
                match walk.direction() {
                    Some(direction) if !was_open || has_ended && direction == side => {
                        excursions.opened(number);
                    }
                    Some(_) if !has_ended => excursions.increased(number),
                    _ => {}
                }
            }
        }
        if let Some(&price) = close.last() {
            let bar = u32::try_from(close.len() - 1).unwrap_or(u32::MAX);
            if let Some(trade) = walk.left_open(bar, price) {
                trades.push(&trade, OPEN);
                if let Some(excursions) = &mut excursions {
                    trades.push_course(excursions.left_open());
                }
            }
        }
        trades
    }

    /// Adds the course of the last trade.
    fn push_course(&mut self, course: Course) {
        let (entry_price, direction) = (self.entry_price.last(), self.direction.last());
        let (adverse, favorable) = match entry_price.zip(direction) {
            Some((price, direction)) => course.excursions(*price, *direction == 1),
            None => (0.0, 0.0),
        };
        self.exit_reason.push(course.reason.map_or(0, ExitReason::code));
        self.max_adverse_excursion.push(adverse);
        self.max_favorable_excursion.push(favorable);
    }

    /// Adds what a store has of the last trade. Stored runs of earlier versions have no excursions.
    pub fn push_details(
        &mut self,
        reason: Option<ExitReason>,
        adverse: Option<f64>,
        favorable: Option<f64>,
    ) {
        if let Some((adverse, favorable)) = adverse.zip(favorable) {
            self.exit_reason.push(reason.map_or(0, ExitReason::code));
            self.max_adverse_excursion.push(adverse);
            self.max_favorable_excursion.push(favorable);
        }
    }

    /// Returns whether it is known why each trade ended and how far the price went while it was held.
    #[must_use]
    pub fn are_detailed(&self) -> bool {
        let columns = [&self.max_adverse_excursion, &self.max_favorable_excursion];
        self.exit_reason.len() == self.len()
            && columns.into_iter().all(|column| column.len() == self.len())
    }

    /// Returns whether nothing of the kind is known.
    #[must_use]
    pub fn have_no_details(&self) -> bool {
        self.exit_reason.is_empty()
            && self.max_adverse_excursion.is_empty()
            && self.max_favorable_excursion.is_empty()
    }

    /// Returns whether all excursions are finite numbers.
    #[must_use]
    pub fn excursions_are_finite(&self) -> bool {
        let columns = [&self.max_adverse_excursion, &self.max_favorable_excursion];
        columns.into_iter().flatten().all(|excursion| excursion.is_finite())
    }

    /// Returns no trades, and keeps the memory of these.
    #[must_use]
    pub fn cleared(mut self) -> Self {
        self.clear();
        self
    }

    fn clear(&mut self) {
        self.entry_bar.clear();
        self.exit_bar.clear();
        self.direction.clear();
        self.status.clear();
        self.exit_reason.clear();
        self.max_adverse_excursion.clear();
        self.max_favorable_excursion.clear();
        self.amounts_mut().into_iter().for_each(Vec::clear);
    }

    fn reserve(&mut self, trades: usize) {
        self.entry_bar.reserve(trades);
        self.exit_bar.reserve(trades);
        self.direction.reserve(trades);
        self.status.reserve(trades);
        self.amounts_mut().into_iter().for_each(|column| column.reserve(trades));
    }

    fn amounts_mut(&mut self) -> [&mut Vec<f64>; 7] {
        [
            &mut self.size,
            &mut self.entry_price,
            &mut self.exit_price,
            &mut self.entry_fees,
            &mut self.exit_fees,
            &mut self.pnl,
            &mut self.pnl_percent,
        ]
    }

    fn push(&mut self, trade: &Trade, status: u8) {
        self.entry_bar.push(trade.entry_bar);
        self.exit_bar.push(trade.exit_bar);
        self.direction.push(trade.direction);
        self.status.push(status);
        self.size.push(trade.size);
        self.entry_price.push(trade.entry_price);
        self.exit_price.push(trade.exit_price);
        self.entry_fees.push(trade.entry_fees);
        self.exit_fees.push(trade.exit_fees);
        self.pnl.push(trade.pnl);
        self.pnl_percent.push(trade.pnl_percent);
    }

    /// Finds the first trade with an amount that is not finite; returns the bar of its exit and the amount's name.
    ///
    /// If any amount of a trade overflows, its result in percent is not finite either. The exception is the sum of the fees,
    /// which results show.
    pub(super) fn overflow(&self) -> Option<(usize, String)> {
        let overflowed = self.overflowed_excursion();
        self.overflowed_amount().into_iter().chain(overflowed).min_by_key(|(bar, _)| *bar)
    }

    fn overflowed_excursion(&self) -> Option<(usize, String)> {
        let columns = [
            ("maxAdverseExcursion", &self.max_adverse_excursion),
            ("maxFavorableExcursion", &self.max_favorable_excursion),
        ];
        let found = columns.into_iter().filter_map(|(name, column)| {
            Some((column.iter().position(|excursion| !excursion.is_finite())?, name))
        });
        let (trade, name) = found.min_by_key(|(trade, _)| *trade)?;
        self.named(trade, name)
    }

    fn overflowed_amount(&self) -> Option<(usize, String)> {
        let fees = self.entry_fees.iter().zip(&self.exit_fees).map(|(entry, exit)| entry + exit);
        let mut rows = self.pnl_percent.iter().zip(fees);
        let is_finite = |percent: f64, fees: f64| percent.is_finite() && fees.is_finite();
        let trade = rows.position(|(&percent, fees)| !is_finite(percent, fees))?;
        let amounts = [
            ("entry price", &self.entry_price),
            ("entry fees", &self.entry_fees),
            ("exit fees", &self.exit_fees),
            ("pnl", &self.pnl),
        ];
        let is_infinite = |column: &Vec<f64>| column.get(trade).is_some_and(|it| !it.is_finite());
        let named = amounts.into_iter().find(|(_, column)| is_infinite(column));
        let percent = self.pnl_percent.get(trade)?;
        let other = if percent.is_finite() { "fees" } else { "pnlPercent" };
        self.named(trade, named.map_or(other, |(name, _)| name))
    }

    /// Names an amount of a trade, with the bar of its exit.
    fn named(&self, trade: usize, name: &str) -> Option<(usize, String)> {
        let bar = usize::try_from(*self.exit_bar.get(trade)?).ok()?;
        let state = if self.status.get(trade) == Some(&OPEN) { "is open" } else { "ends" };
        Some((bar, format!("the {name} of the trade that {state}")))
    }

    /// Returns the number of trades.
    pub fn len(&self) -> usize {
        self.entry_bar.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entry_bar.is_empty()
    }
}

const OPEN: u8 = 0;
const CLOSED: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fill_within_rounding_error_of_zero_is_an_order_but_no_trade() {
        // vectorbt 1.2.0: Portfolio.from_signals([1e6, 2e6, 3e6], [1, 0, 0], [0, 0, 1], min_size=0, init_cash=9e-7,
        // engine="numba") has one order of 9e-13 units and no trade.
        let orders = Orders {
            bar: vec![0],
            side: vec![0],
            size: vec![9e-13],
            price: vec![1e6],
            fees: vec![0.0],
            ..Orders::default()
        };
        assert!(Trades::from_orders(&[1e6, 2e6, 3e6], &orders).is_empty());
        let orders = Orders { size: vec![2e-12], ..orders };
        assert_eq!(Trades::from_orders(&[1e6, 2e6, 3e6], &orders).len(), 1);
    }

    #[test]
    fn a_short_trade_without_a_gain_has_a_result_of_positive_zero() {
        let orders = Orders {
            bar: vec![0],
            side: vec![1],
            size: vec![1.0],
            price: vec![2.0],
            fees: vec![0.0],
            ..Orders::default()
        };
        let trades = Trades::from_orders(&[2.0, 2.0], &orders);
        assert_eq!((trades.pnl[0].to_bits(), trades.pnl_percent[0].to_bits()), (0, 0));
    }

    #[test]
    fn fees_that_overflow_together_are_an_overflow() {
        // The gain and each fee are finite, and so is the result.
        let orders = Orders {
            bar: vec![0, 1],
            side: vec![0, 1],
            size: vec![1e300, 1e300],
            price: vec![1.0, 1.7e8],
            fees: vec![1e308, 1e308],
            ..Orders::default()
        };
        let trades = Trades::from_orders(&[1.0, 1.7e8], &orders);
        assert!(trades.pnl_percent[0].is_finite());
        let (bar, what) = trades.overflow().unwrap();
        assert_eq!((bar, what.as_str()), (1, "the fees of the trade that ends"));
    }
}
