//! Notes of small runs.

use super::testing;
use crate::note::{Note, NoteCode};
use crate::settings::{
    Accumulate, Conflict, Direction, DirectionConflict, Execution, Settings, SizeType, StopExit,
    StopExitPrice, StopUpdate, YearDays,
};
use crate::signals::{Bits, Signals};
use crate::simulation::Prices;

const CLOSE: [f64; 5] = [100.0, 110.0, 105.0, 120.0, 90.0];
const OPEN: [f64; 5] = [99.0, 108.0, 109.0, 106.0, 118.0];

fn at(bars: &[usize]) -> Bits {
    Bits::from_fn(5, |bar| bars.contains(&bar))
}

fn of_signals(signals: &Signals, settings: &Settings) -> Vec<Note> {
    let high: Vec<f64> = CLOSE.iter().map(|close| close * 1.2).collect();
    let low: Vec<f64> = CLOSE.iter().map(|close| close * 0.8).collect();
    let prices = Prices::new(Some(&OPEN), Some(&high), Some(&low), &CLOSE).unwrap();
    testing::backtest(&prices, signals, 1000.0, settings).unwrap().notes
}

fn notes(entries: &[usize], exits: &[usize], settings: &Settings) -> Vec<Note> {
    let signals = Signals { entries: at(entries), exits: at(exits), ..Signals::default() };
    of_signals(&signals, settings)
}

fn warnings(entries: &[usize], exits: &[usize], settings: &Settings) -> Vec<String> {
    notes(entries, exits, settings).into_iter().map(|note| note.text).collect()
}

fn with(change: impl FnOnce(&mut Settings)) -> Settings {
    Settings::default().with(change)
}

/// Returns the only note with a code.
fn of_code(notes: Vec<Note>, code: NoteCode) -> Option<Note> {
    let mut found = notes.into_iter().filter(|note| note.code == code);
    let first = found.next();
    assert_eq!(found.next(), None);
    first
}

#[test]
fn fills_at_the_close_are_compared_with_fills_at_the_next_open() {
    // vectorbt 1.2.0: G1 makes 1045.8 of 1000, and G6, the same signals a bar later at the open, 977.56.
    let found = warnings(&[0], &[2], &Settings::default());
    assert!(
        found[0].starts_with(
            "2 orders are filled at the close of the bar that gave the signal; with execution: 'nextOpen', filled at the next open"
        ),
        "{found:?}"
    );
    assert!(found[0].contains("would be -2.24 % instead of 4.58 %"), "{found:?}");
    let next_open = with(|settings| settings.conventions.execution = Execution::NextOpen);
    assert!(!warnings(&[0], &[2], &next_open).iter().any(|text| text.contains("next open")));
    let note = of_code(notes(&[0], &[2], &Settings::default()), NoteCode::SameBarFills).unwrap();
    assert_eq!(
        (&note.data["setting"], &note.data["suggested"]),
        (&"execution".into(), &"nextOpen".into())
    );
}

#[test]
fn fills_at_the_close_that_come_to_the_same_are_no_warning() {
    let close: Vec<f64> = (0..200).map(|bar| 100.0 + f64::from(bar)).collect();
    let bits = |at: usize| Bits::from_fn(200, |bar| bar == at);
    let signals = Signals { entries: bits(20), exits: bits(198), ..Signals::default() };
    // How much above the close before it the entry's next bar opens, and whether that matters: 3 % of the capital do.
    for (gap, matters) in [(1.0, false), (1.03, true)] {
        let mut open: Vec<f64> = close.iter().map(|close| close - 1.0).collect();
        open[21] = close[20] * gap;
        let prices = Prices::new(Some(&open), None, None, &close).unwrap();
        let run = testing::backtest(&prices, &signals, 1000.0, &Settings::default()).unwrap();
        assert_eq!(of_code(run.notes, NoteCode::SameBarFills).is_some(), matters, "{gap}");
    }
}

#[test]
fn ruin_is_dated() {
    let mut settings = with(|settings| settings.rules.direction = Direction::ShortOnly);
    assert!(!warnings(&[0], &[], &settings).iter().any(|text| text.contains("below zero")));
    settings.sizing.size = 60.0;
    let ruined = warnings(&[0], &[], &settings);
    assert!(
        ruined[0].starts_with("equity is at or below zero on bar 3 (1970-01-04)"),
        "{ruined:?}"
    );
}

#[test]
fn entries_in_a_position_and_exits_without_one_are_normal() {
    // Two bars enter and two exit; each second one finds nothing to do.
    let found = notes(&[0, 1], &[2, 3], &Settings::default());
    let codes: Vec<NoteCode> = found.iter().map(|note| note.code).collect();
    assert_eq!(codes, [NoteCode::SameBarFills, NoteCode::FewTrades, NoteCode::FewBars]);
    // The last signal has no next bar, as in every run whose condition holds at the end.
    let next_open = with(|settings| settings.conventions.execution = Execution::NextOpen);
    let found = of_code(notes(&[0, 4], &[2], &next_open), NoteCode::SignalsWithoutOrder);
    assert_eq!(found, None);
    // As the only entry, it is what explains the run.
    let found = of_code(notes(&[4], &[2], &next_open), NoteCode::SignalsWithoutOrder).unwrap();
    assert_eq!(found.text, "1 long entry signal made no order: no next bar to fill on (1)");
}

#[test]
fn dropped_exits_come_first_and_name_the_rule() {
    // Bars 1 and 3 have both signals while a position is held, so that only bar 4 sells.
    let found = notes(&[0, 1, 3], &[1, 3, 4], &Settings::default());
    assert_eq!(
        found[0].text,
        "2 exits from a position were dropped, because an entry on the same bar cancels an exit; uponLongConflict: 'exit' \
         lets the exit win"
    );
    assert_eq!(found[0].code, NoteCode::ExitsDropped);
    assert_eq!(
        (&found[0].data["exits"], &found[0].data["setting"], &found[0].data["suggested"]),
        (&2.into(), &"uponLongConflict".into(), &"exit".into())
    );
    let one = notes(&[0, 1], &[1, 4], &Settings::default());
    assert!(one[0].text.starts_with("1 exit from a position was dropped,"), "{one:?}");
    // With a rule that was chosen, or without a position, nothing is lost.
    for conflict in [Conflict::Entry, Conflict::Exit, Conflict::Adjacent, Conflict::Opposite] {
        let settings = with(|settings| settings.rules.upon_long_conflict = conflict);
        assert_eq!(of_code(notes(&[0, 1, 3], &[1, 3, 4], &settings), NoteCode::ExitsDropped), None);
    }
    assert_eq!(of_code(notes(&[0], &[0, 1], &Settings::default()), NoteCode::ExitsDropped), None);
}

#[test]
fn dropped_exits_of_both_sides_name_both_rules() {
    let signals = Signals {
        entries: at(&[0, 1]),
        exits: at(&[1, 2]),
        short_entries: Some(at(&[3, 4])),
        short_exits: Some(at(&[4])),
    };
    let note = of_code(of_signals(&signals, &Settings::default()), NoteCode::ExitsDropped).unwrap();
    assert_eq!(
        note.text,
        "2 exits from a position were dropped, because an entry on the same bar cancels an exit; uponLongConflict: 'exit' \
         and uponShortConflict: 'exit' let the exit win"
    );
    // With both directions an exit is an entry of the other side.
    let both = with(|settings| settings.rules.direction = Direction::Both);
    let note = of_code(notes(&[0, 1], &[1], &both), NoteCode::ExitsDropped).unwrap();
    assert_eq!(
        (&note.data["exits"], &note.data["setting"]),
        (&1.into(), &"uponDirConflict".into())
    );
    let chosen =
        both.with(|settings| settings.rules.upon_dir_conflict = DirectionConflict::Adjacent);
    assert_eq!(of_code(notes(&[0, 1], &[1], &chosen), NoteCode::ExitsDropped), None);
}

#[test]
fn orders_that_cannot_be_filled_name_reason_and_setting() {
    let small = with(|settings| settings.sizing.min_size = 50.0);
    let note = of_code(notes(&[0, 1], &[], &small), NoteCode::SignalsWithoutOrder).unwrap();
    assert_eq!(note.text, "2 long entry signals made no order: below the minimum size (2)");
    assert_eq!((&note.data["signals"], &note.data["setting"]), (&2.into(), &"minSize".into()));
    let partial = with(|settings| {
        settings.sizing.size = 20.0;
        settings.sizing.allow_partial = false;
    });
    let note = of_code(notes(&[0], &[], &partial), NoteCode::SignalsWithoutOrder).unwrap();
    assert_eq!(note.data["setting"], "allowPartial");
}

#[test]
fn a_stop_and_a_target_inside_one_bar_are_reported() {
    let settings = with(|settings| {
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
    assert!(found[0].contains("no trades") && found[1].contains("only 5 bars"), "{found:?}");
    let found = warnings(&[0, 3], &[2], &Settings::default());
    assert!(found[1].starts_with("only 1 closed trade: fewer than 30"), "{found:?}");
}

#[test]
fn buying_and_holding_has_one_warning_about_its_trades() {
    let close: Vec<f64> = (0..300).map(|bar| 100.0 + f64::from(bar) / 3.0).collect();
    let prices = Prices::new(Some(&close), None, None, &close).unwrap();
    let signals = Signals {
        entries: Bits::from_fn(300, |_| true),
        exits: Bits::zeros(300),
        ..Signals::default()
    };
    let notes = testing::backtest(&prices, &signals, 1000.0, &Settings::default()).unwrap().notes;
    let texts: Vec<&str> = notes.iter().map(|note| note.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "there are no exits, and the only trade is still open: a single position says little about a strategy"
        ]
    );
}

/// Returns the notes about settings: the code, the setting, and the text.
fn of_settings(settings: &Settings) -> Vec<(NoteCode, String, String)> {
    let found = notes(&[0], &[2], settings).into_iter().filter(|note| {
        matches!(note.code, NoteCode::SettingUnlikely | NoteCode::SettingWithoutEffect)
    });
    found
        .map(|note| (note.code, note.data["setting"].as_str().unwrap().to_owned(), note.text))
        .collect()
}

#[test]
fn defaults_and_those_of_vectorbt_draw_no_note_about_settings() {
    assert_eq!(of_settings(&Settings::default()), []);
    assert_eq!(of_settings(&Settings::vectorbt()), []);
}

#[test]
fn percent_taken_for_a_fraction_is_told_with_the_value_that_was_meant() {
    type Change = fn(&mut Settings);
    let cases: [(Change, &str, &str); 6] = [
        (
            |s| s.costs.fees = 0.5,
            "fees",
            "fees 0.5 is 50 % of the traded value for every order; 0.5 % is 0.005",
        ),
        (
            |s| s.costs.slippage = 0.02,
            "slippage",
            "slippage 0.02 makes the price of every order 2 % worse; 0.02 % is 0.0002",
        ),
        (
            |s| s.conventions.risk_free = 0.5,
            "riskFree",
            "riskFree 0.5 is 50 % a year; 0.5 % is 0.005",
        ),
        (
            |s| s.costs.fixed_fees = 101.0,
            "fixedFees",
            "fixedFees 101 is charged for every order, with an initial capital of 1000; a fraction of the traded value is \
             the setting fees",
        ),
        (
            |s| s.stops.tp_stop = Some(5.0),
            "tpStop",
            "tpStop 5 is a target of 500 %, which no bar of this run could reach: its prices are between 72 and 144; 5 % is \
             0.05",
        ),
        (
            |s| s.conventions.year_days = YearDays::Days(8760.0),
            "yearDays",
            "yearDays 8760 is more days than a year has; it counts days, not bars",
        ),
    ];
    for (change, setting, text) in cases {
        let expected = (NoteCode::SettingUnlikely, setting.to_owned(), text.to_owned());
        assert_eq!(of_settings(&with(change)), [expected]);
    }
    let usual: [Change; 4] = [
        |s| s.costs.fees = 0.0199,
        |s| s.conventions.risk_free = 0.2,
        |s| s.costs.fixed_fees = 100.0,
        // The price doubles from the lowest low, 72, to the highest high, 144; slippage makes the reference higher.
        |s| s.stops.tp_stop = Some(0.99),
    ];
    for change in usual {
        assert_eq!(of_settings(&with(change)), []);
    }
}

#[test]
fn a_stop_loss_out_of_reach_is_told_only_if_it_is_no_precaution() {
    // From 144 with slippage to 72 the price falls by half.
    let far = with(|settings| settings.stops.sl_stop = Some(0.6));
    let [(_, setting, text)] = of_settings(&far).try_into().unwrap();
    assert_eq!(setting, "slStop");
    assert!(text.starts_with("slStop 0.6 is a stop loss of 60 %, which no bar"), "{text}");
    assert_eq!(of_settings(&with(|settings| settings.stops.sl_stop = Some(0.49))), []);
    // A short position loses what the price rises.
    let short = with(|settings| {
        settings.rules.direction = Direction::ShortOnly;
        settings.stops.sl_stop = Some(0.9);
    });
    assert_eq!(of_settings(&short), []);
}

#[test]
fn what_a_backtest_refuses_is_a_note_of_simulated_signals() {
    let long = with(|settings| settings.stops.sl_stop = Some(5.0));
    let [(code, _, text)] = of_settings(&long).try_into().unwrap();
    assert_eq!(
        (code, text.as_str()),
        (
            NoteCode::SettingUnlikely,
            "slStop 5 is a stop loss of 500 %, which a long position never reaches; 5 % is 0.05"
        )
    );
    let trailing = with(|settings| settings.stops.sl_trail = true);
    let [(code, setting, _)] = of_settings(&trailing).try_into().unwrap();
    assert_eq!((code, setting.as_str()), (NoteCode::SettingWithoutEffect, "slTrail"));
}

#[test]
fn settings_of_stops_do_nothing_without_stops() {
    let idle = with(|settings| {
        settings.stops.stop_exit_price = StopExitPrice::Close;
        settings.stops.upon_stop_exit = StopExit::Reverse;
        settings.stops.upon_stop_update = StopUpdate::Keep;
    });
    let [(code, setting, text)] = of_settings(&idle).try_into().unwrap();
    assert_eq!((code, setting.as_str()), (NoteCode::SettingWithoutEffect, "slStop"));
    assert_eq!(
        text,
        "stopExitPrice close, uponStopExit reverse and uponStopUpdate keep do nothing, because neither slStop nor tpStop is set"
    );
    let with_stop = idle.with(|settings| settings.stops.sl_stop = Some(0.1));
    assert_eq!(of_settings(&with_stop), []);
}

#[test]
fn accumulation_of_everything_does_nothing() {
    let all = with(|settings| settings.rules.accumulate = Accumulate::AddOnly);
    let [(code, setting, _)] = of_settings(&all).try_into().unwrap();
    assert_eq!((code, setting.as_str()), (NoteCode::SettingWithoutEffect, "accumulate"));
    // It explains the entries without cash.
    assert_eq!(of_code(notes(&[0, 1], &[2], &all), NoteCode::SignalsWithoutOrder), None);
    let some = all.with(|settings| settings.sizing.size = 1.0);
    assert_eq!(of_settings(&some), []);
}

#[test]
fn sizes_that_the_capital_does_not_pay_for_are_told() {
    let units = with(|settings| settings.sizing.size_granularity = Some(20.0));
    let [(code, setting, text)] = of_settings(&units).try_into().unwrap();
    assert_eq!((code, setting.as_str()), (NoteCode::SettingUnlikely, "sizeGranularity"));
    assert_eq!(
        text,
        "sizeGranularity 20 cannot be paid for: an order may spend 1000, and the lowest price of the run is 72"
    );
    let large = with(|settings| settings.sizing.size = 5000.0);
    let [(_, setting, text)] = of_settings(&large).try_into().unwrap();
    assert_eq!(setting, "size");
    assert!(
        text.starts_with("size 5000 units costs more than there ever was: the equity is at most 1"),
        "{text}"
    );
    // Half a unit costs 72 at most.
    let half = with(|settings| settings.sizing.size = 0.5);
    assert_eq!(of_settings(&half), []);
    let prices = Prices::of_close(&CLOSE).unwrap();
    let signals = Signals { entries: at(&[0]), exits: at(&[2]), ..Signals::default() };
    let run = testing::backtest(&prices, &signals, 10_000.0, &half).unwrap();
    let note = of_code(run.notes, NoteCode::SettingUnlikely).unwrap();
    assert_eq!(
        note.text,
        "size 0.5 is a number of units, which cost 60 at most, with an initial capital of 10000; a fraction of the cash is \
         sizeType: 'percent'"
    );
    assert_eq!(
        (&note.data["setting"], &note.data["suggested"]),
        (&"sizeType".into(), &"percent".into())
    );
    let value = with(|settings| {
        settings.sizing.size = 900.0;
        settings.sizing.size_type = SizeType::Value;
    });
    assert_eq!(of_settings(&value), []);
}
