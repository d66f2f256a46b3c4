//! Whole results at the extremes of numbers.

use proptest::prelude::*;

use super::*;
use crate::error::{Code, Error};
use crate::market::time;
use crate::service::progress::Control;
use crate::signals::Bits;
use crate::simulation::random_cases::{Case, extreme_cases};

fn run(case: &Case, initial_capital: f64) -> Result<Computed> {
    let bars = i64::try_from(case.close.len()).unwrap();
    let timestamps: Vec<i64> = (0..bars).map(|bar| bar * time::DAY).collect();
    let terms = Terms { initial_capital, options: &case.options, bar_milliseconds: time::DAY };
    let prices = case.prices().with_timestamps(&timestamps);
    let reporter = Reporter::new("", Control::default());
    simulate(&prices, &case.signals, &timestamps, &terms, &reporter)
}

/// Returns what of a result is not finite, or a warning that writes of such a number.
fn infinite(computed: &Computed) -> Option<String> {
    let Computed { orders, portfolio, summary } = computed;
    let trades = &portfolio.trades;
    let columns = [
        ("orders.size", &orders.size),
        ("orders.price", &orders.price),
        ("orders.fees", &orders.fees),
        ("trades.size", &trades.size),
        ("trades.entryPrice", &trades.entry_price),
        ("trades.exitPrice", &trades.exit_price),
        ("trades.entryFees", &trades.entry_fees),
        ("trades.exitFees", &trades.exit_fees),
        ("trades.pnl", &trades.pnl),
        ("trades.pnlPercent", &trades.pnl_percent),
        ("equity", &portfolio.equity),
    ];
    let column = columns.iter().find(|(_, values)| values.iter().any(|value| !value.is_finite()));
    let metric = summary.metrics.iter().find(|(_, value)| value.is_some_and(|it| !it.is_finite()));
    let warning =
        summary.warnings.iter().find(|text| text.contains("NaN") || text.contains("inf "));
    let fees = trades.entry_fees.iter().zip(&trades.exit_fees);
    if fees.map(|(entry, exit)| entry + exit).any(|fees| !fees.is_finite()) {
        return Some("the fees of a trade".to_owned());
    }
    column
        .map(|(name, _)| (*name).to_owned())
        .or_else(|| metric.map(|(name, _)| name.to_string()))
        .or_else(|| warning.cloned())
        .or_else(|| (!summary.total_return.is_finite()).then(|| "totalReturn".to_owned()))
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
            Ok(computed) => prop_assert_eq!(infinite(&computed), None),
            Err(error) => prop_assert!(names_a_dated_bar(&error), "{error:?}"),
        }
    }
}

/// Buys on the first bar, and sells on the last one if `sells`.
fn held(close: &[f64], sells: bool, options: Options) -> Case {
    let bits = |at: Option<usize>| Bits::from_fn(close.len(), |bar| Some(bar) == at);
    let signals = Signals {
        entries: bits(Some(0)),
        exits: bits(sells.then(|| close.len() - 1)),
        ..Signals::default()
    };
    let column = || close.to_vec();
    Case { open: column(), high: column(), low: column(), close: column(), signals, options }
}

#[test]
fn what_overflows_is_named_with_its_bar() {
    let free = Options { fees: 0.0, slippage: 0.0, min_size: 0.0, ..Options::default() };
    let short = Options {
        direction: crate::simulation::options::Direction::ShortOnly,
        size: 1e100,
        ..free.clone()
    };
    let percent = Options { size: 1.0, ..free.clone() };
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
    let free = Options { fees: 0.0, slippage: 0.0, ..Options::default() };
    let computed = run(&held(&[1.0, 1e5, 1e9], true, free), 1000.0).unwrap();
    let value =
        |wanted: &str| computed.summary.metrics.iter().find(|(name, _)| name == wanted).unwrap().1;
    assert_eq!(
        (value("annualizedReturn"), value("calmarRatio"), value("profitFactor")),
        (None, None, None)
    );
    assert!(value("totalReturn").is_some());
    let warnings = &computed.summary.warnings;
    let named = warnings.iter().find(|text| text.contains("annualizedReturn")).unwrap();
    assert!(
        named.contains("outside the range of 64-bit") && !named.contains("profitFactor"),
        "{named}"
    );
}
