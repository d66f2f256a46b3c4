//! Checks the argument of a call against what the callee accepts.

use super::checked::{CheckedExpression, CheckedNode};
use super::value_type::ValueType;
use crate::language::functions::{ArgumentType, find_operator};
use crate::language::syntax::{Diagnostic, Span};

/// Checks one argument and reports whether it is valid.
///
/// Arguments of type [`ArgumentType::Either`] must agree: `common_type` holds the type of the first of them.
pub(super) fn check_argument(
    callee: &str,
    name: &str,
    accepted: ArgumentType,
    argument: &CheckedExpression,
    common_type: &mut Option<ValueType>,
    diagnostics: &mut Vec<Diagnostic>,
) -> bool {
    let expected = match accepted {
        ArgumentType::Condition => ValueType::Condition,
        ArgumentType::Either => *common_type.get_or_insert(argument.value_type),
        ArgumentType::Number
        | ArgumentType::Series
        | ArgumentType::Length(..)
        | ArgumentType::Timeframe => ValueType::Number,
    };
    let location = match find_operator(callee) {
        Some(operator) => format!("`{}`", operator.name),
        None => format!("argument {name} of {callee}"),
    };
    if argument.value_type != expected {
        let (expected, actual) = (expected.describe(), argument.value_type.describe());
        let message = format!("{location}: expected {expected}, found {actual}");
        return reject(argument.span, message, diagnostics);
    }
    match accepted {
        ArgumentType::Series if argument.is_constant => {
            let message = format!("{location}: expected a series such as close, found a constant");
            reject(argument.span, message, diagnostics)
        }
        ArgumentType::Length(..) => check_constant(&location, argument, true, diagnostics),
        _ => true,
    }
}

/// Checks that an argument is a constant and, if `must_be_integer`, a whole number.
pub(super) fn check_constant(
    location: &str,
    argument: &CheckedExpression,
    must_be_integer: bool,
    diagnostics: &mut Vec<Diagnostic>,
) -> bool {
    if !argument.is_constant {
        let expected = if must_be_integer {
            "a whole constant or parameter"
        } else {
            "a constant or parameter"
        };
        let message = format!("{location}: expected {expected}, found a series");
        return reject(argument.span, message, diagnostics);
    }
    if must_be_integer && !argument.is_integer {
        let found = match &argument.node {
            CheckedNode::Number(value) => value.to_string(),
            _ => "a number that may have a fraction; round it with round(x)".to_owned(),
        };
        let message = format!("{location}: expected a whole number, found {found}");
        return reject(argument.span, message, diagnostics);
    }
    true
}

fn reject(span: Span, message: String, diagnostics: &mut Vec<Diagnostic>) -> bool {
    diagnostics.push(Diagnostic::new(span, "type", message));
    false
}
