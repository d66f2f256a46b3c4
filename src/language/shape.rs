//! How a condition is made of other expressions, for callers that compute its parts themselves.

use super::check::{CheckedExpression, CheckedNode, ValueType};
use super::functions::Operation;
use crate::indicators::Series;

/// The outermost operation of a condition.
#[derive(Debug, Clone, Copy)]
pub enum Shape<'a> {
    /// The condition does not hold.
    Not(&'a CheckedExpression),
    /// All conditions hold.
    All(&'a [CheckedExpression]),
    /// At least one condition holds.
    Any(&'a [CheckedExpression]),
    /// The second condition where the first one holds, the third one elsewhere.
    If([&'a CheckedExpression; 3]),
    /// A comparison of two numbers.
    Comparison(Operation, [&'a CheckedExpression; 2]),
    /// Whether the first number crosses the second.
    Crossing {
        /// Whether it crosses above, or below.
        above: bool,
        /// The numbers.
        numbers: [&'a CheckedExpression; 2],
    },
    /// Anything else.
    Other,
}

impl CheckedExpression {
    /// Returns the outermost operation.
    pub fn shape(&self) -> Shape<'_> {
        let CheckedNode::Apply(function, arguments) = &self.node else { return Shape::Other };
        let are = |expected: ValueType| {
            arguments.iter().all(|argument| argument.value_type() == expected)
        };
        match (function.operation, arguments.as_slice()) {
            (Operation::Not, [condition]) => Shape::Not(condition),
            (Operation::And, conditions) => Shape::All(conditions),
            (Operation::Or, conditions) => Shape::Any(conditions),
            (Operation::If, [condition, a, b]) if are(ValueType::Condition) => {
                Shape::If([condition, a, b])
            }
            (
                Operation::Less
                | Operation::LessOrEqual
                | Operation::Greater
                | Operation::GreaterOrEqual
                | Operation::Equal
                | Operation::NotEqual,
                [a, b],
            ) if are(ValueType::Number) => Shape::Comparison(function.operation, [a, b]),
            (Operation::CrossedAbove | Operation::CrossedBelow, [a, b])
                if are(ValueType::Number) =>
            {
                let above = function.operation == Operation::CrossedAbove;
                Shape::Crossing { above, numbers: [a, b] }
            }
            _ => Shape::Other,
        }
    }

    /// Returns the parameters that an indicator or a value of a higher timeframe in the expression depends on. To compute one for
    /// another value costs more than to compare it with another value.
    pub fn costly_parameters(&self) -> Vec<usize> {
        match &self.node {
            CheckedNode::Indicator { .. } | CheckedNode::Higher(..) => self.parameters(),
            CheckedNode::Apply(_, arguments) => {
                arguments.iter().flat_map(Self::costly_parameters).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Returns whether the expression names a series of the bars.
    pub fn reads(&self, series: Series) -> bool {
        let any = |parts: &[Self]| parts.iter().any(|part| part.reads(series));
        match &self.node {
            CheckedNode::Series(found) => *found == series,
            CheckedNode::Apply(_, arguments) => any(arguments),
            CheckedNode::Indicator { inputs, parameters, .. } => any(inputs) || any(parameters),
            CheckedNode::Higher(_, inner) => inner.reads(series),
            CheckedNode::Number(_)
            | CheckedNode::Boolean(_)
            | CheckedNode::Parameter(_)
            | CheckedNode::TimeField(_) => false,
        }
    }

    /// Returns whether both expressions are the same, wherever they are in their texts.
    pub fn is_same(&self, other: &Self) -> bool {
        let are_same = |a: &[Self], b: &[Self]| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_same(b))
        };
        match (&self.node, &other.node) {
            (CheckedNode::Number(a), CheckedNode::Number(b)) => a.to_bits() == b.to_bits(),
            (CheckedNode::Apply(a, of_a), CheckedNode::Apply(b, of_b)) => {
                a.operation == b.operation && are_same(of_a, of_b)
            }
            (CheckedNode::Higher(a, of_a), CheckedNode::Higher(b, of_b)) => {
                a == b && of_a.is_same(of_b)
            }
            (
                CheckedNode::Indicator { indicator: a, output, inputs, parameters },
                CheckedNode::Indicator {
                    indicator: b,
                    output: output_b,
                    inputs: inputs_b,
                    parameters: parameters_b,
                },
            ) => {
                a == b
                    && output == output_b
                    && are_same(inputs, inputs_b)
                    && are_same(parameters, parameters_b)
            }
            (a, b) => a == b,
        }
    }
}
