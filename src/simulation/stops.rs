//! Stop loss, trailing stop and take profit.
//!
//! A level that the open has already passed fills at the open. A level that the bar touches fills at the level. The stop loss
//! goes before the take profit; only where bars are walked from their open on, a level that the open has passed goes before
//! one that the bar reaches later. A trailing reference is raised to the high of the bar (lowered to its low for a short
//! position) after the test, so that a bar is not stopped by its own high.

use super::exits::{ExitReason, Moment};
use super::prices::{Bar, Prices};
use crate::settings::Settings;

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

/// A level that a bar reached.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Touch {
    /// Open or level.
    price: f64,
    moment: Moment,
}

/// A stop that was hit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Hit {
    pub(super) bar: usize,
    /// Open or level, before slippage.
    pub(super) price: f64,
    /// Whether the open had passed the level, or the bar touched it later.
    pub(super) moment: Moment,
    /// Which stop it was.
    pub(super) reason: ExitReason,
    /// Whether the bar touched both the stop loss and the take profit, and which came first is not known.
    pub(super) both: bool,
}

impl ActiveStops {
    /// Returns the stops of a position, measured from a reference price.
    pub(super) fn set(reference: f64, settings: &Settings) -> Self {
        let stops = &settings.stops;
        Self::of(reference, stops.sl_stop, stops.sl_trail, stops.tp_stop)
    }

    /// Does the same for the fractions of the stop loss and the take profit.
    pub(super) fn of(reference: f64, loss: Option<f64>, trails: bool, profit: Option<f64>) -> Self {
        let stop = |fraction: f64| Stop { reference, fraction };
        Self { loss: loss.map(stop), trails, profit: profit.map(stop) }
    }

    /// Returns whether there is a stop to test.
    #[inline]
    pub(super) fn armed(&self) -> bool {
        self.loss.is_some() || self.profit.is_some()
    }

    /// Tests bars from `from` to `last` inclusive, and returns the first hit. The trailing stop has followed its bar too.
    pub(super) fn scan(
        &mut self,
        from: usize,
        last: usize,
        is_long: bool,
        prices: &Prices,
    ) -> Option<Hit> {
        let mut bar = from;
        if let Some((open, high, low)) = prices.ranges(from, last) {
            // Most bars come nowhere near a level.
            while let Some(quiet) = self.quiet_bars((open, high, low), bar - from, is_long) {
                bar += quiet;
                if bar > last {
                    return None;
                }
                let hit = self.scan_each(bar, bar, is_long, prices);
                if hit.is_some() {
                    return hit;
                }
                bar += 1;
            }
        }
        self.scan_each(bar, last, is_long, prices)
    }

    /// Does the same bar by bar.
    fn scan_each(
        &mut self,
        from: usize,
        last: usize,
        is_long: bool,
        prices: &Prices,
    ) -> Option<Hit> {
        find_in(from, last, prices, |bar, at| {
            let (loss, profit) = self.touched(at, is_long);
            self.trail(at, is_long);
            let both = loss.is_some() && profit.is_some();
            self.hit(bar, loss, profit).map(|hit| Hit { both, ..hit })
        })
    }

    /// Passes bars from a place in the columns on that touch no level, and returns their number. The trailing stop has followed
    /// them. `None` beyond the columns.
    #[inline]
    fn quiet_bars(
        &mut self,
        (open, high, low): (&[f64], &[f64], &[f64]),
        from: usize,
        is_long: bool,
    ) -> Option<usize> {
        let rows = open.get(from..)?.iter().zip(high.get(from..)?).zip(low.get(from..)?);
        let count = rows.len();
        let below = |stop: Option<Stop>| stop.map_or(f64::NEG_INFINITY, Stop::level_below);
        let above = |stop: Option<Stop>| stop.map_or(f64::INFINITY, Stop::level_above);
        let (mut floor, mut ceiling) = if is_long {
            (below(self.loss), above(self.profit))
        } else {
            (below(self.profit), above(self.loss))
        };
        let mut trailing = self.loss.filter(|_| self.trails);
        let quiet = rows.enumerate().find_map(|(bar, ((&open, &high), &low))| {
            if (low <= floor) | (open <= floor) | (high >= ceiling) | (open >= ceiling) {
                return Some(bar);
            }
            if let Some(stop) = &mut trailing {
                if is_long {
                    stop.reference = stop.reference.max(high);
                    floor = stop.level_below();
                } else {
                    stop.reference = stop.reference.min(low);
                    ceiling = stop.level_above();
                }
            }
            None
        });
        if trailing.is_some() {
            self.loss = trailing;
        }
        Some(quiet.unwrap_or(count))
    }

    /// Returns the first bar from `from` to `last` inclusive that hits a stop. The trailing stop has followed the bars before
    /// it.
    pub(super) fn first_touched(
        &mut self,
        from: usize,
        last: usize,
        is_long: bool,
        prices: &Prices,
    ) -> Option<usize> {
        find_in(from, last, prices, |bar, at| {
            let (loss, profit) = self.touched(at, is_long);
            if loss.is_none() && profit.is_none() {
                self.trail(at, is_long);
                return None;
            }
            Some(bar)
        })
    }

    /// Returns the stop whose level the open of a bar has already passed.
    pub(super) fn hit_at_open(&self, bar: usize, at: Bar, is_long: bool) -> Option<Hit> {
        let (loss, profit) = self.touched(at, is_long);
        let passed = |touch: &Touch| touch.moment == Moment::Open;
        self.hit(bar, loss.filter(passed), profit.filter(passed))
    }

    /// Returns the stop that a bar hits first, walked from its open on.
    pub(super) fn hit_from_open(&self, bar: usize, at: Bar, is_long: bool) -> Option<Hit> {
        let (loss, profit) = self.touched(at, is_long);
        let both = loss.is_some() && profit.is_some();
        self.hit_at_open(bar, at, is_long)
            .or_else(|| self.hit(bar, loss, profit).map(|hit| Hit { both, ..hit }))
    }

    /// Moves the reference of a trailing stop after its bar.
    #[inline]
    pub(super) fn trail(&mut self, at: Bar, is_long: bool) {
        if let Some(stop) = self.loss.as_mut().filter(|_| self.trails) {
            stop.reference =
                if is_long { stop.reference.max(at.high) } else { stop.reference.min(at.low) };
        }
    }

    /// Returns where a bar reaches the stop loss and the take profit.
    #[inline]
    fn touched(&self, at: Bar, is_long: bool) -> (Option<Touch>, Option<Touch>) {
        let touch = |stop: Option<Stop>, falls: bool| {
            stop.and_then(|stop| if falls { stop.below(at) } else { stop.above(at) })
        };
        (touch(self.loss, is_long), touch(self.profit, !is_long))
    }

    /// Returns the hit of a bar that touched these levels, the stop loss first.
    #[inline]
    fn hit(&self, bar: usize, loss: Option<Touch>, profit: Option<Touch>) -> Option<Hit> {
        let Touch { price, moment } = loss.or(profit)?;
        let reason = match loss {
            Some(_) if self.trails => ExitReason::Trailing,
            Some(_) => ExitReason::StopLoss,
            None => ExitReason::TakeProfit,
        };
        Some(Hit { bar, price, moment, reason, both: false })
    }
}

/// Passes bars from `from` to `last` inclusive to `test` until it returns something.
#[inline]
fn find_in<T>(
    from: usize,
    last: usize,
    prices: &Prices,
    mut test: impl FnMut(usize, Bar) -> Option<T>,
) -> Option<T> {
    match prices.ranges(from, last) {
        Some((open, high, low)) => {
            let bars = open.iter().zip(high).zip(low).map(|((&open, &high), &low)| Bar {
                open,
                high,
                low,
            });
            bars.zip(from..).find_map(|(at, bar)| test(bar, at))
        }
        None => (from..=last).find_map(|bar| test(bar, prices.bar(bar)?)),
    }
}

impl Stop {
    /// Returns the level of a stop that a fall hits.
    #[inline]
    fn level_below(self) -> f64 {
        self.reference * (1.0 - self.fraction)
    }

    /// Returns the level of a stop that a rise hits.
    #[inline]
    fn level_above(self) -> f64 {
        self.reference * (1.0 + self.fraction)
    }

    /// Returns where a fall hits the stop.
    #[inline]
    fn below(self, bar: Bar) -> Option<Touch> {
        let level = self.level_below();
        if bar.open <= level {
            Some(Touch { price: bar.open, moment: Moment::Open })
        } else {
            let price = (bar.low <= level && level <= bar.high).then_some(level)?;
            Some(Touch { price, moment: Moment::Inside })
        }
    }

    /// Returns where a rise hits the stop.
    #[inline]
    fn above(self, bar: Bar) -> Option<Touch> {
        let level = self.level_above();
        if bar.open >= level {
            Some(Touch { price: bar.open, moment: Moment::Open })
        } else {
            let price = (bar.low <= level && level <= bar.high).then_some(level)?;
            Some(Touch { price, moment: Moment::Inside })
        }
    }
}
