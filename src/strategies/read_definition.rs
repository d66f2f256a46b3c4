//! Reads a definition from a JavaScript or JSON object.

use super::definition::{Definition, SignalSource, StrategyType};
use super::parameter::{Parameter, ParameterType};
use super::signal_field::SignalField;
use crate::language::Binding;
use crate::quote;
use crate::request::{Fields, Input, Issues, Range};

impl Definition {
    /// Reads a `StrategyDefinition`, or the declaration of a strategy with a function. Every problem is reported, including
    /// unknown keys. Expressions are not checked here.
    ///
    /// Invalid fields are replaced, so that the remaining fields can still be checked: missing texts are empty, and parameters
    /// without a type or a default get plausible ones.
    pub(super) fn read_leniently(
        path: &str,
        input: &Input,
        signal_source: SignalSource,
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
        let strategy_type = fields.choice("type", &StrategyType::ALL, issues);
        let parameters_path = fields.path("parameters");
        let parameters =
            fields.take("parameters").map(|input| read_parameters(&parameters_path, input, issues));
        let constraints_path = fields.path("constraints");
        let constraints = fields
            .take("constraints")
            .map(|input| read_constraints(&constraints_path, input, issues));
        let expressions = match signal_source {
            SignalSource::Expressions => read_expressions(&mut fields, issues),
            SignalSource::Function => {
                reject_expressions(&mut fields, issues);
                ExpressionTexts::default()
            }
        };
        fields.finish(issues);
        Some(Self {
            name: name.unwrap_or_else(|| id.clone()),
            id,
            strategy_type: strategy_type.unwrap_or(StrategyType::Custom),
            description: description.unwrap_or_default(),
            reference: reference.unwrap_or_default(),
            parameters: parameters.unwrap_or_default(),
            constraints: constraints.unwrap_or_default(),
            entries: expressions.entries,
            exits: expressions.exits,
            short_entries: expressions.short_entries,
            short_exits: expressions.short_exits,
        })
    }
}

/// The expressions of a strategy. All are empty if a function computes the signals.
#[derive(Debug, Default)]
struct ExpressionTexts {
    entries: String,
    exits: String,
    short_entries: Option<String>,
    short_exits: Option<String>,
}

fn read_expressions(fields: &mut Fields<'_>, issues: &mut Issues) -> ExpressionTexts {
    if let Some(function) = fields.take("generateSignals") {
        let path = fields.path("generateSignals");
        let message = if matches!(function, Input::Other(type_name) if type_name == "function") {
            format!(
                "{path}: register a strategy with a function by registerStrategy first, then run it by its id"
            )
        } else {
            format!("{path} must be a function, was {}", function.describe())
        };
        issues.add(path, "type", message);
        for kind in SignalField::ALL {
            fields.take(kind.as_str());
        }
        return ExpressionTexts::default();
    }
    let entries = fields.required_text("entries", issues).unwrap_or_default();
    let exits = fields.required_text("exits", issues).unwrap_or_default();
    let short_entries = fields.text("shortEntries", issues);
    let short_exits = fields.text("shortExits", issues);
    ExpressionTexts { entries, exits, short_entries, short_exits }
}

fn reject_expressions(fields: &mut Fields<'_>, issues: &mut Issues) {
    fields.take("generateSignals");
    for kind in SignalField::ALL {
        if fields.take(kind.as_str()).is_some() {
            let (path, function) = (fields.path(kind.as_str()), fields.path("generateSignals"));
            let message =
                format!("{path} and {function} are mutually exclusive: set only one of them");
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
    let parameter_type = fields.choice("type", &ParameterType::ALL, issues);
    if fields.take("type").is_none() {
        fields.missing("type", issues);
    }
    let default_path = fields.path("default");
    let default = match fields.take("default") {
        Some(Input::Number(value)) if value.is_finite() => Some(Binding::Number(*value)),
        Some(Input::Bool(value)) => Some(Binding::Condition(*value)),
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
    // The missing field has been reported. A plausible substitute avoids follow-up errors in expressions.
    let parameter_type = parameter_type.unwrap_or(match default {
        Some(Binding::Condition(_)) => ParameterType::Boolean,
        Some(Binding::Number(value)) if value.fract() != 0.0 => ParameterType::Number,
        _ => ParameterType::Integer,
    });
    let default = default.unwrap_or(match parameter_type {
        ParameterType::Boolean => Binding::Condition(true),
        ParameterType::Integer | ParameterType::Number => Binding::Number(minimum.unwrap_or(1.0)),
    });
    Parameter {
        name: name.to_owned(),
        parameter_type,
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
    let mut constraints = Vec::new();
    for (index, item) in items.iter().enumerate() {
        match item {
            Input::Text(text) => constraints.push(text.clone()),
            other => issues.add(
                format!("{path}[{index}]"),
                "type",
                format!("{path}[{index}] must be a string, was {}", other.describe()),
            ),
        }
    }
    constraints
}
