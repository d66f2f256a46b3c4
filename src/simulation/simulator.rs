//! The simulation itself: from event to event, each bar's stops before its signals.

use super::all_in::{AllIn, at_next_open};
use super::conflicts::{Resolved, resolve};
use super::execute::{Account, Fill, FillTerms, execute};
use super::options::{Accumulate, Execution, Options, StopEntryPrice, StopExit, StopExitPrice};
use super::orders::Orders;
use super::prices::Prices;
use super::rejections::{Rejection, RejectionCounts, RejectionReason, SignalKind};
use super::signal_set::{PlacedSignals, SignalSet, USER_KINDS, Words};
use super::sizing::size;
use super::stops::{Hit, Stops};
use crate::compute::prefetch::prefetch;
use crate::error::{Error, Result};
use crate::observer::ProgressObserver;
use crate::signals::Signals;

/// After how many bars the observer is asked at the latest, while anything happens on them.
pub(super) const POLL: usize = 1 << 15;

/// For how many orders room is made at the most; there may be many signals and few orders.
const MOST_ROOM: usize = 1 << 16;

/// How many bars ahead fill prices are asked for: some twenty orders of a busy strategy.
const NEAR: usize = 1 << 9;

/// What a simulation did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Simulation {
    /// The filled orders.
    pub orders: Orders,
    /// For each order, the price before slippage.
    pub quoted_prices: Vec<f64>,
    /// Signals that made no order, counted by kind and reason.
    pub unexecuted: Vec<Rejection>,
    /// The orders that a stop made, and what was noticed about them.
    pub stops: StopCounts,
    /// Money at the end.
    pub cash: f64,
    /// Units of the asset at the end; negative for a short position.
    pub position: f64,
    /// Whether every order went all in or all out, and the simulator had no bar to look at.
    pub(super) all_in: bool,
}

impl Simulation {
    /// Returns cash and position at the end of the same run with every signal filled at the open of the next bar, where it
    /// can be told from these orders; `options` and capital are those of the run, which filled at closes.
    #[must_use]
    pub fn at_next_open(
        &self,
        opens: &[f64],
        initial_capital: f64,
        options: &Options,
    ) -> Option<(f64, f64)> {
        let is_known = self.all_in && options.execution == Execution::Close;
        is_known.then(|| at_next_open(&self.orders, opens, initial_capital, options))?
    }
}

/// How often stops were hit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StopCounts {
    /// Stop losses and trailing stops.
    pub losses: u32,
    /// Take profits.
    pub profits: u32,
    /// Stop losses on bars that touched the take profit too: the order in which they did is not known.
    pub ambiguous: u32,
}

/// Runs signals through the order model.
///
/// `initial_capital` is money, finite and not negative. The observer is polled every few ten thousand bars.
///
/// # Errors
/// `INVALID_ARGUMENT` for signals of another length than the prices, a fill at the next open without opens, and where an
/// order asks for what cannot be computed (a reversal by percent); the message names the bar. Cancelled by the observer.
pub fn simulate(
    prices: &Prices,
    signals: &Signals,
    initial_capital: f64,
    options: &Options,
    observer: &dyn ProgressObserver,
) -> Result<Simulation> {
    run(prices, signals, initial_capital, options, observer, Stepping::Leaps)
}

/// How the simulator finds the next bar to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stepping {
    /// Over all bars on which nothing can happen.
    Leaps,
    /// Bar by bar; the tests hold the leaps against it.
    #[cfg(test)]
    EveryBar,
}

fn run(
    prices: &Prices,
    signals: &Signals,
    initial_capital: f64,
    options: &Options,
    observer: &dyn ProgressObserver,
    stepping: Stepping,
) -> Result<Simulation> {
    if !(initial_capital.is_finite() && initial_capital >= 0.0) {
        let message =
            format!("initialCapital must be a finite amount of money, was {initial_capital}");
        return Err(Error::invalid("initialCapital", "range", message));
    }
    if u32::try_from(prices.len()).is_err() {
        let message = format!("a simulation takes at most {} bars, was {}", u32::MAX, prices.len());
        return Err(Error::invalid("close", "length", message));
    }
    if options.execution == Execution::NextOpen && prices.open().is_none() {
        return Err(Error::invalid("open", "required", "open is required with execution nextOpen"));
    }
    let mut rejections = RejectionCounts::default();
    let sets = PlacedSignals::new(signals, prices.len(), options, &mut rejections)?;
    let account =
        Account { cash: initial_capital, position: 0.0, debt: 0.0, free_cash: initial_capital };
    let mut simulator = Simulator {
        prices: *prices,
        words: sets.words(),
        options,
        account,
        stops: Stops::default(),
        seen: [0; USER_KINDS.len()],
        rejections,
        done: Simulation::default(),
    };
    simulator.make_room();
    simulator.run(observer, stepping)?;
    let Account { cash, position, .. } = simulator.account;
    Ok(Simulation {
        unexecuted: simulator.rejections.into_list(),
        cash,
        position,
        ..simulator.done
    })
}

pub(super) struct Simulator<'a> {
    prices: Prices<'a>,
    pub(super) words: Words<'a>,
    pub(super) options: &'a Options,
    pub(super) account: Account,
    stops: Stops,
    /// How many signals of each kind were on bars that were looked at.
    seen: [u32; USER_KINDS.len()],
    rejections: RejectionCounts,
    pub(super) done: Simulation,
}

impl<'a> Simulator<'a> {
    /// Makes room for as many orders as there are signals at most, so that the columns seldom grow.
    fn make_room(&mut self) {
        let signals: usize =
            USER_KINDS.into_iter().map(|kind| self.words.count(kind) as usize).sum();
        let room = signals.min(self.prices.len()).min(MOST_ROOM);
        let orders = &mut self.done.orders;
        orders.bar.reserve(room);
        orders.side.reserve(room);
        orders.size.reserve(room);
        orders.price.reserve(room);
        orders.fees.reserve(room);
        self.done.quoted_prices.reserve(room);
    }

    fn run(&mut self, observer: &dyn ProgressObserver, stepping: Stepping) -> Result<()> {
        let bars = self.prices.len();
        let mut bar = 0;
        let mut poll_at = 0;
        let mut near_until = 0;
        let all_in = (stepping == Stepping::Leaps).then(|| AllIn::of(self)).flatten();
        while bar < bars {
            if let Some(all_in) = &all_in {
                let from = bar;
                bar = all_in.run(self, bar, observer)?;
                if bar >= bars {
                    self.done.all_in = from == 0;
                    break;
                }
            }
            if bar >= poll_at {
                if observer.is_cancelled() {
                    return Err(Error::cancelled());
                }
                observer.on_bar(bar, self.done.orders.len());
                poll_at = bar + POLL;
            }
            let event = match stepping {
                Stepping::Leaps => self.words.next(bar, self.acting()),
                #[cfg(test)]
                Stepping::EveryBar => bar,
            };
            let is_long = self.account.position > 0.0;
            if self.stops.armed() {
                // The scan ends at the poll, so that a long wait for a stop can be cancelled.
                let last = event.min(bars - 1).min(bar + POLL);
                if let Some(hit) = self.stops.scan(bar, last, is_long, &self.prices) {
                    self.stop(&hit)?;
                    bar = hit.bar + 1;
                    continue;
                }
                if last < event {
                    bar = last + 1;
                    continue;
                }
            }
            if event < bars {
                near_until = self.prefetch(near_until, event);
                self.signal(event)?;
            }
            bar = event + 1;
        }
        self.count_skipped();
        observer.on_bar(bars, self.done.orders.len());
        Ok(())
    }

    /// Asks for the fill prices from a bar on, of which those before `asked` were asked for already; returns up to which
    /// bar. To wait for memory at one order after the other was most of the time of a simulation.
    #[inline]
    pub(super) fn prefetch(&self, asked: usize, bar: usize) -> usize {
        let prices = self.fill_prices();
        let until = prices.len().min(bar + NEAR);
        prefetch(prices.get(asked.max(bar)..until).unwrap_or(&[]));
        until
    }

    /// Returns what signals are filled at, before slippage.
    pub(super) fn fill_prices(&self) -> &'a [f64] {
        match self.options.execution {
            Execution::Close => self.prices.close(),
            Execution::NextOpen => self.prices.open().unwrap_or(self.prices.close()),
        }
    }

    /// Returns the signals that can make an order in the present position; the others wait for nothing.
    #[inline]
    fn acting(&self) -> SignalSet {
        let adds = matches!(self.options.accumulate, Accumulate::Both | Accumulate::AddOnly);
        if self.account.position > 0.0 {
            let acting = SignalSet::NONE.with(SignalKind::LongExit).with(SignalKind::ShortEntry);
            if adds { acting.with(SignalKind::LongEntry) } else { acting }
        } else if self.account.position < 0.0 {
            let acting = SignalSet::NONE.with(SignalKind::ShortExit).with(SignalKind::LongEntry);
            if adds { acting.with(SignalKind::ShortEntry) } else { acting }
        } else {
            SignalSet::ENTRIES
        }
    }

    /// Counts the signals on the bars that were leapt over.
    ///
    /// Each kind is leapt over for one reason only: entries in a position of their side, exits without one.
    fn count_skipped(&mut self) {
        for (kind, seen) in USER_KINDS.into_iter().zip(self.seen) {
            let reason = match kind {
                SignalKind::LongEntry | SignalKind::ShortEntry => {
                    RejectionReason::AlreadyInPosition
                }
                SignalKind::LongExit | SignalKind::ShortExit | SignalKind::Stop => {
                    RejectionReason::NoPosition
                }
            };
            self.rejections.add(kind, reason, self.words.count(kind).saturating_sub(seen));
        }
    }

    /// Returns the signals of a bar and notes that they were looked at.
    #[inline]
    fn look_at(&mut self, bar: usize) -> SignalSet {
        let signals = self.words.at(bar);
        for (kind, seen) in USER_KINDS.into_iter().zip(&mut self.seen) {
            *seen += u32::from(signals.has(kind));
        }
        signals
    }

    /// Says why a signal is not acted on, other signals apart.
    fn idle_reason(&self, kind: SignalKind, position: f64) -> RejectionReason {
        let adds = matches!(self.options.accumulate, Accumulate::Both | Accumulate::AddOnly);
        match kind {
            SignalKind::LongEntry if position > 0.0 && !adds => RejectionReason::AlreadyInPosition,
            SignalKind::ShortEntry if position < 0.0 && !adds => RejectionReason::AlreadyInPosition,
            SignalKind::LongExit if position <= 0.0 => RejectionReason::NoPosition,
            SignalKind::ShortExit if position >= 0.0 => RejectionReason::NoPosition,
            _ => RejectionReason::OtherSignalWentFirst,
        }
    }

    /// Acts on a stop; the signals of its bar are dropped.
    fn stop(&mut self, hit: &Hit) -> Result<()> {
        for kind in self.look_at(hit.bar).kinds() {
            self.rejections.add(kind, RejectionReason::StopWentFirst, 1);
        }
        let (Some(order_price), Some(close)) =
            (self.order_price(hit.bar), self.prices.close_at(hit.bar))
        else {
            return Ok(());
        };
        let options = self.options;
        let (exit, reversal) = if self.account.position > 0.0 {
            (SignalKind::LongExit, SignalKind::ShortEntry)
        } else {
            (SignalKind::ShortExit, SignalKind::LongEntry)
        };
        let wish = match options.upon_stop_exit {
            StopExit::Close | StopExit::CloseReduce => exit,
            StopExit::Reverse | StopExit::ReverseReduce => reversal,
        };
        let accumulate = match options.upon_stop_exit {
            StopExit::Close | StopExit::Reverse => Accumulate::Disabled,
            StopExit::CloseReduce | StopExit::ReverseReduce => options.accumulate,
        };
        let (price, slippage) = match options.stop_exit_price {
            StopExitPrice::StopLimit => (hit.price, 0.0),
            StopExitPrice::StopMarket => (hit.price, options.slippage),
            StopExitPrice::Price => (order_price, options.slippage),
            StopExitPrice::Close => (close, options.slippage),
        };
        let bar = self.prices.bar_ref(hit.bar);
        let terms = FillTerms { price, slippage, valuation_price: order_price, bar };
        // A stop is no entry that could be in conflict with the position: it reverses whatever the settings say of those.
        let resolved = Resolved::unopposed(SignalSet::NONE.with(wish), accumulate);
        let before = self.done.orders.len();
        let outcome = self.act(resolved, &terms)?;
        if let Some((_, Err(reason))) = outcome {
            self.rejections.add(SignalKind::Stop, reason, 1);
        }
        if self.done.orders.len() > before {
            let counts = &mut self.done.stops;
            counts.losses += u32::from(!hit.is_profit);
            counts.profits += u32::from(hit.is_profit);
            counts.ambiguous += u32::from(hit.both);
        }
        Ok(())
    }

    /// Acts on the signals of a bar.
    #[inline]
    fn signal(&mut self, index: usize) -> Result<()> {
        let Some(price) = self.order_price(index) else { return Ok(()) };
        let signals = self.look_at(index);
        let position = self.account.position;
        let resolved = resolve(signals, position, self.options.accumulate, self.options);
        let bar = self.prices.bar_ref(index);
        let terms =
            FillTerms { price, slippage: self.options.slippage, valuation_price: price, bar };
        let acted = self.act(resolved, &terms)?;
        // Most often there is one signal, and it made the order.
        if signals.is_single() && matches!(acted, Some((_, Ok(())))) {
            return Ok(());
        }
        self.count_passed_over(signals, resolved, position, acted);
        Ok(())
    }

    /// Counts the signals of a bar that made no order.
    #[inline]
    fn count_passed_over(
        &mut self,
        signals: SignalSet,
        resolved: Resolved,
        position: f64,
        acted: Option<(SignalKind, std::result::Result<(), RejectionReason>)>,
    ) {
        let acting = acted.map(|(kind, _)| resolved.turned.unwrap_or(kind));
        // An exit beside an entry against the position gets what it asks for by the same order.
        let closes = |kind| {
            if position > 0.0 {
                kind == SignalKind::LongExit
            } else {
                position < 0.0 && kind == SignalKind::ShortExit
            }
        };
        for kind in signals.kinds() {
            let reason = if resolved.lost.has(kind) {
                RejectionReason::Conflict
            } else if resolved.ignored.has(kind) {
                RejectionReason::OppositeEntryIgnored
            } else {
                match acted {
                    Some((_, Ok(()))) if acting == Some(kind) || closes(kind) => continue,
                    Some((_, Err(reason))) if acting == Some(kind) || closes(kind) => reason,
                    _ => self.idle_reason(kind, position),
                }
            };
            self.rejections.add(kind, reason, 1);
        }
    }

    /// Notes that signals were looked at.
    pub(super) fn see(&mut self, kind: SignalKind, signals: u32) {
        if let Some(seen) = self.seen.get_mut(kind as usize) {
            *seen += signals;
        }
    }

    /// Writes an order down; `quoted` is its price before slippage.
    #[inline]
    fn note(&mut self, bar: usize, fill: &Fill, quoted: f64) {
        let orders = &mut self.done.orders;
        orders.bar.push(u32::try_from(bar).unwrap_or(u32::MAX));
        orders.side.push(fill.side);
        orders.size.push(fill.size);
        orders.price.push(fill.price);
        orders.fees.push(fill.fees);
        self.done.quoted_prices.push(quoted);
    }

    /// Makes the order of the resolved signals, if they make one, and keeps the books.
    #[inline]
    fn act(
        &mut self,
        resolved: Resolved,
        terms: &FillTerms<'_>,
    ) -> Result<Option<(SignalKind, std::result::Result<(), RejectionReason>)>> {
        let before = self.account.position;
        let sized = size(
            resolved.signals,
            before,
            resolved.accumulate,
            terms.valuation_price,
            self.options,
            terms.bar,
        )?;
        let Some((kind, order)) = sized else { return Ok(None) };
        let fill = match execute(&mut self.account, &order, terms, self.options)? {
            Ok(fill) => fill,
            Err(reason) => return Ok(Some((kind, Err(reason)))),
        };
        self.note(terms.bar.bar, &fill, terms.price);
        if self.options.sl_stop.is_some() || self.options.tp_stop.is_some() {
            self.update_stops(before, terms, fill.price);
        }
        Ok(Some((kind, Ok(()))))
    }

    fn update_stops(&mut self, before: f64, terms: &FillTerms<'_>, fill_price: f64) {
        let after = self.account.position;
        if after == 0.0 {
            self.stops = Stops::default();
            return;
        }
        let reference = match self.options.stop_entry_price {
            StopEntryPrice::ValPrice => terms.valuation_price,
            StopEntryPrice::Price => terms.price,
            StopEntryPrice::FillPrice => fill_price,
            StopEntryPrice::Close => self.prices.close_at(terms.bar.bar).unwrap_or(terms.price),
        };
        let opened = before == 0.0 || (before > 0.0) != (after > 0.0);
        if opened {
            self.stops = Stops::set(reference, self.options);
        } else if after.abs() > before.abs() {
            self.stops = self.stops.moved(reference, self.options);
        }
    }

    /// Returns the price at which signals of a bar are filled, before slippage; nothing beyond the end.
    #[inline]
    fn order_price(&self, bar: usize) -> Option<f64> {
        self.fill_prices().get(bar).copied()
    }
}

#[cfg(test)]
#[path = "simulator_tests.rs"]
mod tests;
