//! Random runs against vectorbt 1.2.0, as `scripts/oracle/generate.py` wrote them down.
//!
//! `python scripts/oracle/generate.py --jsonl FILE` makes another one, and
//! `SIMULATION_CASES=FILE cargo test --no-default-features --lib backtest::reference` runs it.

use serde_json::Value;

use super::testing::{self, Portfolio};
use crate::request::{Input, Issues};
use crate::settings::Settings;
use crate::signals::{Bits, Signals};
use crate::simulation::{Prices, RejectionReason, Simulation};

const COMMITTED: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/__test__/reference/simulation/cases.jsonl");

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap_or(f64::NAN)).collect()
}

fn bits(value: &Value) -> Bits {
    let text = value.as_str().unwrap().as_bytes();
    Bits::from_fn(text.len(), |bar| text[bar] == b'1')
}

fn run(case: &Value) -> crate::Result<(Simulation, Portfolio)> {
    let mut issues = Issues::default();
    let settings =
        Settings::read("simulation", Some(&Input::from(case["options"].clone())), &[], &mut issues);
    issues.into_result(crate::Code::InvalidArgument)?;
    let column = |name: &str| case.get(name).map(numbers);
    let (open, high, low, close) =
        (column("open"), column("high"), column("low"), column("close").unwrap());
    let prices = Prices::new(open.as_deref(), high.as_deref(), low.as_deref(), &close)?;
    let signals = Signals {
        entries: bits(&case["entries"]),
        exits: bits(&case["exits"]),
        short_entries: case.get("shortEntries").map(bits),
        short_exits: case.get("shortExits").map(bits),
    };
    let capital = case["initialCapital"].as_f64().unwrap();
    testing::simulate(&prices, &signals, capital, &settings)
}

fn compare(what: &str, found: &[f64], expected: &Value, slack: f64) -> Result<(), String> {
    let expected = numbers(expected);
    if found.len() != expected.len() {
        return Err(format!(
            "{what}: {} values, vectorbt has {}: {found:?} {expected:?}",
            found.len(),
            expected.len()
        ));
    }
    for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
        let is_near =
            (found - expected).abs() <= (1e-9 * found.abs().max(expected.abs())).max(slack);
        if !is_near && found.to_bits() != expected.to_bits() {
            return Err(format!("{what}[{index}] is {found:?}, vectorbt has {expected:?}"));
        }
    }
    Ok(())
}

/// vectorbt's names of the rejection reasons. It reports none for sizes that are zero from the start.
const NAMES: [(&str, RejectionReason); 8] = [
    ("SizeZero", RejectionReason::SizeZero),
    ("NoCashLong", RejectionReason::NoCash),
    ("NoCashShort", RejectionReason::NoFreeCash),
    ("CantCoverFees", RejectionReason::CannotCoverFees),
    ("MinSizeNotReached", RejectionReason::BelowMinSize),
    ("MaxSizeExceeded", RejectionReason::AboveMaxSize),
    ("PartialFill", RejectionReason::PartialFill),
    ("NoOpenPosition", RejectionReason::NoPosition),
];

fn check(case: &Value) -> Result<(), String> {
    let expected = &case["expected"];
    let (simulation, portfolio) = match (run(case), expected.get("error")) {
        (Err(_), Some(_)) => return Ok(()),
        // Where cash pays for less than the granularity and the minimum is 0, vectorbt fills an order of size 0, which its
        // own trades then refuse; here such an order is rejected and the run goes on.
        (Ok(_), Some(error))
            if error.as_str().is_some_and(|text| text.contains("order with size 0")) =>
        {
            return Ok(());
        }
        (Err(error), None) => return Err(format!("we refuse: {error}")),
        (Ok(_), Some(error)) => return Err(format!("vectorbt raises: {error}")),
        (Ok(done), None) => done,
    };
    let widen = |column: &[u32]| column.iter().copied().map(f64::from).collect::<Vec<f64>>();
    let bytes = |column: &[u8]| column.iter().copied().map(f64::from).collect::<Vec<f64>>();
    let (orders, wanted) = (&simulation.orders, &expected["orders"]);
    compare("order bar", &widen(&orders.bar), &wanted["bar"], 0.0)?;
    compare("order side", &bytes(&orders.side), &wanted["side"], 0.0)?;
    compare("order size", &orders.size, &wanted["size"], 0.0)?;
    compare("order price", &orders.price, &wanted["price"], 0.0)?;
    // The fees of an order that takes all cash are a difference of two large numbers, and so are profits and equity near
    // zero: their digits beyond the sixteenth of the amounts that they come from are noise in vectorbt as well.
    let traded =
        orders.size.iter().zip(&orders.price).map(|(size, price)| size * price).fold(0.0, f64::max);
    let noise = 4e-16 * traded.max(case["initialCapital"].as_f64().unwrap());
    compare("order fees", &orders.fees, &wanted["fees"], noise)?;
    let (trades, wanted) = (&portfolio.trades, &expected["trades"]);
    compare("trade entry bar", &widen(&trades.entry_bar), &wanted["entryBar"], 0.0)?;
    compare("trade exit bar", &widen(&trades.exit_bar), &wanted["exitBar"], 0.0)?;
    compare("trade direction", &bytes(&trades.direction), &wanted["direction"], 0.0)?;
    compare("trade status", &bytes(&trades.status), &wanted["status"], 0.0)?;
    compare("trade size", &trades.size, &wanted["size"], 0.0)?;
    compare("trade entry price", &trades.entry_price, &wanted["entryPrice"], 0.0)?;
    compare("trade exit price", &trades.exit_price, &wanted["exitPrice"], 0.0)?;
    compare("trade entry fees", &trades.entry_fees, &wanted["entryFees"], noise)?;
    compare("trade exit fees", &trades.exit_fees, &wanted["exitFees"], noise)?;
    compare("trade pnl", &trades.pnl, &wanted["pnl"], noise)?;
    compare("trade pnl percent", &trades.pnl_percent, &wanted["pnlPercent"], 1e-13)?;
    compare("equity", &portfolio.equity, &expected["equity"], noise)?;
    // Without orders, the equity is the cash.
    let free = portfolio.holdings.free_cash.last().or(portfolio.equity.last()).copied().unwrap();
    let noises = noise * f64::from(u32::try_from(orders.len() + 1).unwrap());
    compare("free cash", &[free], &Value::from(vec![expected["freeCash"].as_f64()]), noises)?;
    check_unfilled(&simulation, &expected["unfilled"])
}

fn check_unfilled(simulation: &Simulation, expected: &Value) -> Result<(), String> {
    for (name, reason) in
        NAMES.into_iter().filter(|(_, reason)| *reason != RejectionReason::NoPosition)
    {
        let expected = expected.get(name).and_then(Value::as_u64).unwrap_or(0);
        let found: u32 = simulation
            .rejections
            .iter()
            .filter(|count| count.reason == reason)
            .map(|count| count.count)
            .sum();
        // Two signals of one bar may wait for the same order.
        let silent = reason == RejectionReason::SizeZero && expected == 0;
        if ((found == 0) != (expected == 0) && !silent) || u64::from(found) < expected {
            return Err(format!(
                "{found} signals unfilled for {reason:?}, vectorbt has {expected}"
            ));
        }
    }
    match expected
        .as_object()
        .and_then(|counts| counts.keys().find(|key| NAMES.iter().all(|(name, _)| name != key)))
    {
        Some(unknown) => Err(format!("vectorbt knows a reason that we do not: {unknown}")),
        None => Ok(()),
    }
}

#[test]
fn random_runs_are_those_of_vectorbt() {
    let path = std::env::var("SIMULATION_CASES").unwrap_or_else(|_| COMMITTED.to_owned());
    let text = std::fs::read_to_string(&path).unwrap();
    let (mut cases, mut raised, mut orders) = (0, 0, 0);
    let mut failures = Vec::new();
    for line in text.lines().skip(1) {
        let case: Value = serde_json::from_str(line).unwrap();
        cases += 1;
        raised += usize::from(case["expected"].get("error").is_some());
        orders += case["expected"]["orders"]["bar"].as_array().map_or(0, Vec::len);
        if let Err(failure) = check(&case) {
            failures.push(format!("case {}: {failure}\n    {}", case["case"], case["options"]));
        }
    }
    println!(
        "{cases} cases of {path}: {orders} orders, {raised} raised, {} disagreements",
        failures.len()
    );
    let shown = failures.len().min(25);
    assert!(
        failures.is_empty(),
        "{} disagreements:\n{}",
        failures.len(),
        failures[..shown].join("\n")
    );
    assert!(cases >= 200 && orders >= 500, "only {cases} cases with {orders} orders in {path}");
}
