//! What a walk-forward says about a search: how much of the result in training was left in the tests, and how steady the choices
//! were.

use super::space::Space;
use crate::numbers::count_to_f64;

/// What is known of one window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FoldSummary {
    /// The combination that was chosen; `None` if none competed.
    pub choice: Option<usize>,
    /// Growth of the choice in training: final capital ÷ initial capital; NaN without a choice.
    pub train_growth: f64,
    /// The number of bars in training.
    pub train_bars: usize,
    /// Growth of the choice in the test; 1 without a choice.
    pub test_growth: f64,
    /// The number of bars in the test.
    pub test_bars: usize,
}

/// How steady the choices and the tests of a walk-forward were.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Stability {
    /// The mean distance between consecutive choices on an axis, as a fraction of the axis: 0 if all choices are the same, about a
    /// third if they are random. `None` without two consecutive choices or without an axis with several values.
    pub parameter_drift: Option<f64>,
    /// The number of different choices.
    pub distinct_choices: usize,
    /// The share of the tests that gained, from 0 to 1.
    pub profitable_folds: f64,
    /// The lowest total return of a test, percent; `None` without tests.
    pub worst_fold: Option<f64>,
    /// The share of the best test in the sum of the total returns of all tests that gained; `None` if none did.
    pub best_fold_share: Option<f64>,
}

/// Returns the walk-forward efficiency: the mean logarithmic return per bar of all tests ÷ the mean over windows of that of the
/// choice in training. `None` if the latter is not above 0, and after a test that left nothing.
///
/// Source: R. Pardo, The Evaluation and Optimization of Trading Strategies, 2008, with logarithmic returns.
pub fn efficiency(folds: &[FoldSummary]) -> Option<f64> {
    let test_bars: usize = folds.iter().map(|fold| fold.test_bars).sum();
    let tested: f64 = folds.iter().map(|fold| fold.test_growth.ln()).sum();
    let trained: Vec<f64> = folds
        .iter()
        .filter(|fold| fold.choice.is_some())
        .map(|fold| fold.train_growth.ln() / count_to_f64(fold.train_bars.max(1)))
        .collect();
    let mean = trained.iter().sum::<f64>() / count_to_f64(trained.len());
    let ratio = tested / count_to_f64(test_bars.max(1)) / mean;
    (mean > 0.0 && ratio.is_finite()).then_some(ratio)
}

/// Returns how steady the choices and the tests were.
pub fn stability(folds: &[FoldSummary], space: &Space) -> Stability {
    let mut distinct: Vec<usize> = folds.iter().filter_map(|fold| fold.choice).collect();
    distinct.sort_unstable();
    distinct.dedup();
    let returns = || folds.iter().map(|fold| (fold.test_growth - 1.0) * 100.0);
    let gains = || returns().filter(|percent| *percent > 0.0);
    let all_gains: f64 = gains().sum();
    Stability {
        parameter_drift: parameter_drift(folds, space),
        distinct_choices: distinct.len(),
        profitable_folds: count_to_f64(gains().count()) / count_to_f64(folds.len().max(1)),
        worst_fold: returns().min_by(f64::total_cmp),
        best_fold_share: gains().max_by(f64::total_cmp).map(|best| best / all_gains),
    }
}

fn parameter_drift(folds: &[FoldSummary], space: &Space) -> Option<f64> {
    let axes = space.axes();
    let steps = |a: usize, b: usize| -> f64 {
        let several = axes.iter().enumerate().filter(|(_, axis)| axis.values.len() > 1);
        several
            .map(|(index, axis)| {
                let steps = space.index(a, index).abs_diff(space.index(b, index));
                f64::from(steps) / count_to_f64(axis.values.len() - 1)
            })
            .sum()
    };
    let swept = axes.iter().filter(|axis| axis.values.len() > 1).count();
    let pairs: Vec<f64> = folds
        .windows(2)
        .filter_map(|pair| match pair {
            [FoldSummary { choice: Some(a), .. }, FoldSummary { choice: Some(b), .. }] => {
                Some(steps(*a, *b))
            }
            _ => None,
        })
        .collect();
    let count = count_to_f64(pairs.len() * swept);
    (count > 0.0).then(|| pairs.iter().sum::<f64>() / count)
}

#[cfg(test)]
mod tests {
    use super::super::space::{Axis, Target};
    use super::*;

    fn space() -> Space {
        let axis = |name: &str, values: &[f64]| Axis {
            name: name.to_owned(),
            target: Target::PositionSize,
            values: values.to_vec(),
        };
        Space::full(vec![
            axis("a", &[1.0, 2.0, 3.0, 4.0, 5.0]),
            axis("one", &[1.0]),
            axis("b", &[1.0, 2.0, 3.0]),
        ])
        .unwrap()
    }

    fn fold(choice: Option<usize>, train_growth: f64, test_growth: f64) -> FoldSummary {
        FoldSummary { choice, train_growth, train_bars: 100, test_growth, test_bars: 50 }
    }

    #[test]
    fn efficiency_is_the_ratio_of_returns_per_bar() {
        let folds = [fold(Some(0), 1.21, 1.1), fold(None, f64::NAN, 1.0), fold(Some(1), 1.21, 1.1)];
        // Tests: 2 ln 1.1 over 150 bars. Training: 2 ln 1.1 over 100 bars.
        let found = efficiency(&folds).unwrap();
        assert!((found - 2.0 / 3.0).abs() < 1e-12, "{found}");
        assert_eq!(efficiency(&[fold(Some(0), 0.9, 1.1)]), None);
        assert_eq!(efficiency(&[fold(Some(0), 1.1, 0.0)]), None);
        assert_eq!(efficiency(&[]), None);
    }

    #[test]
    fn stability_counts_steps_on_the_grid() {
        // Combinations are a × 3 + b: from (0, 0) to (4, 1) to (4, 1).
        let folds = [fold(Some(0), 1.0, 1.1), fold(Some(13), 1.0, 0.95), fold(Some(13), 1.0, 1.3)];
        let found = stability(&folds, &space());
        let drift = found.parameter_drift.unwrap();
        assert!((drift - (1.0 + 0.5) / 4.0).abs() < 1e-12, "{drift}");
        assert_eq!(found.distinct_choices, 2);
        assert!((found.profitable_folds - 2.0 / 3.0).abs() < 1e-12);
        assert!((found.worst_fold.unwrap() + 5.0).abs() < 1e-9);
        assert!((found.best_fold_share.unwrap() - 0.75).abs() < 1e-9);
        let lost = stability(&[fold(None, f64::NAN, 1.0)], &space());
        assert_eq!(
            (lost.parameter_drift, lost.distinct_choices, lost.best_fold_share),
            (None, 0, None)
        );
    }
}
