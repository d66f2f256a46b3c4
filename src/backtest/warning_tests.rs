//! Warnings of small runs.

use super::testing;
use crate::settings::{Direction, Execution, Settings};
use crate::signals::{Bits, Signals};
use crate::simulation::Prices;

const CLOSE: [f64; 5] = [100.0, 110.0, 105.0, 120.0, 90.0];
const OPEN: [f64; 5] = [99.0, 108.0, 109.0, 106.0, 118.0];

fn warnings(entries: &[usize], exits: &[usize], settings: &Settings) -> Vec<String> {
    let at = |bars: &[usize]| Bits::from_fn(5, |bar| bars.contains(&bar));
    let signals = Signals { entries: at(entries), exits: at(exits), ..Signals::default() };
    let high: Vec<f64> = CLOSE.iter().map(|close| close * 1.2).collect();
    let low: Vec<f64> = CLOSE.iter().map(|close| close * 0.8).collect();
    let prices = Prices::new(Some(&OPEN), Some(&high), Some(&low), &CLOSE).unwrap();
    testing::backtest(&prices, &signals, 1000.0, settings).unwrap().warnings
}

#[test]
fn fills_at_the_close_are_compared_with_fills_at_the_next_open() {
    // vectorbt 1.2.0: G1 makes 1045.8 of 1000, and G6, the same signals a bar later at the open, 977.56.
    let found = warnings(&[0], &[2], &Settings::default());
    assert!(
        found[0].starts_with(
            "2 orders are filled at the close of the bar that gave the signal; filled at the next open"
        ),
        "{found:?}"
    );
    assert!(found[0].contains("would be -2.24 % instead of 4.58 %"), "{found:?}");
    let next_open =
        Settings::default().with(|settings| settings.conventions.execution = Execution::NextOpen);
    assert!(!warnings(&[0], &[2], &next_open).iter().any(|text| text.contains("next open")));
}

#[test]
fn ruin_is_dated_and_rejected_signals_are_counted() {
    let mut settings =
        Settings::default().with(|settings| settings.rules.direction = Direction::ShortOnly);
    assert!(!warnings(&[0], &[], &settings).iter().any(|text| text.contains("below zero")));
    settings.sizing.size = 60.0;
    let ruined = warnings(&[0], &[], &settings);
    assert!(
        ruined[0].starts_with("equity is at or below zero on bar 3 (1970-01-04)"),
        "{ruined:?}"
    );
    let found = warnings(&[0, 1], &[2, 3], &Settings::default());
    for expected in [
        "1 long entry signal made no order: already in position (1)",
        "1 long exit signal made no order: no position to close (1)",
    ] {
        assert!(found.iter().any(|text| text == expected), "{found:?}");
    }
}

#[test]
fn a_stop_and_a_target_inside_one_bar_are_reported() {
    let settings = Settings::default().with(|settings| {
        settings.stops.sl_stop = Some(0.1);
        settings.stops.tp_stop = Some(0.1);
    });
    let found = warnings(&[0], &[], &settings);
    let expected = "1 bar touched both the stop loss and the take profit";
    assert!(found.iter().any(|text| text.starts_with(expected)), "{found:?}");
}

#[test]
fn few_trades_and_few_bars_are_reported() {
    let found = warnings(&[], &[], &Settings::default());
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("0 closed trades") && found[1].contains("only 5 bars"), "{found:?}");
}
