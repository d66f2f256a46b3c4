//! What a search is worth, from the sums that a sweep keeps and the curve of the chosen combination.
//!
//! Every p-value, the headline and the verdict are of judged returns ([`super::judged`]) and belong to the chosen combination: its own
//! statistic against the sketch, whatever the objective that chose it. The sketch and the number of trials may be those of everything
//! that was ever tried on these bars.

use super::backtest_length::minimum_backtest_length;
use super::batch_means::BatchMeans;
use super::cscv::{BlockReturns, Cscv, SplitPlan, blocks_for, cscv};
use super::deflated_sharpe_ratio::{Deflated, deflated, deflated_null, variance};
use super::expected_maximum::effective_trials;
use super::headline::{Company, Headline, Prior, UNKNOWN_OTHERS, headline};
use super::interval::confidence_interval;
use super::judged::{BenchmarkKind, JudgedSums, ReturnSums};
use super::missing::{Known, Missing};
use super::moments::Moments;
use super::normal;
use super::per_bar::{Annual, BarsPerYear, PerBar};
use super::power::years_for_power;
use super::search_observer::return_sums;
use super::sharpe_estimate::SharpeEstimate;
use super::signs::LEAST_CHUNKS;
use super::sketch::Sketch;
use super::standard_error::standard_error;
use super::sums::{pairwise, sum};
use super::track_record_length::minimum_track_record_length;
use crate::compute::parallel::Executor;
use crate::compute::reserve;
use crate::error::Result;
use crate::numbers::count_to_f64;
use crate::observer::ProgressObserver;
use crate::sweep::measure::{BLOCKS, BenchmarkSums, BlockSums};
use crate::sweep::sum_columns::SumColumns;

/// How a search is judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    /// What returns are compared with.
    pub benchmark: BenchmarkKind,
    /// Bars per year, as the metrics annualize.
    pub bars_per_year: BarsPerYear,
    /// The level of tests.
    pub alpha: f64,
    /// The annual Sharpe ratio that is worth finding.
    pub worthwhile: Annual,
    /// The standard deviation of the true annual Sharpe ratio of a real trial.
    pub spread: Annual,
    /// How many splits cross-validation evaluates.
    pub splits: SplitPlan,
}

/// A search.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// The sums of its combinations. Those of a combination that failed are NaN.
    pub sums: &'a SumColumns,
    /// The number of bars.
    pub bars: usize,
    /// The number of chunks of calendar time. With fewer than 12 there is no sketch.
    pub chunks: usize,
    /// The sums of holding the asset.
    pub held: &'a BenchmarkSums,
    /// The sketch of the search, or of everything that was tried on its bars.
    pub sketch: &'a Sketch,
    /// The number of trials in that sketch.
    pub trials: usize,
}

/// The chosen combination, and its curve from one more run.
#[derive(Debug, Clone, Copy)]
pub struct Chosen<'a> {
    /// Its number in the search; none if it is not of this search.
    pub combination: Option<usize>,
    /// The return of its equity at each bar.
    pub returns: &'a [f64],
    /// The return of holding the asset at each bar; 0 for the first one.
    pub held: &'a [f64],
    /// The mean signed exposure over all bars but the first.
    pub exposure: f64,
}

/// What a search is worth.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The number of bars.
    pub bars: usize,
    /// That number in years.
    pub years: f64,
    /// The number of trials that it was chosen from.
    pub trials: usize,
    /// How many independent trials would have as high a maximum.
    pub effective_trials: Known,
    /// The Sharpe ratio of the chosen combination, with its shape.
    pub ratio: Known<SharpeEstimate>,
    /// Its standard error, per bar; wider where returns follow their sign.
    pub error: Known,
    /// Its 95 % interval without that.
    pub interval: Known<[PerBar; 2]>,
    /// One minus the p-value of "its true ratio is at most 0", as if nothing else had been tried.
    pub alone: Known,
    /// The bars that this needs at level α.
    pub track_record: Known,
    /// How much more the sums of blocks vary than independent returns would make them.
    pub batches: Known<BatchMeans>,
    /// Its statistic, t.
    pub t: Known,
    /// The p-value of t against the whole search.
    pub p_value: Known,
    /// What t must exceed at level α.
    pub critical_value: Known,
    /// The deflated ratio with the variance across the trials of this search and their number.
    pub deflated_across: Known<Deflated>,
    /// The deflated ratio with the variance of the null hypothesis and the effective number of trials.
    pub deflated_null: Known<Deflated>,
    /// The ratio to expect.
    pub headline: Known<Headline>,
    /// The years in which the best of so many trials without an edge would reach the worthwhile ratio.
    pub backtest_length: Known,
    /// The years after which a true worthwhile ratio is found with a probability of 50 % and of 80 %.
    pub years_for_power: [Known; 2],
    /// The probability of backtest overfitting.
    pub overfitting: Known<Cscv>,
}

/// Judges the chosen combination of a search.
///
/// # Errors
/// Cancelled by the observer, `LIMIT_EXCEEDED` if the memory cannot be allocated.
pub fn judge(
    search: &Search<'_>,
    chosen: &Chosen<'_>,
    terms: &Terms,
    executor: &dyn Executor,
    observer: &dyn ProgressObserver,
) -> Result<Judgement> {
    let factor = match terms.benchmark {
        BenchmarkKind::Zero => 0.0,
        BenchmarkKind::Hold => 1.0,
        BenchmarkKind::Exposure => chosen.exposure,
    };
    let mut judged = reserve::with_capacity(chosen.returns.len(), "bars")?;
    judged.extend(chosen.returns.iter().zip(chosen.held).map(|(r, m)| r - factor * m));
    let moments = judged_moments(&judged, chosen, factor);
    let ratio = moments.map(SharpeEstimate::from);
    let batches = moments.and_then(|moments| batch_means(&judged, search.held, moments.variance));
    let error = ratio.and_then(|ratio| {
        Ok(standard_error(&ratio)? * batches.map_or(1.0, |batches| batches.error_factor()))
    });
    let numbered = ratios(search, terms.benchmark)?;
    let mut ratios = reserve::with_capacity(numbered.len(), "combinations")?;
    ratios.extend(numbered.iter().map(|(_, ratio)| *ratio));
    let ran = search.sums.returns.iter().filter(|sum| sum.is_finite()).count();
    let enough = if search.chunks < LEAST_CHUNKS { Err(Missing::TooFewChunks) } else { Ok(()) };
    let effective = enough
        .and_then(|()| search.sketch.mean())
        .map(|mean| effective_trials(mean, search.trials));
    let t = moments.map(|_| sum(&judged) / squares(&judged).sqrt());
    let critical = enough.and_then(|()| search.sketch.critical_value(terms.alpha));
    let years = count_to_f64(search.bars) / terms.bars_per_year.get();
    Ok(Judgement {
        bars: search.bars,
        years,
        trials: search.trials,
        effective_trials: effective,
        ratio,
        error,
        interval: ratio.and_then(|ratio| confidence_interval(&ratio, 0.95)),
        alone: ratio.and_then(|ratio| Ok(normal::cdf(ratio.ratio.0 / error?))),
        track_record: ratio
            .and_then(|ratio| minimum_track_record_length(&ratio, PerBar(0.0), terms.alpha)),
        batches,
        t,
        p_value: enough.and(t).and_then(|t| search.sketch.p_value(t)),
        critical_value: critical,
        deflated_across: ratio
            .and_then(|ratio| deflated(&ratio, variance(&ratios)?, count_to_f64(ran))),
        deflated_null: ratio.and_then(|ratio| deflated_null(&ratio, effective?)),
        headline: ratio.and_then(|estimate| {
            let prior = Prior::new(estimate.bars, terms.bars_per_year, terms.spread)?;
            let others = others(&numbered, chosen.combination, &prior);
            let company = Company { effective_trials: effective?, others };
            headline(estimate.ratio, &prior, terms.bars_per_year, company)
        }),
        backtest_length: effective
            .and_then(|trials| minimum_backtest_length(trials, terms.worthwhile)),
        years_for_power: [0.5, 0.8].map(|power| {
            critical.and_then(|critical| years_for_power(critical, power, terms.worthwhile))
        }),
        overfitting: overfitting(search, terms.splits, executor, observer)?,
    })
}

/// Returns the moments of judged returns; none if they are the rounding of what they are the difference of.
fn judged_moments(judged: &[f64], chosen: &Chosen<'_>, factor: f64) -> Known<Moments> {
    let products: Vec<f64> = chosen.returns.iter().zip(chosen.held).map(|(r, m)| r * m).collect();
    let sums = ReturnSums {
        bars: judged.len(),
        returns: sum(chosen.returns),
        squares: squares(chosen.returns),
        products: sum(&products),
        exposure: factor,
        held_returns: sum(chosen.held),
        held_squares: squares(chosen.held),
    };
    JudgedSums::of(&sums, BenchmarkKind::Exposure)?;
    Moments::of(judged)
}

fn squares(values: &[f64]) -> f64 {
    pairwise(values.len(), &|bar| values.get(bar).map_or(0.0, |value| value * value))
}

/// Returns the variance of the sums of blocks of judged returns.
fn batch_means(judged: &[f64], held: &BenchmarkSums, variance: f64) -> Known<BatchMeans> {
    let mut rest = judged;
    let blocks: Vec<(usize, f64)> = held
        .blocks
        .iter()
        .map(|block| {
            let (front, back) = rest.split_at(bars_of(block).min(rest.len()));
            rest = back;
            (front.len(), sum(front))
        })
        .collect();
    BatchMeans::of(&blocks, variance)
}

fn bars_of(block: &BlockSums) -> usize {
    usize::try_from(block.bars).unwrap_or(0)
}

/// Returns the mean Bayes factor of all combinations but the chosen one.
fn others(ratios: &[(usize, f64)], chosen: Option<usize>, prior: &Prior) -> f64 {
    let count = ratios.iter().filter(|(number, _)| Some(*number) != chosen).count();
    if count == 0 {
        return UNKNOWN_OTHERS;
    }
    let factor = |index: usize| match ratios.get(index) {
        Some((number, ratio)) if Some(*number) != chosen => {
            libm::exp(prior.log_bayes_factor(PerBar(*ratio)))
        }
        _ => 0.0,
    };
    pairwise(ratios.len(), &factor) / count_to_f64(count)
}

/// Returns the Sharpe ratios of the judged returns of all combinations that have one, with their numbers.
fn ratios(search: &Search<'_>, benchmark: BenchmarkKind) -> Result<Vec<(usize, f64)>> {
    let sums = search.sums;
    let mut ratios = reserve::with_capacity(sums.returns.len(), "combinations")?;
    // Columns have the mean over all bars, of which the first has no return of the asset.
    let all = count_to_f64(search.bars);
    let over = all / (all - 1.0).max(1.0);
    for (number, (((returns, squares), products), exposure)) in
        (0..).zip(sums.returns.iter().zip(&sums.squares).zip(&sums.products).zip(&sums.exposure))
    {
        let sums =
            return_sums(search.bars, [*returns, *squares, *products], exposure * over, search.held);
        if let Ok(judged) = JudgedSums::of(&sums, benchmark) {
            ratios.push((number, judged.sharpe_ratio().0));
        }
    }
    Ok(ratios)
}

/// Returns the probability of backtest overfitting. With eight blocks, each is two of the sixteen.
fn overfitting(
    search: &Search<'_>,
    plan: SplitPlan,
    executor: &dyn Executor,
    observer: &dyn ProgressObserver,
) -> Result<Known<Cscv>> {
    let blocks = match blocks_for(search.bars) {
        Ok(blocks) => blocks,
        Err(missing) => return Ok(Err(missing)),
    };
    let joined = BLOCKS / blocks.max(1);
    let bars: Vec<usize> =
        search.held.blocks.chunks(joined).map(|blocks| blocks.iter().map(bars_of).sum()).collect();
    if bars.iter().sum::<usize>() != search.bars {
        return Ok(Err(Missing::OutOfRange));
    }
    let sums = search.sums;
    let read = |trial: usize, into: &mut [[f64; 2]]| {
        for (block, into) in into.iter_mut().enumerate() {
            *into = [0.0; 2];
            for place in 0..joined {
                let at = trial * BLOCKS + block * joined + place;
                into[0] += sums.block_returns.get(at);
                into[1] += sums.block_squares.get(at);
            }
            // The blocks of a combination that failed are 0, its sums are not.
            into[0] += 0.0 * sums.returns.get(trial).copied().unwrap_or(f64::NAN);
        }
    };
    let returns = BlockReturns { trials: sums.returns.len(), bars: &bars, read: &read };
    cscv(&returns, plan, executor, observer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::parallel::Sequential;
    use crate::observer::NoObserver;
    use crate::random::SplitMix64;
    use crate::sweep::kernel::TrialObserver;
    use crate::sweep::measure::{Chunk, TrialSums};
    use crate::validation::search_observer::SearchObserver;
    use crate::validation::testing::same;
    use crate::validation::verdict::{Evidence, Reason, THRESHOLDS, Verdict, verdict};

    const BARS: usize = 1_120;
    const CHUNK: usize = 28;

    /// A search in a rising asset.
    struct Trials {
        held: Vec<f64>,
        returns: Vec<Vec<f64>>,
        exposures: Vec<f64>,
    }

    /// Returns random trials that are in the asset for a while and out of it for a while; `edge` is added to the first one's bars in
    /// the asset. The last one holds it all the time.
    fn trials(count: usize, edge: f64, seed: u64) -> Trials {
        let mut random = SplitMix64::new(seed);
        let mut normal = || (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
        let mut held = vec![0.0];
        held.extend((1..BARS).map(|_| 0.002 + 0.01 * normal()));
        let mut found = Trials { held, returns: Vec::new(), exposures: Vec::new() };
        for trial in 0..count {
            let (mut position, mut sum) = (0.0, 0.0);
            let is_holding = trial + 1 == count;
            let mut returns = vec![0.0];
            for bar in 1..BARS {
                if normal() > 1.3 {
                    position = 1.0 - position;
                }
                if is_holding {
                    position = 1.0;
                }
                sum += position;
                let extra = if trial == 0 { edge * position } else { 0.0 };
                returns.push(position * found.held[bar] + extra);
            }
            found.returns.push(returns);
            found.exposures.push(sum);
        }
        found
    }

    fn sums(values: &[f64]) -> [BlockSums; BLOCKS] {
        let mut blocks = [BlockSums::default(); BLOCKS];
        for (block, values) in blocks.iter_mut().zip(values.chunks(BARS / BLOCKS)) {
            *block = BlockSums {
                bars: values.len() as u32,
                returns: values.iter().sum(),
                squares: values.iter().map(|value| value * value).sum(),
            };
        }
        blocks
    }

    fn chunk_sums(values: &[f64]) -> Vec<f64> {
        values.chunks(CHUNK).map(|chunk| chunk.iter().sum()).collect()
    }

    impl Trials {
        fn benchmark(&self) -> BenchmarkSums {
            BenchmarkSums {
                returns: self.held.iter().sum(),
                squares: self.held.iter().map(|m| m * m).sum(),
                blocks: sums(&self.held),
                chunks: chunk_sums(&self.held),
            }
        }

        fn sums(&self, trial: usize) -> TrialSums {
            let returns = &self.returns[trial];
            TrialSums {
                bars: BARS,
                returns: returns.iter().sum(),
                squares: returns.iter().map(|r| r * r).sum(),
                products: returns.iter().zip(&self.held).map(|(r, m)| r * m).sum(),
                exposure: self.exposures[trial],
                blocks: sums(returns),
            }
        }

        /// Returns the columns of a sweep, in which the combination after the last one failed.
        fn columns(&self) -> SumColumns {
            let count = self.returns.len();
            let mut flat = vec![Vec::new(); 4 + 2 * BLOCKS];
            for trial in 0..count {
                let of_trial = self.sums(trial);
                let first = [of_trial.returns, of_trial.squares, of_trial.products];
                let mut row = first.to_vec();
                row.push(of_trial.exposure / BARS as f64);
                row.extend(of_trial.blocks.iter().map(|block| block.returns));
                row.extend(of_trial.blocks.iter().map(|block| block.squares));
                flat.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
            }
            for (place, column) in flat.iter_mut().enumerate() {
                column.push(if place < 4 { f64::NAN } else { 0.0 });
            }
            SumColumns::from_flat(&flat, count + 1).unwrap().unwrap()
        }

        fn sketch(&self, held: &BenchmarkSums) -> Sketch {
            let chunks: Vec<Chunk> = (600..)
                .zip(0..BARS / CHUNK)
                .map(|(number, chunk)| Chunk {
                    number,
                    from: chunk * CHUNK,
                    until: (chunk + 1) * CHUNK,
                })
                .collect();
            let observer = SearchObserver::new(&chunks, held, BenchmarkKind::Exposure).unwrap();
            for trial in (0..self.returns.len()).rev() {
                observer.on_trial(trial, &self.sums(trial), &chunk_sums(&self.returns[trial]));
            }
            observer.finish().unwrap()
        }

        fn judge(&self, chosen: usize) -> Judgement {
            let (held, columns) = (self.benchmark(), self.columns());
            let sketch = self.sketch(&held);
            let search = Search {
                sums: &columns,
                bars: BARS,
                chunks: held.chunks.len(),
                held: &held,
                sketch: &sketch,
                trials: self.returns.len(),
            };
            let chosen = Chosen {
                combination: Some(chosen),
                returns: &self.returns[chosen],
                held: &self.held,
                exposure: self.exposures[chosen] / (BARS - 1) as f64,
            };
            judge(&search, &chosen, &terms(), &Sequential, &NoObserver).unwrap()
        }
    }

    fn terms() -> Terms {
        Terms {
            benchmark: BenchmarkKind::Exposure,
            bars_per_year: BarsPerYear::new(252.0).unwrap(),
            alpha: 0.05,
            worthwhile: Annual(1.0),
            spread: Annual(1.0),
            splits: SplitPlan { budget: 10_000_000, seed: 1 },
        }
    }

    fn evidence() -> Evidence {
        Evidence {
            flaw: None,
            closed_trades: 60,
            chunks: BARS / CHUNK,
            rounds: 1,
            walk_forward: None,
            lockbox: None,
            null_worlds: None,
            profit_at_doubled_costs: None,
            share_with_delay: None,
            plateau: None,
            profit_without_best_block: None,
            profit_without_best_trades: None,
            profit_under_noise: None,
        }
    }

    #[test]
    fn holding_a_rising_asset_is_no_evidence_however_good_it_looks() {
        let search = trials(40, 0.0, 1);
        let plain = SharpeEstimate::of(&search.returns[39]).unwrap();
        assert!(plain.ratio.0 / standard_error(&plain).unwrap() > 2.0);
        let found = search.judge(39);
        assert_eq!(found.ratio, Err(Missing::NoVariance));
        assert_eq!(found.p_value, Err(Missing::NoVariance));
        assert_eq!(found.headline, Err(Missing::NoVariance));
        assert!(found.effective_trials.unwrap() > 5.0);
        let finding = verdict(&found, &evidence(), &THRESHOLDS);
        let missing = Reason::Missing(Missing::NoVariance);
        assert_eq!((finding.verdict, finding.reason), (Verdict::NoEvidence, missing));
    }

    #[test]
    fn an_edge_is_found_among_noise() {
        let search = trials(60, 0.0035, 2);
        let found = search.judge(0);
        assert!(found.p_value.unwrap() < 0.01 && found.alone.unwrap() > 0.99, "{found:?}");
        assert!(found.t.unwrap() > found.critical_value.unwrap());
        let headline = found.headline.unwrap();
        assert!(headline.real > 0.9 && headline.band[0].0 > 0.0);
        assert!(found.overfitting.as_ref().unwrap().pbo < 0.1);
        assert!(found.effective_trials.unwrap() <= 60.0);
        let finding = verdict(&found, &evidence(), &THRESHOLDS);
        assert_eq!((finding.verdict, finding.reason), (Verdict::Unconfirmed, Reason::Unchecked));
        // Chosen among the noise of the same search, another trial is not believed.
        let other = search.judge(17);
        assert!(other.p_value.unwrap() > 0.3);
        assert_eq!(other.critical_value, found.critical_value);
        assert_eq!(other.overfitting, found.overfitting);
    }

    #[test]
    fn few_chunks_are_the_reason_for_what_is_missing() {
        let search = trials(8, 0.0, 5);
        let (mut held, columns) = (search.benchmark(), search.columns());
        held.chunks.truncate(11);
        let sketch = Sketch::new().unwrap();
        let judged = Search {
            sums: &columns,
            bars: BARS,
            chunks: 11,
            held: &held,
            sketch: &sketch,
            trials: 8,
        };
        let chosen = Chosen {
            combination: Some(0),
            returns: &search.returns[0],
            held: &search.held,
            exposure: 0.5,
        };
        let found = judge(&judged, &chosen, &terms(), &Sequential, &NoObserver).unwrap();
        let few = Missing::TooFewChunks;
        assert_eq!(
            (found.p_value, found.critical_value, found.effective_trials),
            (Err(few), Err(few), Err(few))
        );
        assert_eq!((found.headline, found.years_for_power[0]), (Err(few), Err(few)));
        assert!(found.ratio.is_ok() && found.deflated_across.is_ok() && found.overfitting.is_ok());
    }

    #[test]
    fn the_figures_are_those_of_the_judged_returns() {
        let search = trials(30, 0.002, 3);
        let found = search.judge(0);
        let exposure = search.exposures[0] / (BARS - 1) as f64;
        let judged: Vec<f64> =
            search.returns[0].iter().zip(&search.held).map(|(r, m)| r - exposure * m).collect();
        let moments = Moments::of(&judged).unwrap();
        assert_eq!(found.ratio.unwrap().ratio, moments.sharpe_ratio());
        let squares: f64 = judged.iter().map(|a| a * a).sum();
        same(found.t.unwrap(), judged.iter().sum::<f64>() / squares.sqrt());
        same(found.years, BARS as f64 / 252.0);
        // The variance across trials is that of their judged returns; the one that holds has none, the one that failed did not run.
        let ratios: Vec<f64> = (0..29)
            .map(|trial| {
                let exposure = search.exposures[trial] / (BARS - 1) as f64;
                let judged: Vec<f64> = search.returns[trial]
                    .iter()
                    .zip(&search.held)
                    .map(|(r, m)| r - exposure * m)
                    .collect();
                Moments::of(&judged).unwrap().sharpe_ratio().0
            })
            .collect();
        let expected = deflated(&found.ratio.unwrap(), variance(&ratios).unwrap(), 30.0).unwrap();
        same(found.deflated_across.unwrap().probability, expected.probability);
        same(found.deflated_across.unwrap().benchmark.0, expected.benchmark.0);
        let splits = found.overfitting.unwrap();
        assert_eq!((splits.trials, splits.blocks, splits.splits.len()), (30, 16, 12_870));
    }

    #[test]
    fn few_bars_have_eight_blocks_or_none() {
        let search = trials(5, 0.0, 4);
        for bars in [63, 200] {
            let held = BenchmarkSums {
                blocks: std::array::from_fn(|block| BlockSums {
                    bars: (bars / BLOCKS + usize::from(block < bars % BLOCKS)) as u32,
                    ..BlockSums::default()
                }),
                ..BenchmarkSums::default()
            };
            let columns = search.columns();
            let sketch = Sketch::new().unwrap();
            let found = overfitting(
                &Search {
                    sums: &columns,
                    bars,
                    chunks: 12,
                    held: &held,
                    sketch: &sketch,
                    trials: 5,
                },
                terms().splits,
                &Sequential,
                &NoObserver,
            )
            .unwrap();
            match found {
                Ok(found) => assert_eq!((bars, found.blocks, found.trials), (200, 8, 5)),
                Err(missing) => assert_eq!((bars, missing), (63, Missing::TooFewBars)),
            }
        }
    }
}
