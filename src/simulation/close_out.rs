//! The end of a simulation that must not leave a position open, such as that of a window of a walk-forward.

use super::execute::Fill;
use super::exits::{ExitReason, Moment, StopOrder};
use super::holdings::Held;
use super::prices::Prices;
use super::recorder::{Recorder, Recording, Simulation};
use crate::error::Result;
use crate::market::overflow;
use crate::settings::Settings;

impl Simulation {
    /// Closes the position that is open at the end, at the close of the last bar, with fees and slippage; returns the simulation
    /// and whether there was a position. Neither limits on the size of an order nor missing cash prevent that: cash may end below
    /// zero.
    ///
    /// `initial_capital` and `settings` are those of the simulation.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if an amount overflows; the message names the bar.
    pub fn close_out(
        mut self,
        prices: &Prices<'_>,
        initial_capital: f64,
        settings: &Settings,
    ) -> Result<(Self, bool)> {
        let Some(bar) = prices.len().checked_sub(1) else { return Ok((self, false)) };
        let Some(close) = prices.close_at(bar).filter(|_| self.position != 0.0) else {
            return Ok((self, false));
        };
        let free_cash = self.holdings.free_cash.last().copied().unwrap_or(initial_capital);
        // Cash of shorts and what secures them are twice what they were sold for.
        let debt = if self.position < 0.0 { (self.cash - free_cash) / 2.0 } else { 0.0 };
        let held = Held { cash: self.cash, free_cash, position: self.position, debt };
        let (side, slippage) = if self.position > 0.0 {
            (1, -settings.costs.slippage)
        } else {
            (0, settings.costs.slippage)
        };
        let (size, price) = (self.position.abs(), close * (1.0 + slippage));
        let fees = size * price * settings.costs.fees + settings.costs.fixed_fees;
        let fill = Fill { side, size, price, fees };
        let mut recorder = Recorder {
            recording: Recording::Orders,
            count: self.orders.len(),
            orders: std::mem::take(&mut self.orders),
            holdings: std::mem::take(&mut self.holdings),
            stop_orders: std::mem::take(&mut self.stop_orders),
            held,
        };
        recorder.record(bar, &fill, close);
        let order = u32::try_from(recorder.orders.len() - 1).unwrap_or(u32::MAX);
        let (reason, moment) = (ExitReason::WindowEnd, Moment::Close);
        recorder.record_stop(StopOrder { order, reason, moment });
        self.cash = recorder.held.cash;
        self.position = recorder.held.position;
        self.orders = recorder.orders;
        self.holdings = recorder.holdings;
        self.stop_orders = recorder.stop_orders;
        if !(self.cash.is_finite() && fees.is_finite()) {
            return Err(overflow("the cash after the end of the window", prices.bar_ref(bar)));
        }
        Ok((self, true))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::random_cases::cases;
    use super::super::simulate;
    use crate::observer::NoObserver;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_position_at_the_end_is_sold_at_the_last_close(case in cases()) {
            let (prices, settings) = (case.prices(), &case.settings);
            let Ok(open) = simulate(&prices, &case.signals, 1000.0, settings, &NoObserver) else { return Ok(()) };
            let (closed, was_open) = open.clone().close_out(&prices, 1000.0, settings).unwrap();
            prop_assert_eq!(was_open, open.position != 0.0);
            if !was_open {
                prop_assert_eq!(closed, open);
                return Ok(());
            }
            let close = case.close[case.close.len() - 1];
            let price = close * (1.0 - settings.costs.slippage.copysign(open.position));
            let value = open.position * price;
            let costs = value.abs() * settings.costs.fees + settings.costs.fixed_fees;
            let expected = open.cash + value - costs;
            prop_assert_eq!(closed.position, 0.0);
            prop_assert!((closed.cash - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{} {}", closed.cash, expected);
            let free = *closed.holdings.free_cash.last().unwrap();
            prop_assert!((free - closed.cash).abs() <= 1e-6 * closed.cash.abs().max(1.0), "{} {}", free, closed.cash);
            prop_assert_eq!(closed.orders.len(), open.orders.len() + 1);
            prop_assert_eq!(*closed.holdings.position.last().unwrap(), 0.0);
        }
    }
}
