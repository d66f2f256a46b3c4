//! The options of a heat map.

use crate::request::{Fields, Input, Issues};
use crate::sweep::heatmap::{Aggregate, FixedParameter, FixedValue};

use super::picture_options::PictureOptions;

/// The options of a heat map.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct HeatmapOptions {
    /// The parameter of the horizontal axis; `None` if the sweep tells.
    pub(super) x: Option<String>,
    /// The parameter of the vertical axis; `None` for a line, or if the sweep tells both.
    pub(super) y: Option<String>,
    /// The metric, or `objective`.
    pub(super) metric: String,
    /// What a cell shows of its combinations.
    pub(super) aggregate: Aggregate,
    /// Values of other parameters.
    pub(super) fixed: Vec<FixedParameter>,
    /// Format, size and colors.
    pub(super) picture: PictureOptions,
}

impl HeatmapOptions {
    /// The metric if none is named.
    pub(super) const OBJECTIVE: &'static str = "objective";

    /// Reads the options.
    pub(super) fn read(input: &Input, issues: &mut Issues) -> Self {
        static EMPTY: Input = Input::Record(Vec::new());
        let input = if matches!(input, Input::Null) { &EMPTY } else { input };
        let mut fields = Fields::open("options", input, issues);
        let x = fields.text("x", issues);
        let y = fields.text("y", issues);
        let metric = fields.text("metric", issues).unwrap_or_else(|| Self::OBJECTIVE.to_owned());
        let mut fixed = Vec::new();
        let aggregate = read_aggregate(&mut fields, &mut fixed, issues);
        match fields.take("fixed") {
            None => {}
            Some(Input::Record(entries)) => {
                read_fixed(&fields.path("fixed"), entries, &mut fixed, issues);
            }
            Some(other) => {
                let message = format!(
                    "options.fixed must be an object with values of parameters, was {}",
                    other.describe()
                );
                issues.add("options.fixed", "type", message);
            }
        }
        let picture = PictureOptions::read(&mut fields, issues);
        fields.finish(issues);
        Self { x, y, metric, aggregate, fixed, picture }
    }
}

/// Reads `aggregate`: its name, or an object with values of other parameters.
fn read_aggregate(
    fields: &mut Fields<'_>,
    fixed: &mut Vec<FixedParameter>,
    issues: &mut Issues,
) -> Aggregate {
    match fields.take("aggregate") {
        None => Aggregate::default(),
        Some(Input::Record(entries)) => {
            read_fixed(&fields.path("aggregate"), entries, fixed, issues);
            Aggregate::default()
        }
        Some(Input::Text(_)) => {
            fields.choice("aggregate", &Aggregate::ALL, issues).unwrap_or_default()
        }
        Some(other) => {
            let message = format!(
                "options.aggregate must be one of max, mean, median, or an object with values of parameters, was {}",
                other.describe()
            );
            issues.add("options.aggregate", "type", message);
            Aggregate::default()
        }
    }
}

/// Reads values of parameters.
fn read_fixed(
    path: &str,
    entries: &[(String, Input)],
    fixed: &mut Vec<FixedParameter>,
    issues: &mut Issues,
) {
    for (name, value) in entries {
        let path = format!("{path}.{}", crate::quote::name(name));
        let value = match value {
            // As in the request of a sweep, null is off.
            Input::Null => FixedValue::Number(f64::NAN),
            Input::Number(value) => FixedValue::Number(*value),
            Input::Bool(flag) => FixedValue::Number(f64::from(u8::from(*flag))),
            Input::Text(name) => FixedValue::Name(name.clone()),
            other => {
                let message = format!(
                    "{path} must be a number, or the name of an asset or a timeframe, was {}",
                    other.describe()
                );
                issues.add(path, "type", message);
                continue;
            }
        };
        fixed.push(FixedParameter { path, name: name.clone(), value });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn record<const N: usize>(fields: [(&str, Input); N]) -> Input {
        Input::Record(fields.map(|(name, value)| (name.to_owned(), value)).into())
    }

    fn text(text: &str) -> Input {
        Input::Text(text.to_owned())
    }

    fn read(input: &Input) -> Result<HeatmapOptions, String> {
        let mut issues = Issues::default();
        let options = HeatmapOptions::read(input, &mut issues);
        issues.into_result(Code::InvalidArgument).map_err(|error| error.message)?;
        Ok(options)
    }

    #[test]
    fn the_median_of_the_objective_is_the_default() {
        let options = read(&record([("x", text("fast_period"))])).unwrap();
        assert_eq!(
            (options.x.as_deref(), options.y, options.metric.as_str()),
            (Some("fast_period"), None, "objective")
        );
        assert_eq!((options.aggregate, options.fixed), (Aggregate::Median, vec![]));
    }

    #[test]
    fn other_parameters_are_aggregated_or_fixed() {
        let with = |aggregate| read(&record([("x", text("a")), ("aggregate", aggregate)]));
        assert_eq!(with(text("max")).unwrap().aggregate, Aggregate::Max);
        let values = || {
            record([
                ("b", Input::Number(2.5)),
                ("flag", Input::Bool(true)),
                ("assetSymbol", text("AAPL")),
            ])
        };
        let expected = |option: &str| {
            [
                ("b", FixedValue::Number(2.5)),
                ("flag", FixedValue::Number(1.0)),
                ("assetSymbol", FixedValue::Name("AAPL".into())),
            ]
            .map(|(name, value)| FixedParameter {
                path: format!("options.{option}.{name}"),
                name: name.to_owned(),
                value,
            })
        };
        assert_eq!(with(values()).unwrap().fixed, expected("aggregate"));
        let both = record([("x", text("a")), ("aggregate", text("mean")), ("fixed", values())]);
        let both = read(&both).unwrap();
        assert_eq!((both.aggregate, both.fixed), (Aggregate::Mean, expected("fixed").into()));
        let off = with(record([("stop", Input::Null)])).unwrap().fixed;
        assert!(matches!(off[0].value, FixedValue::Number(value) if value.is_nan()));
    }

    #[test]
    fn mistakes_are_named() {
        for (input, message) in [
            (record([("x", Input::Number(1.0))]), "options.x must be a string, was number 1"),
            (
                record([("x", text("a")), ("aggregate", text("sum"))]),
                "options.aggregate must be one of max, mean, median, was string \"sum\"",
            ),
            (
                record([("x", text("a")), ("aggregate", Input::Number(1.0))]),
                "options.aggregate must be one of max, mean, median, or an object with values of parameters, was number 1",
            ),
            (
                record([("x", text("a")), ("aggregate", record([("b", Input::List(vec![]))]))]),
                "options.aggregate.b must be a number, or the name of an asset or a timeframe, was an array of 0 items",
            ),
            (
                record([("x", text("a")), ("fixed", text("b"))]),
                "options.fixed must be an object with values of parameters, was string \"b\"",
            ),
            (
                record([("x", text("a")), ("agregate", text("max"))]),
                "unknown field options.agregate, did you mean aggregate?",
            ),
            (
                record([("x", text("a")), ("width", Input::Number(20.0))]),
                "options.width must be between 200 and 4096, was 20",
            ),
        ] {
            assert_eq!(read(&input).unwrap_err(), message);
        }
    }
}
