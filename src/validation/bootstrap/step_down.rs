//! Which strategies are better than their benchmark: the step-down of Romano and Wolf.
//!
//! With the strategies in descending order of their statistics t: p = (1 + draws whose maximum over this one and all weaker ones ≥ t) ÷
//! (1 + draws), made non-decreasing. Those with p ≤ α are better, and the chance that any of them is not is at most α. Unit:
//! p-values. Reference: Romano and Wolf (2005, 2016); holdout-backtest: `romano_wolf`. Null: for a strategy that cannot be tested.
//!
//! | draws | recentering |
//! |---|---|
//! | [`step_down`]: bars by the bootstrap | upper |
//! | [`step_down_signs`]: signs of chunks of calendar time, for the best trials of a search | none |
//!
//! By signs, the weaker trials that are not among the best are in a sketch. It must not contain the best: a sketch of the whole search
//! has the maxima of the strongest in it, and every p-value would be that of a single step. Then it is right, but not less
//! conservative than [`Sketch::p_value`].

use super::resampled::{Resampled, Sampled};
use super::superior_predictive_ability::p_value;
use crate::numbers::count_to_f64;
use crate::validation::missing::{Known, Missing};
use crate::validation::signs::{DRAWS, Signs};
use crate::validation::sketch::Sketch;

/// Returns the adjusted p-value of each strategy.
///
/// # Errors
/// [`Missing::NoVariance`] if no strategy can be tested.
pub fn step_down(resampled: &Resampled) -> Known<Vec<Known>> {
    let mut order = resampled.tested()?;
    let t = |sampled: &Sampled| sampled.t(resampled.bars);
    // The sort is stable: of equals, the first one is the stronger.
    order.sort_by(|(_, one), (_, other)| t(other).total_cmp(&t(one)));
    let root = count_to_f64(resampled.bars).sqrt();
    let draws: Vec<Vec<f64>> = resampled
        .draws()
        .map(|means| {
            let statistics = order.iter().map(|(number, sampled)| {
                let mean = means.get(*number).copied().unwrap_or(sampled.mean);
                root * (mean - sampled.mean) / sampled.variance.sqrt()
            });
            with_weaker(statistics.collect(), f64::NEG_INFINITY)
        })
        .collect();
    let observed: Vec<f64> = order.iter().map(|(_, sampled)| t(sampled)).collect();
    let adjusted = adjusted(&observed, &draws);
    let mut found: Vec<Known> = resampled
        .strategies
        .iter()
        .map(|sampled| Err(sampled.err().unwrap_or(Missing::NoVariance)))
        .collect();
    for ((number, _), p) in order.iter().zip(adjusted) {
        if let Some(found) = found.get_mut(*number) {
            *found = Ok(p);
        }
    }
    Ok(found)
}

/// One of the best trials of a search.
#[derive(Debug, Clone, Copy)]
pub struct BestTrial<'a> {
    /// The sum of its judged returns in each chunk.
    pub chunk_sums: &'a [f64],
    /// The sum of the squares of its judged returns.
    pub squares: f64,
}

impl BestTrial<'_> {
    fn t(&self) -> f64 {
        self.chunk_sums.iter().sum::<f64>() / self.squares.sqrt()
    }
}

/// Returns the adjusted p-value of each of the best trials of a search, with the maxima of the others.
///
/// # Errors
/// [`Missing::TooFewTrials`] without trials, [`Missing::TooFewChunks`].
pub fn step_down_signs(
    best: &[BestTrial<'_>],
    signs: &Signs,
    others: Option<&Sketch>,
) -> Known<Vec<Known>> {
    signs.check()?;
    let mut order: Vec<(usize, f64)> = (0..)
        .zip(best)
        .map(|(number, trial)| (number, trial.t()))
        .filter(|(_, t)| t.is_finite())
        .collect();
    if order.is_empty() {
        return Err(Missing::TooFewTrials);
    }
    order.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let draws: Vec<Vec<f64>> = (0..DRAWS)
        .map(|draw| {
            let weakest =
                others.and_then(|sketch| sketch.maxima().get(draw)).copied().map(f64::from);
            let of = |(number, _): &(usize, f64)| {
                best.get(*number).map_or(f64::NEG_INFINITY, |trial| {
                    signs.sum(draw, trial.chunk_sums) / trial.squares.sqrt()
                })
            };
            with_weaker(order.iter().map(of).collect(), weakest.unwrap_or(f64::NEG_INFINITY))
        })
        .collect();
    let observed: Vec<f64> = order.iter().map(|(_, t)| *t).collect();
    let mut found = vec![Err(Missing::NoVariance); best.len()];
    for ((number, _), p) in order.iter().zip(adjusted(&observed, &draws)) {
        if let Some(found) = found.get_mut(*number) {
            *found = Ok(p);
        }
    }
    Ok(found)
}

/// Returns for each statistic the maximum of it and all after it.
fn with_weaker(mut statistics: Vec<f64>, weakest: f64) -> Vec<f64> {
    let mut most = weakest;
    for statistic in statistics.iter_mut().rev() {
        most = most.max(*statistic);
        *statistic = most;
    }
    statistics
}

/// Returns the p-values of statistics in descending order, made non-decreasing.
fn adjusted(observed: &[f64], draws: &[Vec<f64>]) -> Vec<f64> {
    let mut most: f64 = 0.0;
    (0..)
        .zip(observed)
        .map(|(place, observed)| {
            let maxima =
                draws.iter().map(|maxima| maxima.get(place).copied().unwrap_or(f64::NEG_INFINITY));
            most = most.max(p_value(maxima, *observed));
            most
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::resampled::tests::{of_case, of_rows};
    use super::*;
    use crate::compute::parallel::Sequential;
    use crate::observer::NoObserver;
    use crate::random::SplitMix64;
    use crate::validation::sketch::SketchScratch;
    use crate::validation::testing::{cases, numbers, same};

    #[test]
    fn random_cases_equal_holdout_backtest() {
        for case in cases()["bootstraps"].as_array().unwrap() {
            let resampled = of_case(case);
            let draws = case["rows"].as_array().unwrap().len() as f64;
            let found = step_down(&resampled).unwrap();
            for (p, expected) in found.iter().zip(numbers(&case["stepDown"])) {
                same(p.unwrap() * (draws + 1.0) - 1.0 + 1.0, expected * draws + 1.0);
            }
        }
    }

    #[test]
    fn the_superior_models_are_those_of_arch() {
        let strategies = super::super::superior_predictive_ability::tests::long_case([
            0.004, 0.0015, 0.0, -0.004,
        ]);
        let strategies: Vec<&[f64]> = strategies.iter().map(Vec::as_slice).collect();
        let resampled =
            Resampled::of(&strategies, 5.0, 1_000, 42, &Sequential, &NoObserver).unwrap().unwrap();
        let found = step_down(&resampled).unwrap();
        let superior: Vec<f64> = (0..4)
            .filter(|model| found[*model].unwrap() <= 0.05)
            .map(|model| model as f64)
            .collect();
        assert_eq!(superior, numbers(&cases()["step"]["superior"]));
        assert_eq!(superior, [0.0, 1.0]);
    }

    #[test]
    fn strategies_that_cannot_be_tested_have_none() {
        let rows: Vec<Vec<usize>> = vec![(0..24).collect(); 3];
        let [first, ..] = crate::validation::testing::D;
        let found = step_down(&of_rows(&[vec![0.0; 24], first.to_vec()], 2.0, &rows)).unwrap();
        assert_eq!(found[0], Err(Missing::NoVariance));
        assert!(found[1].is_ok());
    }

    #[test]
    fn signs_step_down_from_the_p_value_of_the_search() {
        let signs = Signs::new(600..664).unwrap();
        let mut random = SplitMix64::new(4);
        let mut trials: Vec<(Vec<f64>, f64)> = (0..50)
            .map(|_| {
                let sums: Vec<f64> = (0..64).map(|_| random.unit() - 0.5).collect();
                let squares = sums.iter().map(|sum| sum * sum).sum();
                (sums, squares)
            })
            .collect();
        // Two with an edge.
        for (trial, edge) in [(7, 0.22), (30, 0.17)] {
            trials[trial].0.iter_mut().for_each(|sum| *sum += edge);
            trials[trial].1 = trials[trial].0.iter().map(|sum| sum * sum).sum();
        }
        let sketch = |numbers: &[usize]| {
            let (mut sketch, mut scratch) = (Sketch::new().unwrap(), SketchScratch::default());
            for number in numbers {
                let (sums, squares) = &trials[*number];
                sketch.add(&signs, sums, *squares, &mut scratch).unwrap();
            }
            sketch
        };
        let rest: Vec<usize> = (0..50).filter(|number| ![7, 30, 11].contains(number)).collect();
        let best = [11, 7, 30]
            .map(|number| BestTrial { chunk_sums: &trials[number].0, squares: trials[number].1 });
        let found = step_down_signs(&best, &signs, Some(&sketch(&rest))).unwrap();
        let whole = sketch(&(0..50).collect::<Vec<_>>());
        // The strongest has the p-value of the whole search, the next one at most its own.
        same(found[1].unwrap(), whole.p_value(best[1].t()).unwrap());
        assert!(found[2].unwrap() <= whole.p_value(best[2].t()).unwrap());
        assert!(found[1].unwrap() <= 0.01 && found[2].unwrap() <= 0.05 && found[0].unwrap() > 0.2);
        assert_eq!(step_down_signs(&[], &signs, None), Err(Missing::TooFewTrials));
        let few = Signs::new(0..5).unwrap();
        assert_eq!(step_down_signs(&best, &few, None), Err(Missing::TooFewChunks));
    }
}
