//! The leaps against looking at every bar, and what is counted.

use proptest::prelude::*;

use super::super::options::Direction;
use super::super::random_cases::{cases, extreme_cases};
use super::*;
use crate::market::overflow::OVERFLOW;
use crate::observer::NoObserver;
use crate::signals::Bits;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn leaps_make_the_orders_of_looking_at_every_bar(case in cases()) {
        let leaps = run(&case.prices(), &case.signals, 1000.0, &case.options, &NoObserver, Stepping::Leaps);
        let every = run(&case.prices(), &case.signals, 1000.0, &case.options, &NoObserver, Stepping::EveryBar);
        match (leaps, every) {
            (Ok(leaps), Ok(every)) => prop_assert_eq!(Simulation { all_in: false, ..leaps }, every),
            (Err(leaps), Err(every)) => prop_assert_eq!(leaps.message, every.message),
            (leaps, every) => prop_assert!(false, "{leaps:?} and {every:?}"),
        }
    }

    #[test]
    fn runs_that_are_all_in_or_all_out_are_those_of_the_machine(
        case in cases(),
        capital in prop_oneof![Just(1000.0), Just(4.0), Just(6.0), Just(1e-11), Just(1e308)],
        min_size in prop_oneof![Just(1e-8), Just(9.5), Just(0.0)],
    ) {
        let case = case.all_in(min_size);
        let leaps = run(&case.prices(), &case.signals, capital, &case.options, &NoObserver, Stepping::Leaps);
        if let (Ok(leaps), Some(opens)) = (&leaps, case.prices().open())
            && let Some(told) = leaps.at_next_open(opens, capital, &case.options)
        {
            let later = Options { execution: Execution::NextOpen, ..case.options.clone() };
            let later = simulate(&case.prices(), &case.signals, capital, &later, &NoObserver).unwrap();
            prop_assert_eq!(told, (later.cash, later.position));
        }
        let every = run(&case.prices(), &case.signals, capital, &case.options, &NoObserver, Stepping::EveryBar);
        match (leaps, every) {
            (Ok(leaps), Ok(every)) => prop_assert_eq!(Simulation { all_in: false, ..leaps }, every),
            (Err(leaps), Err(every)) => prop_assert_eq!(leaps.message, every.message),
            (leaps, every) => prop_assert!(false, "{leaps:?} and {every:?}"),
        }
    }

    #[test]
    fn the_extremes_of_numbers_end_every_path_on_the_same_bar_or_nowhere(
        (case, capital) in extreme_cases(),
        all_in in any::<bool>(),
    ) {
        let case = if all_in { let min_size = case.options.min_size; case.all_in(min_size) } else { case };
        let leaps = run(&case.prices(), &case.signals, capital, &case.options, &NoObserver, Stepping::Leaps);
        let every = run(&case.prices(), &case.signals, capital, &case.options, &NoObserver, Stepping::EveryBar);
        match (leaps, every) {
            (Ok(leaps), Ok(every)) => {
                let orders = &leaps.orders;
                for column in [&orders.size, &orders.price, &orders.fees, &leaps.quoted_prices] {
                    prop_assert!(column.iter().all(|amount| amount.is_finite()), "{orders:?}");
                }
                prop_assert!(leaps.cash.is_finite() && leaps.position.is_finite());
                prop_assert_eq!(Simulation { all_in: false, ..leaps }, every);
            }
            (Err(leaps), Err(every)) => {
                prop_assert_eq!(&leaps.message, &every.message);
                prop_assert!(leaps.message.contains("bar "), "{leaps}");
                let issue = leaps.issues[0].code.as_str();
                prop_assert!(leaps.code == crate::Code::InvalidArgument && [OVERFLOW, "conflict"].contains(&issue));
            }
            (leaps, every) => prop_assert!(false, "{leaps:?} and {every:?}"),
        }
    }

    #[test]
    fn no_bar_makes_more_than_one_order_and_no_signal_is_counted_twice(case in cases()) {
        let Ok(simulation) = simulate(&case.prices(), &case.signals, 1000.0, &case.options, &NoObserver) else { return Ok(()) };
        prop_assert!(simulation.orders.bar.windows(2).all(|pair| pair[0] < pair[1]));
        let given = |set: &Option<Bits>| set.as_ref().map_or(0, Bits::count);
        let signals = &case.signals;
        let given = signals.entries.count() + signals.exits.count() + given(&signals.short_entries) + given(&signals.short_exits);
        let stops = simulation.stops.losses + simulation.stops.profits;
        let unexecuted: u32 = simulation.unexecuted.iter().filter(|count| count.kind != SignalKind::Stop).map(|count| count.count).sum();
        let by_signals = simulation.orders.len() - stops as usize;
        // An exit beside a reversal is served by the same order, so that signals may outnumber orders and failures.
        prop_assert!(unexecuted as usize + by_signals <= given);
        if case.signals.short_exits.is_none() && case.options.direction != Direction::Both && case.signals.short_entries.is_none() {
            prop_assert_eq!(unexecuted as usize + by_signals, given);
        }
    }
}

/// Stops after a number of questions.
struct Impatient(std::sync::atomic::AtomicUsize);

impl ProgressObserver for Impatient {
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
    let options = Options { sl_stop: Some(0.5), ..Options::default() };
    let prices = Prices::of_close(&close).unwrap();
    let error = simulate(&prices, &signals, 1.0, &options, &Impatient(0.into())).unwrap_err();
    assert_eq!(error.code, crate::Code::Cancelled);
    assert_eq!(simulate(&prices, &signals, 1.0, &options, &NoObserver).unwrap().orders.len(), 1);
}

#[test]
fn a_fill_at_the_next_open_needs_opens() {
    let signals = Signals { entries: Bits::zeros(1), exits: Bits::zeros(1), ..Signals::default() };
    let options = Options { execution: Execution::NextOpen, ..Options::default() };
    let error = simulate(&Prices::of_close(&[1.0]).unwrap(), &signals, 1.0, &options, &NoObserver)
        .unwrap_err();
    assert_eq!(error.issues[0].path, "open");
}

#[test]
fn no_bars_make_no_orders() {
    let simulation = simulate(
        &Prices::of_close(&[]).unwrap(),
        &Signals::default(),
        1.0,
        &Options::default(),
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
        &Options::default(),
        &NoObserver,
    )
    .unwrap();
    assert_eq!(simulation.orders.bar, [1, 4]);
    let count = |kind, reason, count| Rejection { kind, reason, count };
    assert_eq!(
        simulation.unexecuted,
        [
            count(SignalKind::LongEntry, RejectionReason::Conflict, 1),
            count(SignalKind::LongEntry, RejectionReason::AlreadyInPosition, 2),
            count(SignalKind::LongExit, RejectionReason::Conflict, 1),
            count(SignalKind::LongExit, RejectionReason::NoPosition, 2),
        ]
    );
}
