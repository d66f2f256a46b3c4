//! Comparisons bar by bar, written 64 bars at a time as the words of a bit set.

use super::{Operand, scalar};
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
        (Operand::Column(a), Operand::Column(b)) => {
            a.chunks(64).zip(b.chunks(64)).map(|(a, b)| word(a, b, &holds)).collect()
        }
        (Operand::Column(a), Operand::Constant(b)) => {
            a.chunks(64).map(|a| word(a, &[b; 64], &holds)).collect()
        }
        (Operand::Constant(a), Operand::Column(b)) => {
            b.chunks(64).map(|b| word(&[a; 64], b, &holds)).collect()
        }
        (Operand::Constant(a), Operand::Constant(b)) => {
            vec![if holds(a, b) { u64::MAX } else { 0 }; bars.div_ceil(64)]
        }
    };
    Bits::from_words(words, bars)
}

/// Returns the word of at most 64 bars, the first in the lowest bit.
#[inline]
pub fn word(a: &[f64], b: &[f64], holds: impl Fn(f64, f64) -> bool) -> u64 {
    let mut flags = [0_u8; 64];
    if let (Ok(a), Ok(b)) = (<&[f64; 64]>::try_from(a), <&[f64; 64]>::try_from(b)) {
        // Known lengths let the compiler compare several bars in one instruction.
        for bar in 0..64 {
            flags[bar] = u8::from(holds(a[bar], b[bar]));
        }
    } else {
        for ((flag, a), b) in flags.iter_mut().zip(a).zip(b) {
            *flag = u8::from(holds(*a, *b));
        }
    }
    pack(&flags)
}

/// Packs 64 bytes that are 0 or 1 into the bits of a word.
#[inline]
fn pack(flags: &[u8; 64]) -> u64 {
    // The product moves the low bit of byte i to bit 56 + i; no two partial products meet there.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let (bytes, _) = flags.as_chunks::<8>();
    bytes.iter().enumerate().fold(0, |word, (index, eight)| {
        word | (u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56) << (8 * index)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_agree_with_one_comparison_after_the_other() {
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
