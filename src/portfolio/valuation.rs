//! Equity: cash and the value of the position at the close, bar by bar.
//!
//! Between two orders neither cash nor position changes, so that equity is a linear function of the close there.

use crate::compute::multiversion::multiversion;
use crate::compute::prefetch::{PREFETCH_DISTANCE, prefetch_at};
use crate::simulation::{Holdings, Orders, snap};

/// The equity of a run at each close, computed on demand.
#[derive(Debug, Clone, Copy)]
pub struct Valuation<'a> {
    close: &'a [f64],
    /// The bars of the orders.
    bars: &'a [u32],
    holdings: &'a Holdings,
    capital: f64,
}

impl<'a> Valuation<'a> {
    /// Creates the valuation of a simulation on these closes.
    pub fn new(
        close: &'a [f64],
        orders: &'a Orders,
        holdings: &'a Holdings,
        initial_capital: f64,
    ) -> Self {
        Self { close, bars: &orders.bar, holdings, capital: snap(initial_capital) }
    }

    /// Returns the number of bars.
    pub fn bars(&self) -> usize {
        self.close.len()
    }

    /// Returns the equity of one bar, 0 beyond the end.
    pub fn at(&self, bar: usize) -> f64 {
        let (cash, position) = self.after(self.until(bar));
        self.close.get(bar).map_or(0.0, |close| cash + close * position)
    }

    /// Passes the equity of the given bars, in ascending order, to `take`, each with the equity of the bar before.
    pub fn sample(
        &self,
        bars: &mut dyn Iterator<Item = usize>,
        take: &mut dyn FnMut(Option<f64>, f64),
    ) {
        let bars: Vec<usize> = bars.collect();
        let mut orders = 0;
        let mut at = |bar: usize| {
            // The orders in between are few and adjacent. A binary search among all orders touches more memory.
            let later = self.bars.get(orders..).unwrap_or(&[]);
            orders += later.iter().take_while(|&&order| order as usize <= bar).count();
            let (cash, position) = self.after(orders);
            self.close.get(bar).map_or(0.0, |close| cash + close * position)
        };
        for (index, &bar) in bars.iter().enumerate() {
            if let Some(&later) = bars.get(index + PREFETCH_DISTANCE) {
                prefetch_at(self.close, later);
            }
            let before = bar.checked_sub(1).map(&mut at);
            take(before, at(bar));
        }
    }

    /// Writes the equity of the bars from `from` on until `into` is full.
    pub fn write(&self, from: usize, into: &mut [f64]) {
        value(self, from, into);
    }

    /// Returns the number of orders up to and with a bar.
    fn until(&self, bar: usize) -> usize {
        self.bars.partition_point(|&order| order as usize <= bar)
    }

    /// Returns cash and position after that many orders.
    #[inline(always)]
    fn after(&self, orders: usize) -> (f64, f64) {
        let last = orders.checked_sub(1);
        let held = |column: &[f64]| last.and_then(|last| column.get(last).copied());
        held(&self.holdings.cash).zip(held(&self.holdings.position)).unwrap_or((self.capital, 0.0))
    }
}

multiversion! {
    fn value(valuation: &Valuation<'_>, from: usize, into: &mut [f64]) {
        let closes = valuation.close.get(from..).unwrap_or(&[]);
        let bars = closes.len().min(into.len());
        let mut orders = valuation.until(from);
        let mut start = 0;
        while start < bars {
            let next = |orders| valuation.bars.get(orders).map_or(bars, |&bar| bar as usize - from);
            let (cash, position) = valuation.after(orders);
            let end = next(orders).min(bars);
            // In chunks of four. Values written beyond the end are overwritten by the next interval.
            let beyond = start + (end - start).next_multiple_of(4);
            let (whole, to) = match (closes.get(start..beyond), into.get_mut(start..beyond)) {
                (Some(closes), Some(to)) => (closes, to),
                _ => (
                    closes.get(start..end).unwrap_or(&[]),
                    into.get_mut(start..end).unwrap_or(&mut []),
                ),
            };
            let ((chunks, rest), (to_chunks, to_rest)) = (whole.as_chunks::<4>(), to.as_chunks_mut::<4>());
            for (to, chunk) in to_chunks.iter_mut().zip(chunks) {
                for (value, close) in to.iter_mut().zip(chunk) {
                    *value = cash + close * position;
                }
            }
            for (value, close) in to_rest.iter_mut().zip(rest) {
                *value = cash + close * position;
            }
            start = end;
            // Several orders may lie on one bar. The last one counts.
            while orders < valuation.bars.len() && next(orders) <= start {
                orders += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn equity(close: &[f64], orders: &Orders, capital: f64) -> Vec<f64> {
        let holdings = Holdings::replay(orders, capital);
        let mut equity = vec![0.0; close.len()];
        Valuation::new(close, orders, &holdings, capital).write(0, &mut equity);
        equity
    }

    #[test]
    fn equity_of_a_short_may_fall_below_zero() {
        let orders = Orders {
            bar: vec![0],
            side: vec![1],
            size: vec![10.0],
            price: vec![100.0],
            fees: vec![0.0],
            ..Orders::default()
        };
        let found = equity(&[100.0, 150.0, 250.0, 300.0], &orders, 1000.0);
        assert_eq!(found, [1000.0, 500.0, -500.0, -1000.0]);
        assert_eq!(Holdings::replay(&orders, 1000.0).free_cash, [0.0]);
    }

    #[test]
    fn a_sample_is_the_equity_of_its_bars_and_of_the_bars_before() {
        let close: Vec<f64> = (0..200_u32).map(|bar| 50.0 + f64::from(bar * 37 % 23)).collect();
        // Several orders on one bar, on the first bar and on the last, and long waits.
        let bar = vec![0, 3, 3, 3, 40, 41, 150, 199];
        let orders = Orders {
            side: vec![0, 1, 0, 0, 1, 0, 1, 0],
            size: vec![1.0, 0.5, 0.25, 1.0, 1.5, 2.0, 1.0, 0.5],
            price: bar.iter().map(|&bar| close[bar as usize]).collect(),
            fees: vec![0.1; bar.len()],
            bar,
            ..Orders::default()
        };
        let holdings = Holdings::replay(&orders, 1_000.0);
        let valuation = Valuation::new(&close, &orders, &holdings, 1_000.0);
        let equity = equity(&close, &orders, 1_000.0);
        for step in [1, 2, 7, 41] {
            let mut found = Vec::new();
            let take = &mut |before, here| found.push((before, here));
            valuation.sample(&mut (0..200).step_by(step), take);
            let one = |bar: usize| (bar.checked_sub(1).map(|before| equity[before]), equity[bar]);
            let expected: Vec<_> = (0..200).step_by(step).map(one).collect();
            assert_eq!(found, expected, "every {step} bars");
        }
    }

    #[test]
    fn without_orders_equity_is_the_capital() {
        assert_eq!(equity(&[1.0, 2.0], &Orders::default(), 7.0), [7.0, 7.0]);
        assert!(equity(&[], &Orders::default(), 7.0).is_empty());
    }

    #[test]
    fn units_within_rounding_error_of_zero_are_neither_equity_nor_trade() {
        // vectorbt 1.2.0 has value() 0 and no trades: see docs/vectorbt.md.
        let orders = Orders {
            bar: vec![0],
            side: vec![0],
            size: vec![9e-13],
            price: vec![1e6],
            fees: vec![0.0],
            ..Orders::default()
        };
        assert_eq!(equity(&[1e6, 2e6], &orders, 9e-7), [0.0, 0.0]);
        assert!(crate::portfolio::Trades::from_orders(&[1e6, 2e6], &orders).is_empty());
    }
}
