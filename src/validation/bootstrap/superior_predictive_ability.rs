//! Whether any of some strategies is better than its benchmark: Hansen's test of superior predictive ability, and White's Reality
//! Check.
//!
//! ```text
//! observed = max(0, max_k √n·mean_k ÷ ω_k)
//! draw     = max(0, max_k √n·(mean*_k − μ_k) ÷ ω_k)
//! p        = (1 + draws ≥ observed) ÷ (1 + draws)
//! ```
//!
//! | form | μ of a strategy with this mean |
//! |---|---|
//! | lower | max(mean, 0) |
//! | consistent | mean if mean ≥ −√(ω² ÷ n · 2 ln ln n), else 0: a strategy far worse than the benchmark does not count |
//! | upper | mean |
//!
//! The Reality Check does not divide by ω and recenters like the upper form; its statistic may be negative. Unit: p-values of "no strategy
//! is better". Reference: Hansen (2005), White (2000); arch: `SPA` (not studentized); holdout-backtest:
//! `superior_predictive_ability`. Null: as [`Resampled`], and if no strategy can be tested.

use super::resampled::{Resampled, Sampled};
use crate::numbers::count_to_f64;
use crate::validation::missing::Known;

/// The result of Hansen's test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SuperiorPredictiveAbility {
    /// The strategy with the highest statistic.
    pub best: usize,
    /// The highest statistic, at least 0.
    pub statistic: f64,
    /// The p-value that strategies worse than the benchmark do not raise at all.
    pub lower: f64,
    /// The p-value to report.
    pub consistent: f64,
    /// The p-value of the studentized Reality Check.
    pub upper: f64,
}

/// The result of White's test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RealityCheck {
    /// The strategy with the highest mean.
    pub best: usize,
    /// √n × the highest mean.
    pub statistic: f64,
    /// The p-value.
    pub p_value: f64,
}

/// Tests whether any strategy is better than its benchmark.
///
/// # Errors
/// [`crate::validation::Missing::NoVariance`] if no strategy can be tested.
pub fn superior_predictive_ability(resampled: &Resampled) -> Known<SuperiorPredictiveAbility> {
    let tested = resampled.tested()?;
    let root = count_to_f64(resampled.bars).sqrt();
    let scaled = |(number, sampled): &(usize, Sampled)| (*number, sampled.t(resampled.bars));
    let (best, highest) = first_highest(tested.iter().map(scaled));
    let observed = highest.max(0.0);
    let p_value = |form: Recentering| {
        let statistics = maxima(resampled, &tested, |sampled, mean| {
            root * (mean - form.center(sampled, resampled.bars)) / sampled.variance.sqrt()
        });
        p_value(statistics.map(|statistic| statistic.max(0.0)), observed)
    };
    Ok(SuperiorPredictiveAbility {
        best,
        statistic: observed,
        lower: p_value(Recentering::Lower),
        consistent: p_value(Recentering::Consistent),
        upper: p_value(Recentering::Upper),
    })
}

/// Tests the same without dividing by deviations, so that the strategy with the greatest one dominates.
///
/// # Errors
/// [`crate::validation::Missing::NoVariance`] if no strategy can be tested.
pub fn reality_check(resampled: &Resampled) -> Known<RealityCheck> {
    let tested = resampled.tested()?;
    let root = count_to_f64(resampled.bars).sqrt();
    let (best, highest) =
        first_highest(tested.iter().map(|(number, sampled)| (*number, sampled.mean)));
    let statistic = root * highest;
    let draws = maxima(resampled, &tested, |sampled, mean| root * (mean - sampled.mean));
    Ok(RealityCheck { best, statistic, p_value: p_value(draws, statistic) })
}

/// Returns (1 + draws at least as high) ÷ (1 + draws).
pub(super) fn p_value(draws: impl Iterator<Item = f64>, observed: f64) -> f64 {
    let observed = observed - 1e-12 * observed.abs().max(1.0);
    let (mut exceeding, mut count) = (0, 0);
    for draw in draws {
        count += 1;
        exceeding += usize::from(draw >= observed);
    }
    count_to_f64(1 + exceeding) / count_to_f64(1 + count)
}

/// What is subtracted from the means of draws.
#[derive(Debug, Clone, Copy)]
enum Recentering {
    Lower,
    Consistent,
    Upper,
}

impl Recentering {
    fn center(self, sampled: &Sampled, bars: usize) -> f64 {
        let Sampled { mean, .. } = *sampled;
        match self {
            Self::Lower => mean.max(0.0),
            Self::Consistent if is_far_below(sampled, bars) => 0.0,
            Self::Consistent | Self::Upper => mean,
        }
    }
}

/// Returns whether a strategy is so far worse than the benchmark that it cannot be the best.
fn is_far_below(sampled: &Sampled, bars: usize) -> bool {
    let count = count_to_f64(bars);
    let allowed = (sampled.variance / count * 2.0 * libm::log(libm::log(count))).sqrt();
    sampled.mean < -allowed
}

/// Returns the highest statistic of each draw.
fn maxima<'a>(
    resampled: &'a Resampled,
    tested: &'a [(usize, Sampled)],
    statistic: impl Fn(&Sampled, f64) -> f64 + 'a,
) -> impl Iterator<Item = f64> + 'a {
    resampled.draws().map(move |means| {
        let of = |(number, sampled): &(usize, Sampled)| {
            statistic(sampled, means.get(*number).copied().unwrap_or(sampled.mean))
        };
        tested.iter().map(of).fold(f64::NEG_INFINITY, f64::max)
    })
}

fn first_highest(values: impl Iterator<Item = (usize, f64)>) -> (usize, f64) {
    let better = |best: (usize, f64), next: (usize, f64)| if next.1 > best.1 { next } else { best };
    values.fold((usize::MAX, f64::NEG_INFINITY), better)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::resampled::tests::{eight_rows, of_case, of_rows};
    use super::*;
    use crate::compute::parallel::Sequential;
    use crate::observer::NoObserver;
    use crate::validation::Missing;
    use crate::validation::quantiles::of_sorted;
    use crate::validation::testing::{cases, numbers, same};

    /// Returns the share of draws of a p-value with one added to both.
    fn share(p: f64, draws: f64) -> f64 {
        (p * (draws + 1.0) - 1.0) / draws
    }

    fn plain(resampled: &Resampled, form: Recentering) -> Vec<f64> {
        let tested = resampled.tested().unwrap();
        maxima(resampled, &tested, |sampled, mean| mean - form.center(sampled, resampled.bars))
            .collect()
    }

    #[test]
    fn maxima_of_eight_rows_equal_the_reference() {
        let found = eight_rows();
        let expected = [
            -0.000_129_166_666_666_666_32,
            0.004_512_5,
            0.002_616_666_666_666_666_4,
            0.010_025,
            0.001_966_666_666_666_667,
            0.006_304_166_666_666_667,
            0.005_025,
            0.001_629_166_666_666_666_6,
        ];
        let (mut upper, observed) = (expected, 0.004_483_333_333_333_333);
        (upper[0], upper[4]) = (0.001_595_833_333_333_334_5, 0.002_616_666_666_666_667);
        for (form, expected) in [
            (Recentering::Lower, expected),
            (Recentering::Consistent, expected),
            (Recentering::Upper, upper),
        ] {
            let mut maxima = plain(&found, form);
            for (found, expected) in maxima.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-16, "{form:?} {found} {expected}");
            }
            assert_eq!(maxima.iter().filter(|maximum| **maximum > observed).count(), 4);
            maxima.sort_unstable_by(f64::total_cmp);
            same(of_sorted(&maxima, 0.75), 0.005_344_791_666_666_668);
        }
        let far: Vec<bool> =
            found.strategies.iter().map(|sampled| is_far_below(&sampled.unwrap(), 24)).collect();
        assert_eq!(far, [false, true, false]);
    }

    #[test]
    fn the_studentized_test_of_eight_rows_equals_the_reference() {
        let resampled = eight_rows();
        let found = superior_predictive_ability(&resampled).unwrap();
        assert_eq!(found.best, 2);
        same(found.statistic, 1.338_942_921_195_693_8);
        for p in [found.lower, found.consistent, found.upper] {
            same(share(p, 8.0), 0.5);
        }
        let tested = resampled.tested().unwrap();
        for (form, expected) in [
            (Recentering::Upper, [0.585_877_840_635_672_2, 1.650_230_291_149_772_2]),
            (Recentering::Lower, [0.0, 1.650_230_291_149_772_2]),
        ] {
            let statistics = maxima(&resampled, &tested, |sampled, mean| {
                24.0_f64.sqrt() * (mean - form.center(sampled, 24)) / sampled.variance.sqrt()
            });
            for (found, expected) in statistics.zip(expected) {
                assert!((found.max(0.0) - expected).abs() < 1e-12, "{form:?} {found}");
            }
        }
        let check = reality_check(&resampled).unwrap();
        assert_eq!(check.best, 2);
        same(share(check.p_value, 8.0), 0.5);
    }

    #[test]
    fn random_cases_equal_arch_and_holdout_backtest() {
        for case in cases()["bootstraps"].as_array().unwrap() {
            let resampled = of_case(case);
            let draws = resampled.draws().count() as f64;
            for (form, name) in [
                (Recentering::Lower, "lower"),
                (Recentering::Consistent, "consistent"),
                (Recentering::Upper, "upper"),
            ] {
                for (found, expected) in
                    plain(&resampled, form).iter().zip(numbers(&case["maxima"][name]))
                {
                    assert!((found - expected).abs() < 1e-15, "{name} {found} {expected}");
                }
            }
            let found = superior_predictive_ability(&resampled).unwrap();
            same(found.statistic, case["statistic"].as_f64().unwrap());
            let expected = numbers(&case["spa"]);
            for (p, expected) in [found.lower, found.consistent, found.upper].iter().zip(expected) {
                same(1.0 + share(*p, draws), 1.0 + expected);
            }
            let check = reality_check(&resampled).unwrap();
            same(1.0 + share(check.p_value, draws), 1.0 + case["realityCheck"].as_f64().unwrap());
        }
    }

    /// Returns the longer case of the specification.
    pub(in super::super) fn long_case(offsets: [f64; 4]) -> Vec<Vec<f64>> {
        let of = |shape: fn(f64) -> f64, offset: f64| -> Vec<f64> {
            (0..240)
                .map(|i| {
                    let square = f64::from(i * i);
                    0.01 * (1.3 * square).sin() + offset + shape(square)
                })
                .collect()
        };
        vec![
            of(|_| 0.0, offsets[0]),
            of(|square| 0.004 * (0.7 * square).cos(), offsets[1]),
            of(|square| 0.006 * (0.31 * square).sin(), offsets[2]),
            of(|_| 0.0, offsets[3]),
        ]
    }

    #[test]
    fn the_longer_case_is_within_three_standard_errors() {
        let strategies = long_case([0.0, -0.0006, -0.0009, -0.004]);
        let strategies: Vec<&[f64]> = strategies.iter().map(Vec::as_slice).collect();
        let resampled =
            Resampled::of(&strategies, 5.0, 5_000, 42, &Sequential, &NoObserver).unwrap().unwrap();
        let near = |found: f64, expected: f64, draws: f64| {
            let variance = expected * (1.0 - expected);
            let error = (variance / draws + variance / 5_000.0).sqrt();
            assert!((found - expected).abs() < 3.0 * error, "{found} {expected}");
        };
        let found = superior_predictive_ability(&resampled).unwrap();
        for (found, expected) in
            [(found.lower, 0.0272), (found.consistent, 0.0368), (found.upper, 0.0368)]
        {
            near(found, expected, 5_000.0);
        }
        near(reality_check(&resampled).unwrap().p_value, 0.0566, 5_000.0);
        // Not studentized, as arch.
        for (form, expected) in [
            (Recentering::Lower, 0.034),
            (Recentering::Consistent, 0.0535),
            (Recentering::Upper, 0.0535),
        ] {
            let observed =
                resampled.tested().unwrap().iter().fold(0.0_f64, |most, (_, s)| most.max(s.mean));
            let above =
                plain(&resampled, form).iter().filter(|maximum| **maximum > observed).count();
            near(above as f64 / 5_000.0, expected, 2_000.0);
        }
    }

    #[test]
    fn strategies_below_the_benchmark_have_no_evidence() {
        let rows: Vec<Vec<usize>> =
            (0..19).map(|draw| (0..24).map(|bar| (bar * draw + draw) % 24).collect()).collect();
        let worse: Vec<f64> = crate::validation::testing::D[0].iter().map(|r| r - 0.02).collect();
        let found = superior_predictive_ability(&of_rows(&[worse], 2.0, &rows)).unwrap();
        assert_eq!((found.statistic, found.lower, found.upper), (0.0, 1.0, 1.0));
        let nothing = superior_predictive_ability(&of_rows(&[vec![0.0; 24]], 2.0, &rows));
        assert_eq!(nothing, Err(Missing::NoVariance));
        assert_eq!(reality_check(&of_rows(&[vec![0.0; 24]], 2.0, &rows)), Err(Missing::NoVariance));
    }
}
