//! Crossings of two series.
//!
//! a crosses above b on a bar if a > b on that bar, a ≤ b on the previous bar, and a < b on an earlier bar since the last bar
//! on which either had no value. Two series that touch and separate again have therefore not crossed.

use super::operand::Operand;
use crate::indicators::{BLOCK_BARS, ThreeWayComparison};
use crate::signals::Bits;

/// Compares two operands on each bar.
pub fn compare_three_way(a: Operand<'_>, b: Operand<'_>, bars: usize) -> ThreeWayComparison {
    let mut comparison = ThreeWayComparison::with_capacity(bars);
    match (a, b) {
        (Operand::Column(a), Operand::Column(b)) => {
            a.chunks(BLOCK_BARS)
                .zip(b.chunks(BLOCK_BARS))
                .for_each(|(a, b)| comparison.push_block(a, b));
        }
        (Operand::Column(a), Operand::Constant(b)) => {
            a.chunks(BLOCK_BARS).for_each(|a| comparison.push_block(a, &[b; BLOCK_BARS]));
        }
        (Operand::Constant(a), Operand::Column(b)) => {
            b.chunks(BLOCK_BARS).for_each(|b| comparison.push_block(&[a; BLOCK_BARS], b));
        }
        // Two constants never cross. The plan builder folds them, so this does not occur in plans.
        (Operand::Constant(_), Operand::Constant(_)) => {
            (0..bars.div_ceil(BLOCK_BARS)).for_each(|_| comparison.push_undefined_block());
        }
    }
    comparison
}

/// Returns the bars on which the first series crosses above the second, or below it.
pub fn crossed(comparison: &ThreeWayComparison, above: bool) -> Bits {
    let (target_side, other_side) = if above {
        (comparison.above(), comparison.below())
    } else {
        (comparison.below(), comparison.above())
    };
    let mut crossing = Crossing::default();
    let words = target_side
        .iter()
        .zip(other_side)
        .zip(comparison.defined())
        .map(|((&target, &other), &defined)| crossing.word(target, other, defined))
        .collect();
    Bits::from_words(words, comparison.bars())
}

/// Finds crossings word by word.
#[derive(Debug, Clone, Copy, Default)]
pub struct Crossing {
    /// Whether the series has been on the other side since the last missing value.
    was_on_other_side: bool,
    /// The lowest bit says whether the series was not on the target side on the last bar of the previous word.
    carry: u64,
}

impl Crossing {
    /// Writes the bars of the next words on which the series crosses to the target side, if both series have a value on all of
    /// them. The slices have one length.
    #[inline]
    pub fn complete_words(&mut self, target: &[u64], other: &[u64], crossed: &mut [u64]) {
        let mut sides = target.iter().zip(other).zip(crossed.iter_mut());
        // The first word depends on what was before it, and so do those before the series was on the other side.
        let mut done = 0;
        while done == 0 || !self.was_on_other_side {
            let Some(((target, other), crossed)) = sides.next() else { return };
            *crossed = self.word(*target, *other, u64::MAX);
            done += 1;
        }
        let before = target.get(done - 1..).unwrap_or(&[]);
        for (before, ((target, _), crossed)) in before.iter().zip(sides) {
            *crossed = target & (!target << 1 | !before >> 63);
        }
        self.carry = target.last().map_or(self.carry, |target| !target >> 63);
    }

    /// Returns the bars of the next word on which the series crosses to the target side, given those on which it is there, on
    /// the other side, and on which both series have a value.
    #[inline(always)]
    pub fn word(&mut self, target: u64, other: u64, defined: u64) -> u64 {
        let not_on_target = defined & !target;
        let candidates = target & (not_on_target << 1 | self.carry);
        self.carry = not_on_target >> 63;
        if defined == u64::MAX {
            let after_other_side = if self.was_on_other_side {
                u64::MAX
            } else {
                // All bars after the first one on the other side.
                u64::MAX.checked_shl(other.trailing_zeros()).map_or(0, |mask| mask << 1)
            };
            self.was_on_other_side |= other != 0;
            return candidates & after_other_side;
        }
        let missing = !defined;
        if missing & missing.wrapping_add(1) == 0 {
            // Values are missing at the front at most, as in a warm-up.
            self.was_on_other_side = other != 0;
            let after_other_side =
                u64::MAX.checked_shl(other.trailing_zeros()).map_or(0, |mask| mask << 1);
            return candidates & after_other_side;
        }
        let mut word = 0;
        for index in 0..64 {
            let bit = 1_u64 << index;
            if defined & bit == 0 {
                self.was_on_other_side = false;
                continue;
            }
            if self.was_on_other_side {
                word |= candidates & bit;
            }
            self.was_on_other_side |= other & bit != 0;
        }
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MISSING: f64 = f64::NAN;

    /// A direct implementation of the definition in the module documentation.
    fn crossed_by_definition(a: &[f64], b: &[f64]) -> Vec<bool> {
        (0..a.len())
            .map(|bar| {
                let start =
                    (0..=bar).rev().take_while(|&at| !a[at].is_nan() && !b[at].is_nan()).last();
                let Some(start) = start else { return false };
                bar > start
                    && a[bar] > b[bar]
                    && a[bar - 1] <= b[bar - 1]
                    && (start..bar).any(|at| a[at] < b[at])
            })
            .collect()
    }

    #[test]
    fn touching_is_not_crossing() {
        let a = [2.0, 1.0, 2.0, 1.0, 0.0, 1.0, 2.0, 1.0, 2.0, MISSING, 1.0, 2.0];
        let expected = [6, 8];
        let comparison = compare_three_way(Operand::Column(&a), Operand::Constant(1.0), a.len());
        assert_eq!(crossed(&comparison, true).ones().collect::<Vec<_>>(), expected);
    }

    proptest! {
        #[test]
        fn complete_words_are_those_one_by_one(
            above in prop::collection::vec(prop_oneof![Just(0), Just(u64::MAX), any::<u64>()], 0..9),
            equal in prop::collection::vec(prop_oneof![3 => Just(0), 1 => any::<u64>(), 1 => Just(u64::MAX)], 9),
            split in 0_usize..9,
        ) {
            let below: Vec<u64> = above.iter().zip(&equal).map(|(above, equal)| !above & !equal).collect();
            let (mut one, mut other) = (Crossing::default(), Crossing::default());
            let expected: Vec<u64> =
                above.iter().zip(&below).map(|(above, below)| one.word(*above, *below, u64::MAX)).collect();
            let mut found = vec![0; above.len()];
            let split = split.min(above.len());
            other.complete_words(&above[..split], &below[..split], &mut found[..split]);
            other.complete_words(&above[split..], &below[split..], &mut found[split..]);
            prop_assert_eq!(found, expected);
            prop_assert_eq!(format!("{one:?}"), format!("{other:?}"));
        }

        #[test]
        fn words_follow_the_definition(pairs in prop::collection::vec((0_u8..4, 0_u8..3, 0_u8..40), 0..300)) {
            let a: Vec<f64> = pairs.iter().map(|(a, _, missing)| if *missing == 0 { MISSING } else { f64::from(*a) }).collect();
            let b: Vec<f64> = pairs.iter().map(|(_, b, missing)| if *missing == 1 { MISSING } else { f64::from(*b) }).collect();
            let comparison = compare_three_way(Operand::Column(&a), Operand::Column(&b), a.len());
            let above: Vec<bool> = (0..a.len()).map(|bar| crossed(&comparison, true).get(bar)).collect();
            let below: Vec<bool> = (0..a.len()).map(|bar| crossed(&comparison, false).get(bar)).collect();
            prop_assert_eq!(above, crossed_by_definition(&a, &b));
            prop_assert_eq!(below, crossed_by_definition(&b, &a));
        }
    }
}
