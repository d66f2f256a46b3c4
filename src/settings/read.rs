//! Settings from requests, and to stored JSON.

use serde_json::{Map, Value};

use super::choices::SizeType;
use super::groups::Settings;
use super::list::{SETTINGS, SettingKind};
use super::value::{AUTO, SettingValue};
use crate::request::{Fields, Input, Issues, NumberOrChoice};

impl Settings {
    /// Reads settings. A field that is absent or `null` keeps its default. `path` names the field with the object in messages, and
    /// `beside` has the fields beside it, which may be in the object by mistake.
    ///
    /// Every problem is reported: unknown names, wrong types, values out of range, settings that contradict each other.
    pub fn read(
        path: &'static str,
        input: Option<&Input>,
        beside: &[&'static str],
        issues: &mut Issues,
    ) -> Self {
        let Some(input) = input.filter(|input| !matches!(input, Input::Null)) else {
            return Self::default();
        };
        let mut fields = Fields::open(path, input, issues);
        fields.expect_beside(path, beside.iter().copied());
        let settings = Self::read_fields(&mut fields, issues);
        fields.finish(issues);
        settings
    }

    /// Reads settings that are fields of a larger object. The caller finishes that object.
    pub fn read_fields(fields: &mut Fields<'_>, issues: &mut Issues) -> Self {
        let mut settings = Self::default();
        for setting in SETTINGS {
            let value = match setting.kind {
                SettingKind::Number(range) => {
                    fields.number(setting.name, range, issues).map(SettingValue::Number)
                }
                SettingKind::NumberOrAuto(range) => fields
                    .number_or_choice(setting.name, range, &[(AUTO, AUTO)], issues)
                    .map(|value| match value {
                        NumberOrChoice::Number(number) => SettingValue::Number(number),
                        NumberOrChoice::Choice(name) => SettingValue::Choice(name),
                    }),
                SettingKind::Boolean => {
                    fields.boolean(setting.name, issues).map(SettingValue::Boolean)
                }
                SettingKind::Choice(names) => {
                    fields.name(setting.name, names, issues).map(SettingValue::Choice)
                }
            };
            if let Some(value) = value {
                setting.set(&mut settings, value);
            }
        }
        settings.check(fields, issues);
        settings
    }

    fn check(&self, fields: &Fields<'_>, issues: &mut Issues) {
        let (slippage, sizing) = (self.costs.slippage, self.sizing);
        if slippage >= 1.0 {
            let path = fields.path("slippage");
            issues.add(path.clone(), "range", format!("{path} must be below 1, was {slippage}"));
        }
        if sizing.size_type == SizeType::Percent && sizing.size > 1.0 {
            let path = fields.path("size");
            let found =
                if sizing.size.is_finite() { sizing.size.to_string() } else { "Infinity".into() };
            issues.add(
                path.clone(),
                "conflict",
                format!("{path} must be between 0 and 1 with sizeType percent, was {found}"),
            );
        }
    }

    /// Returns the settings with their JavaScript names. No limit and not set are `null`.
    #[must_use]
    pub fn to_json(&self) -> Map<String, Value> {
        let fields =
            SETTINGS.iter().map(|setting| (setting.name.to_owned(), setting.get(self).to_json()));
        fields.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Issue;
    use crate::settings::{Execution, StopUpdate};
    use serde_json::json;

    fn read(value: Value) -> (Settings, Vec<Issue>) {
        let mut issues = Issues::default();
        let settings = Settings::read("simulation", Some(&Input::from(value)), &[], &mut issues);
        (settings, issues.into_vec())
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        let settings = Settings::vectorbt().with(|settings| {
            settings.sizing.size = 0.25;
            settings.sizing.size_type = SizeType::Percent;
            settings.stops.sl_stop = Some(0.1);
            settings.stops.upon_stop_update = StopUpdate::OverrideNan;
            settings.conventions.execution = Execution::NextOpen;
        });
        for settings in [settings, Settings::default()] {
            let (back, issues) = read(Value::Object(settings.to_json()));
            assert_eq!((back, issues), (settings, vec![]));
        }
    }

    #[test]
    fn infinity_leaves_as_null() {
        let json = Settings::default().to_json();
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
        assert_eq!(Settings::read("simulation", None, &[], &mut issues), Settings::default());
        assert_eq!(read(json!({"size": null, "execution": null})), (Settings::default(), vec![]));
    }
}
