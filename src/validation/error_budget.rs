//! The error budget of discoveries: the level at which the next one is tested (LORD++).
//!
//! ```text
//! α_i = w0·γ_i + (α − w0)·γ_{i − τ1} + α·Σ_{j ≥ 2} γ_{i − τ_j}       τ_j: positions of the acceptances before i
//! γ_j = 0.07720838·ln(max(j, 2)) ÷ (j·e^{√ln j})
//! ```
//!
//! and at most the wealth that is left: w0 at first, less the level of each test, and α more for each acceptance. α = 0.05, w0 = 0.025. A discovery is a test on data
//! that had no part in the choice. The false discovery rate stays at most α for independent p-values, approximately otherwise. Unit:
//! levels. Reference: Javanmard and Montanari (2018), Ramdas, Yang, Wainwright and Jordan (2017); online-fdr: `LordPlusPlus`. Null: none;
//! a p-value that is not from 0 to 1 is not accepted.

use crate::numbers::count_to_f64;

/// The false discovery rate.
pub const ALPHA: f64 = 0.05;

/// The wealth at first.
const FIRST: f64 = 0.025;

/// The tests so far.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorBudget {
    tests: usize,
    /// The positions of the acceptances, from 1 on.
    accepted: Vec<usize>,
    wealth: f64,
}

impl Default for ErrorBudget {
    fn default() -> Self {
        Self { tests: 0, accepted: Vec::new(), wealth: FIRST }
    }
}

impl ErrorBudget {
    /// Returns the level of the next test.
    #[must_use]
    pub fn next_level(&self) -> f64 {
        let position = self.tests + 1;
        let mut level = FIRST * gamma(position);
        for (number, accepted) in self.accepted.iter().enumerate() {
            let share = if number == 0 { ALPHA - FIRST } else { ALPHA };
            level += share * gamma(position - accepted);
        }
        level.min(self.wealth.max(0.0))
    }

    /// Tests a p-value; returns its level and whether it is accepted.
    pub fn test(&mut self, p_value: f64) -> (f64, bool) {
        let level = self.next_level();
        self.tests += 1;
        let is_accepted = (0.0..=1.0).contains(&p_value) && p_value <= level;
        self.wealth -= level;
        if is_accepted {
            self.accepted.push(self.tests);
            self.wealth += ALPHA;
        }
        (level, is_accepted)
    }
}

/// Returns the level of spend i, from 1 on, within one lockbox: 6·α ÷ (π²·i²), so that all spends cost α.
#[must_use]
pub fn spend_level(spend: usize) -> f64 {
    let spend = count_to_f64(spend.max(1));
    6.0 * ALPHA / (std::f64::consts::PI * std::f64::consts::PI * spend * spend)
}

fn gamma(position: usize) -> f64 {
    let position = count_to_f64(position.max(1));
    0.077_208_38 * libm::log(position.max(2.0)) / (position * libm::exp(libm::log(position).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::testing::same;

    #[test]
    fn levels_equal_the_reference() {
        let mut budget = ErrorBudget::default();
        for (p, expected, is_accepted) in [
            (0.001, 0.001_337_919_272_815_021_6, true),
            (0.2, 0.001_628_874_417_388_565, false),
            (0.03, 0.000_538_767_614_435_061_3, false),
            (0.0001, 0.000_453_902_621_335_701_16, true),
            (0.6, 0.003_056_650_439_837_926_2, false),
            (0.04, 0.000_907_779_540_422_408, false),
            (0.012, 0.000_779_758_553_729_364_4, false),
        ] {
            let level = budget.next_level();
            same(level, expected);
            assert_eq!(budget.test(p), (level, is_accepted));
        }
    }

    #[test]
    fn levels_never_cost_more_than_the_wealth() {
        let mut budget = ErrorBudget::default();
        let spent: f64 = (0..100_000).map(|_| budget.test(1.0).0).sum();
        assert!(spent <= FIRST, "{spent}");
        assert!(!ErrorBudget::default().test(f64::NAN).1);
        assert!(!ErrorBudget::default().test(-1.0).1);
    }

    #[test]
    fn all_spends_of_a_lockbox_cost_the_level() {
        let spent: f64 = (1..1_000_000).map(spend_level).sum();
        assert!((spent - ALPHA).abs() < 1e-7, "{spent}");
    }
}
