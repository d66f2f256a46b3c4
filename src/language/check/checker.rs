//! Walks a syntax tree and checks every node.

use super::argument::check_argument;
use super::checked::{CheckedExpression, CheckedNode};
use super::indicator_call::{check_indicator_call, usage};
use super::scope::Scope;
use super::value_type::ValueType;
use crate::indicators::{self, Series};
use crate::language::functions::{
    ArgumentType, Function, Operation, ReturnType, TimeField, find_function, find_operator,
    series_names,
};
use crate::language::limits::MAX_DIAGNOSTICS;
use crate::language::suggestion;
use crate::language::syntax::{Callee, Diagnostic, Expression, Node, Span};
use crate::market::Timeframe;
use crate::quote;

/// Checks an expression of the expected type.
///
/// # Errors
/// Every error in source order, up to [`MAX_DIAGNOSTICS`].
pub fn check(
    expression: &Expression,
    expected: ValueType,
    scope: Scope<'_>,
) -> Result<CheckedExpression, Vec<Diagnostic>> {
    let mut checker = Checker { scope, timeframe: None, diagnostics: Vec::new() };
    let checked = checker.expression(expression);
    if let Some(checked) = &checked
        && checked.value_type != expected
    {
        let (expected, actual) = (expected.describe(), checked.value_type.describe());
        checker.report(checked.span, "type", format!("expected {expected}, found {actual}"));
    }
    let mut diagnostics = checker.diagnostics;
    diagnostics.sort_by_key(|diagnostic| diagnostic.span);
    if let Some(first) = diagnostics.get(MAX_DIAGNOSTICS) {
        let more = diagnostics.len() - MAX_DIAGNOSTICS;
        let more = quote::counted(more, "more problem");
        let message = format!("{more} in this expression not listed");
        let last = Diagnostic::new(first.span, "limit", message);
        diagnostics.truncate(MAX_DIAGNOSTICS);
        diagnostics.push(last);
    }
    match checked {
        Some(checked) if diagnostics.is_empty() => Ok(checked),
        _ => Err(diagnostics),
    }
}

struct Checker<'a> {
    scope: Scope<'a>,
    /// The timeframe of the enclosing `higher`. A nested one must be coarser.
    timeframe: Option<Timeframe>,
    diagnostics: Vec<Diagnostic>,
}

impl Checker<'_> {
    fn report(&mut self, span: Span, code: &'static str, message: impl Into<String>) {
        self.diagnostics.push(Diagnostic::new(span, code, message));
    }

    /// Returns `None` if the expression has an error, which has been reported and is not reported again by its parents.
    fn expression(&mut self, expression: &Expression) -> Option<CheckedExpression> {
        let span = expression.span;
        match &expression.node {
            Node::Number(value) => Some(CheckedExpression::constant(
                CheckedNode::Number(*value),
                span,
                ValueType::Number,
                value.fract() == 0.0,
            )),
            Node::Boolean(value) => Some(CheckedExpression::constant(
                CheckedNode::Boolean(*value),
                span,
                ValueType::Condition,
                false,
            )),
            Node::Text(text) => {
                let is_name = series_names().any(|known| known == text);
                let hint = if is_name || text.parse::<f64>().is_ok() {
                    format!("write {text} without quotes")
                } else {
                    "only timeframes are in quotes".to_owned()
                };
                let text = quote::name(text);
                let message =
                    format!("expected a number or a condition, found text \"{text}\"; {hint}");
                self.report(span, "type", message);
                None
            }
            Node::Name(name) => self.name(name, span),
            Node::Call(Callee::Operator(symbol), arguments) => {
                self.call(find_operator(symbol)?, arguments, span)
            }
            Node::Call(Callee::Function(name), arguments) => {
                if name == "higher" {
                    return self.higher(arguments, span);
                }
                if let Some(function) = find_function(name) {
                    return self.call(function, arguments, span);
                }
                let Some((indicator, output)) = indicators::find(name) else {
                    return self.unknown_function(name, arguments, span);
                };
                let checked = self.expressions(arguments);
                if !self.scope.allows_series {
                    return self.series_not_allowed(name, span);
                }
                if let Some(call) = series_first(name, arguments, &checked, indicator.inputs.len())
                {
                    let usage = usage(indicator, name);
                    self.report(
                        span,
                        "arity",
                        format!("{usage}: the series comes first, write {call}"),
                    );
                    return None;
                }
                check_indicator_call((indicator, output), checked, span, &mut self.diagnostics)
            }
        }
    }

    fn expressions(&mut self, arguments: &[Expression]) -> Vec<Option<CheckedExpression>> {
        arguments.iter().map(|argument| self.expression(argument)).collect()
    }

    fn series_not_allowed(&mut self, name: &str, span: Span) -> Option<CheckedExpression> {
        let message = format!("`{name}` is a series, only parameters and numbers are allowed here");
        self.report(span, "type", message);
        None
    }

    fn name(&mut self, name: &str, span: Span) -> Option<CheckedExpression> {
        let parameters = self.scope.parameters;
        if let Some(index) = parameters.iter().position(|parameter| parameter.name == name) {
            let parameter = parameters.get(index)?;
            return Some(CheckedExpression::constant(
                CheckedNode::Parameter(index),
                span,
                parameter.value_type,
                parameter.is_integer,
            ));
        }
        let series = Series::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, series)| CheckedNode::Series(*series));
        let time_field = || {
            TimeField::ALL
                .iter()
                .find(|(known, _, _)| *known == name)
                .map(|(_, field, _)| CheckedNode::TimeField(*field))
        };
        if let Some(node) = series.or_else(time_field) {
            if self.scope.allows_series {
                return Some(CheckedExpression::series(node, span, ValueType::Number));
            }
            return self.series_not_allowed(name, span);
        }
        if let Some(call) = suggestion::example(name) {
            let message = format!(
                "`{name}` is a function, expected its arguments in parentheses, such as {call}"
            );
            self.report(span, "syntax", message);
            return None;
        }
        let parameters: Vec<&str> = parameters.iter().map(|parameter| parameter.name).collect();
        let hint = if self.scope.allows_series {
            suggestion::for_name(name, &parameters)
        } else {
            suggestion::for_parameter(name, &parameters)
        };
        self.report(span, "unknown", format!("unknown name `{}`{hint}", quote::name(name)));
        None
    }

    fn unknown_function(
        &mut self,
        name: &str,
        arguments: &[Expression],
        span: Span,
    ) -> Option<CheckedExpression> {
        let is_series = series_names().any(|known| known == name);
        let is_parameter = self.scope.parameters.iter().any(|parameter| parameter.name == name);
        let hint = match arguments {
            [Expression { node: Node::Number(bars), .. }] if is_series && *bars > 0.0 => {
                let ago = if *bars > 1.0 { "bars" } else { "bar" };
                format!(", write shift({name}, {bars}) for the value {bars} {ago} ago")
            }
            _ if is_series || is_parameter => format!(", write `{name}` without parentheses"),
            _ => suggestion::for_function(name),
        };
        self.report(span, "unknown", format!("unknown function `{}`{hint}", quote::name(name)));
        self.expressions(arguments);
        None
    }

    fn call(
        &mut self,
        function: &'static Function,
        arguments: &[Expression],
        span: Span,
    ) -> Option<CheckedExpression> {
        let expected = function.arguments.len();
        let has_valid_count =
            arguments.len() == expected || (function.repeats && arguments.len() > expected);
        if !has_valid_count {
            let names: Vec<&str> = function.arguments.iter().map(|(name, _)| *name).collect();
            let more = if function.repeats { ", …" } else { "" };
            let at_least = if function.repeats { "at least " } else { "" };
            let message = format!(
                "{}({}{more}) takes {at_least}{}, found {}",
                function.name,
                names.join(", "),
                quote::counted(expected, "argument"),
                arguments.len()
            );
            self.report(span, "arity", message);
        }
        let checked = self.expressions(arguments);
        if !has_valid_count {
            return None;
        }
        let is_window = function
            .arguments
            .iter()
            .any(|(_, accepted)| matches!(accepted, ArgumentType::Length(..)));
        if is_window && let Some(call) = series_first(function.name, arguments, &checked, 1) {
            let message = format!("{}: the series comes first, write {call}", function.name);
            self.report(span, "type", message);
            return None;
        }
        let mut common_type = None;
        let mut operands = Vec::with_capacity(checked.len());
        let mut is_valid = true;
        for (index, argument) in checked.into_iter().enumerate() {
            let declared = function.arguments.get(index).or(function.arguments.last());
            let Some((name, accepted)) = declared else { continue };
            let Some(argument) = argument else {
                is_valid = false;
                continue;
            };
            is_valid &= check_argument(
                function.name,
                name,
                *accepted,
                &argument,
                &mut common_type,
                &mut self.diagnostics,
            );
            operands.push(argument);
        }
        if !is_valid {
            return None;
        }
        let value_type = match function.returns {
            ReturnType::Number => ValueType::Number,
            ReturnType::Condition => ValueType::Condition,
            ReturnType::Either => common_type?,
        };
        let is_constant = operands.iter().all(|operand| operand.is_constant)
            && !matches!(function.operation, Operation::Count | Operation::BarsSince);
        let is_integer =
            value_type == ValueType::Number && is_integer_valued(function.operation, &operands);
        let node = CheckedNode::Apply(function, operands);
        Some(CheckedExpression { node, span, value_type, is_constant, is_integer })
    }

    fn higher(&mut self, arguments: &[Expression], span: Span) -> Option<CheckedExpression> {
        let [timeframe, inner] = arguments else {
            let message =
                format!("higher(timeframe, x) takes 2 arguments, found {}", arguments.len());
            self.report(span, "arity", message);
            self.expressions(arguments.get(1..).unwrap_or(&[]));
            return None;
        };
        let target = match &timeframe.node {
            Node::Text(text) => Timeframe::parse(text),
            _ => None,
        };
        if target.is_none() {
            let names = Timeframe::ALL.map(|(name, _)| name).join(", ");
            let hint = match &timeframe.node {
                Node::Text(text) => suggestion::for_timeframe(text).unwrap_or_default(),
                _ => String::new(),
            };
            let message = format!("higher: expected a timeframe in quotes, one of {names}{hint}");
            self.report(timeframe.span, "type", message);
        }
        let outer = self.timeframe;
        if let (Some(target), Some(outer)) = (target, outer)
            && target <= outer
        {
            let message = format!(
                "higher: the timeframe inside \"{outer}\" must be coarser, was \"{target}\""
            );
            self.report(timeframe.span, "range", message);
        }
        self.timeframe = target.or(outer);
        let inner = self.expression(inner);
        self.timeframe = outer;
        let inner = inner?;
        if inner.is_constant {
            let message = "higher: expected a series such as close, found a constant";
            self.report(inner.span, "type", message);
            return None;
        }
        let value_type = inner.value_type;
        let node = CheckedNode::Higher(target?, Box::new(inner));
        Some(CheckedExpression::series(node, span, value_type))
    }
}

/// Returns the call with the series before the constants, if it has as many series as the function reads and a constant first.
fn series_first(
    name: &str,
    arguments: &[Expression],
    checked: &[Option<CheckedExpression>],
    inputs: usize,
) -> Option<String> {
    let is_constant: Vec<bool> = checked
        .iter()
        .map(|part| part.as_ref().map(|part| part.is_constant))
        .collect::<Option<_>>()?;
    let part = |constant: bool| {
        let pairs = arguments.iter().zip(&is_constant);
        pairs.filter(move |(_, is)| **is == constant).map(|(part, _)| part.to_string())
    };
    if !*is_constant.first()? || part(false).count() != inputs || inputs == 0 {
        return None;
    }
    let ordered: Vec<String> = part(false).chain(part(true)).collect();
    Some(format!("{name}({})", ordered.join(", ")))
}

/// Returns whether an operation on these operands always results in a whole number.
fn is_integer_valued(operation: Operation, operands: &[CheckedExpression]) -> bool {
    match operation {
        Operation::Round
        | Operation::Floor
        | Operation::Ceiling
        | Operation::Count
        | Operation::BarsSince => true,
        Operation::Add
        | Operation::Subtract
        | Operation::Multiply
        | Operation::Remainder
        | Operation::Negate
        | Operation::Absolute
        | Operation::Minimum
        | Operation::Maximum => operands.iter().all(|operand| operand.is_integer),
        Operation::If => operands.iter().skip(1).all(|operand| operand.is_integer),
        _ => false,
    }
}
