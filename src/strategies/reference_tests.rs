//! Compares the signals of the built-in strategies on real bars with those of TA-Lib and pandas.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value as Json;

use super::*;
use crate::market::{Bars, Column, time};
use crate::observer::NoObserver;
use crate::request::{Input, Issues};
use crate::signals::Bits;

const ASSETS: [&str; 4] = ["sp500", "aapl", "ibm", "msft"];

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Reads a file of `data/`, whose columns have the names of the series in any order.
fn bars_of(path: &str) -> Bars {
    let text = read(path);
    let mut lines = text.lines();
    let names: Vec<String> = lines.next().unwrap().split(',').map(str::to_lowercase).collect();
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    let place = |name: &str| names.iter().position(|known| known == name).unwrap();
    let column = |name: &str| -> Column {
        rows.iter().map(|row| row[place(name)].parse::<f64>().unwrap()).collect()
    };
    let timestamps =
        rows.iter().map(|row| time::parse(row[place("date")]).unwrap()).collect::<Vec<_>>();
    Bars::new(
        timestamps,
        column("open"),
        column("high"),
        column("low"),
        column("close"),
        Some(column("volume")),
    )
    .unwrap()
}

/// Returns the runs of bars with a signal, each as its first and its last bar.
fn runs(bits: &Bits) -> Vec<[usize; 2]> {
    let mut found: Vec<[usize; 2]> = Vec::new();
    for bar in (0..bits.len()).filter(|bar| bits.get(*bar)) {
        match found.last_mut() {
            Some([_, last]) if *last + 1 == bar => *last = bar,
            _ => found.push([bar, bar]),
        }
    }
    found
}

#[test]
fn built_in_strategies_signal_on_the_bars_of_the_reference() {
    let registry = Registry::builtin().unwrap();
    let mut compared = BTreeSet::new();
    for asset in ASSETS {
        let file: Json =
            serde_json::from_str(&read(&format!("__test__/reference/strategies/{asset}.json")))
                .unwrap();
        let bars = bars_of(file["bars"].as_str().unwrap());
        for case in file["cases"].as_array().unwrap() {
            let id = case["strategy"].as_str().unwrap();
            let parameters = Input::from(case["parameters"].clone());
            let bound =
                registry.get(id).unwrap().bind(Some(&parameters), &mut Issues::default()).unwrap();
            let signals = bound.signals(&bars, &NoObserver).unwrap();
            for (name, found) in [("entries", &signals.entries), ("exits", &signals.exits)] {
                let expected: Vec<[usize; 2]> = serde_json::from_value(case[name].clone()).unwrap();
                assert_eq!(
                    runs(found),
                    expected,
                    "{name} of {id} {} on {asset}",
                    case["parameters"]
                );
            }
            let first = runs(&signals.entries)[0][0];
            assert!(first >= bound.warm_up(), "{id} enters in its warm-up");
            if id != "buy_and_hold" {
                let last = runs(&signals.exits).last().unwrap()[1];
                assert!(
                    last > first,
                    "{id} {} never closes a trade on {asset}",
                    case["parameters"]
                );
            }
            assert!(signals.short_entries.is_none() && signals.short_exits.is_none());
            compared.insert(id.to_owned());
        }
    }
    let builtin: BTreeSet<String> =
        registry.list().map(|strategy| strategy.definition().id.clone()).collect();
    let missing: Vec<&String> = builtin.difference(&compared).collect();
    assert!(
        missing.is_empty(),
        "without a reference: {missing:?}; add them to scripts/reference/strategies.py and run it"
    );
}
