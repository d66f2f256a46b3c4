//! Lowers a checked expression into steps of a plan.

use super::binding::Binding;
use super::check::{CheckedExpression, CheckedNode};
use super::functions::{ArgumentType, Function, Operation};
use super::kernels::scalar;
use super::plan::{Step, StepId};
use super::plan_builder::PlanBuilder;
use super::syntax::Diagnostic;
use crate::indicators::INDICATORS;

impl PlanBuilder {
    /// Adds an expression with values for its parameters, in the order of the scope that it was checked in.
    ///
    /// # Errors
    /// Lengths and indicator parameters that are out of range with these values.
    pub fn add(
        &mut self,
        expression: &CheckedExpression,
        bindings: &[Binding],
    ) -> Result<StepId, Vec<Diagnostic>> {
        let mut lowering = Lowering { builder: self, bindings, frame: 0, diagnostics: Vec::new() };
        let id = lowering.lower(expression);
        let diagnostics = lowering.diagnostics;
        if diagnostics.is_empty() { Ok(id) } else { Err(diagnostics) }
    }
}

/// The state of lowering one expression.
struct Lowering<'a> {
    builder: &'a mut PlanBuilder,
    bindings: &'a [Binding],
    frame: usize,
    diagnostics: Vec<Diagnostic>,
}

impl Lowering<'_> {
    fn lower(&mut self, checked: &CheckedExpression) -> StepId {
        match &checked.node {
            CheckedNode::Number(value) => self.number(*value),
            CheckedNode::Boolean(value) => self.condition(*value),
            CheckedNode::Parameter(index) => match self.bindings.get(*index) {
                Some(Binding::Condition(value)) => self.condition(*value),
                Some(Binding::Number(value)) => self.number(*value),
                None => self.number(f64::NAN),
            },
            CheckedNode::Series(series) => self.step(Step::Series(*series), Vec::new()),
            CheckedNode::TimeField(field) => self.step(Step::TimeField(*field), Vec::new()),
            CheckedNode::Apply(function, arguments) => self.apply(function, arguments),
            CheckedNode::Indicator { indicator, output, inputs, parameters } => {
                let inputs = inputs.iter().map(|input| self.lower(input)).collect();
                let name =
                    indicator.outputs.get(*output).map_or(indicator.title, |output| output.name);
                let mut bits = Vec::with_capacity(parameters.len());
                for (parameter, part) in indicator.parameters.iter().zip(parameters) {
                    let location = || format!("argument {} of {name}", parameter.name);
                    let value = self.constant_between(
                        location,
                        part,
                        parameter.minimum,
                        parameter.maximum,
                        parameter.integer,
                    );
                    bits.push(value.unwrap_or(parameter.default).to_bits());
                }
                let index =
                    INDICATORS.iter().position(|known| known == indicator).unwrap_or(usize::MAX);
                let all = self.step(Step::Indicator(index, bits), inputs);
                self.step(Step::Output(*output), vec![all])
            }
            CheckedNode::Higher(timeframe, part) => {
                let parent = self.frame;
                self.frame = self.builder.add_frame(parent, *timeframe);
                let inner = self.lower(part);
                let coarse = std::mem::replace(&mut self.frame, parent);
                self.step(Step::Higher(coarse), vec![inner])
            }
        }
    }

    fn number(&mut self, value: f64) -> StepId {
        let value = if value.is_finite() { value } else { f64::NAN };
        self.step(Step::Number(value.to_bits()), Vec::new())
    }

    fn condition(&mut self, value: bool) -> StepId {
        self.step(Step::Condition(value), Vec::new())
    }

    fn step(&mut self, step: Step, inputs: Vec<StepId>) -> StepId {
        self.builder.add_step(self.frame, step, inputs)
    }

    /// Evaluates a constant argument and checks its range.
    fn constant_between(
        &mut self,
        location: impl FnOnce() -> String,
        part: &CheckedExpression,
        minimum: f64,
        maximum: f64,
        is_whole: bool,
    ) -> Option<f64> {
        let id = self.lower(part);
        let value = match self.builder.constant(id) {
            Some(Binding::Number(value)) => value,
            _ => f64::NAN,
        };
        if (minimum..=maximum).contains(&value) && (!is_whole || value.fract() == 0.0) {
            return Some(value);
        }
        let expected = if is_whole { "a whole number" } else { "a number" };
        let found = if value.is_nan() { "no number".into() } else { value.to_string() };
        let message = format!(
            "{} must be {expected} between {minimum} and {maximum}, was {found}",
            location()
        );
        self.diagnostics.push(Diagnostic::new(part.span, "range", message));
        None
    }

    fn length(&mut self, function: &Function, parts: &[CheckedExpression]) -> usize {
        let last = function.arguments.len().saturating_sub(1);
        let (Some((name, ArgumentType::Length(minimum, maximum))), Some(part)) =
            (function.arguments.last(), parts.get(last))
        else {
            return 0;
        };
        let location = || format!("argument {name} of {}", function.name);
        let found = self.constant_between(location, part, *minimum, *maximum, true);
        if found.is_none() && matches!(function.operation, Operation::Shift | Operation::Change) {
            self.refuse_look_ahead(part);
        }
        let value = found.unwrap_or(*minimum);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to be whole and within its range"
        )]
        let length = value as usize;
        length
    }

    /// Adds to the last diagnostic why the number of bars to look back cannot be negative.
    fn refuse_look_ahead(&mut self, part: &CheckedExpression) {
        let id = self.lower(part);
        if let (Some(Binding::Number(..0.0)), Some(last)) =
            (self.builder.constant(id), self.diagnostics.last_mut())
        {
            last.message.push_str(
                "; no expression can read a later bar, because it is not known when the signal occurs",
            );
        }
    }

    fn apply(&mut self, function: &'static Function, parts: &[CheckedExpression]) -> StepId {
        let operation = function.operation;
        match operation {
            Operation::Shift | Operation::Change | Operation::Count => {
                let input = parts.first().map_or(0, |part| self.lower(part));
                let length = self.length(function, parts);
                if operation == Operation::Count {
                    return self.step(Step::Count(length), vec![input]);
                }
                let before = self.shift(input, length);
                if operation == Operation::Shift {
                    before
                } else {
                    self.fold(Operation::Subtract, vec![input, before])
                }
            }
            _ if function.repeats => {
                // Each argument is folded in before the next one is lowered, so that at most two columns are alive.
                let mut rest = parts.iter();
                let first = rest.next().map_or(0, |part| self.lower(part));
                rest.fold(first, |left, part| {
                    let right = self.lower(part);
                    self.fold(operation, vec![left, right])
                })
            }
            _ => {
                let inputs: Vec<StepId> = parts.iter().map(|part| self.lower(part)).collect();
                self.fold(operation, inputs)
            }
        }
    }

    fn shift(&mut self, input: StepId, bars: usize) -> StepId {
        if bars == 0 { input } else { self.step(Step::Shift(bars), vec![input]) }
    }

    /// Adds an operation in canonical form, so that equivalent operations become the same step.
    fn fold(&mut self, operation: Operation, inputs: Vec<StepId>) -> StepId {
        let constants: Vec<Option<Binding>> =
            inputs.iter().map(|id| self.builder.constant(*id)).collect();
        if let Some(value) = scalar::fold(operation, &constants) {
            return match value {
                Binding::Number(value) => self.number(value),
                Binding::Condition(value) => self.condition(value),
            };
        }
        match (operation, inputs.as_slice(), constants.as_slice()) {
            // `fold` did not decide the result by the constant, so the result is the other operand.
            (Operation::And | Operation::Or, [_, other], [Some(_), None])
            | (Operation::And | Operation::Or, [other, _], [None, Some(_)])
            | (Operation::If, [_, other, _], [Some(Binding::Condition(true)), ..])
            | (Operation::If, [_, _, other], [Some(Binding::Condition(false)), ..]) => *other,
            (Operation::Greater, [a, b], _) => {
                self.step(Step::Apply(Operation::Less), vec![*b, *a])
            }
            (Operation::GreaterOrEqual, [a, b], _) => {
                self.step(Step::Apply(Operation::LessOrEqual), vec![*b, *a])
            }
            (Operation::CrossedAbove | Operation::CrossedBelow, [a, b], _) => {
                let is_swapped = a > b;
                let comparison = self.step(
                    Step::ThreeWayCompare,
                    if is_swapped { vec![*b, *a] } else { vec![*a, *b] },
                );
                self.step(
                    Step::Crossed { above: (operation == Operation::CrossedAbove) != is_swapped },
                    vec![comparison],
                )
            }
            _ => {
                let is_symmetric = matches!(
                    operation,
                    Operation::Add
                        | Operation::Multiply
                        | Operation::Minimum
                        | Operation::Maximum
                        | Operation::Equal
                        | Operation::NotEqual
                        | Operation::And
                        | Operation::Or
                );
                let mut inputs = inputs;
                if is_symmetric {
                    inputs.sort_unstable();
                }
                self.step(Step::Apply(operation), inputs)
            }
        }
    }
}
