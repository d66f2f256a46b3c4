//! Whole results at the extremes of numbers, and with parts of them left out.

use proptest::prelude::*;

use super::testing::backtest;
use super::{Backtest, BacktestInput, Buffers, Outputs, Pipeline, annualization};
use crate::compute::parallel::Sequential;
use crate::error::{Code, Error, Result};
use crate::market::time::DAY;
use crate::metrics::METRICS;
use crate::observer::NoObserver;
use crate::settings::{Direction, Settings};
use crate::signals::{Bits, Signals};
use crate::simulation::random_cases::{Case, cases, extreme_cases};

fn run(case: &Case, initial_capital: f64) -> Result<Backtest> {
    backtest(&case.prices(), &case.signals, initial_capital, &case.settings)
}

/// Returns what of a result is not finite, or a warning that shows such a number.
fn infinite(backtest: &Backtest) -> Option<String> {
    let (trades, equity) = (backtest.trades.as_ref().unwrap(), backtest.equity.as_ref().unwrap());
    let (orders, holdings) = (&backtest.simulation.orders, &backtest.simulation.holdings);
    let columns = [
        ("orders.size", &orders.size),
        ("orders.price", &orders.price),
        ("orders.fees", &orders.fees),
        ("orders.referencePrice", &orders.reference_price),
        ("holdings.cash", &holdings.cash),
        ("holdings.freeCash", &holdings.free_cash),
        ("holdings.position", &holdings.position),
        ("trades.size", &trades.size),
        ("trades.entryPrice", &trades.entry_price),
        ("trades.exitPrice", &trades.exit_price),
        ("trades.entryFees", &trades.entry_fees),
        ("trades.exitFees", &trades.exit_fees),
        ("trades.pnl", &trades.pnl),
        ("trades.pnlPercent", &trades.pnl_percent),
        ("equity", equity),
    ];
    let column = columns.iter().find(|(_, values)| values.iter().any(|value| !value.is_finite()));
    let metric = backtest.metrics.iter().find(|(_, value)| value.is_some_and(|it| !it.is_finite()));
    // One setting has this name.
    let texts = backtest.notes.iter().map(|note| note.text.replace("overrideNaN", ""));
    let warning = { texts }.find(|text| text.contains("NaN") || text.contains("inf "));
    let fees = trades.entry_fees.iter().zip(&trades.exit_fees);
    if fees.map(|(entry, exit)| entry + exit).any(|fees| !fees.is_finite()) {
        return Some("the fees of a trade".to_owned());
    }
    column
        .map(|(name, _)| (*name).to_owned())
        .or_else(|| metric.map(|(name, _)| (*name).to_owned()))
        .or(warning)
        .or_else(|| (!backtest.total_return.is_finite()).then(|| "totalReturn".to_owned()))
}

fn names_a_dated_bar(error: &Error) -> bool {
    let place = error.message.split(" bar ").nth(1).and_then(|rest| rest.split_once(' '));
    error.code == Code::InvalidArgument && place.is_some_and(|(_, rest)| rest.starts_with('('))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_extremes_of_numbers_give_finite_results_or_name_a_bar((case, capital) in extreme_cases(), all_in in any::<bool>()) {
        let case = if all_in { case.all_in(0.0) } else { case };
        match run(&case, capital) {
            Ok(backtest) => prop_assert_eq!(infinite(&backtest), None),
            Err(error) => prop_assert!(names_a_dated_bar(&error), "{error:?}"),
        }
    }
}

/// Buys on the first bar, and sells on the last one if `sells`.
fn held(close: &[f64], sells: bool, settings: Settings) -> Case {
    let bits = |at: Option<usize>| Bits::from_fn(close.len(), |bar| Some(bar) == at);
    let signals = Signals {
        entries: bits(Some(0)),
        exits: bits(sells.then(|| close.len() - 1)),
        ..Signals::default()
    };
    let column = || close.to_vec();
    Case { open: column(), high: column(), low: column(), close: column(), signals, settings }
}

#[test]
fn what_overflows_is_named_with_its_bar() {
    let free = Settings::default().with(|settings| {
        settings.costs.fees = 0.0;
        settings.costs.slippage = 0.0;
        settings.sizing.min_size = 0.0;
    });
    let short = free.clone().with(|settings| {
        settings.rules.direction = Direction::ShortOnly;
        settings.sizing.size = 1e100;
    });
    let percent = free.clone().with(|settings| {
        settings.sizing.size = 1.0;
    });
    let mut twice = held(&[1.0, 1e155, 1.0, 1e155], true, free.clone());
    twice.signals.entries = Bits::from_fn(4, |bar| bar % 2 == 0);
    twice.signals.exits = Bits::from_fn(4, |bar| bar % 2 == 1);
    let cases = [
        // The account is never asked for an order while its equity overflows.
        (
            held(&[1.0, 1e10, 1e301, 1.0], false, free.clone()),
            1e8,
            "the equity on bar 2 (1970-01-03)",
        ),
        (held(&[1.0, 1.0, 1e250], false, short), 1e300, "the equity on bar 2 (1970-01-03)"),
        (held(&[1.0, 1.0, 1e301], true, free), 1e8, "the cash after an order of 100000000.0 units"),
        (
            held(&[1e-300, 1.0, 1e9], true, percent.clone()),
            1.0,
            "the pnlPercent of the trade that ends on bar 2",
        ),
        (
            held(&[1e-300, 1.0, 1e9], false, percent),
            1.0,
            "the pnlPercent of the trade that is open on bar 2",
        ),
        // Neither the equity nor the result of a trade overflows.
        (twice, 1e-11, "the totalReturn reached on bar 3 (1970-01-04)"),
    ];
    for (case, capital, expected) in cases {
        let error = run(&case, capital).unwrap_err();
        assert!(error.message.starts_with(expected), "{error}");
        assert!(names_a_dated_bar(&error) && error.issues[0].code == "overflow", "{error:?}");
    }
}

#[test]
fn a_metric_that_overflows_is_null_and_a_warning_names_it() {
    let free = Settings::default().with(|settings| {
        settings.costs.fees = 0.0;
        settings.costs.slippage = 0.0;
    });
    let backtest = run(&held(&[1.0, 1e5, 1e9], true, free), 1000.0).unwrap();
    let value = |wanted: &str| backtest.metrics.iter().find(|(name, _)| *name == wanted).unwrap().1;
    assert_eq!(
        (value("annualizedReturn"), value("calmarRatio"), value("profitFactor")),
        (None, None, None)
    );
    assert!(value("totalReturn").is_some());
    let warnings: Vec<&str> = backtest.notes.iter().map(|note| note.text.as_str()).collect();
    let named = warnings.iter().find(|text| text.contains("annualizedReturn")).unwrap();
    assert!(
        named.contains("outside the range of 64-bit") && !named.contains("profitFactor"),
        "{named}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_metric_alone_is_the_same_as_among_all_and_nothing_else_is_returned(case in cases()) {
        let Ok(all) = run(&case, 1000.0) else { return Ok(()) };
        let pipeline = Pipeline { executor: &Sequential, observer: &NoObserver };
        let timestamps: Vec<i64> = (0..).map(|day| day * DAY).take(case.close.len()).collect();
        let input = BacktestInput {
            prices: case.prices(),
            timestamps: &[],
            bar_milliseconds: Some(DAY),
            annualization: annualization(&case.settings, &timestamps, Some(DAY)),
            initial_capital: 1000.0,
            settings: &case.settings,
        };
        let mut buffers = Buffers::default();
        for (metric, expected) in METRICS.iter().zip(&all.metrics) {
            let outputs = Outputs::metrics(std::slice::from_ref(metric));
            let one = pipeline.run(&input, &case.signals, &outputs, &mut buffers).unwrap();
            prop_assert_eq!(&one.metrics, &[*expected]);
            prop_assert!(one.trades.is_none() && one.equity.is_none() && one.notes.is_empty());
            prop_assert_eq!((one.final_capital, one.total_return), (all.final_capital, all.total_return));
            prop_assert_eq!(&one.simulation, &all.simulation);
            buffers.recycle(one);
        }
    }

    #[test]
    fn memory_of_another_run_changes_nothing(first in cases(), second in cases()) {
        let pipeline = Pipeline { executor: &Sequential, observer: &NoObserver };
        let mut buffers = Buffers::default();
        for case in [&first, &second, &first] {
            let input = BacktestInput {
                prices: case.prices(),
                timestamps: &[],
                bar_milliseconds: Some(DAY),
            annualization: annualization(&case.settings, &[], Some(DAY)),
                initial_capital: 1000.0,
                settings: &case.settings,
            };
            let fresh = pipeline.run(&input, &case.signals, &Outputs::ALL, &mut Buffers::default());
            let again = pipeline.run(&input, &case.signals, &Outputs::ALL, &mut buffers);
            prop_assert_eq!(format!("{fresh:?}"), format!("{again:?}"));
            if let Ok(again) = again {
                buffers.recycle(again);
            }
        }
    }
}
