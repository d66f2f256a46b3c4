//! Reads parameter values from a request. No other code interprets them.

use super::definition::Definition;
use super::parameter::{POSITION_SIZE, Parameter};
use super::parameter_values::{PATH, ParameterValues, position_size_issue};
use crate::error::{known_names, nearest};
use crate::language::Binding;
use crate::quote;
use crate::request::{Input, Issues};

/// The position size if a request does not set one.
const DEFAULT_POSITION_SIZE: f64 = 1.0;

/// The parameters of a request.
#[derive(Debug)]
pub(super) struct ParameterReading {
    /// The values, or `None` if there is an issue.
    pub(super) values: Option<ParameterValues>,
    /// The position size. It is known even if another parameter has an issue, and is the default if it has one itself.
    pub(super) position_size: f64,
}

impl ParameterReading {
    /// Reads values for the parameters of a definition and fills in defaults. Every problem is reported, including unknown
    /// names.
    pub(super) fn read(
        definition: &Definition,
        input: Option<&Input>,
        issues: &mut Issues,
    ) -> Self {
        let mut found = Issues::default();
        let entries = entries(input, &mut found);
        let bindings: Vec<Option<Binding>> = definition
            .parameters
            .iter()
            .map(|parameter| read_binding(parameter, entries, &mut found))
            .collect();
        let position_size = read_position_size(entries, &mut found);
        report_unknown_names(definition, entries, &mut found);
        let values = bindings
            .into_iter()
            .collect::<Option<Vec<Binding>>>()
            .filter(|_| found.is_empty())
            .and_then(|bindings| ParameterValues::new(definition, bindings, position_size).ok());
        issues.append(found);
        Self { values, position_size }
    }

    /// Reads the position size alone: without a strategy there is nothing to check the other values against.
    pub(super) fn without_strategy(input: Option<&Input>) -> Self {
        let mut ignored = Issues::default();
        let position_size = read_position_size(entries(input, &mut ignored), &mut ignored);
        Self { values: None, position_size }
    }
}

fn entries<'a>(input: Option<&'a Input>, issues: &mut Issues) -> &'a [(String, Input)] {
    match input {
        None | Some(Input::Null) => &[],
        Some(Input::Record(entries)) => entries,
        Some(other) => {
            let message = format!("{PATH} must be an object, was {}", other.describe());
            issues.add(PATH, "type", message);
            &[]
        }
    }
}

/// Returns an entry; `null` is the same as absent.
fn find<'a>(entries: &'a [(String, Input)], name: &str) -> Option<&'a Input> {
    entries
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value)
        .filter(|value| !matches!(value, Input::Null))
}

fn read_binding(
    parameter: &Parameter,
    entries: &[(String, Input)],
    issues: &mut Issues,
) -> Option<Binding> {
    let binding = match find(entries, &parameter.name) {
        None => return Some(parameter.default),
        Some(Input::Number(value)) => Binding::Number(*value),
        Some(Input::Bool(value)) => Binding::Condition(*value),
        Some(other) => {
            let path = format!("{PATH}.{}", parameter.name);
            let (expected, actual) = (parameter.expected_type(), other.describe());
            let message = format!("{path} must be {expected}, was {actual}");
            issues.add(path, "type", message);
            return None;
        }
    };
    match parameter.check(binding) {
        Ok(()) => Some(binding),
        Err((code, message)) => {
            let path = format!("{PATH}.{}", parameter.name);
            let message = format!("{path} {message}");
            issues.add(path, code, message);
            None
        }
    }
}

fn read_position_size(entries: &[(String, Input)], issues: &mut Issues) -> f64 {
    match find(entries, POSITION_SIZE) {
        None => DEFAULT_POSITION_SIZE,
        Some(Input::Number(value)) => match position_size_issue(*value) {
            None => *value,
            Some(issue) => {
                issues.extend([issue]);
                DEFAULT_POSITION_SIZE
            }
        },
        Some(other) => {
            let path = format!("{PATH}.{POSITION_SIZE}");
            let message = format!("{path} must be a number, was {}", other.describe());
            issues.add(path, "type", message);
            DEFAULT_POSITION_SIZE
        }
    }
}

fn report_unknown_names(definition: &Definition, entries: &[(String, Input)], issues: &mut Issues) {
    let declared = definition.parameters.iter().map(|parameter| parameter.name.as_str());
    let known: Vec<&str> = declared.chain([POSITION_SIZE]).collect();
    for (name, _) in entries.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
        issues.add_with("unknown", || {
            let hint = nearest(name, known.iter().copied()).map_or_else(
                || known_names("parameters", name, &known),
                |near| format!(", did you mean {near}?"),
            );
            let path = format!("{PATH}.{}", quote::name(name));
            let message = format!("unknown parameter {path}{hint}");
            (path, message)
        });
    }
}
