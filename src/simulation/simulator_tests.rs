//! The event-driven path against a scan of every bar, and what is counted.

use proptest::prelude::*;

use super::super::random_cases::{Case, cases, extreme_cases};
use super::*;
use crate::market::overflow::OVERFLOW;
use crate::observer::NoObserver;
use crate::settings::{Accumulate, Direction, StopEntryPrice};
use crate::signals::Bits;
use crate::simulation::{Moment, Rejection, SignalKind};

/// Runs a case with a visit of every bar.
fn every_bar(case: &Case, capital: f64) -> Result<Simulation> {
    let recorder =
        |capacity| Recorder::new(Simulation::default(), Recording::Orders, capital, capacity);
    let prices = case.prices();
    let columns = columns(&case.signals, prices.len())?;
    let (initial_capital, settings) = (capital, &case.settings);
    let input = RunInput { prices: &prices, columns, initial_capital, settings };
    let mut moved = Default::default();
    let buffers = (Vec::new(), &mut moved);
    run(recorder, &input, buffers, &NoObserver, Stepping::EveryBar)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn skipping_bars_makes_the_orders_of_a_scan(case in cases()) {
        let events = simulate(&case.prices(), &case.signals, 1000.0, &case.settings, &NoObserver);
        let every = every_bar(&case, 1000.0);
        match (events, every) {
            (Ok(events), Ok(every)) => prop_assert_eq!(Simulation { is_all_in: false, ..events }, every),
            (Err(events), Err(every)) => prop_assert_eq!(events.message, every.message),
            (events, every) => prop_assert!(false, "{events:?} and {every:?}"),
        }
    }

    #[test]
    fn the_all_in_path_records_what_the_general_path_does(
        case in cases(),
        capital in prop_oneof![Just(1000.0), Just(4.0), Just(6.0), Just(1e-11), Just(1e308)],
        min_size in prop_oneof![Just(1e-8), Just(9.5), Just(0.0)],
    ) {
        let case = case.all_in(min_size);
        let events = simulate(&case.prices(), &case.signals, capital, &case.settings, &NoObserver);
        if let (Ok(events), Some(opens)) = (&events, case.prices().open())
            && let Some(repeated) = repeat_at_next_open(events, opens, capital, &case.settings)
        {
            let later = case.settings.clone().with(|settings| settings.conventions.execution = Execution::NextOpen);
            let later = simulate(&case.prices(), &case.signals, capital, &later, &NoObserver).unwrap();
            prop_assert_eq!(repeated, (later.cash, later.position));
        }
        let every = every_bar(&case, capital);
        match (events, every) {
            (Ok(events), Ok(every)) => prop_assert_eq!(Simulation { is_all_in: false, ..events }, every),
            (Err(events), Err(every)) => prop_assert_eq!(events.message, every.message),
            (events, every) => prop_assert!(false, "{events:?} and {every:?}"),
        }
    }

    #[test]
    fn no_position_outlives_a_touch_of_its_stops(case in cases(), (loss, profit) in (0.005..0.1, 0.005..0.1), tight in any::<bool>()) {
        // Runs in which a position has the stops of its entry, and a stop closes it on the bar that touches it.
        let settings = case.settings.with(|settings| {
            settings.conventions.execution = Execution::NextOpen;
            settings.rules.accumulate = Accumulate::Disabled;
            settings.sizing.max_size = f64::INFINITY;
            settings.sizing.size_granularity = None;
            settings.sizing.min_size = 0.0;
            settings.costs.fixed_fees = 0.0;
            settings.stops.sl_stop = Some(loss);
            settings.stops.sl_trail = false;
            settings.stops.tp_stop = (!tight).then_some(profit);
            settings.stops.stop_entry_price = StopEntryPrice::Price;
            settings.stops.stop_exit_price = StopExitPrice::StopMarket;
        });
        let case = Case { settings, ..case };
        let Ok(simulation) = simulate(&case.prices(), &case.signals, 1000.0, &case.settings, &NoObserver) else { return Ok(()) };
        let (orders, held) = (&simulation.orders, &simulation.holdings.position);
        for stop in &simulation.stop_orders {
            let (bar, price) = (orders.bar[stop.order as usize] as usize, orders.reference_price[stop.order as usize]);
            prop_assert!((case.low[bar]..=case.high[bar]).contains(&price));
            prop_assert!(stop.moment == Moment::Inside || price.to_bits() == case.open[bar].to_bits());
        }
        for (order, &position) in held.iter().enumerate().filter(|(_, position)| **position != 0.0) {
            if simulation.rejections.iter().any(|rejection| rejection.kind == SignalKind::Stop) {
                return Ok(());
            }
            if order > 0 && held[order - 1] * position > 0.0 {
                // The cash could buy back only a part of a short.
                return Ok(());
            }
            let (from, entry) = (orders.bar[order] as usize, orders.reference_price[order]);
            let by_stop = simulation.stop_orders.iter().find(|stop| stop.order as usize == order);
            // Of the bar of an entry inside it, only the close is known.
            let from = from + usize::from(by_stop.is_some_and(|stop| stop.moment == Moment::Inside));
            let until = orders.bar.get(order + 1).map_or(case.close.len(), |&bar| bar as usize);
            for bar in from..until {
                let (open, high, low) = (case.open[bar], case.high[bar], case.low[bar]);
                let (rise, fall) = (high / entry - 1.0, 1.0 - low / entry);
                let (against, with) = if position > 0.0 { (fall, rise) } else { (rise, fall) };
                prop_assert!(against < loss + 1e-9, "bar {bar}: {open} {high} {low} of {entry}");
                prop_assert!(tight || with < profit + 1e-9, "bar {bar}: {open} {high} {low} of {entry}");
            }
        }
    }

    #[test]
    fn a_run_at_the_next_open_ends_as_a_full_simulation_does(case in cases()) {
        let case = Case { settings: case.settings.with(|settings| settings.conventions.execution = Execution::Close), ..case };
        let (prices, settings) = (case.prices(), &case.settings);
        let Ok(simulation) = simulate(&prices, &case.signals, 1000.0, settings, &NoObserver) else { return Ok(()) };
        let later = settings.clone().with(|settings| settings.conventions.execution = Execution::NextOpen);
        let later = simulate(&prices, &case.signals, 1000.0, &later, &NoObserver).ok();
        let expected = later.map(|later| (later.cash, later.position));
        prop_assert_eq!(at_next_open(&simulation, &prices, &case.signals, 1000.0, settings, &NoObserver), expected);
    }

    #[test]
    fn extreme_numbers_end_every_path_on_the_same_bar_or_nowhere(
        (case, capital) in extreme_cases(),
        all_in in any::<bool>(),
    ) {
        let case = if all_in { let min_size = case.settings.sizing.min_size; case.all_in(min_size) } else { case };
        let events = simulate(&case.prices(), &case.signals, capital, &case.settings, &NoObserver);
        let every = every_bar(&case, capital);
        match (events, every) {
            (Ok(events), Ok(every)) => {
                let orders = &events.orders;
                for column in [&orders.size, &orders.price, &orders.fees, &orders.reference_price] {
                    prop_assert!(column.iter().all(|amount| amount.is_finite()), "{orders:?}");
                }
                prop_assert!(events.cash.is_finite() && events.position.is_finite());
                prop_assert_eq!(Simulation { is_all_in: false, ..events }, every);
            }
            (Err(events), Err(every)) => {
                prop_assert_eq!(&events.message, &every.message);
                prop_assert!(events.message.contains("bar "), "{events}");
                let issue = events.issues[0].code.as_str();
                prop_assert!(events.code == crate::Code::InvalidArgument && [OVERFLOW, "conflict"].contains(&issue));
            }
            (events, every) => prop_assert!(false, "{events:?} and {every:?}"),
        }
    }

    #[test]
    fn a_bar_makes_at_most_one_order_by_signals_and_no_signal_is_counted_twice(case in cases()) {
        let Ok(simulation) = simulate(&case.prices(), &case.signals, 1000.0, &case.settings, &NoObserver) else { return Ok(()) };
        let bars = &simulation.orders.bar;
        if case.settings.conventions.execution == Execution::NextOpen && case.settings.stops.are_set() {
            // A stop at the open, a signal there, and a stop inside the bar.
            prop_assert!(bars.windows(2).all(|pair| pair[0] <= pair[1]) && bars.windows(4).all(|four| four[0] < four[3]));
            let by_stops: Vec<u32> = simulation.stop_orders.iter().map(|stop| stop.order).collect();
            let by_signals: Vec<u32> = (0..).zip(bars).filter(|(order, _)| !by_stops.contains(order)).map(|(_, &bar)| bar).collect();
            prop_assert!(by_signals.windows(2).all(|pair| pair[0] < pair[1]));
        } else {
            prop_assert!(bars.windows(2).all(|pair| pair[0] < pair[1]));
        }
        prop_assert_eq!(simulation.stop_orders.len(), (simulation.stops.losses + simulation.stops.profits) as usize);
        let given = |set: &Option<Bits>| set.as_ref().map_or(0, Bits::count);
        let signals = &case.signals;
        let given = signals.entries.count() + signals.exits.count() + given(&signals.short_entries) + given(&signals.short_exits);
        let stops = simulation.stops.losses + simulation.stops.profits;
        let rejected: u32 = simulation.rejections.iter().filter(|count| count.kind != SignalKind::Stop).map(|count| count.count).sum();
        let by_signals = simulation.orders.len() - stops as usize;
        // An exit beside a reversal is served by the same order, so that signals may outnumber orders and failures.
        prop_assert!(rejected as usize + by_signals <= given);
        if case.signals.short_exits.is_none() && case.settings.rules.direction != Direction::Both && case.signals.short_entries.is_none() {
            prop_assert_eq!(rejected as usize + by_signals, given);
        }
    }
}

/// Cancels at the fourth poll.
struct CancelsLater(std::sync::atomic::AtomicUsize);

impl ProgressObserver for CancelsLater {
    fn is_cancelled(&self) -> bool {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed) >= 3
    }
}

#[test]
fn a_long_wait_for_a_stop_can_be_cancelled() {
    let close = vec![100.0; 10 * POLL];
    let signals = Signals {
        entries: Bits::from_fn(close.len(), |bar| bar == 0),
        exits: Bits::zeros(close.len()),
        ..Signals::default()
    };
    let settings = Settings::default().with(|settings| {
        settings.stops.sl_stop = Some(0.5);
    });
    let prices = Prices::of_close(&close).unwrap();
    let error = simulate(&prices, &signals, 1.0, &settings, &CancelsLater(0.into())).unwrap_err();
    assert_eq!(error.code, crate::Code::Cancelled);
    assert_eq!(simulate(&prices, &signals, 1.0, &settings, &NoObserver).unwrap().orders.len(), 1);
}

#[test]
fn a_fill_at_the_next_open_needs_opens() {
    let signals = Signals { entries: Bits::zeros(1), exits: Bits::zeros(1), ..Signals::default() };
    let settings = Settings::default().with(|settings| {
        settings.conventions.execution = Execution::NextOpen;
    });
    let error = simulate(&Prices::of_close(&[1.0]).unwrap(), &signals, 1.0, &settings, &NoObserver)
        .unwrap_err();
    assert_eq!(error.issues[0].path, "open");
}

#[test]
fn no_bars_make_no_orders() {
    let simulation = simulate(
        &Prices::of_close(&[]).unwrap(),
        &Signals::default(),
        1.0,
        &Settings::default(),
        &NoObserver,
    );
    assert_eq!(simulation.unwrap(), Simulation { cash: 1.0, ..Simulation::default() });
}

#[test]
fn signals_without_an_order_are_counted_with_their_reasons() {
    let bits = |bars: &[usize]| Bits::from_fn(8, |bar| bars.contains(&bar));
    let signals =
        Signals { entries: bits(&[1, 2, 3, 6]), exits: bits(&[0, 4, 5, 6]), ..Signals::default() };
    let simulation = simulate(
        &Prices::of_close(&[1.0; 8]).unwrap(),
        &signals,
        1.0,
        &Settings::default(),
        &NoObserver,
    )
    .unwrap();
    assert_eq!(simulation.orders.bar, [1, 4]);
    let count = |kind, reason, count| Rejection { kind, reason, count };
    assert_eq!(
        simulation.rejections,
        [
            count(SignalKind::LongEntry, RejectionReason::Conflict, 1),
            count(SignalKind::LongEntry, RejectionReason::AlreadyInPosition, 2),
            count(SignalKind::LongExit, RejectionReason::Conflict, 1),
            count(SignalKind::LongExit, RejectionReason::NoPosition, 2),
        ]
    );
}

#[test]
fn the_all_in_path_engages_for_plain_runs_and_for_no_others() {
    let bits = |bars: &[usize]| Bits::from_fn(8, |bar| bars.contains(&bar));
    let signals = Signals { entries: bits(&[1, 4]), exits: bits(&[3, 6]), ..Signals::default() };
    let close = [1.0, 2.0, 3.0, 4.0, 5.0, 4.0, 3.0, 2.0];
    let prices = Prices::new(Some(&close), None, None, &close).unwrap();
    let is_all_in = |signals: &Signals, settings: &Settings| {
        simulate(&prices, signals, 100.0, settings, &NoObserver).unwrap().is_all_in
    };
    let plain = Settings::default();
    assert!(is_all_in(&signals, &plain));
    let next_open = |settings: &mut Settings| settings.conventions.execution = Execution::NextOpen;
    assert!(is_all_in(&signals, &plain.clone().with(next_open)));
    for change in [
        |settings: &mut Settings| settings.stops.sl_stop = Some(0.5),
        |settings: &mut Settings| settings.sizing.size = 1.0,
        |settings: &mut Settings| settings.sizing.size_granularity = Some(0.5),
        |settings: &mut Settings| settings.rules.direction = Direction::Both,
        |settings: &mut Settings| settings.rules.accumulate = Accumulate::Both,
    ] {
        assert!(!is_all_in(&signals, &plain.clone().with(change)));
    }
    let conflict = Signals { exits: bits(&[3, 4]), ..signals };
    assert!(!is_all_in(&conflict, &plain), "an entry and an exit on one bar");
}
