//! The orders of a run without stops, one at a time, for who needs no columns of them.
//!
//! Signals become orders by the functions that [`super::broker`] calls. What is left out is the record, the stops, and why
//! signals made no order.

use super::conflicts::{acting, resolve};
use super::execute::{Account, Attempt, FillTerms, Outcome, attempt};
use super::holdings::Held;
use super::placed_signals::{SignalColumns, placed};
use super::prices::Prices;
use super::rejections::RejectionCounts;
use super::sizing::{SizeState, SizedOrder, sized_order};
use crate::settings::{Execution, Settings};

/// A filled order, and what is held after it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StreamedOrder {
    /// The bar of the fill.
    pub bar: u32,
    /// 0 for a purchase, 1 for a sale.
    pub side: u8,
    /// Units of the asset, above 0.
    pub size: f64,
    /// Price of the fill, after slippage.
    pub price: f64,
    /// Fees, money.
    pub fees: f64,
    /// Price before slippage.
    pub reference_price: f64,
    /// Money after the order.
    pub cash: f64,
    /// Cash after the order that neither comes from short positions nor secures them, money.
    pub free_cash: f64,
    /// Units of the asset after the order; negative for a short position.
    pub position: f64,
}

/// Passes the orders that [`super::simulate_columns`] makes to `take`, in their order, and returns how many signals they served.
/// `None` if there are stops, or the simulation fails; orders may have been passed before.
// The functions that it calls are inlined, so that amounts stay in registers: waiting for one that was just stored was half of the
// time of an order.
#[must_use]
#[inline(always)]
pub fn stream_orders(
    prices: &Prices<'_>,
    columns: SignalColumns<'_>,
    moved: &mut [Vec<u64>; 4],
    initial_capital: f64,
    settings: &Settings,
    mut take: impl FnMut(&StreamedOrder),
) -> Option<usize> {
    let bars = prices.len();
    let fill_prices = match settings.conventions.execution {
        Execution::Close => prices.close(),
        Execution::NextOpen => prices.open()?,
    };
    let is_usual = initial_capital.is_finite()
        && initial_capital >= 0.0
        && u32::try_from(bars).is_ok()
        && !settings.stops.are_set();
    if !is_usual {
        return None;
    }
    let mut no_next_bar = RejectionCounts::default();
    let words = placed(columns, bars, settings, &mut no_next_bar, moved);
    let accumulate = settings.rules.accumulate;
    let mut account =
        Account { cash: initial_capital, position: 0.0, debt: 0.0, free_cash: initial_capital };
    let mut held = Held::initial(initial_capital);
    let (mut served, mut next) = (0_usize, 0);
    loop {
        let index = words.next(next, acting(account.position, accumulate));
        let Some(&price) = fill_prices.get(index) else { break };
        next = index + 1;
        let signals = words.at(index);
        let position = account.position;
        let resolved = resolve(signals, position, accumulate, settings);
        let SizedOrder { state, kind, order } =
            sized_order(resolved.signals, position, resolved.accumulate, price, settings);
        match state {
            SizeState::Order => {}
            SizeState::NoOrder => continue,
            SizeState::PercentReverses | SizeState::ReversalOverflows => return None,
        }
        let (slippage, bar) = (settings.costs.slippage, prices.bar_ref(index));
        let terms = FillTerms { price, slippage, valuation_price: price, bar };
        let Attempt { outcome, fill, after } = attempt(&account, &order, &terms, settings);
        match outcome {
            Outcome::Filled => account = after,
            Outcome::Rejected(_) => continue,
            _ => return None,
        }
        held.apply(fill.side, fill.size, fill.price, fill.fees);
        served += if signals.is_single() {
            1
        } else {
            signals.kinds().filter(|&it| resolved.serves(it, kind, position)).count()
        };
        take(&StreamedOrder {
            bar: u32::try_from(index).unwrap_or(u32::MAX),
            side: fill.side,
            size: fill.size,
            price: fill.price,
            fees: fill.fees,
            reference_price: price,
            cash: held.cash,
            free_cash: held.free_cash,
            position: held.position,
        });
    }
    Some(served)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::observer::NoObserver;
    use crate::signals::Bits;
    use crate::simulation::random_cases::{Case, cases, extreme_cases};
    use crate::simulation::simulate;

    /// What a simulation or a stream has, to the bit.
    #[derive(Debug, PartialEq)]
    struct Found {
        /// Bar, side, and the bits of all amounts, of each order.
        orders: Vec<(u32, u8, [u64; 7])>,
        served: usize,
    }

    fn streamed(case: &Case, capital: f64) -> Option<Found> {
        let columns = case.signals.sets().map(|set| set.map(Bits::words));
        let (mut moved, mut orders) = (Default::default(), Vec::new());
        let settings = &case.settings;
        let served =
            stream_orders(&case.prices(), columns, &mut moved, capital, settings, |order| {
                let amounts = [
                    order.size,
                    order.price,
                    order.fees,
                    order.reference_price,
                    order.cash,
                    order.free_cash,
                    order.position,
                ];
                orders.push((order.bar, order.side, amounts.map(f64::to_bits)));
            })?;
        Some(Found { orders, served })
    }

    fn simulated(case: &Case, capital: f64) -> Option<Found> {
        let run = simulate(&case.prices(), &case.signals, capital, &case.settings, &NoObserver);
        let run = run.ok()?;
        let (orders, held) = (&run.orders, &run.holdings);
        let columns = [
            &orders.size,
            &orders.price,
            &orders.fees,
            &orders.reference_price,
            &held.cash,
            &held.free_cash,
            &held.position,
        ];
        let of = |row: usize| columns.map(|column| column[row].to_bits());
        let found =
            (0..orders.len()).map(|row| (orders.bar[row], orders.side[row], of(row))).collect();
        let rejected: usize = run.rejections.iter().map(|rejection| rejection.count as usize).sum();
        let given: usize = case.signals.sets().into_iter().flatten().map(Bits::count).sum();
        Some(Found { orders: found, served: given - rejected })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

        #[test]
        fn streamed_orders_are_those_of_the_simulation(
            (case, capital) in prop_oneof![cases().prop_map(|case| (case, 10_000.0)), extreme_cases()],
        ) {
            let found = streamed(&case, capital);
            if case.settings.stops.are_set() {
                prop_assert!(found.is_none());
            } else {
                prop_assert_eq!(found, simulated(&case, capital));
            }
        }
    }
}
