//! Stop loss, trailing stop and take profit.
//!
//! Stops are tested from the bar after the entry on, the stop loss before the take profit. A level that the open has already
//! passed fills at the open. A level that the bar touches fills at the level. A trailing reference is raised to the high of
//! the bar (lowered to its low for a short position) after the test, so that a bar is not stopped by its own high.

use super::prices::{Bar, Prices};
use crate::settings::{Settings, StopUpdate};

/// The stops of a position.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct ActiveStops {
    loss: Option<Stop>,
    trails: bool,
    profit: Option<Stop>,
}

/// One stop: a reference price and a distance from it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Stop {
    reference: f64,
    fraction: f64,
}

/// A stop that was hit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Hit {
    pub(super) bar: usize,
    /// Open or level, before slippage.
    pub(super) price: f64,
    /// Whether it was the take profit.
    pub(super) is_profit: bool,
    /// Whether the bar touched both the stop loss and the take profit.
    pub(super) both: bool,
}

impl ActiveStops {
    /// Returns the stops of a position that was opened or reversed.
    pub(super) fn set(reference: f64, settings: &Settings) -> Self {
        let stop = |fraction: f64| Stop { reference, fraction };
        Self {
            loss: settings.stops.sl_stop.map(stop),
            trails: settings.stops.sl_trail,
            profit: settings.stops.tp_stop.map(stop),
        }
    }

    /// Returns the stops of a position that was increased.
    pub(super) fn moved(self, reference: f64, settings: &Settings) -> Self {
        match settings.stops.upon_stop_update {
            StopUpdate::Keep => self,
            // The settings are the same on every bar, so that there is a new stop exactly if there is an old one.
            StopUpdate::Override | StopUpdate::OverrideNan => Self::set(reference, settings),
        }
    }

    /// Returns whether there is a stop to test.
    #[inline]
    pub(super) fn armed(&self) -> bool {
        self.loss.is_some() || self.profit.is_some()
    }

    /// Tests bars from `from` to `last` inclusive, and returns the first hit.
    pub(super) fn scan(
        &mut self,
        from: usize,
        last: usize,
        is_long: bool,
        prices: &Prices,
    ) -> Option<Hit> {
        match prices.ranges(from, last) {
            Some((open, high, low)) => {
                let bars = open.iter().zip(high).zip(low).map(|((&open, &high), &low)| Bar {
                    open,
                    high,
                    low,
                });
                bars.zip(from..).find_map(|(at, bar)| self.test(bar, is_long, at))
            }
            None => (from..=last).find_map(|bar| self.test(bar, is_long, prices.bar(bar)?)),
        }
    }

    #[inline]
    fn test(&mut self, bar: usize, is_long: bool, at: Bar) -> Option<Hit> {
        let hit = |stop: Option<Stop>, falls: bool| {
            stop.and_then(|stop| if falls { stop.below(at) } else { stop.above(at) })
        };
        let loss = hit(self.loss, is_long);
        let profit = hit(self.profit, !is_long);
        if let Some(stop) = self.loss.as_mut().filter(|_| self.trails) {
            stop.reference =
                if is_long { stop.reference.max(at.high) } else { stop.reference.min(at.low) };
        }
        let price = loss.or(profit)?;
        Some(Hit {
            bar,
            price,
            is_profit: loss.is_none(),
            both: loss.is_some() && profit.is_some(),
        })
    }
}

impl Stop {
    /// Returns the price at which a fall hits the stop.
    #[inline]
    fn below(self, bar: Bar) -> Option<f64> {
        let level = self.reference * (1.0 - self.fraction);
        if bar.open <= level {
            Some(bar.open)
        } else {
            (bar.low <= level && level <= bar.high).then_some(level)
        }
    }

    /// Returns the price at which a rise hits the stop.
    #[inline]
    fn above(self, bar: Bar) -> Option<f64> {
        let level = self.reference * (1.0 + self.fraction);
        if bar.open >= level {
            Some(bar.open)
        } else {
            (bar.low <= level && level <= bar.high).then_some(level)
        }
    }
}
