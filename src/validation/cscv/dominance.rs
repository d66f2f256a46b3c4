//! Whether the winners of a search are better out of sample than all its trials.

use crate::numbers::count_to_f64;
use crate::validation::quantiles::of_sorted;

const DECILES: usize = 9;

/// Ratios of trials that are compared; beyond, splits are left out evenly.
const MOST: usize = 1 << 22;

/// Splits, each with its complement, that are always compared.
const LEAST: usize = 64;

/// How the Sharpe ratios out of sample of the winners compare with those of all trials, at each decile of the former.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dominance {
    /// First order: each decile of the winners is at least the same decile of all trials.
    pub first_order: bool,
    /// Second order: up to each decile of the winners, the integral of their distribution function is at most that of all trials.
    /// The first order implies it.
    pub second_order: bool,
}

/// How many ratios are at most each threshold, and by how much they are below it in sum.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    total: usize,
    at_most: [usize; DECILES],
    below: [f64; DECILES],
}

impl Counts {
    pub(super) fn add(&mut self, thresholds: &[f64; DECILES], ratios: impl Iterator<Item = f64>) {
        for ratio in ratios {
            self.total += 1;
            for (index, threshold) in thresholds.iter().enumerate() {
                self.at_most[index] += usize::from(ratio <= *threshold);
                self.below[index] += (threshold - ratio).max(0.0);
            }
        }
    }

    fn append(&mut self, other: &Self) {
        self.total += other.total;
        for index in 0..DECILES {
            self.at_most[index] += other.at_most[index];
            self.below[index] += other.below[index];
        }
    }
}

/// The comparison while the trials are counted.
#[derive(Debug)]
pub(super) struct Comparison {
    every: usize,
    thresholds: [f64; DECILES],
    winners: Counts,
    all: Counts,
}

impl Comparison {
    /// Begins with the winners' ratios of both directions of each split; NaN without a winner.
    pub(super) fn new(winners: &[[f64; 2]], trials: usize) -> Self {
        let ratios = winners.len().saturating_mul(2 * trials);
        let every = ratios.div_ceil(MOST).min(winners.len() / LEAST).max(1);
        let mut sorted: Vec<f64> = winners
            .iter()
            .step_by(every)
            .flatten()
            .copied()
            .filter(|ratio| !ratio.is_nan())
            .collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let mut tenth = 0.0;
        let thresholds = [(); DECILES].map(|()| {
            tenth += 1.0;
            of_sorted(&sorted, tenth / 10.0)
        });
        let mut of_winners = Counts::default();
        of_winners.add(&thresholds, sorted.iter().copied());
        Self { every, thresholds, winners: of_winners, all: Counts::default() }
    }

    /// Every so many splits are compared, from the first on.
    pub(super) fn every(&self) -> usize {
        self.every
    }

    pub(super) fn thresholds(&self) -> &[f64; DECILES] {
        &self.thresholds
    }

    #[expect(clippy::unused_self, reason = "the counts of this comparison")]
    pub(super) fn counts(&self) -> Counts {
        Counts::default()
    }

    pub(super) fn append(&mut self, counts: &Counts) {
        self.all.append(counts);
    }

    pub(super) fn result(&self) -> Dominance {
        let (all, winners) = (count_to_f64(self.all.total), count_to_f64(self.winners.total));
        let deciles =
            (1_u32..).zip(&self.all.at_most).map(|(tenth, count)| (f64::from(tenth), *count));
        let first_order =
            deciles.into_iter().all(|(tenth, count)| 10.0 * count_to_f64(count) >= tenth * all);
        let mut integrals = self.all.below.iter().zip(&self.winners.below);
        // Rounding of the sums must not decide between equal distributions.
        let second_order = integrals
            .all(|(of_all, of_winners)| of_all / all * (1.0 + 1e-12) >= of_winners / winners);
        Dominance { first_order, second_order: second_order || first_order }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(winners: &[[f64; 2]], all: &[f64]) -> Dominance {
        let mut comparison = Comparison::new(winners, 1);
        let mut counts = comparison.counts();
        counts.add(comparison.thresholds(), all.iter().copied());
        comparison.append(&counts);
        comparison.result()
    }

    #[test]
    fn higher_ratios_dominate_and_lower_ones_do_not() {
        let all: Vec<f64> = (0..100).map(|i| f64::from(i) / 100.0).collect();
        let shifted =
            |by: f64| -> Vec<[f64; 2]> { all.iter().map(|x| [x + by, f64::NAN]).collect() };
        let both = |first_order, second_order| Dominance { first_order, second_order };
        assert_eq!(of(&shifted(0.05), &all), both(true, true));
        assert_eq!(of(&shifted(-0.05), &all), both(false, false));
        // The same mean with less spread: only the second order.
        let narrow: Vec<[f64; 2]> = all.iter().map(|x| [0.5 + (x - 0.5) * 0.2, 0.5]).collect();
        assert_eq!(of(&narrow, &all), both(false, true));
    }
}
