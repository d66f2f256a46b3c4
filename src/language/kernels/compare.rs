//! Elementwise comparisons, 64 bars per word of a bit set.

use super::operand::{Band, Operand};
use super::scalar;
use crate::compute::multiversion::simd_multiversion;
use crate::compute::words::{BLOCK, Values};
use crate::indicators::{BLOCK_BARS, compare_block};
use crate::language::functions::Operation;
use crate::signals::Bits;

/// Compares two numbers on each bar.
pub fn compare(operation: Operation, a: Operand<'_>, b: Operand<'_>, bars: usize) -> Bits {
    match operation {
        Operation::Less => less(a.into(), b.into(), bars),
        Operation::LessOrEqual => each(a, b, bars, |a, b| a <= b),
        _ => each(a, b, bars, |a, b| scalar::compare(operation, a, b)),
    }
}

/// A side of a comparison.
#[derive(Debug, Clone, Copy)]
pub enum Side<'a> {
    /// A column or a constant.
    Operand(Operand<'a>),
    /// A band, which is not stored.
    Band(Band<'a>),
}

impl<'a> From<Operand<'a>> for Side<'a> {
    fn from(operand: Operand<'a>) -> Self {
        Self::Operand(operand)
    }
}

impl<'a> Side<'a> {
    /// Returns the values of a block; beyond the last bar they are missing.
    #[inline(always)]
    fn block<'b>(self, start: usize, buffer: &'b mut Values) -> &'b Values
    where
        'a: 'b,
    {
        match self {
            Self::Operand(Operand::Column(values)) => block(values, start, buffer),
            Self::Operand(Operand::Constant(value)) => {
                *buffer = [value; BLOCK];
                buffer
            }
            Self::Band(Band { center, width, factor }) => {
                let mut rest = [0.0; BLOCK];
                let width = block(width, start, &mut rest);
                let center = block(center, start, buffer);
                let band = std::array::from_fn(|bar| center[bar] + factor * width[bar]);
                *buffer = band;
                buffer
            }
        }
    }
}

#[inline(always)]
fn block<'a>(values: &'a [f64], start: usize, rest: &'a mut Values) -> &'a Values {
    if let Some(block) = values.get(start..start + BLOCK).and_then(|block| block.try_into().ok()) {
        return block;
    }
    *rest = [f64::NAN; BLOCK];
    rest.iter_mut().zip(values.get(start..).unwrap_or(&[])).for_each(|(to, from)| *to = *from);
    rest
}

/// Returns the bars on which the first side is below the second.
pub fn less(a: Side<'_>, b: Side<'_>, bars: usize) -> Bits {
    let mut words = vec![0; bars.div_ceil(BLOCK)];
    write_less(a, b, &mut words);
    Bits::from_words(words, bars)
}

simd_multiversion! {
    fn write_less(simd, a: Side<'_>, b: Side<'_>, words: &mut [u64]) -> () {
        let (mut of_a, mut of_b) = ([0.0; BLOCK], [0.0; BLOCK]);
        for (index, word) in words.iter_mut().enumerate() {
            let start = index * BLOCK;
            (_, *word) = simd.compare_values(a.block(start, &mut of_a), b.block(start, &mut of_b));
        }
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
    use crate::language::kernels::elementwise;

    #[test]
    fn a_band_compares_as_its_column_does() {
        let center: Vec<f64> =
            (0..200).map(|bar| if bar < 7 { f64::NAN } else { f64::from(bar * 37 % 23) }).collect();
        let width: Vec<f64> = (0..200).map(|bar| f64::from(bar * 29 % 7)).collect();
        let prices: Vec<f64> = (0..200).map(|bar| f64::from(bar * 17 % 31) - 3.0).collect();
        for factor in [-1.5, 0.0, 1.0 / 3.0] {
            let band = Band { center: &center, width: &width, factor };
            let values = elementwise::band(band);
            for bars in [0, 1, 63, 64, 65, 200] {
                let prices = Operand::Column(&prices[..bars]);
                let band = Band { center: &center[..bars], width: &width[..bars], factor };
                let (below, above) = (
                    less(prices.into(), Side::Band(band), bars),
                    less(Side::Band(band), prices.into(), bars),
                );
                let values = Operand::Column(&values[..bars]);
                assert_eq!(below, compare(Operation::Less, prices, values, bars));
                assert_eq!(above, compare(Operation::Less, values, prices, bars));
            }
            let some = less(Side::Band(band), Operand::Column(&prices).into(), 200);
            assert!((1..200).contains(&some.ones().count()), "{factor}");
        }
    }

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
