//! Samples without replacement.

use crate::compute::reserve;
use crate::error::Result;
use crate::random::SplitMix64;

/// A sample of the combinations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// The number of combinations; all of them if there are not more.
    pub count: usize,
    /// The seed of the random numbers.
    pub seed: u64,
}

/// The result of drawing until enough numbers are found.
#[derive(Debug)]
pub(super) struct Drawn {
    /// The numbers, ascending.
    pub(super) numbers: Vec<u64>,
    /// Whether they are as many as wanted.
    pub(super) is_complete: bool,
}

/// Draws `count` different numbers below `bound` for which `is_valid` returns true, each set of them with the same
/// probability: the first different ones of a sequence of random numbers. Gives up after `max_draws` numbers.
///
/// # Errors
/// `LIMIT_EXCEEDED` if the memory cannot be allocated; those of `is_valid`.
pub(super) fn draw(
    sample: Sample,
    bound: u64,
    max_draws: u64,
    mut is_valid: impl FnMut(u64) -> Result<bool>,
) -> Result<Drawn> {
    let mut random = SplitMix64::new(sample.seed);
    let mut numbers: Vec<u64> = reserve::with_capacity(sample.count, "combinations of a sample")?;
    let mut draws = 0;
    // Each round draws no more than are missing, so that all numbers that it finds are wanted.
    while numbers.len() < sample.count && bound > 0 {
        let sorted = numbers.len();
        while numbers.len() < sample.count {
            if draws == max_draws {
                merge(&mut numbers);
                return Ok(Drawn { numbers, is_complete: false });
            }
            draws += 1;
            let number = random.below(bound);
            if is_valid(number)? {
                numbers.push(number);
            }
        }
        if let Some(new) = numbers.get_mut(sorted..) {
            new.sort_unstable();
        }
        merge(&mut numbers);
    }
    Ok(Drawn { numbers, is_complete: true })
}

/// Sorts numbers and drops those that repeat.
#[expect(clippy::stable_sort_primitive, reason = "a stable sort merges sorted runs in one pass")]
fn merge(numbers: &mut Vec<u64>) {
    numbers.sort();
    numbers.dedup();
}

/// Returns `count` of the numbers below `bound`, ascending, or all of them if there are not more. Each set of them has the same
/// probability.
///
/// # Errors
/// `LIMIT_EXCEEDED` if the memory cannot be allocated.
pub(super) fn choose(sample: Sample, bound: u64) -> Result<Vec<u64>> {
    let count = u64::try_from(sample.count).unwrap_or(u64::MAX).min(bound);
    // Of more than half, those that are left out are drawn.
    let left_out = bound - count;
    let is_inverse = left_out < count;
    let wanted = if is_inverse { left_out } else { count };
    let wanted = Sample { count: usize::try_from(wanted).unwrap_or(usize::MAX), ..sample };
    let drawn = draw(wanted, bound, u64::MAX, |_| Ok(true))?.numbers;
    if !is_inverse {
        return Ok(drawn);
    }
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let mut chosen = reserve::with_capacity(count, "combinations of a sample")?;
    let mut out = drawn.iter().peekable();
    for number in 0..bound {
        if out.next_if(|left_out| **left_out == number).is_none() {
            chosen.push(number);
        }
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_set_has_the_same_probability() {
        const DRAWS: u32 = 35_000;
        // 4 of 7, and 3 of 7: 35 sets each.
        for count in [3, 4] {
            let mut counts = std::collections::BTreeMap::new();
            for seed in 0..DRAWS {
                let seed = u64::from(seed).wrapping_mul(0x2545_f491_4f6c_dd1d);
                *counts.entry(choose(Sample { count, seed }, 7).unwrap()).or_insert(0_u32) += 1;
            }
            assert_eq!(counts.len(), 35);
            let expected = f64::from(DRAWS) / 35.0;
            let chi_squared: f64 = counts
                .values()
                .map(|count| (f64::from(*count) - expected).powi(2) / expected)
                .sum();
            // The 99.9 % quantile of χ² with 34 degrees of freedom.
            assert!(chi_squared < 65.25, "{chi_squared}");
        }
    }

    #[test]
    fn drawing_ends_if_nothing_is_valid() {
        let drawn = draw(Sample { count: 5, seed: 1 }, 100, 1000, |_| Ok(false)).unwrap();
        assert!(!drawn.is_complete && drawn.numbers.is_empty());
    }

    proptest! {
        #[test]
        fn samples_are_ascending_and_as_large_as_wanted(
            count in 0_usize..300, bound in 0_u64..400, seed in any::<u64>(),
        ) {
            let chosen = choose(Sample { count, seed }, bound).unwrap();
            prop_assert_eq!(chosen.len() as u64, bound.min(count as u64));
            prop_assert!(chosen.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(chosen.last().is_none_or(|last| *last < bound));
        }
    }
}
