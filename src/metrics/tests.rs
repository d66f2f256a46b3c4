//! The list as a whole, against random portfolios of vectorbt.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::market::Annualization;
use crate::portfolio::Trades;
use crate::simulation::Orders;

const CASES: &str = include_str!("../../__test__/reference/metrics/cases.json");

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn whole<T: TryFrom<u64, Error: std::fmt::Debug>>(value: &Value) -> Vec<T> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|number| T::try_from(number.as_u64().unwrap()).unwrap())
        .collect()
}

fn computed(case: &Value) -> Vec<(&'static str, Option<f64>)> {
    let (orders, trades) = (&case["orders"], &case["trades"]);
    let orders = Orders {
        bar: whole(&orders["bar"]),
        side: whole(&orders["side"]),
        size: numbers(&orders["size"]),
        price: numbers(&orders["price"]),
        fees: numbers(&orders["fees"]),
        ..Orders::default()
    };
    let orders = testing::with_slippage(case["slippage"].as_f64().unwrap(), orders);
    let trades = Trades {
        entry_bar: whole(&trades["entryBar"]),
        exit_bar: whole(&trades["exitBar"]),
        direction: whole(&trades["direction"]),
        status: whole(&trades["status"]),
        pnl: numbers(&trades["pnl"]),
        pnl_percent: numbers(&trades["pnlPercent"]),
        ..Trades::default()
    };
    let initial_capital = case["initialCapital"].as_f64().unwrap();
    let close = numbers(&case["close"]);
    let curve = EquityInput {
        initial_capital,
        close: &close,
        bar_milliseconds: Some(case["barMilliseconds"].as_i64().unwrap()),
        annualization: Annualization::with_year_days(
            case["yearDays"].as_f64().unwrap(),
            Some(case["barMilliseconds"].as_i64().unwrap()),
        ),
        risk_free: case["riskFree"].as_f64().unwrap(),
    };
    let equity = numbers(&case["equity"]);
    let statistics = testing::statistics_of(&curve, &equity, &orders, &trades, 0);
    compute(METRICS, &statistics).values
}

/// Returns what the metrics of a case disagree on.
fn disagreements(index: usize, case: &Value) -> Vec<String> {
    let expected = &case["metrics"];
    let milliseconds_a_year = case["yearDays"].as_f64().unwrap() * 86_400_000.0;
    let bars_a_year = milliseconds_a_year / case["barMilliseconds"].as_f64().unwrap();
    let tolerance = |name: &str, expected: f64| {
        // 1 + x is known to a few parts in 10^15 at best, and these raise it to the power of the bars a year.
        let compounds = ["alpha", "annualizedReturn", "calmarRatio"].contains(&name);
        let rounding =
            if compounds { 4e-15 * bars_a_year * (100.0 + expected.abs()) + 1e-10 } else { 0.0 };
        1e-9 * expected.abs() + 1e-11 + rounding
    };
    let differ = |(name, found): &(&str, Option<f64>)| match (found, expected[*name].as_f64()) {
        (Some(found), Some(expected)) => (found - expected).abs() > tolerance(name, expected),
        (found, expected) => found.is_some() || expected.is_some(),
    };
    let compared = computed(case).into_iter().filter(|(name, _)| *name != "unexecutedSignals");
    compared
        .filter(differ)
        .map(|(name, found)| {
            format!("case {index}: {name} is {found:?}, expected {}", expected[name])
        })
        .collect()
}

#[test]
fn every_metric_equals_vectorbt_on_random_portfolios() {
    // Another file of scripts/reference/metrics.py can be named, to look further than the one of the repository.
    let text = std::env::var("METRICS_CASES")
        .map_or_else(|_| CASES.to_owned(), |path| std::fs::read_to_string(path).unwrap());
    let document: Value = serde_json::from_str(&text).unwrap();
    let cases = document["cases"].as_array().unwrap();
    assert!(cases.len() >= 60);
    let faults: Vec<String> =
        cases.iter().enumerate().flat_map(|(index, case)| disagreements(index, case)).collect();
    assert!(faults.is_empty(), "{} disagreements:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn every_example_is_the_value_of_the_mixed_run() {
    let statistics = testing::mixed();
    for Metric { name, example, compute, .. } in METRICS {
        let value = compute(&statistics).unwrap();
        let is_rounded = (example * 1e4 - (example * 1e4).round()).abs() < 1e-6;
        assert!(
            is_rounded && (value - example).abs() <= 5.01e-5,
            "{name} is {value}, not {example}"
        );
    }
}

#[test]
fn names_are_distinct_camel_case_and_found_again() {
    for (index, metric) in METRICS.iter().enumerate() {
        let Metric { name, description, .. } = metric;
        assert!(
            METRICS[..index].iter().all(|other| other.name != *name),
            "METRICS has two metrics with the name {name}"
        );
        assert!(
            name.chars().all(|character| character.is_ascii_alphanumeric())
                && name.starts_with(|character: char| character.is_ascii_lowercase()),
            "the name of {name} must be camelCase"
        );
        assert!(
            [description, metric.formula, metric.reference]
                .into_iter()
                .chain(metric.null_case)
                .all(|text| !text.is_empty() && !text.ends_with('.')),
            "the texts of {name} must not be empty or end with a full stop"
        );
        // A bar would end the cell of the table.
        assert!(!description.contains('|'), "{name}");
        assert_eq!(find(name).map(|found| found.name), Some(*name));
    }
    assert!(find("sharperatio").is_none());
}

#[test]
fn the_list_names_what_the_reference_names() {
    let document: Value = serde_json::from_str(CASES).unwrap();
    let reference: BTreeSet<&str> =
        document["cases"][0]["metrics"].as_object().unwrap().keys().map(String::as_str).collect();
    let listed: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
    // Only the simulation knows the signals that made no order.
    let compared = &listed - &BTreeSet::from(["unexecutedSignals"]);
    let (missing, unknown) = (&compared - &reference, &reference - &compared);
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "__test__/reference/metrics/cases.json lacks {missing:?}: add them to scripts/reference/vectorbt_metrics.py and \
         run scripts/reference/metrics.py. METRICS in src/metrics/mod.rs lacks {unknown:?}"
    );
}

#[test]
fn no_metric_is_ever_nan_or_infinite() {
    let curves: [&[f64]; 7] = [
        &[],
        &[1_000.0],
        &[0.0],
        &[-5.0, -10.0, 3.0],
        &[1_000.0, 0.0, 0.0, 50.0],
        &[1_000.0; 40],
        &[1e300, 1e-300, 1e300, 1e-300, 5.0],
    ];
    let (orders, trades) = (Orders::default(), Trades::default());
    for equity in curves {
        let close = vec![10.0; equity.len()];
        for initial_capital in [1_000.0, 1e-300] {
            let curve = EquityInput {
                initial_capital,
                close: &close,
                bar_milliseconds: Some(60_000),
                annualization: Annualization::with_year_days(365.0, Some(60_000)),
                risk_free: 0.0,
            };
            let statistics = testing::statistics_of(&curve, equity, &orders, &trades, 0);
            for (name, value) in compute(METRICS, &statistics).values {
                assert!(value.is_none_or(f64::is_finite), "{name} of {equity:?} is {value:?}");
            }
        }
    }
}

#[test]
fn a_fill_at_its_reference_price_paid_no_slippage() {
    let orders = Orders {
        bar: vec![0, 1],
        side: vec![0, 1],
        size: vec![10.0, 10.0],
        price: vec![101.0, 95.0],
        fees: vec![0.0, 0.0],
        reference_price: vec![100.0, 95.0],
    };
    let curve = EquityInput {
        initial_capital: 2_000.0,
        close: &[100.0, 90.0],
        bar_milliseconds: Some(86_400_000),
        annualization: Annualization::with_year_days(365.0, Some(86_400_000)),
        risk_free: 0.0,
    };
    // Ten units bought one above the close; the stop at 95 sold at 95.
    let statistics =
        testing::statistics_of(&curve, &[1_990.0, 1_940.0], &orders, &Trades::default(), 0);
    testing::same(total_slippage_paid::TOTAL_SLIPPAGE_PAID.of(&statistics), Some(10.0));
}

#[test]
fn a_metric_that_divides_by_an_overflow_has_no_value_and_is_named() {
    // The mean equity and both squares overflow: neither may make a turnover or a ratio of 0.
    let equity = [1.7e308, 1.6e308, 1.7e308, 1e300];
    let close = [1.0, 1e-300, 1e300, 1.0];
    let curve = EquityInput {
        initial_capital: 1e308,
        close: &close,
        bar_milliseconds: Some(86_400_000),
        annualization: Annualization::with_year_days(365.0, Some(86_400_000)),
        risk_free: 0.0,
    };
    let orders = Orders {
        bar: vec![0],
        side: vec![0],
        size: vec![1.0],
        price: vec![1.0],
        fees: vec![0.0],
        reference_price: vec![1.0],
    };
    let statistics = testing::statistics_of(&curve, &equity, &orders, &Trades::default(), 0);
    let computed = compute(METRICS, &statistics);
    for name in ["turnover", "beta", "alpha", "informationRatio"] {
        assert!(computed.overflowed.contains(&name), "{name} is not in {:?}", computed.overflowed);
        assert!(computed.values.contains(&(name, None)), "{name}");
    }
    assert!(!computed.overflowed.contains(&"profitFactor"), "without trades it has no value");
    let ordinary = compute(METRICS, &testing::mixed());
    assert_eq!(ordinary.overflowed, Vec::<&str>::new());
}
