//! Operations on single values, for constant folding and for the kernels.

use crate::language::binding::Binding;
use crate::language::functions::Operation;

/// Applies an arithmetic operation. Returns NaN if the result is not finite or the operation is not arithmetic.
#[inline]
pub fn number(operation: Operation, a: f64, b: f64) -> f64 {
    let result = match operation {
        Operation::Add => a + b,
        Operation::Subtract => a - b,
        Operation::Multiply => a * b,
        Operation::Divide => a / b,
        Operation::Remainder => a % b,
        Operation::Negate => -a,
        Operation::Absolute => a.abs(),
        // `f64::min` would ignore a missing value.
        Operation::Minimum => {
            if a.is_nan() || a < b {
                a
            } else {
                b
            }
        }
        Operation::Maximum => {
            if a.is_nan() || a > b {
                a
            } else {
                b
            }
        }
        Operation::Logarithm => a.ln(),
        Operation::Exponential => a.exp(),
        Operation::SquareRoot => a.sqrt(),
        // `powf` returns 1 for NaN to the power 0.
        Operation::Power if !a.is_nan() && !b.is_nan() => a.powf(b),
        Operation::Round => a.round(),
        Operation::Floor => a.floor(),
        Operation::Ceiling => a.ceil(),
        // Comparisons and logic do not return numbers.
        _ => return f64::NAN,
    };
    if result.is_finite() { result } else { f64::NAN }
}

/// Compares two numbers. The result is false if one is missing.
#[inline]
#[expect(clippy::float_cmp, reason = "`==` of the language compares exactly")]
pub fn compare(operation: Operation, a: f64, b: f64) -> bool {
    match operation {
        Operation::Less => a < b,
        Operation::LessOrEqual => a <= b,
        Operation::Greater => a > b,
        Operation::GreaterOrEqual => a >= b,
        Operation::Equal => a == b,
        Operation::NotEqual => !a.is_nan() && !b.is_nan() && a != b,
        _ => false,
    }
}

/// Folds operations on constants, and logical operations that one constant decides. Returns `None` otherwise.
pub fn fold(operation: Operation, inputs: &[Option<Binding>]) -> Option<Binding> {
    use Binding::{Condition, Number};
    match (operation, inputs) {
        // Two constants never cross.
        (Operation::And, [Some(Condition(false)), _] | [_, Some(Condition(false))])
        | (Operation::CrossedAbove | Operation::CrossedBelow, [Some(_), Some(_)]) => {
            Some(Condition(false))
        }
        (Operation::Or, [Some(Condition(true)), _] | [_, Some(Condition(true))]) => {
            Some(Condition(true))
        }
        (Operation::And, [Some(Condition(a)), Some(Condition(b))]) => Some(Condition(*a && *b)),
        (Operation::Or, [Some(Condition(a)), Some(Condition(b))]) => Some(Condition(*a || *b)),
        (Operation::Not, [Some(Condition(a))]) => Some(Condition(!a)),
        (Operation::If, [Some(Condition(condition)), a, b]) => {
            if *condition {
                *a
            } else {
                *b
            }
        }
        (
            Operation::Less
            | Operation::LessOrEqual
            | Operation::Greater
            | Operation::GreaterOrEqual
            | Operation::Equal
            | Operation::NotEqual,
            [Some(Number(a)), Some(Number(b))],
        ) => Some(Condition(compare(operation, *a, *b))),
        (_, [Some(Number(a))]) => Some(Number(number(operation, *a, 0.0))),
        (_, [Some(Number(a)), Some(Number(b))]) => Some(Number(number(operation, *a, *b))),
        _ => None,
    }
}
