//! Elementwise comparisons, 64 bars per word of a bit set.

use super::operand::Operand;
use super::scalar;
use crate::indicators::{BLOCK_BARS, compare_block};
use crate::language::functions::Operation;
use crate::signals::Bits;

/// Compares two numbers on each bar.
pub fn compare(operation: Operation, a: Operand<'_>, b: Operand<'_>, bars: usize) -> Bits {
    match operation {
        Operation::Less => each(a, b, bars, |a, b| a < b),
        Operation::LessOrEqual => each(a, b, bars, |a, b| a <= b),
        _ => each(a, b, bars, |a, b| scalar::compare(operation, a, b)),
    }
}

fn each(a: Operand<'_>, b: Operand<'_>, bars: usize, holds: impl Fn(f64, f64) -> bool) -> Bits {
    let words = match (a, b) {
        (Operand::Column(a), Operand::Column(b)) => a
            .chunks(BLOCK_BARS)
            .zip(b.chunks(BLOCK_BARS))
            .map(|(a, b)| compare_block(a, b, &holds))
            .collect(),
        (Operand::Column(a), Operand::Constant(b)) => {
            a.chunks(BLOCK_BARS).map(|a| compare_block(a, &[b; BLOCK_BARS], &holds)).collect()
        }
        (Operand::Constant(a), Operand::Column(b)) => {
            b.chunks(BLOCK_BARS).map(|b| compare_block(&[a; BLOCK_BARS], b, &holds)).collect()
        }
        (Operand::Constant(a), Operand::Constant(b)) => {
            vec![if holds(a, b) { u64::MAX } else { 0 }; bars.div_ceil(BLOCK_BARS)]
        }
    };
    Bits::from_words(words, bars)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_equal_scalar_comparisons() {
        let a: Vec<f64> = (0..200)
            .map(|bar| if bar % 11 == 0 { f64::NAN } else { f64::from(bar * 37 % 23) })
            .collect();
        let b: Vec<f64> = (0..200).map(|bar| f64::from(bar * 17 % 19)).collect();
        for operation in
            [Operation::Less, Operation::LessOrEqual, Operation::Equal, Operation::NotEqual]
        {
            let bits = compare(operation, Operand::Column(&a), Operand::Column(&b), 200);
            let with_constant =
                compare(operation, Operand::Column(&a), Operand::Constant(7.0), 200);
            let from_constant =
                compare(operation, Operand::Constant(7.0), Operand::Column(&b), 200);
            for bar in 0..200 {
                assert_eq!(bits.get(bar), scalar::compare(operation, a[bar], b[bar]));
                assert_eq!(with_constant.get(bar), scalar::compare(operation, a[bar], 7.0));
                assert_eq!(from_constant.get(bar), scalar::compare(operation, 7.0, b[bar]));
            }
        }
    }
}
