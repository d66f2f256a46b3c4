//! Checked expressions: every name is resolved and every type is known.

use super::value_type::ValueType;
use crate::indicators::{Indicator, Series};
use crate::language::functions::{Function, TimeField};
use crate::language::syntax::Span;
use crate::market::Timeframe;

/// A checked expression.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedExpression {
    pub(in crate::language) node: CheckedNode,
    pub(in crate::language) span: Span,
    pub(super) value_type: ValueType,
    /// Whether the value does not depend on bars.
    pub(super) is_constant: bool,
    /// Whether the value is known to be a whole number.
    pub(super) is_integer: bool,
}

impl CheckedExpression {
    /// Returns whether the expression is a number or a condition.
    pub fn value_type(&self) -> ValueType {
        self.value_type
    }

    /// Returns whether the value depends on parameters alone.
    pub fn is_constant(&self) -> bool {
        self.is_constant
    }

    /// Returns the parameters that the expression reads, as indices into the scope. An index can occur several times.
    pub fn parameters(&self) -> Vec<usize> {
        match &self.node {
            CheckedNode::Parameter(index) => vec![*index],
            CheckedNode::Apply(_, arguments) => {
                arguments.iter().flat_map(Self::parameters).collect()
            }
            CheckedNode::Higher(_, inner) => inner.parameters(),
            CheckedNode::Indicator { inputs, parameters, .. } => {
                inputs.iter().chain(parameters).flat_map(Self::parameters).collect()
            }
            CheckedNode::Number(_)
            | CheckedNode::Boolean(_)
            | CheckedNode::Series(_)
            | CheckedNode::TimeField(_) => Vec::new(),
        }
    }

    /// Creates an expression whose value does not depend on bars.
    pub(super) fn constant(
        node: CheckedNode,
        span: Span,
        value_type: ValueType,
        is_integer: bool,
    ) -> Self {
        Self { node, span, value_type, is_constant: true, is_integer }
    }

    /// Creates an expression with one value per bar.
    pub(super) fn series(node: CheckedNode, span: Span, value_type: ValueType) -> Self {
        Self { node, span, value_type, is_constant: false, is_integer: false }
    }
}

/// The kinds of checked expression.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::language) enum CheckedNode {
    Number(f64),
    Boolean(bool),
    Parameter(usize),
    Series(Series),
    TimeField(TimeField),
    Apply(&'static Function, Vec<CheckedExpression>),
    Indicator {
        indicator: &'static Indicator,
        output: usize,
        inputs: Vec<CheckedExpression>,
        parameters: Vec<CheckedExpression>,
    },
    Higher(Timeframe, Box<CheckedExpression>),
}
