//! Settings that can only be a mistake, alone or in their combination.
//!
//! Every value of a setting is possible in vectorbt, so that [`Settings::read`] accepts it. A backtest refuses mistakes, and a
//! simulation of signals warns of them. A setting at its default is never one.

use serde_json::Value;

use super::choices::{Accumulate, Direction, Execution, SizeType, StopExit};
use super::groups::Settings;
use crate::market::bars::formatted;
use crate::note::{Note, NoteCode};
use crate::request::json_number;

/// The sides of the market that a run can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sides {
    /// Whether it can hold a long position.
    pub long: bool,
    /// Whether it can hold a short position.
    pub short: bool,
}

/// A setting that can only be a mistake.
#[derive(Debug, Clone, PartialEq)]
pub struct Mistake {
    /// The name of the setting in JavaScript.
    pub setting: &'static str,
    /// The code of the issue: `range`, or `conflict` with another setting or the signals.
    pub code: &'static str,
    /// What follows the name in a message: the value, what it does, and the way out.
    pub text: String,
    /// The value.
    pub value: Value,
    /// The value that was probably meant.
    pub suggested: Option<f64>,
}

impl Mistake {
    /// Returns a remark instead of an issue.
    #[must_use]
    pub fn into_note(self) -> Note {
        let text = format!("{} {}", self.setting, self.text);
        let code = match self.setting {
            "direction" | "slTrail" => NoteCode::SettingWithoutEffect,
            _ => NoteCode::SettingUnlikely,
        };
        let note = Note::new(code, text).with("setting", self.setting).with("value", self.value);
        match self.suggested {
            Some(suggested) => note.with("suggested", suggested),
            None => note,
        }
    }
}

impl Settings {
    /// Returns the sides that a run can take. Signals of the short side of their own replace the direction; a stop may reverse.
    #[must_use]
    pub fn sides(&self, has_short_signals: bool) -> Sides {
        let stops = &self.stops;
        // A stop that a position of one side cannot reach does not reverse it.
        let reverses = matches!(stops.upon_stop_exit, StopExit::Reverse | StopExit::ReverseReduce);
        let reachable = |stop: Option<f64>| stop.is_some_and(|stop| stop < 1.0);
        let direction = self.rules.direction;
        let both = has_short_signals || direction == Direction::Both;
        let short_by_stop = reverses && (reachable(stops.sl_stop) || stops.tp_stop.is_some());
        let long_by_stop = reverses && (stops.sl_stop.is_some() || reachable(stops.tp_stop));
        Sides {
            long: both || direction == Direction::LongOnly || long_by_stop,
            short: both || direction == Direction::ShortOnly || short_by_stop,
        }
    }

    /// Returns the settings that can only be a mistake. `has_short_signals` is `None` if the signals are not known yet; what
    /// depends on them is then not examined.
    #[must_use]
    pub fn mistakes(&self, has_short_signals: Option<bool>) -> Vec<Mistake> {
        let sides = has_short_signals.map(|has_short_signals| self.sides(has_short_signals));
        let mut found = Vec::new();
        self.find_costs(&mut found);
        self.find_sizes(sides, &mut found);
        if has_short_signals == Some(true) && self.rules.direction == Direction::ShortOnly {
            found.push(Mistake {
                setting: "direction",
                code: "conflict",
                text: "shortOnly does nothing here: with short signals of their own, both sides are traded; leave it out, or \
                       pass the short signals as entries and exits"
                    .to_owned(),
                value: Direction::ShortOnly.as_str().into(),
                suggested: None,
            });
        }
        self.find_stops(sides, &mut found);
        let risk_free = self.conventions.risk_free;
        if risk_free.abs() > 1.0 {
            let text = format!("is {} a year; {}", in_percent(risk_free), meant(risk_free));
            found.push(Mistake::of_percent("riskFree", risk_free, &text));
        }
        found
    }

    fn find_costs(&self, found: &mut Vec<Mistake>) {
        let fees = self.costs.fees;
        if fees >= 1.0 {
            let text = format!(
                "is {} of the traded value for every order; {}, and an amount of money per order is fixedFees",
                in_percent(fees),
                meant(fees)
            );
            found.push(Mistake::of_percent("fees", fees, &text));
        }
    }

    fn find_sizes(&self, sides: Option<Sides>, found: &mut Vec<Mistake>) {
        let sizing = &self.sizing;
        let mut add = |setting, code, value: f64, text: &str| {
            let text = format!("{} {text}", formatted(value));
            found.push(Mistake { setting, code, text, value: json_number(value), suggested: None });
        };
        if sizing.size == 0.0 {
            let text = "makes no order; leave it out to invest all cash";
            return add("size", "range", sizing.size, text);
        }
        // What no order is larger than.
        let is_units = sizing.size_type == SizeType::Amount && sizing.size < sizing.max_size;
        let (name, most) =
            if is_units { ("size", sizing.size) } else { ("maxSize", sizing.max_size) };
        if sizing.min_size > most {
            let minimum = formatted(sizing.min_size);
            let text = format!("is below minSize {minimum}, so that no order is filled");
            add(name, "conflict", most, &text);
        }
        if let Some(step) = sizing.size_granularity.filter(|step| *step > most) {
            let step = formatted(step);
            let text = format!(
                "is below sizeGranularity {step}, so that every order is rounded down to 0"
            );
            add(name, "conflict", most, &text);
        }
        let buys_only = sides.is_some_and(|sides| !sides.short);
        let asks_for_more = match sizing.size_type {
            SizeType::Amount if sizing.size.is_finite() => sizing.size > sizing.max_size,
            // All that cash pays for is asked for as an infinite size.
            SizeType::Amount | SizeType::Percent => buys_only && sizing.max_size.is_finite(),
            SizeType::Value => false,
        };
        if asks_for_more && !sizing.allow_partial {
            let text = "is below the size of every order, and allowPartial is false, so that no order is filled; set size, or \
                        allowPartial to true";
            add("maxSize", "conflict", sizing.max_size, text);
        }
    }

    fn find_stops(&self, sides: Option<Sides>, found: &mut Vec<Mistake>) {
        let stops = &self.stops;
        let (only_long, only_short) =
            sides.map_or((false, false), |sides| (!sides.short, !sides.long));
        let targets = [
            ("slStop", stops.sl_stop, only_long, "stop loss", "long", "better"),
            ("tpStop", stops.tp_stop, only_short, "target", "short", "worse"),
        ];
        for (setting, stop, must_fall, what, side, than) in targets {
            let Some(stop) = stop else { continue };
            if stop == 0.0 {
                found.push(Mistake {
                    setting,
                    code: "range",
                    text: format!(
                        "0 closes every position at the first price that is not {than} than that of its entry; leave it out \
                         for no {what}"
                    ),
                    value: json_number(stop),
                    suggested: None,
                });
            } else if stop >= 1.0 && must_fall {
                let text = format!(
                    "is a {what} of {}, which a {side} position never reaches; {}",
                    in_percent(stop),
                    meant(stop)
                );
                found.push(Mistake::of_percent(setting, stop, &text));
            }
        }
        if stops.sl_trail && stops.sl_stop.is_none() {
            found.push(Mistake {
                setting: "slTrail",
                code: "conflict",
                text: "does nothing without slStop, the distance of the trailing stop; 5 % is 0.05"
                    .to_owned(),
                value: true.into(),
                suggested: None,
            });
        }
    }

    /// Returns whether [`Accumulate`] changes nothing, because the first entry spends all that there is and an exit closes all.
    #[must_use]
    pub fn accumulates_nothing(&self) -> bool {
        let sizing = &self.sizing;
        self.rules.accumulate != Accumulate::Disabled
            && sizing.size.is_infinite()
            && sizing.max_size.is_infinite()
            && sizing.size_granularity.is_none()
            // At the next open, an entry fills after a stop that the open has passed, if it may add.
            && !(self.conventions.execution == Execution::NextOpen && self.stops.are_set())
    }
}

impl Mistake {
    /// Returns a fraction that was probably meant in percent. `text` follows the value.
    fn of_percent(setting: &'static str, value: f64, text: &str) -> Self {
        Self {
            setting,
            code: "range",
            text: format!("{} {text}", formatted(value)),
            value: json_number(value),
            suggested: Some(of_percent(value)),
        }
    }
}

/// Formats a fraction in percent.
pub fn in_percent(fraction: f64) -> String {
    let percent = rounded(fraction * 100.0);
    if percent.is_finite() {
        format!("{} %", formatted(percent))
    } else {
        format!("{} times 100 %", formatted(fraction))
    }
}

/// Returns what a number of percent is as a fraction.
pub fn of_percent(percent: f64) -> f64 {
    rounded(percent / 100.0)
}

/// Says what a number of percent is as a fraction: `5 % is 0.05`.
pub fn meant(percent: f64) -> String {
    format!("{} % is {}", formatted(percent), formatted(of_percent(percent)))
}

/// Removes the rounding error of a multiplication: twelve significant digits stay.
fn rounded(value: f64) -> f64 {
    format!("{value:.11e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(change: impl FnOnce(&mut Settings), short: Option<bool>) -> Vec<String> {
        let settings = Settings::default().with(change);
        let found = settings.mistakes(short).into_iter();
        found
            .map(|mistake| format!("{} {} {}", mistake.code, mistake.setting, mistake.text))
            .collect()
    }

    #[test]
    fn defaults_and_those_of_vectorbt_are_no_mistakes() {
        for short in [None, Some(false), Some(true)] {
            assert_eq!(Settings::default().mistakes(short), []);
            assert_eq!(Settings::vectorbt().mistakes(short), []);
        }
    }

    #[test]
    fn percent_taken_for_a_fraction_is_named_with_the_fraction() {
        let fees = mistakes(|settings| settings.costs.fees = 7.0, None);
        assert_eq!(
            fees,
            [
                "range fees 7 is 700 % of the traded value for every order; 7 % is 0.07, and an amount of money per order is \
                 fixedFees"
            ]
        );
        let rate = mistakes(|settings| settings.conventions.risk_free = 4.5, None);
        assert_eq!(rate, ["range riskFree 4.5 is 450 % a year; 4.5 % is 0.045"]);
        assert!(mistakes(|settings| settings.conventions.risk_free = 1.0, None).is_empty());
        assert!(mistakes(|settings| settings.costs.fees = 0.99, None).is_empty());
    }

    #[test]
    fn a_price_cannot_fall_by_100_percent() {
        let loss = |settings: &mut Settings| settings.stops.sl_stop = Some(1.0);
        assert_eq!(
            mistakes(loss, Some(false)),
            [
                "range slStop 1 is a stop loss of 100 %, which a long position never reaches; 1 % is 0.01"
            ]
        );
        // A short position can lose more, and a function may turn out to have short signals.
        assert!(mistakes(loss, Some(true)).is_empty() && mistakes(loss, None).is_empty());
        let short = |settings: &mut Settings| {
            settings.rules.direction = Direction::ShortOnly;
            settings.stops.sl_stop = Some(5.0);
            settings.stops.tp_stop = Some(5.0);
        };
        assert_eq!(
            mistakes(short, Some(false)),
            [
                "range tpStop 5 is a target of 500 %, which a short position never reaches; 5 % is 0.05"
            ]
        );
        let below = |settings: &mut Settings| settings.stops.sl_stop = Some(0.999);
        assert!(mistakes(below, Some(false)).is_empty());
    }

    #[test]
    fn a_stop_that_reverses_opens_the_other_side() {
        let reversing = |settings: &mut Settings| {
            settings.stops.sl_stop = Some(5.0);
            settings.stops.upon_stop_exit = StopExit::Reverse;
        };
        // Without a target nothing ever reverses a long position.
        assert_eq!(mistakes(reversing, Some(false)).len(), 1);
        let by_target = |settings: &mut Settings| {
            reversing(settings);
            settings.stops.tp_stop = Some(0.1);
        };
        assert!(mistakes(by_target, Some(false)).is_empty());
    }

    #[test]
    fn a_stop_of_0_and_a_trailing_stop_without_distance_are_mistakes() {
        let zero = |settings: &mut Settings| {
            settings.stops.sl_stop = Some(0.0);
            settings.stops.tp_stop = Some(0.0);
        };
        assert_eq!(
            mistakes(zero, None),
            [
                "range slStop 0 closes every position at the first price that is not better than that of its entry; leave it \
                 out for no stop loss",
                "range tpStop 0 closes every position at the first price that is not worse than that of its entry; leave it \
                 out for no target"
            ]
        );
        let trailing = |settings: &mut Settings| settings.stops.sl_trail = true;
        let found = mistakes(trailing, None);
        assert!(found[0].starts_with("conflict slTrail does nothing without slStop"), "{found:?}");
    }

    #[test]
    fn sizes_that_make_no_order_are_mistakes() {
        type Change = fn(&mut Settings);
        let cases: [(Change, &[&str]); 9] = [
            (|s| s.sizing.size = 0.0, &["range size 0 makes no order"]),
            (
                |s| {
                    s.sizing.min_size = 10.0;
                    s.sizing.max_size = 5.0;
                },
                &["conflict maxSize 5 is below minSize 10"],
            ),
            (
                |s| {
                    s.sizing.min_size = 10.0;
                    s.sizing.size = 5.0;
                },
                &["conflict size 5 is below minSize 10"],
            ),
            (
                |s| {
                    s.sizing.size_granularity = Some(1.0);
                    s.sizing.size = 0.5;
                },
                &["conflict size 0.5 is below sizeGranularity 1"],
            ),
            (
                |s| {
                    s.sizing.size_granularity = Some(1.0);
                    s.sizing.size = 0.5;
                    s.sizing.size_type = SizeType::Percent;
                },
                &[],
            ),
            (
                |s| {
                    s.sizing.max_size = 5.0;
                    s.sizing.allow_partial = false;
                },
                &["conflict maxSize 5 is below the size of every order"],
            ),
            (
                |s| {
                    s.sizing.max_size = 5.0;
                    s.sizing.size = 5.0;
                    s.sizing.allow_partial = false;
                },
                &[],
            ),
            (
                |s| {
                    s.sizing.max_size = 5.0;
                    s.sizing.allow_partial = false;
                    s.rules.direction = Direction::Both;
                },
                &[],
            ),
            (|s| s.sizing.max_size = 5.0, &[]),
        ];
        for (index, (change, expected)) in cases.into_iter().enumerate() {
            let found = mistakes(change, Some(false));
            assert_eq!(found.len(), expected.len(), "{index}: {found:?}");
            for (found, expected) in found.iter().zip(expected) {
                assert!(found.starts_with(expected), "{index}: {found}");
            }
        }
    }

    #[test]
    fn a_direction_is_a_mistake_beside_short_signals() {
        let short_only = |settings: &mut Settings| settings.rules.direction = Direction::ShortOnly;
        assert_eq!(mistakes(short_only, Some(true)).len(), 1);
        assert!(mistakes(short_only, Some(false)).is_empty());
        assert!(mistakes(|s| s.rules.direction = Direction::Both, Some(true)).is_empty());
    }
}
