//! Notes about settings of a run that were probably meant otherwise, or that do nothing.
//!
//! A setting at its default, or at that of vectorbt, never draws one.

use std::ops::Range;

use super::warning_input::WarningInput;
use crate::market::bars::formatted;
use crate::note::{Note, NoteCode};
use crate::quote::{agreeing, listed};
use crate::request::json_number;
use crate::settings::{
    Mistake, Settings, Sides, SizeType, StopEntryPrice, StopExit, StopExitPrice, StopUpdate,
    YearDays, in_percent, meant, of_percent,
};

/// Costs of this share of the traded value for each order are rather percent taken for a fraction.
const HIGH_COSTS: f64 = 0.02;

/// A fee per order of this share of the capital is rather one of another currency or unit.
const HIGH_FIXED_FEES: f64 = 0.1;

/// A higher risk-free rate is rather percent taken for a fraction.
const HIGH_RISK_FREE: f64 = 0.2;

/// No year has more days.
const MOST_YEAR_DAYS: f64 = 366.0;

/// A smaller stop loss that the prices never reach is a precaution.
const FAR_STOP_LOSS: f64 = 0.5;

/// A size is probably meant as a fraction of the cash if that many units cost less than this share of the capital.
const SHARES_OF_CASH: Range<f64> = 0.05..1.0;
const NEGLIGIBLE_SIZE: f64 = 0.01;

/// Returns the notes about the settings of a run.
pub(super) fn find(run: &WarningInput<'_>) -> Vec<Note> {
    let settings = run.input.settings;
    let Some(signals) = run.signals else { return Vec::new() };
    let has_short_signals = signals.has_short();
    let sides = settings.sides(has_short_signals);
    let mistakes = settings.mistakes(Some(has_short_signals)).into_iter();
    let mut notes: Vec<Note> = mistakes.map(Mistake::into_note).collect();
    // A mistake says all that there is to say about its setting.
    let doubts = [
        fees(settings),
        slippage(settings),
        fixed_fees(run),
        risk_free(settings),
        year_days(settings),
        unreachable_stop_loss(run, sides),
        unreachable_target(run, sides),
        unaffordable_unit(run, sides),
        unaffordable_size(run, sides),
        fraction_of_a_unit(run),
        idle_accumulation(settings),
        idle_stop_settings(settings),
    ];
    for note in doubts.into_iter().flatten() {
        let is_known = |known: &Note| known.data.get("setting") == note.data.get("setting");
        if !notes.iter().any(is_known) {
            notes.push(note);
        }
    }
    notes
}

/// Formats a price or an amount of the run with six significant digits.
fn rounded(value: f64) -> String {
    let text = format!("{value:.5e}");
    text.parse::<f64>().map_or(text, formatted)
}

/// Returns a note about the value of a setting.
fn unlikely(setting: &str, value: f64, text: &str) -> Note {
    let text = format!("{setting} {} {text}", formatted(value));
    Note::new(NoteCode::SettingUnlikely, text)
        .with("setting", setting)
        .with("value", json_number(value))
}

/// Returns a note about percent that were probably taken for a fraction.
fn rather_percent(setting: &str, value: f64, text: &str) -> Note {
    unlikely(setting, value, &format!("{text}; {}", meant(value)))
        .with("suggested", json_number(of_percent(value)))
}

fn fees(settings: &Settings) -> Option<Note> {
    let fees = settings.costs.fees;
    (fees.abs() >= HIGH_COSTS).then(|| {
        let text = format!("is {} of the traded value for every order", in_percent(fees));
        rather_percent("fees", fees, &text)
    })
}

fn slippage(settings: &Settings) -> Option<Note> {
    let slippage = settings.costs.slippage;
    (slippage >= HIGH_COSTS).then(|| {
        let text = format!("makes the price of every order {} worse", in_percent(slippage));
        rather_percent("slippage", slippage, &text)
    })
}

fn fixed_fees(run: &WarningInput<'_>) -> Option<Note> {
    let (fees, capital) = (run.input.settings.costs.fixed_fees, run.input.initial_capital);
    (fees.abs() > HIGH_FIXED_FEES * capital).then(|| {
        let text = format!(
            "is charged for every order, with an initial capital of {}; a fraction of the traded value is the setting fees",
            formatted(capital)
        );
        unlikely("fixedFees", fees, &text)
    })
}

fn risk_free(settings: &Settings) -> Option<Note> {
    let rate = settings.conventions.risk_free;
    (rate.abs() > HIGH_RISK_FREE)
        .then(|| rather_percent("riskFree", rate, &format!("is {} a year", in_percent(rate))))
}

fn year_days(settings: &Settings) -> Option<Note> {
    match settings.conventions.year_days {
        YearDays::Days(days) if days > MOST_YEAR_DAYS => {
            let text = "is more days than a year has; it counts days, not bars";
            Some(unlikely("yearDays", days, text).with("suggested", "auto"))
        }
        YearDays::Days(_) | YearDays::Auto => None,
    }
}

/// The lowest and the highest price of a run.
#[derive(Clone, Copy)]
struct PriceRange {
    lowest: f64,
    highest: f64,
}

impl PriceRange {
    fn of(run: &WarningInput<'_>) -> Option<Self> {
        let (lowest, highest) = run.input.prices.range()?;
        Some(Self { lowest, highest })
    }

    /// Returns the share of the highest reference price of a stop that the lowest price is below it.
    fn largest_fall(self, slippage: f64) -> f64 {
        1.0 - self.lowest / (self.highest * (1.0 + slippage))
    }

    /// Returns the share of the lowest reference price of a stop that the highest price is above it.
    fn largest_rise(self, slippage: f64) -> f64 {
        self.highest / (self.lowest * (1.0 - slippage)) - 1.0
    }
}

/// Returns a note about a stop that no price of the run reaches from any other. `rises` and `falls` say in which directions it
/// lies.
fn unreachable(
    run: &WarningInput<'_>,
    setting: &str,
    what: &str,
    stop: f64,
    falls: bool,
    rises: bool,
) -> Option<Note> {
    let range = PriceRange::of(run)?;
    let slippage = run.input.settings.costs.slippage;
    let is_reachable = falls && stop <= range.largest_fall(slippage)
        || rises && stop <= range.largest_rise(slippage);
    if is_reachable {
        return None;
    }
    let text = format!(
        "is a {what} of {}, which no bar of this run could reach: its prices are between {} and {}",
        in_percent(stop),
        rounded(range.lowest),
        rounded(range.highest)
    );
    Some(if stop >= 1.0 {
        rather_percent(setting, stop, &text)
    } else {
        unlikely(setting, stop, &text)
    })
}

fn unreachable_stop_loss(run: &WarningInput<'_>, sides: Sides) -> Option<Note> {
    let stop = run.input.settings.stops.sl_stop.filter(|stop| *stop >= FAR_STOP_LOSS)?;
    if run.simulation.stops.losses > 0 {
        return None;
    }
    unreachable(run, "slStop", "stop loss", stop, sides.long, sides.short)
}

fn unreachable_target(run: &WarningInput<'_>, sides: Sides) -> Option<Note> {
    let target = run.input.settings.stops.tp_stop?;
    if run.simulation.stops.profits > 0 {
        return None;
    }
    unreachable(run, "tpStop", "target", target, sides.short, sides.long)
}

/// Returns the money that an order may spend at the start; `None` if it is not limited.
fn budget(run: &WarningInput<'_>, sides: Sides) -> Option<f64> {
    let (sizing, capital) = (&run.input.settings.sizing, run.input.initial_capital);
    match sizing.size_type {
        SizeType::Percent => Some(sizing.size * capital),
        SizeType::Value if sides.short => Some(sizing.size).filter(|size| size.is_finite()),
        SizeType::Value => Some(sizing.size.min(capital)),
        // What is sold short may exceed the cash.
        SizeType::Amount if sides.short && sizing.size.is_finite() => None,
        SizeType::Amount => Some(capital),
    }
}

/// A run of which no order can be paid for.
fn unaffordable_unit(run: &WarningInput<'_>, sides: Sides) -> Option<Note> {
    if !run.simulation.orders.is_empty() {
        return None;
    }
    let sizing = &run.input.settings.sizing;
    let step = sizing.size_granularity.map(|step| ("sizeGranularity", step));
    let minimum = ("minSize", sizing.min_size);
    let (setting, units) = step.into_iter().chain([minimum]).max_by(|a, b| a.1.total_cmp(&b.1))?;
    let budget = budget(run, sides)?;
    let lowest = run.input.prices.range()?.0;
    (budget < units * lowest * (1.0 - run.input.settings.costs.slippage)).then(|| {
        let text = format!(
            "cannot be paid for: an order may spend {}, and the lowest price of the run is {}",
            rounded(budget),
            rounded(lowest)
        );
        unlikely(setting, units, &text)
    })
}

/// Purchases that are all smaller than the size that was asked for.
fn unaffordable_size(run: &WarningInput<'_>, sides: Sides) -> Option<Note> {
    let sizing = &run.input.settings.sizing;
    if sides.short || sizing.size.is_infinite() || run.simulation.orders.is_empty() {
        return None;
    }
    let lowest = run.input.prices.range()?.0;
    let cost = match sizing.size_type {
        SizeType::Amount => sizing.size.min(sizing.max_size) * lowest,
        SizeType::Value => sizing.size.min(sizing.max_size * lowest),
        SizeType::Percent => return None,
    };
    let most = run.equity.iter().copied().fold(run.input.initial_capital, f64::max);
    (cost > most).then(|| {
        let unit = if sizing.size_type == SizeType::Amount { "units" } else { "of money" };
        let text = format!(
            "{unit} costs more than there ever was: the equity is at most {}, so that every purchase is smaller",
            rounded(most)
        );
        unlikely("size", sizing.size, &text)
    })
}

/// A size that looks like a fraction of the cash, but is one of a unit that costs next to nothing.
fn fraction_of_a_unit(run: &WarningInput<'_>) -> Option<Note> {
    let sizing = &run.input.settings.sizing;
    if sizing.size_type != SizeType::Amount || !SHARES_OF_CASH.contains(&sizing.size) {
        return None;
    }
    let most = sizing.size * run.input.prices.range()?.1;
    let capital = run.input.initial_capital;
    (most < NEGLIGIBLE_SIZE * capital).then(|| {
        let text = format!(
            "is a number of units, which cost {} at most, with an initial capital of {}; a fraction of the cash is sizeType: \
             'percent'",
            rounded(most),
            rounded(capital)
        );
        unlikely("size", sizing.size, &text)
            .with("setting", "sizeType")
            .with("value", sizing.size_type.as_str())
            .with("suggested", SizeType::Percent.as_str())
    })
}

/// Returns a note about settings that do nothing.
fn without_effect(setting: &str, text: &str) -> Note {
    Note::new(NoteCode::SettingWithoutEffect, text).with("setting", setting)
}

fn idle_accumulation(settings: &Settings) -> Option<Note> {
    settings.accumulates_nothing().then(|| {
        let accumulate = settings.rules.accumulate.as_str();
        let text = format!(
            "accumulate {accumulate} does nothing: without a size, the first entry spends all cash, and an exit closes the whole \
             position; set size or parameters.position_size"
        );
        without_effect("accumulate", &text).with("value", accumulate)
    })
}

fn idle_stop_settings(settings: &Settings) -> Option<Note> {
    let stops = &settings.stops;
    if stops.are_set() {
        return None;
    }
    // The defaults, and those of vectorbt.
    let is_usual_entry =
        matches!(stops.stop_entry_price, StopEntryPrice::FillPrice | StopEntryPrice::Close);
    let is_usual_exit =
        matches!(stops.stop_exit_price, StopExitPrice::StopMarket | StopExitPrice::StopLimit);
    let idle: Vec<String> = [
        (!is_usual_entry, "stopEntryPrice", stops.stop_entry_price.as_str()),
        (!is_usual_exit, "stopExitPrice", stops.stop_exit_price.as_str()),
        (stops.upon_stop_exit != StopExit::Close, "uponStopExit", stops.upon_stop_exit.as_str()),
        (
            stops.upon_stop_update != StopUpdate::Override,
            "uponStopUpdate",
            stops.upon_stop_update.as_str(),
        ),
    ]
    .into_iter()
    .filter(|(is_idle, ..)| *is_idle)
    .map(|(_, setting, value)| format!("{setting} {value}"))
    .collect();
    let names = listed(&idle);
    let verb = agreeing(idle.len(), "does", "do");
    let text = format!("{names} {verb} nothing, because neither slStop nor tpStop is set");
    idle.first().map(|_| without_effect("slStop", &text).with("idle", idle.clone()))
}
