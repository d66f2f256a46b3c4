//! A fast path for the most common run: an entry spends all cash, an exit sells the whole position.
//!
//! It performs the operations of [`super::execute`] that such a run needs, in the same order, so that its orders are the
//! same to the last bit. Anything else (an entry and an exit on one bar, fees that cash does not cover, an order below the
//! minimum size, numbers that overflow) is left to the general path, bar by bar.

use super::all_in_order::{AllInPurchase, AllInSale};
use super::approx::{add, less, snap};
use super::execute::Account;
use super::holdings::Held;
use super::orders::Orders;
use super::placed_signals::{first, has};
use super::recorder::{Recorder, Recording, Simulation};
use super::rejections::SignalKind;
use super::state::State;
use crate::compute::prefetch::{PREFETCH_DISTANCE, prefetch_at};
use crate::error::Result;
use crate::observer::ProgressObserver;
use crate::settings::{Accumulate, Execution, Settings, SizeType};

/// A run in which every order is all in or all out.
#[derive(Debug)]
pub(super) struct AllIn<'a> {
    /// The words of the entries and of the exits.
    entries: &'a [u64],
    exits: &'a [u64],
    settings: &'a Settings,
}

/// An order and what it leaves.
struct Filled {
    /// Units.
    size: f64,
    /// After slippage.
    price: f64,
    fees: f64,
    /// Money after a sale. A purchase leaves none.
    cash: f64,
}

/// A block of orders. Pushing each order onto nine columns, any of which may have to grow, takes longer than making it.
struct OrderBlock {
    bar: [u32; ROWS],
    side: [u8; ROWS],
    size: [f64; ROWS],
    price: [f64; ROWS],
    fees: [f64; ROWS],
    reference_price: [f64; ROWS],
    /// Cash and position after the order.
    cash: [f64; ROWS],
    position: [f64; ROWS],
    used: usize,
}

const ROWS: usize = 128;

impl Default for OrderBlock {
    fn default() -> Self {
        let empty = [0.0; ROWS];
        Self {
            bar: [0; ROWS],
            side: [0; ROWS],
            size: empty,
            price: empty,
            fees: empty,
            reference_price: empty,
            cash: empty,
            position: empty,
            used: 0,
        }
    }
}

impl OrderBlock {
    /// Adds an order, and returns whether the block is full.
    #[inline(always)]
    fn push(
        &mut self,
        bar: usize,
        is_entry: bool,
        filled: &Filled,
        reference_price: f64,
        held: &Held,
    ) -> bool {
        // The mask changes nothing: it tells the compiler that the index is within bounds.
        let row = self.used & (ROWS - 1);
        self.bar[row] = u32::try_from(bar).unwrap_or(u32::MAX);
        self.side[row] = u8::from(!is_entry);
        self.size[row] = filled.size;
        self.price[row] = filled.price;
        self.fees[row] = filled.fees;
        self.reference_price[row] = reference_price;
        self.cash[row] = held.cash;
        self.position[row] = held.position;
        self.used += 1;
        self.used == ROWS
    }

    /// Moves the orders to the record and counts their signals.
    fn flush(&mut self, state: &mut State<'_>) {
        fn rows<T>(column: &[T], count: usize) -> &[T] {
            column.get(..count).unwrap_or(&[])
        }
        let count = std::mem::take(&mut self.used);
        let exits = rows(&self.side, count).iter().map(|&side| u32::from(side)).sum();
        state.count_seen_of(SignalKind::LongExit, exits);
        state.count_seen_of(SignalKind::LongEntry, u32::try_from(count).unwrap_or(0) - exits);
        let Recorder { recording, count: recorded, orders, holdings, .. } = &mut state.recorder;
        *recorded += count;
        if *recording == Recording::Count {
            return;
        }
        orders.bar.extend_from_slice(rows(&self.bar, count));
        orders.side.extend_from_slice(rows(&self.side, count));
        for (to, from) in [
            (&mut orders.size, &self.size),
            (&mut orders.price, &self.price),
            (&mut orders.fees, &self.fees),
            (&mut orders.reference_price, &self.reference_price),
            (&mut holdings.cash, &self.cash),
            // Without short positions all cash is free.
            (&mut holdings.free_cash, &self.cash),
            (&mut holdings.position, &self.position),
        ] {
            to.extend_from_slice(rows(from, count));
        }
    }
}

impl<'a> AllIn<'a> {
    /// Returns the fast path if the settings and the signals allow it.
    pub(super) fn new(sets: [&'a [u64]; 4], settings: &'a Settings) -> Option<Self> {
        let sizing = &settings.sizing;
        let trades_all = sizing.size_type == SizeType::Amount
            && sizing.size.is_infinite()
            && sizing.max_size.is_infinite()
            && sizing.size_granularity.is_none();
        let is_plain =
            settings.rules.accumulate == Accumulate::Disabled && !settings.stops.are_set();
        let [entries, exits, [], []] = sets else { return None };
        (trades_all && is_plain).then_some(Self { entries, exits, settings })
    }

    /// Makes orders from a bar on. Returns the bar that needs the general path, or the number of bars at the end.
    ///
    /// # Errors
    /// Cancelled by the observer.
    pub(super) fn run(
        &self,
        state: &mut State<'_>,
        from: usize,
        observer: &dyn ProgressObserver,
    ) -> Result<usize> {
        let bars = state.fill_prices.len();
        let Account { mut cash, mut position, free_cash, debt } = state.account;
        let mut held = state.recorder.held;
        let tracks_holdings = state.recorder.recording == Recording::Orders;
        // Runs of this kind keep these conditions. The arithmetic below relies on them.
        let is_flat_or_invested = |cash: f64, position: f64| cash == 0.0 || position == 0.0;
        if debt != 0.0
            || free_cash.to_bits() != cash.to_bits()
            || !is_flat_or_invested(cash, position)
            || tracks_holdings
                && (held.debt != 0.0
                    || held.free_cash.to_bits() != held.cash.to_bits()
                    || held.position.to_bits() != position.to_bits()
                    || !is_flat_or_invested(held.cash, held.position))
        {
            return Ok(from);
        }
        let mut next = from;
        let mut block = OrderBlock::default();
        let end = loop {
            let is_entry = position == 0.0;
            let (signals, others) =
                if is_entry { (self.entries, self.exits) } else { (self.exits, self.entries) };
            let Some(bar) = first(signals, next) else { break bars };
            state.poll(bar, observer)?;
            state.prefetch_fill_prices(bar);
            let Some(&reference_price) = state.fill_prices.get(bar) else { break bars };
            let filled = if is_entry {
                purchase(self.settings, cash, reference_price)
            } else {
                sale(self.settings, position, reference_price)
            };
            let Some(filled) = filled.filter(|_| !has(others, bar)) else { break bar };
            let Filled { size, price, fees, .. } = filled;
            // What `Held::apply` computes for such an order.
            let held_cash = if is_entry {
                let left = add(held.cash, snap(-size * price - fees));
                if tracks_holdings && left.to_bits() != 0 {
                    break bar;
                }
                left
            } else {
                add(0.0, snap(size * price - fees))
            };
            held.cash = held_cash;
            held.position = if is_entry { size } else { 0.0 };
            if block.push(bar, is_entry, &filled, reference_price, &held) {
                block.flush(state);
            }
            (cash, position) = if is_entry { (0.0, size) } else { (filled.cash, 0.0) };
            next = bar + 1;
        };
        block.flush(state);
        state.account = Account { cash, position, free_cash: cash, debt };
        state.recorder.held = Held { free_cash: held.cash, ..held };
        Ok(end)
    }
}

/// Spends all cash.
#[inline]
fn purchase(settings: &Settings, cash: f64, reference_price: f64) -> Option<Filled> {
    let costs = &settings.costs;
    let purchase = AllInPurchase::new(costs, cash, add(cash, -costs.fixed_fees), reference_price);
    let AllInPurchase { price, for_asset, size, fees } = purchase;
    let fills = snap(cash) > 0.0
        && for_asset > 0.0
        && snap(size) > 0.0
        && size.is_finite()
        && fees.is_finite()
        && !less(size, settings.sizing.min_size);
    fills.then_some(Filled { size, price, fees, cash: 0.0 })
}

/// Sells the whole position.
#[inline]
fn sale(settings: &Settings, size: f64, reference_price: f64) -> Option<Filled> {
    let costs = &settings.costs;
    let AllInSale { price, received, fees } =
        AllInSale::new(costs, size, costs.slippage, reference_price);
    let cash = add(received, -fees);
    let fills = cash >= 0.0
        && cash.is_finite()
        && fees.is_finite()
        && !less(size, settings.sizing.min_size);
    fills.then_some(Filled { size, price, fees, cash })
}

/// Returns cash and position at the end of the same run with every signal filled at the open of the next bar.
///
/// Which signals make orders depends only on whether there is a position, so that the orders of the run are those of the
/// other one; an order on the last bar has no next bar and is not filled. Returns `None` if the run was not all in, did not
/// fill at closes, or if an order would not be filled any more.
pub(super) fn repeat_at_next_open(
    simulation: &Simulation,
    opens: &[f64],
    capital: f64,
    settings: &Settings,
) -> Option<(f64, f64)> {
    if !simulation.is_all_in || settings.conventions.execution != Execution::Close {
        return None;
    }
    let Orders { bar: bars, side: sides, .. } = &simulation.orders;
    let (mut cash, mut position) = (capital, 0.0);
    for (order, (&bar, &side)) in bars.iter().zip(sides).enumerate() {
        if let Some(&later) = bars.get(order + PREFETCH_DISTANCE) {
            prefetch_at(opens, later as usize + 1);
        }
        let Some(&open) = opens.get(bar as usize + 1) else { break };
        if side == 0 {
            (cash, position) = (0.0, purchase(settings, cash, open)?.size);
        } else {
            (cash, position) = (sale(settings, position, open)?.cash, 0.0);
        }
    }
    Some((cash, position))
}
