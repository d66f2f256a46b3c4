//! On how many bars each part of a condition holds.

use std::ops::Range;

use super::binding::Binding;
use super::check::Scope;
use super::evaluate::{RootValue, evaluate};
use super::explanation::{operands, plan, quoted};
use super::syntax::{Callee, Expression, Node};
use crate::error::Result;
use crate::market::Bars;
use crate::observer::ProgressObserver;

/// The maximum number of alternatives, and of parts of each, that are counted.
const MAX_PARTS: usize = 6;

/// A part of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionPart {
    /// The part as text in backquotes.
    pub text: String,
    /// The number of bars on which it holds.
    pub held: usize,
    /// The number of bars on which a number that it compares has no value.
    pub without_value: usize,
}

/// Counts on how many of the bars in `range` each part of a checked condition holds. There is one list for each alternative of
/// an `or`, with the parts that `and` joins.
///
/// # Errors
/// As [`evaluate`].
pub fn count_parts(
    condition: &Expression,
    scope: Scope<'_>,
    bindings: &[Binding],
    (bars, range): (&Bars, Range<usize>),
    observer: &dyn ProgressObserver,
) -> Result<Vec<Vec<ConditionPart>>> {
    let alternatives = operands(condition, "or").into_iter().take(MAX_PARTS);
    alternatives
        .map(|alternative| {
            let parts = operands(alternative, "and").into_iter().take(MAX_PARTS);
            parts
                .filter_map(|part| {
                    let compared = compared_numbers(part);
                    let expressions: Vec<&Expression> =
                        std::iter::once(part).chain(compared).collect();
                    let plan = plan(&expressions, scope, bindings)?;
                    let values = match evaluate(&plan, bars, observer) {
                        Ok(values) => values,
                        Err(error) => return Some(Err(error)),
                    };
                    let mut values = values.into_iter();
                    let bits = values.next()?.into_bits(bars.len());
                    let numbers: Vec<RootValue> = values.collect();
                    let is_missing = |bar: usize| {
                        numbers.iter().any(|number| match number {
                            RootValue::Number(value) => value.is_nan(),
                            RootValue::Column(column) => {
                                column.get(bar).is_none_or(|value| value.is_nan())
                            }
                            RootValue::Condition(_) | RootValue::Bits(_) => false,
                        })
                    };
                    Some(Ok(ConditionPart {
                        text: quoted(part),
                        held: range.clone().filter(|bar| bits.get(*bar)).count(),
                        without_value: range.clone().filter(|bar| is_missing(*bar)).count(),
                    }))
                })
                .collect()
        })
        .collect()
}

/// Returns the numbers that a comparison or a crossing compares.
pub(super) fn compared_numbers(part: &Expression) -> &[Expression] {
    match &part.node {
        Node::Call(Callee::Operator("<" | "<=" | ">" | ">=" | "==" | "!="), numbers) => numbers,
        Node::Call(Callee::Function(name), numbers)
            if name == "crossed_above" || name == "crossed_below" =>
        {
            numbers
        }
        _ => &[],
    }
}
