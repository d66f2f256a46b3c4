//! What the orders of a run come to: what is held after each, the trades, the costs.

use crate::metrics::statistics::{ExposureStatistics, GrossExposure, TradeStatistics, TradeSums};
use crate::numbers::count_to_f64;
use crate::portfolio::{Trade, TradeOrder, TradeWalk};
use crate::simulation::{Simulation, StreamedOrder};

/// What is held from a bar on until the bar of the next entry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Held {
    /// The bar.
    pub(super) from: u32,
    /// Money.
    pub(super) cash: f64,
    /// Cash that neither comes from short positions nor secures them, money.
    pub(super) free_cash: f64,
    /// Units; negative for a short position.
    pub(super) size: f64,
}

/// Sums over orders.
#[derive(Debug)]
pub(super) struct OrderSums<'a> {
    held: &'a mut Vec<Held>,
    /// The results of closed trades, money.
    results: &'a mut Vec<f64>,
    wants_trades: bool,
    walk: TradeWalk,
    trades: TradeSums,
    fees: f64,
    slippage: f64,
    traded_value: f64,
}

/// What orders came to.
#[derive(Debug)]
pub(super) struct OrderTotals {
    pub(super) trades: TradeStatistics,
    /// Without the exposure, which depends on the curve.
    costs: ExposureStatistics,
}

impl<'a> OrderSums<'a> {
    /// Starts with no order. What is held after each is written to `held`.
    pub(super) fn new(
        held: &'a mut Vec<Held>,
        results: &'a mut Vec<f64>,
        wants_trades: bool,
    ) -> Self {
        held.clear();
        results.clear();
        Self {
            held,
            results,
            wants_trades,
            walk: TradeWalk::default(),
            trades: TradeSums::default(),
            fees: 0.0,
            slippage: 0.0,
            traded_value: 0.0,
        }
    }

    /// Adds the next order.
    #[inline(always)]
    pub(super) fn take(&mut self, order: &StreamedOrder) {
        let &StreamedOrder { bar, side, size, price, fees, reference_price, .. } = order;
        let worse = if side == 0 { price - reference_price } else { reference_price - price };
        self.fees += fees;
        self.slippage += size * worse;
        self.traded_value += size * price;
        if self.wants_trades {
            let ended = self.walk.take(&TradeOrder { bar, side, size, price, fees });
            if let Some(Trade { direction, pnl, pnl_percent, entry_bar, exit_bar, .. }) = ended {
                let bars = exit_bar.saturating_sub(entry_bar);
                self.trades.add_closed(direction, pnl, pnl_percent, bars);
                self.results.push(pnl);
            }
        }
        let StreamedOrder { cash, free_cash, position, .. } = *order;
        let held = Held { from: bar, cash, free_cash, size: position };
        match self.held.last_mut() {
            // Of several orders on one bar the last one counts.
            Some(last) if last.from == bar => *last = held,
            _ => self.held.push(held),
        }
    }

    /// Adds all orders of a simulation.
    pub(super) fn take_all(&mut self, simulation: &Simulation) {
        let Simulation { orders, holdings, .. } = simulation;
        let amounts = orders.size.iter().zip(&orders.price).zip(&orders.fees);
        let rows = orders.bar.iter().zip(&orders.side).zip(amounts).zip(&orders.reference_price);
        let after = holdings.cash.iter().zip(&holdings.free_cash).zip(&holdings.position);
        for ((((&bar, &side), ((&size, &price), &fees)), &reference_price), held) in rows.zip(after)
        {
            let ((&cash, &free_cash), &position) = held;
            self.take(&StreamedOrder {
                bar,
                side,
                size,
                price,
                fees,
                reference_price,
                cash,
                free_cash,
                position,
            });
        }
    }

    /// Returns what the orders came to; `None` if an amount overflowed.
    pub(super) fn finish(mut self, close: &[f64]) -> Option<OrderTotals> {
        let last_bar = u32::try_from(close.len().checked_sub(1)?).ok()?;
        if let Some(trade) = self.walk.left_open(last_bar, *close.last()?) {
            self.trades.add_open(trade.direction, trade.pnl);
            if !trade.pnl_percent.is_finite() {
                return None;
            }
        }
        // Amounts stay infinite or NaN once they are. No amount that overflows leaves the result in percent finite.
        let is_finite = self.trades.are_finite()
            && self.fees.is_finite()
            && self.held.last().is_none_or(|held| {
                held.cash.is_finite() && held.free_cash.is_finite() && held.size.is_finite()
            });
        is_finite.then(|| OrderTotals {
            trades: self.trades.finish(self.results.iter().copied()),
            costs: ExposureStatistics {
                fees: self.fees,
                slippage: self.slippage,
                traded_value: self.traded_value,
                ..ExposureStatistics::default()
            },
        })
    }
}

impl OrderTotals {
    /// Returns costs and exposure over a number of bars.
    pub(super) fn exposure(&self, gross: &GrossExposure, bars: usize) -> ExposureStatistics {
        ExposureStatistics {
            max_gross: (bars > 0).then_some(gross.largest),
            time_in_market: (bars > 0).then(|| count_to_f64(gross.bars) / count_to_f64(bars)),
            ..self.costs.clone()
        }
    }
}
