//! Costs, traded value and exposure.
//!
//! Gross exposure is |value of the position| ÷ (|value of the position| + free cash). Free cash is cash that secures no
//! short position. A short sale binds its proceeds and the same amount again; a purchase that covers it releases twice the
//! debt that it pays off. Position and free cash do not change between two orders, so that with free cash at or above zero
//! the largest exposure of the interval is at its highest close.

use super::extremes::maximum;
use super::trading_input::TradingInput;
use crate::numbers::count_to_f64;
use crate::simulation::{Holdings, Orders, add};

/// Costs, traded value and exposure of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExposureStatistics {
    /// Fees of all orders, money.
    pub fees: f64,
    /// The sum of what fills were worse than their price before slippage, money.
    pub slippage: f64,
    /// Size × price of all orders, money.
    pub traded_value: f64,
    /// The largest gross exposure at the end of a bar, a fraction; `None` without bars.
    pub max_gross: Option<f64>,
    /// Fraction of the bars that end with a position; `None` without bars.
    pub time_in_market: Option<f64>,
}

impl ExposureStatistics {
    pub(super) fn new(input: &TradingInput<'_>) -> Self {
        let (orders, close) = (input.orders, input.close);
        let (max_gross, held) = walk(input.initial_capital, orders, input.holdings, close);
        Self {
            fees: orders.fees.iter().sum(),
            slippage: slippage_paid(orders),
            traded_value: orders
                .size
                .iter()
                .zip(&orders.price)
                .map(|(size, price)| size * price)
                .sum(),
            max_gross: (!close.is_empty()).then_some(max_gross),
            time_in_market: (!close.is_empty())
                .then(|| count_to_f64(held) / count_to_f64(close.len())),
        }
    }
}

/// Sums up what fills were worse than their reference price.
fn slippage_paid(orders: &Orders) -> f64 {
    let prices = orders.price.iter().zip(&orders.reference_price);
    let rows = orders.side.iter().zip(&orders.size).zip(prices);
    rows.map(|((&side, size), (price, reference))| {
        size * if side == 0 { price - reference } else { reference - price }
    })
    .sum()
}

/// Returns the largest gross exposure and the number of bars that end with a position.
fn walk(initial_capital: f64, orders: &Orders, holdings: &Holdings, close: &[f64]) -> (f64, usize) {
    let capital = add(0.0, initial_capital);
    let held_after = holdings.position.iter().zip(&holdings.free_cash);
    let (mut gross, mut from) = (GrossExposure::default(), 0);
    let mut held = HoldingPeriod { position: 0.0, free: capital };
    let mut until = |end: usize, held: &HoldingPeriod| {
        if let Some(interval) = close.get(from..end).filter(|interval| !interval.is_empty()) {
            gross.hold(held.position, held.free, interval, || maximum(interval));
            from = end;
        }
    };
    for (&bar, (&position, &free)) in orders.bar.iter().zip(held_after) {
        until(usize::try_from(bar).unwrap_or(usize::MAX).min(close.len()), &held);
        held = HoldingPeriod { position, free };
    }
    until(close.len(), &held);
    (gross.largest, gross.bars)
}

/// The largest gross exposure so far, and the number of bars that end with a position.
#[derive(Debug, Clone, Copy)]
pub struct GrossExposure {
    /// A fraction; negative infinity without bars.
    pub largest: f64,
    /// Bars.
    pub bars: usize,
}

impl Default for GrossExposure {
    fn default() -> Self {
        Self { largest: f64::NEG_INFINITY, bars: 0 }
    }
}

impl GrossExposure {
    /// Adds the bars between two orders, of which there is at least one: the position, free cash, the closes, and a way to the
    /// highest of them.
    #[inline]
    pub fn hold(
        &mut self,
        position: f64,
        free: f64,
        closes: &[f64],
        highest: impl FnOnce() -> f64,
    ) {
        let held = HoldingPeriod { position, free };
        // Without debt no exposure exceeds 1. Once it was reached, prices need not be read any more.
        if self.largest < 1.0 || free < 0.0 {
            self.largest = self.largest.max(held.largest_exposure(closes, highest));
        }
        self.bars += if held.is_flat() { 0 } else { closes.len() };
    }
}

/// What is held between two orders.
struct HoldingPeriod {
    position: f64,
    free: f64,
}

impl HoldingPeriod {
    fn is_flat(&self) -> bool {
        self.position.abs() <= 0.0
    }

    fn exposure(&self, close: f64) -> f64 {
        let value = (self.position * close).abs();
        let whole = add(value, self.free);
        if whole.abs() > 0.0 { value / whole } else { 0.0 }
    }

    fn largest_exposure(&self, closes: &[f64], highest: impl FnOnce() -> f64) -> f64 {
        if self.is_flat() {
            0.0
        } else if self.free.abs() <= 0.0 {
            // Exposure is 1 at any price.
            closes.first().map_or(f64::NEG_INFINITY, |&close| self.exposure(close))
        } else if self.free >= 0.0 {
            self.exposure(highest())
        } else {
            closes.iter().map(|&close| self.exposure(close)).fold(f64::NEG_INFINITY, f64::max)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders(rows: &[(u32, u8, f64, f64, f64)]) -> Orders {
        Orders {
            bar: rows.iter().map(|row| row.0).collect(),
            side: rows.iter().map(|row| row.1).collect(),
            size: rows.iter().map(|row| row.2).collect(),
            price: rows.iter().map(|row| row.3).collect(),
            fees: rows.iter().map(|row| row.4).collect(),
            ..Orders::default()
        }
    }

    fn walk_after(initial_capital: f64, orders: &Orders, close: &[f64]) -> (f64, usize) {
        let holdings = Holdings::replay(orders, initial_capital);
        walk(initial_capital, orders, &holdings, close)
    }

    #[test]
    fn exposure_of_a_fully_invested_account_is_one_whatever_the_price() {
        let orders = orders(&[(0, 0, 10.0, 99.9, 1.0), (2, 1, 10.0, 120.0, 1.0)]);
        let (largest, held) = walk_after(1_000.0, &orders, &[90.0, 130.0, 120.0]);
        assert!((largest - 1.0).abs() < 1e-15);
        assert_eq!(held, 2);
    }

    #[test]
    fn amounts_below_rounding_bind_no_cash() {
        // vectorbt 1.2.0: Portfolio.from_signals([7.28e-9, 1.88e-8], [True, False], size=2.67e-13, size_type="value",
        // init_cash=2.667e-10, engine="numba").gross_exposure() is 0.001000125, 0.002578… at cash that stays 2.667e-10.
        let orders = orders(&[(0, 0, 2.67e-13 / 7.28e-9, 7.28e-9, 0.0)]);
        let (largest, _) = walk_after(2.667e-10, &orders, &[7.28e-9, 1.88e-8]);
        let value = 2.67e-13 / 7.28e-9 * 1.88e-8;
        assert!((largest - value / (value + 2.667e-10)).abs() < 1e-15);
    }
}
