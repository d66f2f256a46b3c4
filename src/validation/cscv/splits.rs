//! Which halves of the blocks are in sample.

use crate::compute::reserve;
use crate::error::Result;
use crate::random::SplitMix64;
use crate::validation::missing::{Known, Missing};

/// How many splits are evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitPlan {
    /// The most trials × splits. Beyond, splits are drawn without replacement, each with its complement.
    pub budget: u64,
    /// The seed of the draws.
    pub seed: u64,
}

impl SplitPlan {
    /// Returns how many splits there are: C(S, S ÷ 2).
    #[must_use]
    pub fn all(self, blocks: usize) -> usize {
        let half = blocks / 2;
        (1..=half).fold(1, |count, index| count * (blocks - half + index) / index)
    }

    /// Returns the splits to evaluate that have the first block in sample, in lexicographic order. Their complements are evaluated
    /// with them.
    pub(super) fn choose(self, blocks: usize, trials: usize) -> Result<Known<Vec<u16>>> {
        let count = self.all(blocks) / 2;
        let evaluations = 2 * u64::try_from(trials).unwrap_or(u64::MAX / 2);
        let affordable = usize::try_from(self.budget / evaluations.max(1)).unwrap_or(usize::MAX);
        if affordable == 0 {
            return Ok(Err(Missing::NoBudget));
        }
        let mut masks = reserve::with_capacity(count, "splits")?;
        append(&mut masks, 1, 1, blocks, blocks / 2 - 1);
        if affordable < count {
            // The first ones of a random order, in their old order.
            let mut random = SplitMix64::new(self.seed);
            let mut order: Vec<usize> = (0..count).collect();
            for place in 0..affordable {
                let left = u64::try_from(count - place).unwrap_or(0);
                let other = place + usize::try_from(random.below(left)).unwrap_or(0);
                order.swap(place, other);
            }
            order.truncate(affordable);
            order.sort_unstable();
            masks = order.iter().filter_map(|index| masks.get(*index).copied()).collect();
        }
        Ok(Ok(masks))
    }
}

/// Appends all masks with `more` further blocks of those from `next` on.
fn append(masks: &mut Vec<u16>, mask: u16, next: usize, blocks: usize, more: usize) {
    if more == 0 {
        masks.push(mask);
        return;
    }
    for block in next..=blocks - more {
        append(masks, mask | 1 << block, block + 1, blocks, more - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(blocks: usize, trials: usize, budget: u64, seed: u64) -> Vec<u16> {
        SplitPlan { budget, seed }.choose(blocks, trials).unwrap().unwrap()
    }

    #[test]
    fn they_are_in_lexicographic_order() {
        assert_eq!(chosen(4, 1, 100, 0), [0b0011, 0b0101, 0b1001]);
        assert_eq!(chosen(2, 1, 100, 0), [0b01]);
        let all = chosen(16, 1, 20_000, 0);
        assert_eq!(all.len(), 6_435);
        assert!(all.iter().all(|mask| mask & 1 == 1 && mask.count_ones() == 8));
        let plan = SplitPlan { budget: 0, seed: 0 };
        assert_eq!([2, 4, 6, 8, 16].map(|blocks| plan.all(blocks)), [2, 6, 20, 70, 12_870]);
    }

    #[test]
    fn drawn_splits_are_different_and_each_as_likely() {
        assert_eq!(SplitPlan { budget: 9, seed: 1 }.choose(4, 5).unwrap(), Err(Missing::NoBudget));
        let mut counts = [0_u32; 35];
        let all = chosen(8, 10, 10_000, 0);
        for seed in 0..7_000 {
            let drawn = chosen(8, 10, 20 * 5, seed);
            assert_eq!(drawn.len(), 5);
            assert!(drawn.windows(2).all(|pair| pair[0] != pair[1]));
            for mask in drawn {
                counts[all.iter().position(|other| *other == mask).unwrap()] += 1;
            }
        }
        // Five standard deviations of 1,000.
        assert!(counts.iter().all(|count| count.abs_diff(1_000) < 150), "{counts:?}");
    }
}
