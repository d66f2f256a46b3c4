//! The simulation itself, from event to event.
//!
//! Bars are walked in vectorbt's order, the stops of each bar before its signals; runs at the next open with stops are walked
//! by [`super::open_first`].

use super::all_in::{AllIn, repeat_at_next_open};
use super::broker::Broker;
use super::execute::Account;
use super::exits::Moment;
use super::open_first;
use super::placed_signals::{SignalColumns, columns, placed};
use super::prices::Prices;
use super::recorder::{Recorder, Recording, Simulation};
use super::rejections::{Rejection, RejectionCounts, RejectionReason};
use super::signal_set::SIGNALS;
use super::state::{POLL, State, Stepping};
use super::stops::Hit;
use crate::error::{Error, Result};
use crate::observer::ProgressObserver;
use crate::settings::{Execution, Settings, StopExitPrice};
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
    let columns = columns(signals, prices.len())?;
    let mut moved = Default::default();
    let buffers = SimulationBuffers { simulation: buffers, moved: &mut moved };
    simulate_columns(buffers, prices, columns, initial_capital, settings, observer)
}

/// Memory that a simulation reuses.
#[derive(Debug)]
pub struct SimulationBuffers<'a> {
    /// An earlier simulation.
    pub simulation: Simulation,
    /// Signals that were moved to the next bar.
    pub moved: &'a mut [Vec<u64>; 4],
}

/// Does the same as [`simulate_into`] for signals in words of 64 bars, in the order of [`Signals::NAMES`]; `None` for a short
/// set that is absent. Bits beyond the last bar are 0. Nothing is allocated if the buffers are large enough.
///
/// # Errors
/// Those of [`simulate`].
pub fn simulate_columns(
    buffers: SimulationBuffers<'_>,
    prices: &Prices<'_>,
    columns: [Option<&[u64]>; 4],
    initial_capital: f64,
    settings: &Settings,
    observer: &dyn ProgressObserver,
) -> Result<Simulation> {
    let SimulationBuffers { mut simulation, moved } = buffers;
    let rejections = std::mem::take(&mut simulation.rejections);
    let recorder =
        |capacity| Recorder::new(simulation, Recording::Orders, initial_capital, capacity);
    let input = RunInput { prices, columns, initial_capital, settings };
    run(recorder, &input, (rejections, moved), observer, Stepping::Events)
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
        let columns = columns(signals, prices.len()).ok()?;
        let (mut moved, input) = (
            Default::default(),
            RunInput { prices, columns, initial_capital, settings: &settings },
        );
        let buffers = (Vec::new(), &mut moved);
        let later = run(recorder, &input, buffers, observer, Stepping::Events).ok()?;
        Some((later.cash, later.position))
    })
}

/// What a simulation is run on.
struct RunInput<'a> {
    prices: &'a Prices<'a>,
    columns: SignalColumns<'a>,
    initial_capital: f64,
    settings: &'a Settings,
}

fn run(
    recorder: impl FnOnce(usize) -> Recorder,
    input: &RunInput<'_>,
    (list, moved): (Vec<Rejection>, &mut [Vec<u64>; 4]),
    observer: &dyn ProgressObserver,
    stepping: Stepping,
) -> Result<Simulation> {
    let &RunInput { prices, columns, initial_capital, settings } = input;
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
    let words = placed(columns, prices.len(), settings, &mut rejections, moved);
    let count: usize = SIGNALS.into_iter().map(|kind| words.count(kind) as usize).sum();
    let capacity = count.min(prices.len()).min(MAX_RESERVED_ORDERS);
    let account =
        Account { cash: initial_capital, position: 0.0, debt: 0.0, free_cash: initial_capital };
    let state = State::new(account, recorder(capacity), fill_prices);
    let mut broker = Broker::new(*prices, words, settings, state, rejections);
    let opens_first =
        settings.conventions.execution == Execution::NextOpen && settings.stops.are_set();
    let is_all_in = if opens_first {
        open_first::walk(&mut broker, observer, stepping)?;
        false
    } else {
        walk(&mut broker, observer, stepping)?
    };
    broker.count_skipped();
    observer.on_bar(prices.len(), broker.state.recorder.count);
    let State { account, recorder, .. } = broker.state;
    Ok(Simulation {
        orders: recorder.orders,
        holdings: recorder.holdings,
        stop_orders: recorder.stop_orders,
        rejections: broker.rejections.into_list(list),
        stops: broker.stop_counts,
        cash: account.cash,
        position: account.position,
        is_all_in,
    })
}

/// Walks over all bars, the stops of each before its signals; returns whether the all-in path made every order.
fn walk(
    broker: &mut Broker<'_>,
    observer: &dyn ProgressObserver,
    stepping: Stepping,
) -> Result<bool> {
    let bars = broker.prices.len();
    let mut bar = 0;
    let all_in = match stepping {
        Stepping::Events => AllIn::new(broker.words.sets(), broker.settings),
        #[cfg(test)]
        Stepping::EveryBar => None,
    };
    while bar < bars {
        if let Some(all_in) = &all_in {
            let from = bar;
            bar = all_in.run(&mut broker.state, bar, observer)?;
            if bar >= bars {
                return Ok(from == 0);
            }
        }
        broker.state.poll(bar, observer)?;
        let event = match stepping {
            Stepping::Events => broker.words.next(bar, broker.acting()),
            #[cfg(test)]
            Stepping::EveryBar => bar,
        };
        if broker.stops.armed() {
            // The scan ends at the next poll, so that a long wait for a stop can be cancelled.
            let last = event.min(bars - 1).min(bar + POLL);
            let is_long = broker.position() > 0.0;
            if let Some(hit) = broker.stops.scan(bar, last, is_long, &broker.prices) {
                stop(broker, &hit)?;
                bar = hit.bar + 1;
                continue;
            }
            if last < event {
                bar = last + 1;
                continue;
            }
        }
        if event < bars {
            broker.state.prefetch_fill_prices(event);
            broker.signal(event)?;
        }
        bar = event + 1;
    }
    Ok(false)
}

/// Acts on a stop. The signals of its bar are dropped.
fn stop(broker: &mut Broker<'_>, hit: &Hit) -> Result<()> {
    for kind in broker.take_signals(hit.bar).kinds() {
        broker.rejections.add(kind, RejectionReason::StopWentFirst, 1);
    }
    let Some(close) = broker.prices.close_at(hit.bar) else { return Ok(()) };
    let (price, moment) = match broker.settings.stops.stop_exit_price {
        StopExitPrice::StopLimit | StopExitPrice::StopMarket => (hit.price, hit.moment),
        // Orders of such runs are filled at the close.
        StopExitPrice::Price | StopExitPrice::Close => (close, Moment::Close),
    };
    broker.stop(hit, price, moment)
}

#[cfg(test)]
#[path = "simulator_tests.rs"]
mod tests;
