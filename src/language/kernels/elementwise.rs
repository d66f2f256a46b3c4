//! Elementwise arithmetic.

use super::operand::{Band, Operand};
use super::scalar;
use crate::language::functions::Operation;
use crate::signals::Bits;

/// Applies a unary operation to each value.
pub fn unary(operation: Operation, values: &[f64]) -> Vec<f64> {
    match operation {
        Operation::Negate => values.iter().map(|a| -a).collect(),
        Operation::Absolute => values.iter().map(|a| a.abs()).collect(),
        Operation::SquareRoot => values.iter().map(|a| a.sqrt()).collect(),
        _ => values.iter().map(|a| scalar::number(operation, *a, 0.0)).collect(),
    }
}

/// Applies a binary operation on each bar.
pub fn binary(operation: Operation, a: Operand<'_>, b: Operand<'_>, bars: usize) -> Vec<f64> {
    // A separate loop for each frequent operation lets the compiler vectorize it.
    match operation {
        Operation::Add => each(a, b, bars, |a, b| scalar::number(Operation::Add, a, b)),
        Operation::Subtract => each(a, b, bars, |a, b| scalar::number(Operation::Subtract, a, b)),
        Operation::Multiply => each(a, b, bars, |a, b| scalar::number(Operation::Multiply, a, b)),
        Operation::Divide => each(a, b, bars, |a, b| scalar::number(Operation::Divide, a, b)),
        Operation::Minimum => each(a, b, bars, |a, b| scalar::number(Operation::Minimum, a, b)),
        Operation::Maximum => each(a, b, bars, |a, b| scalar::number(Operation::Maximum, a, b)),
        _ => each(a, b, bars, |a, b| scalar::number(operation, a, b)),
    }
}

/// Returns the values of a band.
pub fn band(band: Band<'_>) -> Vec<f64> {
    let rows = band.center.iter().zip(band.width);
    rows.map(|(center, width)| center + band.factor * width).collect()
}

fn each(
    a: Operand<'_>,
    b: Operand<'_>,
    bars: usize,
    compute: impl Fn(f64, f64) -> f64,
) -> Vec<f64> {
    match (a, b) {
        (Operand::Column(a), Operand::Column(b)) => {
            a.iter().zip(b).map(|(a, b)| compute(*a, *b)).collect()
        }
        (Operand::Column(a), Operand::Constant(b)) => a.iter().map(|a| compute(*a, b)).collect(),
        (Operand::Constant(a), Operand::Column(b)) => b.iter().map(|b| compute(a, *b)).collect(),
        (Operand::Constant(a), Operand::Constant(b)) => vec![compute(a, b); bars],
    }
}

/// Selects `a` on bars on which the condition holds, and `b` on the others.
pub fn select(condition: &Bits, a: Operand<'_>, b: Operand<'_>) -> Vec<f64> {
    let value = |operand: Operand<'_>, bar: usize| match operand {
        Operand::Column(values) => values.get(bar).copied().unwrap_or(f64::NAN),
        Operand::Constant(value) => value,
    };
    (0..condition.len())
        .map(|bar| if condition.get(bar) { value(a, bar) } else { value(b, bar) })
        .collect()
}
