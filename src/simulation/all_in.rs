//! The most common run, in a loop of its own: on an entry all cash goes into the asset, on an exit all of it comes out.
//!
//! Of the order model ([`super::execute`]) only what such a run needs is left, in the same order of operations, so that its
//! orders are the same to the last bit. Whatever else may happen on a bar (an entry beside an exit, fees that cash does not
//! cover, an order below the smallest size, numbers that overflow) is left to the simulator, bar by bar.

use super::approx::{add, less, snap};
use super::execute::Account;
use super::options::{Accumulate, Options, SizeType};
use super::orders::Orders;
use super::rejections::SignalKind;
use super::signal_set::{first, has};
use super::simulator::{POLL, Simulator};
use crate::compute::prefetch::{PREFETCH_DISTANCE, prefetch_at};
use crate::error::{Error, Result};
use crate::observer::ProgressObserver;

/// A run of orders that are all in or all out.
#[derive(Debug)]
pub(super) struct AllIn<'a> {
    /// What signals are filled at, before slippage.
    prices: &'a [f64],
    /// The words of the entries and of the exits.
    entries: &'a [u64],
    exits: &'a [u64],
    options: &'a Options,
}

/// What an order leaves and costs.
struct Filled {
    /// Units.
    size: f64,
    /// After slippage.
    price: f64,
    fees: f64,
    /// Money after a sale; nothing is left after a purchase.
    cash: f64,
}

/// Orders on their way: writing to six columns at once, each of which may have to grow, takes longer than making an order.
struct Rows {
    bar: [u32; ROWS],
    side: [u8; ROWS],
    size: [f64; ROWS],
    price: [f64; ROWS],
    fees: [f64; ROWS],
    quoted: [f64; ROWS],
    used: usize,
}

const ROWS: usize = 128;

impl Default for Rows {
    fn default() -> Self {
        let empty = [0.0; ROWS];
        let (bar, side) = ([0; ROWS], [0; ROWS]);
        Self { bar, side, size: empty, price: empty, fees: empty, quoted: empty, used: 0 }
    }
}

impl Rows {
    /// Adds an order, and returns whether there is no room for another one.
    #[inline(always)]
    fn add(&mut self, bar: usize, is_entry: bool, [size, price, fees, quoted]: [f64; 4]) -> bool {
        // The mask changes nothing: it tells the compiler that the place is inside.
        let row = self.used & (ROWS - 1);
        self.bar[row] = u32::try_from(bar).unwrap_or(u32::MAX);
        self.side[row] = u8::from(!is_entry);
        self.size[row] = size;
        self.price[row] = price;
        self.fees[row] = fees;
        self.quoted[row] = quoted;
        self.used += 1;
        self.used == ROWS
    }

    /// Writes the orders down; each was made by the signal of its side.
    fn give(&mut self, simulator: &mut Simulator<'_>) {
        fn rows<T>(column: &[T], count: usize) -> &[T] {
            column.get(..count).unwrap_or(&[])
        }
        let count = std::mem::take(&mut self.used);
        let orders = &mut simulator.done.orders;
        orders.bar.extend_from_slice(rows(&self.bar, count));
        orders.side.extend_from_slice(rows(&self.side, count));
        orders.size.extend_from_slice(rows(&self.size, count));
        orders.price.extend_from_slice(rows(&self.price, count));
        orders.fees.extend_from_slice(rows(&self.fees, count));
        simulator.done.quoted_prices.extend_from_slice(rows(&self.quoted, count));
        let exits = rows(&self.side, count).iter().map(|&side| u32::from(side)).sum();
        simulator.see(SignalKind::LongExit, exits);
        simulator.see(SignalKind::LongEntry, u32::try_from(count).unwrap_or(0) - exits);
    }
}

impl<'a> AllIn<'a> {
    /// Returns the run if its settings and signals are of this kind.
    pub(super) fn of(simulator: &Simulator<'a>) -> Option<Self> {
        let options = simulator.options;
        let all = options.size_type == SizeType::Amount
            && options.size.is_infinite()
            && options.max_size.is_infinite()
            && options.size_granularity.is_none();
        let plain = options.accumulate == Accumulate::Disabled
            && options.sl_stop.is_none()
            && options.tp_stop.is_none();
        let [entries, exits, [], []] = simulator.words.sets() else { return None };
        let prices = simulator.fill_prices();
        (all && plain).then_some(Self { prices, entries, exits, options })
    }

    /// Makes orders from a bar on, and returns the bar that is the simulator's; the number of bars when all is done.
    ///
    /// # Errors
    /// Cancelled by the observer.
    pub(super) fn run(
        &self,
        simulator: &mut Simulator<'a>,
        from: usize,
        observer: &dyn ProgressObserver,
    ) -> Result<usize> {
        let (bars, options) = (self.prices.len(), self.options);
        let Account { mut cash, mut position, free_cash, debt } = simulator.account;
        // Nothing else than this comes of such runs, but it is what the sums below rest on.
        if debt != 0.0 || (free_cash - cash).abs() > 0.0 || (cash != 0.0 && position != 0.0) {
            return Ok(from);
        }
        let (mut next, mut poll_at, mut near_until) = (from, from + POLL, from);
        let mut rows = Rows::default();
        let end = loop {
            let is_entry = position == 0.0;
            let (signals, others) =
                if is_entry { (self.entries, self.exits) } else { (self.exits, self.entries) };
            let Some(bar) = first(signals, next) else { break bars };
            if bar >= poll_at {
                if observer.is_cancelled() {
                    return Err(Error::cancelled());
                }
                observer.on_bar(bar, simulator.done.orders.len());
                poll_at = bar + POLL;
            }
            near_until = simulator.prefetch(near_until, bar);
            let Some(&quoted) = self.prices.get(bar) else { break bars };
            let filled = if is_entry {
                purchase(options, cash, quoted)
            } else {
                sale(options, position, quoted)
            };
            let Some(filled) = filled.filter(|_| !has(others, bar)) else { break bar };
            let Filled { size, price, fees, .. } = filled;
            if rows.add(bar, is_entry, [size, price, fees, quoted]) {
                rows.give(simulator);
            }
            (cash, position) = if is_entry { (0.0, size) } else { (filled.cash, 0.0) };
            next = bar + 1;
        };
        rows.give(simulator);
        simulator.account = Account { cash, position, free_cash: cash, debt };
        Ok(end)
    }
}

/// Spends all cash.
#[inline]
fn purchase(options: &Options, cash: f64, quoted: f64) -> Option<Filled> {
    let price = quoted * (1.0 + options.slippage);
    let for_asset = add(cash, -options.fixed_fees) / (1.0 + options.fees);
    let size = for_asset / price;
    let fees = cash - for_asset;
    let fills = snap(cash) > 0.0
        && for_asset > 0.0
        && snap(size) > 0.0
        && size.is_finite()
        && fees.is_finite()
        && !less(size, options.min_size);
    fills.then_some(Filled { size, price, fees, cash: 0.0 })
}

/// Sells the whole position.
#[inline]
fn sale(options: &Options, size: f64, quoted: f64) -> Option<Filled> {
    let price = quoted * (1.0 - options.slippage);
    let received = size * price;
    let fees = received * options.fees + options.fixed_fees;
    let cash = add(received, -fees);
    let fills =
        cash >= 0.0 && cash.is_finite() && fees.is_finite() && !less(size, options.min_size);
    fills.then_some(Filled { size, price, fees, cash })
}

/// Repeats a run of this kind with every fill at the open of the next bar; returns cash and position at the end. Which
/// signals make orders depends on nothing but whether something is held, so that they are the same ones; one on the last
/// bar is never filled. Nothing where an order would not fill any more.
pub(super) fn at_next_open(
    orders: &Orders,
    opens: &[f64],
    capital: f64,
    options: &Options,
) -> Option<(f64, f64)> {
    let (mut cash, mut position) = (capital, 0.0);
    for (order, (&bar, &side)) in orders.bar.iter().zip(&orders.side).enumerate() {
        if let Some(&later) = orders.bar.get(order + PREFETCH_DISTANCE) {
            prefetch_at(opens, later as usize + 1);
        }
        let Some(&quoted) = opens.get(bar as usize + 1) else { break };
        if side == 0 {
            (cash, position) = (0.0, purchase(options, cash, quoted)?.size);
        } else {
            (cash, position) = (sale(options, position, quoted)?.cash, 0.0);
        }
    }
    Some((cash, position))
}
