//! How far the price went against a position and in its favor while it was held.
//!
//! Prices that certainly occurred while the position was held count:
//!
//! | | filled at the open | filled inside the bar | filled at the close |
//! | --- | --- | --- | --- |
//! | bar of the entry | the whole bar | the price of the fill and the close | the price of the fill |
//! | bars between | the whole bar | the whole bar | the whole bar |
//! | bar of the exit | the open | the open and the price of the fill | the whole bar |
//!
//! Prices of fills are those before slippage.

use crate::settings::Execution;
use crate::simulation::{ExitReason, Moment, Orders, Prices, Simulation, StopOrder};

/// Follows positions from order to order.
#[derive(Debug)]
pub(super) struct Excursions<'a> {
    prices: Prices<'a>,
    orders: &'a Orders,
    /// The orders of stops from the present order on.
    stop_orders: &'a [StopOrder],
    /// When the orders of signals are filled.
    signal_moment: Moment,
    /// The lowest and the highest price since the position was opened, until before the bar `counted`.
    lowest: f64,
    highest: f64,
    counted: usize,
}

/// What is known of the end of a trade and of the prices while it was held.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Course {
    /// Why it ended; `None` for an open trade.
    pub(super) reason: Option<ExitReason>,
    lowest: f64,
    highest: f64,
}

impl Course {
    /// Returns the worst and the best result, percent of the entry price: at most 0 and at least 0.
    pub(super) fn excursions(self, entry_price: f64, is_short: bool) -> (f64, f64) {
        let percent = |price: f64| (price / entry_price - 1.0) * 100.0;
        // Adding zero turns −0 into 0. SQLite would lose the sign.
        if is_short {
            (-percent(self.highest).max(0.0) + 0.0, -percent(self.lowest).min(0.0) + 0.0)
        } else {
            (percent(self.lowest).min(0.0) + 0.0, percent(self.highest).max(0.0) + 0.0)
        }
    }
}

impl<'a> Excursions<'a> {
    pub(super) fn new(
        prices: Prices<'a>,
        simulation: &'a Simulation,
        execution: Execution,
    ) -> Self {
        let signal_moment = match execution {
            Execution::Close => Moment::Close,
            Execution::NextOpen => Moment::Open,
        };
        Self {
            prices,
            orders: &simulation.orders,
            stop_orders: &simulation.stop_orders,
            signal_moment,
            lowest: f64::INFINITY,
            highest: f64::NEG_INFINITY,
            counted: 0,
        }
    }

    /// An order opened a position.
    pub(super) fn opened(&mut self, order: usize) {
        let (bar, moment, _) = self.order(order);
        (self.lowest, self.highest) = (f64::INFINITY, f64::NEG_INFINITY);
        self.increased(order);
        self.counted = bar + usize::from(moment != Moment::Open);
        if moment == Moment::Inside {
            self.count(self.prices.close().get(bar).copied());
        }
    }

    /// An order increased the position.
    pub(super) fn increased(&mut self, order: usize) {
        self.count(self.orders.reference_price.get(order).copied());
    }

    /// An order ended a trade.
    pub(super) fn ended(&mut self, order: usize) -> Course {
        let (bar, moment, reason) = self.order(order);
        self.count_until(bar);
        let (mut lowest, mut highest) = (self.lowest, self.highest);
        let mut count = |price: f64| (lowest, highest) = (lowest.min(price), highest.max(price));
        self.orders.reference_price.get(order).copied().into_iter().for_each(&mut count);
        // The position may have been opened later in the bar.
        if self.counted <= bar {
            match moment {
                Moment::Open => {}
                Moment::Inside => self.prices.open_at(bar).into_iter().for_each(count),
                Moment::Close => {
                    let (low, high) = self.prices.extremes(bar, bar + 1);
                    count(low);
                    count(high);
                }
            }
        }
        Course { reason: Some(reason), lowest, highest }
    }

    /// The position is still open at the last bar.
    pub(super) fn left_open(&mut self) -> Course {
        self.count_until(self.prices.len());
        Course { reason: None, lowest: self.lowest, highest: self.highest }
    }

    /// Returns the bar of an order, when within it the order was filled, and why it was made.
    fn order(&mut self, order: usize) -> (usize, Moment, ExitReason) {
        let index = |stop: &StopOrder| stop.order as usize;
        while let [first, rest @ ..] = self.stop_orders
            && index(first) < order
        {
            self.stop_orders = rest;
        }
        let bar = self.orders.bar.get(order).map_or(0, |bar| *bar as usize);
        match self.stop_orders.first().filter(|stop| index(stop) == order) {
            Some(stop) => (bar, stop.moment, stop.reason),
            None => (bar, self.signal_moment, ExitReason::Signal),
        }
    }

    fn count(&mut self, price: Option<f64>) {
        if let Some(price) = price {
            (self.lowest, self.highest) = (self.lowest.min(price), self.highest.max(price));
        }
    }

    /// Counts whole bars until before a bar.
    fn count_until(&mut self, bar: usize) {
        if self.counted < bar {
            let (low, high) = self.prices.extremes(self.counted, bar);
            (self.lowest, self.highest) = (self.lowest.min(low), self.highest.max(high));
            self.counted = bar;
        }
    }
}
