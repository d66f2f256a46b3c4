//! The simulation itself: from event to event, the stops of each bar before its signals.

use super::all_in::{AllIn, repeat_at_next_open};
use super::conflicts::{Resolved, resolve};
use super::execute::{Account, FillTerms, execute};
use super::placed_signals::{PlacedSignals, SignalWords};
use super::prices::Prices;
use super::recorder::{Recorder, Recording, Simulation, StopCounts};
use super::rejections::{RejectionCounts, RejectionReason, SignalKind};
use super::signal_set::{SIGNALS, SignalSet};
use super::sizing::size;
use super::state::{POLL, State};
use super::stops::{ActiveStops, Hit};
use crate::error::{Error, Result};
use crate::observer::ProgressObserver;
use crate::settings::{Accumulate, Execution, Settings, StopEntryPrice, StopExit, StopExitPrice};
use crate::signals::Signals;

/// Capacity is reserved for at most this many orders. Many signals may make few orders.
const MAX_RESERVED_ORDERS: usize = 1 << 16;

/// Runs signals through the order model.
///
/// `initial_capital` is money, finite and not negative. The observer is polled every few ten thousand bars.
///
/// # Errors
/// `INVALID_ARGUMENT` for signals of another length than the prices, a fill at the next open without opens, and an order
/// whose size cannot be computed (a reversal by percent) or overflows; the message names the bar. Cancelled by the observer.
pub fn simulate(
    prices: &Prices<'_>,
    signals: &Signals,
    initial_capital: f64,
    settings: &Settings,
    observer: &dyn ProgressObserver,
) -> Result<Simulation> {
    simulate_into(Simulation::default(), prices, signals, initial_capital, settings, observer)
}

/// Does the same as [`simulate`] and reuses the memory of an earlier simulation.
///
/// # Errors
/// Those of [`simulate`].
pub fn simulate_into(
    buffers: Simulation,
    prices: &Prices<'_>,
    signals: &Signals,
    initial_capital: f64,
    settings: &Settings,
    observer: &dyn ProgressObserver,
) -> Result<Simulation> {
    let recorder = |capacity| Recorder::new(buffers, Recording::Orders, initial_capital, capacity);
    run(recorder, prices, signals, initial_capital, settings, observer, Stepping::Events)
}

/// Returns cash and position at the end of the same run with every signal filled at the open of the next bar. `simulation` is
/// the run with fills at closes. Returns `None` if opens are missing, fills are at opens already, or an order fails.
pub fn at_next_open(
    simulation: &Simulation,
    prices: &Prices<'_>,
    signals: &Signals,
    initial_capital: f64,
    settings: &Settings,
    observer: &dyn ProgressObserver,
) -> Option<(f64, f64)> {
    let opens = prices.open()?;
    if settings.conventions.execution != Execution::Close {
        return None;
    }
    repeat_at_next_open(simulation, opens, initial_capital, settings).or_else(|| {
        let settings =
            settings.clone().with(|settings| settings.conventions.execution = Execution::NextOpen);
        let recorder =
            |_| Recorder::new(Simulation::default(), Recording::Count, initial_capital, 0);
        let stepping = Stepping::Events;
        let later =
            run(recorder, prices, signals, initial_capital, &settings, observer, stepping).ok()?;
        Some((later.cash, later.position))
    })
}

/// How the simulation finds the next bar to process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stepping {
    /// Skips bars on which nothing can happen.
    Events,
    /// Visits every bar. Tests compare the event-driven path with it.
    #[cfg(test)]
    EveryBar,
}

fn run(
    recorder: impl FnOnce(usize) -> Recorder,
    prices: &Prices<'_>,
    signals: &Signals,
    initial_capital: f64,
    settings: &Settings,
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
    let fill_prices = match settings.conventions.execution {
        Execution::Close => prices.close(),
        Execution::NextOpen => prices.open().ok_or_else(|| {
            Error::invalid("open", "required", "open is required with execution nextOpen")
        })?,
    };
    let mut rejections = RejectionCounts::default();
    let placed = PlacedSignals::new(signals, prices.len(), settings, &mut rejections)?;
    let words = placed.words();
    let count: usize = SIGNALS.into_iter().map(|kind| words.count(kind) as usize).sum();
    let capacity = count.min(prices.len()).min(MAX_RESERVED_ORDERS);
    let account =
        Account { cash: initial_capital, position: 0.0, debt: 0.0, free_cash: initial_capital };
    let mut simulator = Simulator {
        prices: *prices,
        words,
        settings,
        state: State::new(account, recorder(capacity), fill_prices),
        stops: ActiveStops::default(),
        stop_counts: StopCounts::default(),
        rejections,
    };
    let is_all_in = simulator.run(observer, stepping)?;
    let State { account, recorder, .. } = simulator.state;
    Ok(Simulation {
        orders: recorder.orders,
        holdings: recorder.holdings,
        rejections: simulator.rejections.into_list(),
        stops: simulator.stop_counts,
        cash: account.cash,
        position: account.position,
        is_all_in,
    })
}

struct Simulator<'a> {
    prices: Prices<'a>,
    words: SignalWords<'a>,
    settings: &'a Settings,
    state: State<'a>,
    stops: ActiveStops,
    stop_counts: StopCounts,
    rejections: RejectionCounts,
}

impl Simulator<'_> {
    /// Runs to the end; returns whether the all-in path made every order.
    fn run(&mut self, observer: &dyn ProgressObserver, stepping: Stepping) -> Result<bool> {
        let bars = self.prices.len();
        let mut bar = 0;
        let mut is_all_in = false;
        let all_in = match stepping {
            Stepping::Events => AllIn::new(self.words.sets(), self.settings),
            #[cfg(test)]
            Stepping::EveryBar => None,
        };
        while bar < bars {
            if let Some(all_in) = &all_in {
                let from = bar;
                bar = all_in.run(&mut self.state, bar, observer)?;
                if bar >= bars {
                    is_all_in = from == 0;
                    break;
                }
            }
            self.state.poll(bar, observer)?;
            let event = match stepping {
                Stepping::Events => self.words.next(bar, self.acting()),
                #[cfg(test)]
                Stepping::EveryBar => bar,
            };
            let is_long = self.state.account.position > 0.0;
            if self.stops.armed() {
                // The scan ends at the next poll, so that a long wait for a stop can be cancelled.
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
                self.state.prefetch_fill_prices(event);
                self.signal(event)?;
            }
            bar = event + 1;
        }
        self.count_skipped();
        observer.on_bar(bars, self.state.recorder.count);
        Ok(is_all_in)
    }

    /// Returns the signals that can make an order in the present position.
    #[inline]
    fn acting(&self) -> SignalSet {
        let adds = matches!(self.settings.rules.accumulate, Accumulate::Both | Accumulate::AddOnly);
        if self.state.account.position > 0.0 {
            let acting = SignalSet::NONE.with(SignalKind::LongExit).with(SignalKind::ShortEntry);
            if adds { acting.with(SignalKind::LongEntry) } else { acting }
        } else if self.state.account.position < 0.0 {
            let acting = SignalSet::NONE.with(SignalKind::ShortExit).with(SignalKind::LongEntry);
            if adds { acting.with(SignalKind::ShortEntry) } else { acting }
        } else {
            SignalSet::ENTRIES
        }
    }

    /// Counts the signals on the bars that were skipped.
    ///
    /// Each kind is skipped for one reason only: entries in a position of their side, exits without one.
    fn count_skipped(&mut self) {
        for (kind, seen) in SIGNALS.into_iter().zip(self.state.seen) {
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

    /// Returns the signals of a bar and counts them as seen.
    #[inline]
    fn take_signals(&mut self, bar: usize) -> SignalSet {
        let signals = self.words.at(bar);
        self.state.count_seen(signals);
        signals
    }

    /// Returns why a signal is not acted on, apart from other signals.
    fn idle_reason(&self, kind: SignalKind, position: f64) -> RejectionReason {
        let adds = matches!(self.settings.rules.accumulate, Accumulate::Both | Accumulate::AddOnly);
        match kind {
            SignalKind::LongEntry if position > 0.0 && !adds => RejectionReason::AlreadyInPosition,
            SignalKind::ShortEntry if position < 0.0 && !adds => RejectionReason::AlreadyInPosition,
            SignalKind::LongExit if position <= 0.0 => RejectionReason::NoPosition,
            SignalKind::ShortExit if position >= 0.0 => RejectionReason::NoPosition,
            _ => RejectionReason::OtherSignalWentFirst,
        }
    }

    /// Acts on a stop. The signals of its bar are dropped.
    fn stop(&mut self, hit: &Hit) -> Result<()> {
        for kind in self.take_signals(hit.bar).kinds() {
            self.rejections.add(kind, RejectionReason::StopWentFirst, 1);
        }
        let (Some(order_price), Some(close)) =
            (self.order_price(hit.bar), self.prices.close_at(hit.bar))
        else {
            return Ok(());
        };
        let settings = self.settings;
        let (exit, reversal) = if self.state.account.position > 0.0 {
            (SignalKind::LongExit, SignalKind::ShortEntry)
        } else {
            (SignalKind::ShortExit, SignalKind::LongEntry)
        };
        let wish = match settings.stops.upon_stop_exit {
            StopExit::Close | StopExit::CloseReduce => exit,
            StopExit::Reverse | StopExit::ReverseReduce => reversal,
        };
        let accumulate = match settings.stops.upon_stop_exit {
            StopExit::Close | StopExit::Reverse => Accumulate::Disabled,
            StopExit::CloseReduce | StopExit::ReverseReduce => settings.rules.accumulate,
        };
        let (price, slippage) = match settings.stops.stop_exit_price {
            StopExitPrice::StopLimit => (hit.price, 0.0),
            StopExitPrice::StopMarket => (hit.price, settings.costs.slippage),
            StopExitPrice::Price => (order_price, settings.costs.slippage),
            StopExitPrice::Close => (close, settings.costs.slippage),
        };
        let bar = self.prices.bar_ref(hit.bar);
        let terms = FillTerms { price, slippage, valuation_price: order_price, bar };
        // A stop is not an entry that conflicts with the position: it reverses whatever the settings say about those.
        let resolved = Resolved::unopposed(SignalSet::NONE.with(wish), accumulate);
        let before = self.state.recorder.count;
        let outcome = self.act(resolved, &terms)?;
        if let Some((_, Err(reason))) = outcome {
            self.rejections.add(SignalKind::Stop, reason, 1);
        }
        if self.state.recorder.count > before {
            let counts = &mut self.stop_counts;
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
        let signals = self.take_signals(index);
        let position = self.state.account.position;
        let resolved = resolve(signals, position, self.settings.rules.accumulate, self.settings);
        let bar = self.prices.bar_ref(index);
        let terms = FillTerms {
            price,
            slippage: self.settings.costs.slippage,
            valuation_price: price,
            bar,
        };
        let acted = self.act(resolved, &terms)?;
        // Usually there is one signal, and it made the order.
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
        // An exit beside an entry against the position is served by the same order.
        let closes = |kind| {
            if position > 0.0 {
                kind == SignalKind::LongExit
            } else {
                position < 0.0 && kind == SignalKind::ShortExit
            }
        };
        for kind in signals.kinds() {
            let reason = if resolved.conflicting.has(kind) {
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

    /// Makes the order of the resolved signals, if they make one, and records it.
    #[inline]
    fn act(
        &mut self,
        resolved: Resolved,
        terms: &FillTerms<'_>,
    ) -> Result<Option<(SignalKind, std::result::Result<(), RejectionReason>)>> {
        let before = self.state.account.position;
        let sized = size(
            resolved.signals,
            before,
            resolved.accumulate,
            terms.valuation_price,
            self.settings,
            terms.bar,
        )?;
        let Some((kind, order)) = sized else { return Ok(None) };
        let fill = match execute(&mut self.state.account, &order, terms, self.settings)? {
            Ok(fill) => fill,
            Err(reason) => return Ok(Some((kind, Err(reason)))),
        };
        self.state.recorder.record(terms.bar.bar, &fill, terms.price);
        if self.settings.stops.are_set() {
            self.update_stops(before, terms, fill.price);
        }
        Ok(Some((kind, Ok(()))))
    }

    fn update_stops(&mut self, before: f64, terms: &FillTerms<'_>, fill_price: f64) {
        let after = self.state.account.position;
        if after == 0.0 {
            self.stops = ActiveStops::default();
            return;
        }
        let reference = match self.settings.stops.stop_entry_price {
            StopEntryPrice::ValPrice => terms.valuation_price,
            StopEntryPrice::Price => terms.price,
            StopEntryPrice::FillPrice => fill_price,
            StopEntryPrice::Close => self.prices.close_at(terms.bar.bar).unwrap_or(terms.price),
        };
        let opened = before == 0.0 || (before > 0.0) != (after > 0.0);
        if opened {
            self.stops = ActiveStops::set(reference, self.settings);
        } else if after.abs() > before.abs() {
            self.stops = self.stops.moved(reference, self.settings);
        }
    }

    /// Returns the price at which signals of a bar are filled, before slippage; `None` beyond the end.
    #[inline]
    fn order_price(&self, bar: usize) -> Option<f64> {
        self.state.fill_prices.get(bar).copied()
    }
}

#[cfg(test)]
#[path = "simulator_tests.rs"]
mod tests;
