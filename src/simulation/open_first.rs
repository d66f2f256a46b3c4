//! The walk over the bars of a run at the next open with stops. Each bar is taken in the order in which it happens:
//!
//! 1. Its open: a stop or target whose level the open has passed, then the signals of the bar before.
//! 2. Its high and low: the stops and targets of the position as it is then, the stop loss first.
//! 3. Its close: trailing stops follow the bar, and stops that are measured from the close start.

use super::broker::Broker;
use super::exits::Moment;
use super::prices::Bar;
use super::rejections::{RejectionReason, SignalKind};
use super::state::{POLL, Stepping};
use super::stops::Hit;
use crate::error::Result;
use crate::observer::ProgressObserver;
use crate::settings::StopExitPrice;

/// Walks over all bars.
///
/// # Errors
/// Those of orders. Cancelled by the observer.
pub(super) fn walk(
    broker: &mut Broker<'_>,
    observer: &dyn ProgressObserver,
    stepping: Stepping,
) -> Result<()> {
    let bars = broker.prices.len();
    // A stop that was hit inside the last bar and fills at the next open.
    let mut waiting = None;
    let mut bar = 0;
    while bar < bars {
        broker.state.poll(bar, observer)?;
        let event = match stepping {
            Stepping::Events if waiting.is_some() => bar,
            Stepping::Events => broker.words.next(bar, broker.acting()),
            #[cfg(test)]
            Stepping::EveryBar => bar,
        };
        let next = if event > bar && broker.stops.armed() {
            // The scan ends at the next poll, so that a long wait for a stop can be cancelled.
            let last = (event - 1).min(bar + POLL);
            let is_long = broker.position() > 0.0;
            let touched = broker.stops.first_touched(bar, last, is_long, &broker.prices);
            let Some(touched) = touched else {
                bar = last + 1;
                continue;
            };
            touched
        } else {
            event
        };
        if let Some(at) = broker.prices.bar(next) {
            broker.state.prefetch_fill_prices(next);
            waiting = take(broker, next, at, waiting)?;
        }
        bar = next + 1;
    }
    if waiting.is_some() {
        broker.rejections.add(SignalKind::Stop, RejectionReason::NoNextBar, 1);
    }
    Ok(())
}

/// Takes one bar. `waiting` is a stop that fills at its open; returns the one that fills at the next open.
fn take(
    broker: &mut Broker<'_>,
    index: usize,
    at: Bar,
    waiting: Option<Hit>,
) -> Result<Option<Hit>> {
    let held = broker.position();
    let exit_price = broker.settings.stops.stop_exit_price;
    let at_open = match (waiting, exit_price) {
        (Some(hit), _) => Some(Hit { bar: index, ..hit }),
        // Orders at the open go before one at the close.
        (None, StopExitPrice::Close) => None,
        (None, _) => broker.stops.hit_at_open(index, at, held > 0.0),
    };
    if let Some(hit) = &at_open {
        broker.stop(hit, at.open, Moment::Open)?;
    }
    broker.signal_given_in(held, index)?;
    let is_long = broker.position() > 0.0;
    // A stop acts at most once on a position in one bar.
    let is_watched = at_open.is_none() || broker.opened == index;
    let hit = broker.stops.hit_from_open(index, at, is_long).filter(|_| is_watched);
    broker.stops.trail(at, is_long);
    let mut waits = None;
    if let Some(hit) = hit {
        match exit_price {
            StopExitPrice::StopLimit | StopExitPrice::StopMarket => {
                broker.stop(&hit, hit.price, hit.moment)?;
            }
            StopExitPrice::Price if hit.moment == Moment::Open => {
                broker.stop(&hit, hit.price, hit.moment)?;
            }
            StopExitPrice::Price => waits = Some(hit),
            StopExitPrice::Close => {
                let close = broker.prices.close_at(index).unwrap_or(at.open);
                broker.stop(&hit, close, Moment::Close)?;
            }
        }
    }
    broker.start_later_stops();
    Ok(waits)
}
