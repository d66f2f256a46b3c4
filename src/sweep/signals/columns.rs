//! The numbers of shared parts.

use crate::compute::words::BLOCK;
use crate::language::RootValue;
use crate::market::Column;

/// The numbers of a part on all bars.
#[derive(Debug)]
pub(super) enum Numbers {
    /// The same number on every bar.
    Constant(f64),
    /// One number per bar.
    Column(SharedColumn),
}

/// A column, which many combinations compare with others.
#[derive(Debug)]
pub(super) struct SharedColumn {
    pub(super) values: Column,
    /// A rank for each value, and for the rest of the last block; empty if ranks do not pay off.
    pub(super) ranks: Vec<i16>,
    /// Where there are values, for all words before `complete_from`.
    defined: Vec<u64>,
    /// The first word with a value.
    first_word: usize,
    /// The first word from which on no value is missing.
    complete_from: usize,
}

impl Numbers {
    pub(super) fn new(value: RootValue) -> Self {
        match value {
            RootValue::Number(value) => Self::Constant(value),
            RootValue::Column(values) => Self::Column(SharedColumn::new(values)),
            // A number is neither of them.
            RootValue::Condition(_) | RootValue::Bits(_) => Self::Constant(f64::NAN),
        }
    }

    /// Returns on which bars of a word there are values. Bits after the last bar are unspecified.
    pub(super) fn defined(&self, word: usize) -> u64 {
        match self {
            Self::Constant(value) if value.is_nan() => 0,
            Self::Constant(_) => u64::MAX,
            Self::Column(column) => column.defined(word),
        }
    }

    /// Returns the first word with a value.
    pub(super) fn first_word(&self) -> usize {
        match self {
            Self::Constant(value) if value.is_nan() => usize::MAX,
            Self::Constant(_) => 0,
            Self::Column(column) => column.first_word,
        }
    }

    /// Returns the first word from which on no value is missing.
    pub(super) fn complete_from(&self) -> usize {
        match self {
            Self::Constant(value) if value.is_nan() => usize::MAX,
            Self::Constant(_) => 0,
            Self::Column(column) => column.complete_from,
        }
    }
}

impl SharedColumn {
    /// Returns on which bars of a word there are values.
    #[inline(always)]
    pub(super) fn defined(&self, word: usize) -> u64 {
        self.defined.get(word).copied().unwrap_or(u64::MAX)
    }

    /// Returns the first word with a value.
    #[inline(always)]
    pub(super) fn first_word(&self) -> usize {
        self.first_word
    }

    /// Returns the first word from which on no value is missing.
    #[inline(always)]
    pub(super) fn complete_from(&self) -> usize {
        self.complete_from
    }

    fn new(values: Column) -> Self {
        let complete_from = last_missing(&values).map_or(0, |last| last / BLOCK + 1);
        let defined: Vec<u64> = values
            .chunks(BLOCK)
            .take(complete_from)
            .map(|block| {
                let bits = block.iter().enumerate();
                bits.fold(0, |word, (bar, value)| word | u64::from(!value.is_nan()) << bar)
            })
            .collect();
        let first_word = defined.iter().take_while(|word| **word == 0).count();
        Self { values, ranks: Vec::new(), defined, first_word, complete_from }
    }
}

/// Returns the last bar without a value.
fn last_missing(values: &[f64]) -> Option<usize> {
    let mut end = values.len();
    for chunk in values.rchunks(1024) {
        end -= chunk.len();
        // Without an early exit, the search is vectorized.
        if chunk.iter().fold(false, |any, value| any | value.is_nan()) {
            return chunk.iter().rposition(|value| value.is_nan()).map(|bar| end + bar);
        }
    }
    None
}
