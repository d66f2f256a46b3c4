//! The settings of a simulation from and to what callers write, with the names of JavaScript.

use serde_json::{Map, Value};

use super::options::{
    Accumulate, Conflict, Direction, DirectionConflict, Execution, OppositeEntry, Options,
    SizeType, StopEntryPrice, StopExit, StopExitPrice, StopUpdate,
};
use crate::request::{Fields, Input, Issues, Range, json_number};

impl Options {
    /// Reads settings; what is absent or `null` keeps its default. `path` names the object in messages.
    ///
    /// Every problem is noted: unknown names, wrong types, values out of range, settings that contradict each other.
    pub fn read(path: &str, input: Option<&Input>, issues: &mut Issues) -> Self {
        let Some(input) = input.filter(|input| !matches!(input, Input::Null)) else {
            return Self::default();
        };
        let mut fields = Fields::open(path, input, issues);
        let options = Self::read_fields(&mut fields, issues);
        fields.finish(issues);
        options
    }

    /// Reads settings from among the fields of a larger object, which the caller finishes.
    pub fn read_fields(fields: &mut Fields<'_>, issues: &mut Issues) -> Self {
        let mut options = Self::default();
        options.read_costs_and_sizes(fields, issues);
        options.read_rules(fields, issues);
        options.read_stops(fields, issues);
        options.check(fields, issues);
        options
    }

    fn read_costs_and_sizes(&mut self, fields: &mut Fields<'_>, issues: &mut Issues) {
        // Fees below zero are rebates; at -1 a purchase would cost nothing.
        set(
            &mut self.fees,
            fields.number("fees", Range::between(-1.0, f64::INFINITY).above(), issues),
        );
        set(&mut self.fixed_fees, fields.number("fixedFees", Range::ANY, issues));
        set(&mut self.slippage, fields.number("slippage", Range::NOT_NEGATIVE, issues));
        set(&mut self.size, fields.number("size", Range::NOT_NEGATIVE.or_infinite(), issues));
        set(&mut self.size_type, fields.choice("sizeType", SizeType::ALL, issues));
        set(&mut self.min_size, fields.number("minSize", Range::NOT_NEGATIVE, issues));
        set(&mut self.max_size, fields.number("maxSize", Range::POSITIVE.or_infinite(), issues));
        self.size_granularity = fields.number("sizeGranularity", Range::POSITIVE, issues);
        set(&mut self.lock_cash, fields.boolean("lockCash", issues));
        set(&mut self.allow_partial, fields.boolean("allowPartial", issues));
    }

    fn read_rules(&mut self, fields: &mut Fields<'_>, issues: &mut Issues) {
        set(&mut self.direction, fields.choice("direction", Direction::ALL, issues));
        set(&mut self.accumulate, fields.choice("accumulate", Accumulate::ALL, issues));
        set(&mut self.upon_long_conflict, fields.choice("uponLongConflict", Conflict::ALL, issues));
        set(
            &mut self.upon_short_conflict,
            fields.choice("uponShortConflict", Conflict::ALL, issues),
        );
        set(
            &mut self.upon_dir_conflict,
            fields.choice("uponDirConflict", DirectionConflict::ALL, issues),
        );
        set(
            &mut self.upon_opposite_entry,
            fields.choice("uponOppositeEntry", OppositeEntry::ALL, issues),
        );
        set(&mut self.execution, fields.choice("execution", Execution::ALL, issues));
        set(
            &mut self.risk_free,
            fields.number("riskFree", Range::between(-1.0, f64::INFINITY).above(), issues),
        );
        set(&mut self.year_days, fields.number("yearDays", Range::POSITIVE, issues));
    }

    fn read_stops(&mut self, fields: &mut Fields<'_>, issues: &mut Issues) {
        self.sl_stop = fields.number("slStop", Range::NOT_NEGATIVE, issues);
        set(&mut self.sl_trail, fields.boolean("slTrail", issues));
        self.tp_stop = fields.number("tpStop", Range::NOT_NEGATIVE, issues);
        set(
            &mut self.stop_entry_price,
            fields.choice("stopEntryPrice", StopEntryPrice::ALL, issues),
        );
        set(&mut self.stop_exit_price, fields.choice("stopExitPrice", StopExitPrice::ALL, issues));
        set(&mut self.upon_stop_exit, fields.choice("uponStopExit", StopExit::ALL, issues));
        set(&mut self.upon_stop_update, fields.choice("uponStopUpdate", StopUpdate::ALL, issues));
    }

    fn check(&self, fields: &Fields<'_>, issues: &mut Issues) {
        if self.slippage >= 1.0 {
            let path = fields.path("slippage");
            issues.add(
                path.clone(),
                "range",
                format!("{path} must be below 1, was {}", self.slippage),
            );
        }
        if self.size_type == SizeType::Percent && self.size > 1.0 {
            let path = fields.path("size");
            let found =
                if self.size.is_finite() { self.size.to_string() } else { "Infinity".into() };
            issues.add(
                path.clone(),
                "conflict",
                format!("{path} must be between 0 and 1 with sizeType percent, was {found}"),
            );
        }
    }

    /// Returns the settings with their JavaScript names; no limit and what is not set are `null`.
    pub fn to_json(&self) -> Map<String, Value> {
        let optional = |value: Option<f64>| value.map_or(Value::Null, json_number);
        let fields = [
            ("fees", json_number(self.fees)),
            ("fixedFees", json_number(self.fixed_fees)),
            ("slippage", json_number(self.slippage)),
            ("size", json_number(self.size)),
            ("sizeType", self.size_type.as_str().into()),
            ("minSize", json_number(self.min_size)),
            ("maxSize", json_number(self.max_size)),
            ("sizeGranularity", optional(self.size_granularity)),
            ("direction", self.direction.as_str().into()),
            ("accumulate", self.accumulate.as_str().into()),
            ("uponLongConflict", self.upon_long_conflict.as_str().into()),
            ("uponShortConflict", self.upon_short_conflict.as_str().into()),
            ("uponDirConflict", self.upon_dir_conflict.as_str().into()),
            ("uponOppositeEntry", self.upon_opposite_entry.as_str().into()),
            ("slStop", optional(self.sl_stop)),
            ("slTrail", self.sl_trail.into()),
            ("tpStop", optional(self.tp_stop)),
            ("stopEntryPrice", self.stop_entry_price.as_str().into()),
            ("stopExitPrice", self.stop_exit_price.as_str().into()),
            ("uponStopExit", self.upon_stop_exit.as_str().into()),
            ("uponStopUpdate", self.upon_stop_update.as_str().into()),
            ("lockCash", self.lock_cash.into()),
            ("allowPartial", self.allow_partial.into()),
            ("execution", self.execution.as_str().into()),
            ("riskFree", json_number(self.risk_free)),
            ("yearDays", json_number(self.year_days)),
        ];
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Returns vectorbt's own defaults: no fees, no slippage, stops measured from the close and filled as limit orders.
    pub fn vectorbt() -> Self {
        Self {
            fees: 0.0,
            slippage: 0.0,
            stop_entry_price: StopEntryPrice::Close,
            stop_exit_price: StopExitPrice::StopLimit,
            ..Self::default()
        }
    }
}

fn set<T>(target: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *target = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Issue;
    use serde_json::json;

    fn read(value: Value) -> (Options, Vec<Issue>) {
        let mut issues = Issues::default();
        let options = Options::read("simulation", Some(&Input::from(value)), &mut issues);
        (options, issues.into_vec())
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        let options = Options {
            size: 0.25,
            size_type: SizeType::Percent,
            sl_stop: Some(0.1),
            upon_stop_update: StopUpdate::OverrideNan,
            execution: Execution::NextOpen,
            ..Options::vectorbt()
        };
        for options in [options, Options::default()] {
            let (back, issues) = read(Value::Object(options.to_json()));
            assert_eq!((back, issues), (options, vec![]));
        }
    }

    #[test]
    fn infinity_leaves_as_null() {
        let json = Options::default().to_json();
        assert_eq!(
            (&json["size"], &json["maxSize"], &json["slStop"]),
            (&Value::Null, &Value::Null, &Value::Null)
        );
        assert_eq!(json["fees"], json!(0.001));
    }

    #[test]
    fn every_problem_of_the_settings_is_named() {
        let (_, issues) = read(
            json!({"fee": 0, "slippage": 1, "sizeType": "percent", "slStop": -0.1, "direction": "longonly"}),
        );
        let messages: Vec<&str> = issues.iter().map(|issue| issue.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "simulation.direction must be one of longOnly, shortOnly, both, was string \"longonly\"",
                "simulation.slStop must be at least 0, was -0.1",
                "simulation.slippage must be below 1, was 1",
                "simulation.size must be between 0 and 1 with sizeType percent, was Infinity",
                "unknown field simulation.fee, did you mean fees?",
            ]
        );
    }

    #[test]
    fn nothing_given_is_the_default() {
        let mut issues = Issues::default();
        assert_eq!(Options::read("simulation", None, &mut issues), Options::default());
        assert_eq!(read(json!({"size": null, "execution": null})), (Options::default(), vec![]));
    }
}
