//! Signals and stops to orders, one at a time. The walk over the bars decides when each is due.

use super::conflicts::{Resolved, acting, closes, resolve};
use super::execute::{FillTerms, execute};
use super::exits::{ExitReason, Moment, StopOrder};
use super::long_stops::stop_slippage;
use super::placed_signals::SignalWords;
use super::prices::Prices;
use super::recorder::StopCounts;
use super::rejections::{RejectionCounts, RejectionReason, SignalKind};
use super::signal_set::{SIGNALS, SignalSet};
use super::sizing::size;
use super::state::State;
use super::stops::{ActiveStops, Hit};
use crate::error::Result;
use crate::settings::{Accumulate, Execution, Settings, StopEntryPrice, StopExit, StopUpdate};

/// Makes the orders of a run.
pub(super) struct Broker<'a> {
    pub(super) prices: Prices<'a>,
    pub(super) words: SignalWords<'a>,
    pub(super) settings: &'a Settings,
    pub(super) state: State<'a>,
    pub(super) stops: ActiveStops,
    /// Stops that replace the present ones after the bar. They are measured from its close, which is not known before.
    later_stops: Option<ActiveStops>,
    /// The bar on which the position was opened or reversed.
    pub(super) opened: usize,
    pub(super) stop_counts: StopCounts,
    pub(super) rejections: RejectionCounts,
}

/// What became of the signals of a bar.
type Acted = Option<(SignalKind, std::result::Result<(), RejectionReason>)>;

impl<'a> Broker<'a> {
    pub(super) fn new(
        prices: Prices<'a>,
        words: SignalWords<'a>,
        settings: &'a Settings,
        state: State<'a>,
        rejections: RejectionCounts,
    ) -> Self {
        Self {
            prices,
            words,
            settings,
            state,
            stops: ActiveStops::default(),
            later_stops: None,
            opened: 0,
            stop_counts: StopCounts::default(),
            rejections,
        }
    }

    /// Returns the units held; negative for a short position.
    #[inline]
    pub(super) fn position(&self) -> f64 {
        self.state.account.position
    }

    /// Returns the signals that can make an order in the present position.
    #[inline]
    pub(super) fn acting(&self) -> SignalSet {
        acting(self.position(), self.settings.rules.accumulate)
    }

    /// Returns whether an entry adds to a position of its direction.
    #[inline]
    fn adds(&self) -> bool {
        matches!(self.settings.rules.accumulate, Accumulate::Both | Accumulate::AddOnly)
    }

    /// Counts the signals on the bars that were skipped.
    ///
    /// Each kind is skipped for one reason only: entries in a position of their side, exits without one.
    pub(super) fn count_skipped(&mut self) {
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
    pub(super) fn take_signals(&mut self, bar: usize) -> SignalSet {
        let signals = self.words.at(bar);
        self.state.count_seen(signals);
        signals
    }

    /// Returns why a signal is not acted on, apart from other signals.
    fn idle_reason(&self, kind: SignalKind, position: f64) -> RejectionReason {
        let adds = self.adds();
        match kind {
            SignalKind::LongEntry if position > 0.0 && !adds => RejectionReason::AlreadyInPosition,
            SignalKind::ShortEntry if position < 0.0 && !adds => RejectionReason::AlreadyInPosition,
            SignalKind::LongExit if position <= 0.0 => RejectionReason::NoPosition,
            SignalKind::ShortExit if position >= 0.0 => RejectionReason::NoPosition,
            _ => RejectionReason::OtherSignalWentFirst,
        }
    }

    /// Acts on a stop, at a price before slippage.
    pub(super) fn stop(&mut self, hit: &Hit, price: f64, moment: Moment) -> Result<()> {
        let Some(valuation_price) = self.order_price(hit.bar) else { return Ok(()) };
        let settings = self.settings;
        let (exit, reversal) = if self.position() > 0.0 {
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
        let bar = self.prices.bar_ref(hit.bar);
        let slippage = stop_slippage(settings);
        let terms = FillTerms { price, slippage, valuation_price, bar };
        // A stop is not an entry that conflicts with the position: it reverses whatever the settings say about those.
        let resolved = Resolved::unopposed(SignalSet::NONE.with(wish), accumulate);
        let before = self.state.recorder.count;
        let outcome = self.act(resolved, &terms)?;
        if let Some((_, Err(reason))) = outcome {
            self.rejections.add(SignalKind::Stop, reason, 1);
        }
        if self.state.recorder.count > before {
            let order = u32::try_from(before).unwrap_or(u32::MAX);
            self.state.recorder.record_stop(StopOrder { order, reason: hit.reason, moment });
            self.stop_counts.add(hit);
        }
        Ok(())
    }

    /// Acts on the signals of a bar.
    #[inline]
    pub(super) fn signal(&mut self, index: usize) -> Result<()> {
        self.signal_given_in(self.position(), index)
    }

    /// Acts on the signals of a bar that were given while `held` units were held. A stop may have gone first since then.
    ///
    /// What the signals mean for the position, and for each other, was decided with the units held. They act on what is left
    /// of them.
    #[inline]
    pub(super) fn signal_given_in(&mut self, held: f64, index: usize) -> Result<()> {
        let Some(price) = self.order_price(index) else { return Ok(()) };
        let signals = self.take_signals(index);
        let position = self.position();
        let mut resolved = resolve(signals, held, self.settings.rules.accumulate, self.settings);
        let overtaken = self.overtaken(held, position);
        resolved.signals = resolved.signals.minus(overtaken);
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
        for kind in signals.intersection(overtaken).kinds() {
            self.rejections.add(kind, self.idle_reason(kind, held), 1);
        }
        self.count_passed_over(signals.minus(overtaken), resolved, position, acted);
        Ok(())
    }

    /// Returns the signals that did nothing in the units held, but would do something in the position that a stop left.
    #[inline]
    fn overtaken(&self, held: f64, position: f64) -> SignalSet {
        if (held > 0.0) == (position > 0.0) && (held < 0.0) == (position < 0.0) {
            return SignalSet::NONE;
        }
        let (entry, other_exit) = if held > 0.0 {
            (SignalKind::LongEntry, SignalKind::ShortExit)
        } else {
            (SignalKind::ShortEntry, SignalKind::LongExit)
        };
        let overtaken = SignalSet::NONE.with(other_exit);
        if self.adds() { overtaken } else { overtaken.with(entry) }
    }

    /// Counts the signals of a bar that made no order.
    #[inline]
    fn count_passed_over(
        &mut self,
        signals: SignalSet,
        resolved: Resolved,
        position: f64,
        acted: Acted,
    ) {
        // An entry against the position that meets an entry in its direction, rather than an exit of its own side.
        let reverses = |kind| {
            if position > 0.0 {
                kind == SignalKind::ShortEntry && !signals.has(SignalKind::ShortExit)
            } else {
                position < 0.0
                    && kind == SignalKind::LongEntry
                    && !signals.has(SignalKind::LongExit)
            }
        };
        for kind in signals.kinds() {
            let reason = if resolved.conflicting.has(kind) {
                let leaves = closes(kind, position) || reverses(kind);
                if leaves { RejectionReason::ExitDropped } else { RejectionReason::Conflict }
            } else if resolved.ignored.has(kind) {
                RejectionReason::OppositeEntryIgnored
            } else {
                match acted {
                    Some((acted, Ok(()))) if resolved.serves(kind, acted, position) => continue,
                    Some((acted, Err(reason))) if resolved.serves(kind, acted, position) => reason,
                    // An entry that was to close a position which a stop has closed.
                    None if resolved.turned == Some(kind) => RejectionReason::NoPosition,
                    _ => self.idle_reason(kind, position),
                }
            };
            self.rejections.add(kind, reason, 1);
        }
    }

    /// Makes the order of the resolved signals, if they make one, and records it.
    #[inline]
    fn act(&mut self, resolved: Resolved, terms: &FillTerms<'_>) -> Result<Acted> {
        let before = self.position();
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
        let after = self.position();
        if after == 0.0 {
            self.stops = ActiveStops::default();
            self.later_stops = None;
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
            self.opened = terms.bar.bar;
            self.stops = ActiveStops::default();
        } else if after.abs() <= before.abs()
            || self.settings.stops.upon_stop_update == StopUpdate::Keep
        {
            return;
        }
        // The settings are the same on every bar, so that a position that is increased has old stops exactly if there are new
        // ones: overrideNaN is override.
        let stops = ActiveStops::set(reference, self.settings);
        if self.settings.conventions.execution == Execution::NextOpen
            && self.settings.stops.stop_entry_price == StopEntryPrice::Close
        {
            self.later_stops = Some(stops);
        } else {
            self.stops = stops;
        }
    }

    /// Sets the stops that are measured from the close of the bar that ends.
    pub(super) fn start_later_stops(&mut self) {
        if let Some(stops) = self.later_stops.take() {
            self.stops = stops;
        }
    }

    /// Returns the price at which signals of a bar are filled, before slippage; `None` beyond the end.
    #[inline]
    pub(super) fn order_price(&self, bar: usize) -> Option<f64> {
        self.state.fill_prices.get(bar).copied()
    }
}

impl StopCounts {
    fn add(&mut self, hit: &Hit) {
        let is_profit = hit.reason == ExitReason::TakeProfit;
        self.losses += u32::from(!is_profit);
        self.profits += u32::from(is_profit);
        self.ambiguous += u32::from(hit.both);
    }
}
