//! Reads a definition from an object of JavaScript or JSON.

use super::definition::{Definition, Origin, Parameter, ParameterKind, StrategyType, Value};
use crate::quote;
use crate::request::{Fields, Input, Issues, Range};

impl Definition {
    /// Reads a `StrategyDefinition`, or the declaration of a strategy with a function; every problem is noted, unknown keys
    /// included. Expressions are not checked here.
    ///
    /// Gives what there is in spite of problems, so that the rest can be checked as well: missing texts are empty,
    /// parameters without a type or a default have likely ones.
    pub(super) fn read_with_gaps(
        path: &str,
        input: &Input,
        origin: Origin,
        issues: &mut Issues,
    ) -> Option<Self> {
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
        let texts = match origin {
            Origin::Expressions => read_expressions(&mut fields, issues),
            Origin::Elsewhere => {
                refuse_expressions(&mut fields, issues);
                Texts::default()
            }
        };
        fields.finish(issues);
        Some(Self {
            name: name.unwrap_or_else(|| id.clone()),
            id,
            kind: kind.unwrap_or(StrategyType::Custom),
            description: description.unwrap_or_default(),
            reference: reference.unwrap_or_default(),
            parameters: parameters.unwrap_or_default(),
            constraints: constraints.unwrap_or_default(),
            entries: texts.entries,
            exits: texts.exits,
            short_entries: texts.short_entries,
            short_exits: texts.short_exits,
        })
    }
}

/// The expressions of a strategy; all empty where a function of the caller stands in for them.
#[derive(Debug, Default)]
struct Texts {
    entries: String,
    exits: String,
    short_entries: Option<String>,
    short_exits: Option<String>,
}

fn read_expressions(fields: &mut Fields<'_>, issues: &mut Issues) -> Texts {
    if let Some(found) = fields.take("generateSignals") {
        let path = fields.path("generateSignals");
        let message = if matches!(found, Input::Other(kind) if kind == "function") {
            format!(
                "{path}: a strategy with a function is registered first, with registerStrategy, and then run by its id"
            )
        } else {
            format!("{path} must be a function, was {}", found.describe())
        };
        issues.add(path, "type", message);
        for name in ["entries", "exits", "shortEntries", "shortExits"] {
            fields.take(name);
        }
        return Texts::default();
    }
    let entries = fields.required_text("entries", issues).unwrap_or_default();
    let exits = fields.required_text("exits", issues).unwrap_or_default();
    let short_entries = fields.text("shortEntries", issues);
    let short_exits = fields.text("shortExits", issues);
    Texts { entries, exits, short_entries, short_exits }
}

fn refuse_expressions(fields: &mut Fields<'_>, issues: &mut Issues) {
    fields.take("generateSignals");
    for name in ["entries", "exits", "shortEntries", "shortExits"] {
        if fields.take(name).is_some() {
            let (path, function) = (fields.path(name), fields.path("generateSignals"));
            let message = format!("{path} and {function} exclude each other: give one of them");
            issues.add(path, "conflict", message);
        }
    }
}

fn read_parameters(path: &str, input: &Input, issues: &mut Issues) -> Vec<Parameter> {
    let Input::Record(entries) = input else {
        issues.add(path, "type", format!("{path} must be an object, was {}", input.describe()));
        return Vec::new();
    };
    entries
        .iter()
        .map(|(name, input)| {
            let path = format!("{path}.{}", quote::name(name));
            read_parameter(&path, name, input, issues)
        })
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
