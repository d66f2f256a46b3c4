//! Compares the numbers of two shared parts word by word.

use std::ops::Range;

use super::columns::{Numbers, SharedColumn};
use crate::compute::multiversion::simd_multiversion;
use crate::compute::words::{BLOCK, Values};

/// Writes on which bars of a range of words the first number is above the second, and below. Bits after the last bar are
/// unspecified.
pub(super) fn compare(
    a: &Numbers,
    b: &Numbers,
    words: Range<usize>,
    above: &mut [u64],
    below: &mut [u64],
) {
    match (a, b) {
        (Numbers::Constant(a), Numbers::Constant(b)) => {
            above.fill(if a > b { u64::MAX } else { 0 });
            below.fill(if a < b { u64::MAX } else { 0 });
        }
        (Numbers::Column(column), Numbers::Constant(constant)) => {
            compare_constant(column, *constant, words, above, below);
        }
        (Numbers::Constant(constant), Numbers::Column(column)) => {
            compare_constant(column, *constant, words, below, above);
        }
        (Numbers::Column(x), Numbers::Column(y)) => {
            if x.ranks.is_empty() || y.ranks.is_empty() {
                compare_values(x, y, words, above, below);
            } else {
                compare_ranks(x, y, words, above, below);
            }
        }
    }
}

/// Returns the values of a block; beyond the last bar they are missing.
#[inline(always)]
fn block<'a>(values: &'a [f64], word: usize, rest: &'a mut Values) -> &'a Values {
    let start = word * BLOCK;
    if let Some(block) = values.get(start..start + BLOCK).and_then(|block| block.try_into().ok()) {
        return block;
    }
    *rest = [f64::NAN; BLOCK];
    rest.iter_mut().zip(values.get(start..).unwrap_or(&[])).for_each(|(to, from)| *to = *from);
    rest
}

simd_multiversion! {
    fn compare_constant(
        simd,
        column: &SharedColumn,
        constant: f64,
        words: Range<usize>,
        above: &mut [u64],
        below: &mut [u64],
    ) -> () {
        let constant = [constant; BLOCK];
        let mut rest = [0.0; BLOCK];
        for ((word, above), below) in words.zip(above).zip(below) {
            (*above, *below) = simd.compare_values(block(&column.values, word, &mut rest), &constant);
        }
    }
}

simd_multiversion! {
    fn compare_values(
        simd,
        a: &SharedColumn,
        b: &SharedColumn,
        words: Range<usize>,
        above: &mut [u64],
        below: &mut [u64],
    ) -> () {
        let (a, b): (&[f64], &[f64]) = (&a.values, &b.values);
        let (mut rest_a, mut rest_b) = ([0.0; BLOCK], [0.0; BLOCK]);
        for ((word, above), below) in words.zip(above).zip(below) {
            (*above, *below) =
                simd.compare_values(block(a, word, &mut rest_a), block(b, word, &mut rest_b));
        }
    }
}

simd_multiversion! {
    fn compare_ranks(
        simd,
        a: &SharedColumn,
        b: &SharedColumn,
        words: Range<usize>,
        above: &mut [u64],
        below: &mut [u64],
    ) -> () {
        let (values_a, values_b): (&[f64], &[f64]) = (&a.values, &b.values);
        let ((ranks_a, _), (ranks_b, _)) = (a.ranks.as_chunks::<BLOCK>(), b.ranks.as_chunks::<BLOCK>());
        let ranks_a = ranks_a.get(words.clone()).unwrap_or(&[]).iter();
        let ranks_b = ranks_b.get(words.clone()).unwrap_or(&[]).iter();
        // Words without any value come first, then words without some.
        let first = a.first_word().max(b.first_word()).clamp(words.start, words.end);
        let complete = a.complete_from().max(b.complete_from()).clamp(first, words.end);
        let (empty, incomplete) = (first - words.start, complete - first);
        let mut rows = words.zip(ranks_a).zip(ranks_b).zip(above.iter_mut().zip(below.iter_mut()));
        for (_, (above, below)) in rows.by_ref().take(empty) {
            (*above, *below) = (0, 0);
        }
        for (((word, x), y), (above, below)) in rows.by_ref().take(incomplete) {
            let defined = a.defined(word) & b.defined(word);
            (*above, *below) = (0, 0);
            if defined != 0 {
                let (greater, equal) = simd.compare_ranks(x, y);
                let equal = equal & defined;
                (*above, *below) = (greater & defined, !greater & defined);
                if equal != 0 {
                    (*above, *below) = settle(values_a, values_b, word, *above, *below, equal);
                }
            }
        }
        for (((word, x), y), (above, below)) in rows {
            let (greater, equal) = simd.compare_ranks(x, y);
            (*above, *below) = (greater, !greater);
            if equal != 0 {
                (*above, *below) = settle(values_a, values_b, word, *above, *below, equal);
            }
        }
    }
}

/// Returns where a is above b, and below, given the same for their ranks, and where these are equal.
#[cold]
#[inline(never)]
fn settle(a: &[f64], b: &[f64], word: usize, above: u64, below: u64, equal: u64) -> (u64, u64) {
    let start = word * BLOCK;
    let (mut above, mut below) = (above & !equal, below & !equal);
    let mut rest = equal;
    while rest != 0 {
        let bit = rest & rest.wrapping_neg();
        let bar = start + rest.trailing_zeros() as usize;
        if let (Some(a), Some(b)) = (a.get(bar), b.get(bar)) {
            above |= if a > b { bit } else { 0 };
            below |= if a < b { bit } else { 0 };
        }
        rest ^= bit;
    }
    (above, below)
}
