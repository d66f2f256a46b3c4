//! The state of a running simulation, which the general path and the all-in path share.

use super::execute::Account;
use super::recorder::Recorder;
use super::rejections::SignalKind;
use super::signal_set::{SIGNALS, SignalSet};
use crate::compute::prefetch::prefetch;
use crate::error::{Error, Result};
use crate::observer::ProgressObserver;

/// The observer is polled after at most this many bars, as long as anything happens on them.
pub(super) const POLL: usize = 1 << 15;

/// How many bars ahead fill prices are prefetched: about twenty orders of a busy strategy.
const PREFETCH_BARS: usize = 1 << 9;

/// The account, the record, and how far the simulation got.
pub(super) struct State<'a> {
    pub(super) account: Account,
    pub(super) recorder: Recorder,
    /// How many signals of each kind were on bars that were not skipped.
    pub(super) seen: [u32; SIGNALS.len()],
    /// What signals are filled at, before slippage.
    pub(super) fill_prices: &'a [f64],
    prefetched_until: usize,
    poll_at: usize,
}

impl<'a> State<'a> {
    pub(super) fn new(account: Account, recorder: Recorder, fill_prices: &'a [f64]) -> Self {
        let seen = [0; SIGNALS.len()];
        Self { account, recorder, seen, fill_prices, prefetched_until: 0, poll_at: 0 }
    }

    /// Polls the observer if it is time to.
    ///
    /// # Errors
    /// Cancelled by the observer.
    #[inline]
    pub(super) fn poll(&mut self, bar: usize, observer: &dyn ProgressObserver) -> Result<()> {
        if bar >= self.poll_at {
            if observer.is_cancelled() {
                return Err(Error::cancelled());
            }
            observer.on_bar(bar, self.recorder.count);
            self.poll_at = bar + POLL;
        }
        Ok(())
    }

    /// Prefetches the fill prices of the bars from `bar` on. Waiting for memory at one order after the other was most of the
    /// time of a simulation.
    #[inline]
    pub(super) fn prefetch_fill_prices(&mut self, bar: usize) {
        let until = self.fill_prices.len().min(bar + PREFETCH_BARS);
        prefetch(self.fill_prices.get(self.prefetched_until.max(bar)..until).unwrap_or(&[]));
        self.prefetched_until = until;
    }

    /// Counts signals as seen.
    #[inline]
    pub(super) fn count_seen(&mut self, signals: SignalSet) {
        for (kind, seen) in SIGNALS.into_iter().zip(&mut self.seen) {
            *seen += u32::from(signals.has(kind));
        }
    }

    /// Counts several signals of one kind as seen.
    pub(super) fn count_seen_of(&mut self, kind: SignalKind, signals: u32) {
        if let Some(seen) = self.seen.get_mut(kind as usize) {
            *seen += signals;
        }
    }
}

/// How a simulation finds the next bar to process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stepping {
    /// Skips bars on which nothing can happen.
    Events,
    /// Visits every bar. Tests compare the event-driven path with it.
    #[cfg(test)]
    EveryBar,
}
