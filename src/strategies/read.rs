//! Reads a definition from an object of JavaScript or JSON.

use super::definition::{Definition, Parameter, ParameterKind, StrategyType, Value};
use crate::input::{Fields, Input, Issues, Range};

impl Definition {
    /// Reads a `StrategyDefinition`; every problem is noted, unknown keys included. Expressions are not checked here.
    pub fn read(path: &str, input: &Input, issues: &mut Issues) -> Option<Self> {
        let mut found = Issues::default();
        let definition = Self::read_with_gaps(path, input, &mut found);
        let is_sound = found.is_empty();
        issues.extend(found.into_vec());
        definition.filter(|_| is_sound)
    }

    /// Reads as [`read`](Self::read) does, but gives what there is in spite of problems, so that the rest can be checked
    /// as well: missing texts are empty, parameters without a type or a default have likely ones.
    pub(super) fn read_with_gaps(path: &str, input: &Input, issues: &mut Issues) -> Option<Self> {
        if !matches!(input, Input::Record(_)) {
            Fields::open(path, input, issues);
            return None;
        }
        let mut fields = Fields::open(path, input, issues);
        let id = fields.required_text("id", issues).unwrap_or_default();
        let name = fields.text("name", issues);
        let description = fields.text("description", issues);
        let reference = fields.text("reference", issues);
        let kind = fields.choice("type", &StrategyType::ALL, issues);
        let parameters_path = fields.path("parameters");
        let parameters =
            fields.take("parameters").map(|input| read_parameters(&parameters_path, input, issues));
        let constraints_path = fields.path("constraints");
        let constraints = fields
            .take("constraints")
            .map(|input| read_constraints(&constraints_path, input, issues));
        let entries = fields.required_text("entries", issues);
        let exits = fields.required_text("exits", issues);
        let short_entries = fields.text("shortEntries", issues);
        let short_exits = fields.text("shortExits", issues);
        fields.finish(issues);
        Some(Self {
            name: name.unwrap_or_else(|| id.clone()),
            id,
            kind: kind.unwrap_or(StrategyType::Custom),
            description: description.unwrap_or_default(),
            reference: reference.unwrap_or_default(),
            parameters: parameters.unwrap_or_default(),
            constraints: constraints.unwrap_or_default(),
            entries: entries.unwrap_or_default(),
            exits: exits.unwrap_or_default(),
            short_entries,
            short_exits,
        })
    }
}

fn read_parameters(path: &str, input: &Input, issues: &mut Issues) -> Vec<Parameter> {
    let Input::Record(entries) = input else {
        issues.add(path, "type", format!("{path} must be an object, was {}", input.describe()));
        return Vec::new();
    };
    entries
        .iter()
        .map(|(name, input)| read_parameter(&format!("{path}.{name}"), name, input, issues))
        .collect()
}

fn read_parameter(path: &str, name: &str, input: &Input, issues: &mut Issues) -> Parameter {
    let mut fields = Fields::open(path, input, issues);
    let kind = fields.choice("type", &ParameterKind::ALL, issues);
    if fields.take("type").is_none() {
        fields.missing("type", issues);
    }
    let default_path = fields.path("default");
    let default = match fields.take("default") {
        Some(Input::Number(value)) if value.is_finite() => Some(Value::Number(*value)),
        Some(Input::Bool(value)) => Some(Value::Boolean(*value)),
        Some(other) => {
            issues.add(
                default_path.clone(),
                "type",
                format!(
                    "{default_path} must be a finite number or a boolean, was {}",
                    other.describe()
                ),
            );
            None
        }
        None => {
            fields.missing("default", issues);
            None
        }
    };
    let minimum = fields.number("minimum", Range::ANY, issues);
    let maximum = fields.number("maximum", Range::ANY, issues);
    let description = fields.text("description", issues);
    fields.finish(issues);
    // What is missing was noted; the likeliest stands in for it, so that expressions are not blamed for it once more.
    let kind = kind.unwrap_or(match default {
        Some(Value::Boolean(_)) => ParameterKind::Boolean,
        Some(Value::Number(value)) if value.fract() != 0.0 => ParameterKind::Number,
        _ => ParameterKind::Integer,
    });
    let default = default.unwrap_or(match kind {
        ParameterKind::Boolean => Value::Boolean(true),
        ParameterKind::Integer | ParameterKind::Number => Value::Number(minimum.unwrap_or(1.0)),
    });
    Parameter {
        name: name.to_owned(),
        kind,
        default,
        minimum,
        maximum,
        description: description.unwrap_or_default(),
    }
}

fn read_constraints(path: &str, input: &Input, issues: &mut Issues) -> Vec<String> {
    let Input::List(items) = input else {
        issues.add(
            path,
            "type",
            format!("{path} must be an array of strings, was {}", input.describe()),
        );
        return Vec::new();
    };
    let mut found = Vec::new();
    for (index, item) in items.iter().enumerate() {
        match item {
            Input::Text(text) => found.push(text.clone()),
            other => issues.add(
                format!("{path}[{index}]"),
                "type",
                format!("{path}[{index}] must be a string, was {}", other.describe()),
            ),
        }
    }
    found
}
