//! Checks calls of indicators.

use super::argument::{check_argument, check_constant};
use super::checked::{CheckedExpression, CheckedNode};
use super::value_type::ValueType;
use crate::indicators::{Indicator, Parameter};
use crate::language::functions::ArgumentType;
use crate::language::syntax::{Diagnostic, Span};
use crate::quote::counted;

/// Checks a call of one output of an indicator. An argument is `None` if it has been reported already.
pub(super) fn check_indicator_call(
    (indicator, output): (&'static Indicator, usize),
    arguments: Vec<Option<CheckedExpression>>,
    span: Span,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<CheckedExpression> {
    let name = indicator.outputs.get(output)?.name;
    // A call without leading series reads the default series of the indicator.
    let has_inputs = arguments
        .first()
        .is_some_and(|first| first.as_ref().is_none_or(|first| !first.is_constant));
    let input_count = if has_inputs { indicator.inputs.len() } else { 0 };
    let count = arguments.len();
    if !(input_count..=input_count + indicator.parameters.len()).contains(&count) {
        let message =
            format!("{} cannot take {}", usage(indicator, name), counted(count, "argument"));
        diagnostics.push(Diagnostic::new(span, "arity", message));
        return None;
    }
    let mut arguments = arguments.into_iter();
    let mut is_valid = true;
    let mut inputs = Vec::with_capacity(indicator.inputs.len());
    for series in indicator.inputs {
        if !has_inputs {
            let node = CheckedNode::Series(*series);
            inputs.push(CheckedExpression::series(node, span, ValueType::Number));
            continue;
        }
        if let Some(input) = arguments.next().flatten() {
            let (accepted, input_name) = (ArgumentType::Series, series.as_str());
            is_valid &= check_argument(name, input_name, accepted, &input, &mut None, diagnostics);
            inputs.push(input);
        } else {
            is_valid = false;
        }
    }
    let mut parameters = Vec::with_capacity(indicator.parameters.len());
    for parameter in indicator.parameters {
        match arguments.next() {
            Some(Some(argument)) => {
                is_valid &= check_parameter(name, parameter, &argument, diagnostics);
                parameters.push(argument);
            }
            Some(None) => is_valid = false,
            None => parameters.push(CheckedExpression::constant(
                CheckedNode::Number(parameter.default),
                span,
                ValueType::Number,
                parameter.integer,
            )),
        }
    }
    is_valid.then(|| {
        let node = CheckedNode::Indicator { indicator, output, inputs, parameters };
        CheckedExpression::series(node, span, ValueType::Number)
    })
}

fn check_parameter(
    name: &str,
    parameter: &Parameter,
    argument: &CheckedExpression,
    diagnostics: &mut Vec<Diagnostic>,
) -> bool {
    let location = format!("argument {} of {name}", parameter.name);
    if argument.value_type == ValueType::Number {
        return check_constant(&location, argument, parameter.integer, diagnostics);
    }
    let message = format!("{location}: expected a number, found a condition");
    diagnostics.push(Diagnostic::new(argument.span, "type", message));
    false
}

/// Returns the signature of an indicator with its defaults: `rsi(close, period = 14)`.
pub fn usage(indicator: &Indicator, name: &str) -> String {
    let inputs = indicator.inputs.iter().map(|input| input.as_str().to_owned());
    let parameters = indicator
        .parameters
        .iter()
        .map(|parameter| format!("{} = {}", parameter.name, parameter.default));
    format!("{name}({})", inputs.chain(parameters).collect::<Vec<_>>().join(", "))
}
