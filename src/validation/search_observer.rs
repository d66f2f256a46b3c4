//! The sketch of a sweep, built while it runs.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::judged::{BenchmarkKind, JudgedSums, ReturnSums};
use super::signs::Signs;
use super::sketch::{Sketch, SketchScratch};
use crate::compute::reserve;
use crate::error::{Error, Result};
use crate::numbers::count_to_f64;
use crate::sweep::kernel::TrialObserver;
use crate::sweep::measure::{BenchmarkSums, Chunk, TrialSums};

/// Adds each combination of a sweep to a sketch, on any thread and in any order: the result has the same bytes.
#[derive(Debug)]
pub struct SearchObserver<'a> {
    signs: Signs,
    held: &'a BenchmarkSums,
    benchmark: BenchmarkKind,
    /// The states of threads that do not add a trial just now.
    idle: Mutex<Vec<Worker>>,
    failure: Mutex<Option<Error>>,
}

/// Trials that a thread collects before it adds them: a sweep evicts the signs from the caches of the processor, and reading them again
/// for each trial takes longer than adding it.
const BATCH: usize = 16;

/// What a thread adds to.
#[derive(Debug)]
struct Worker {
    sketch: Sketch,
    scratch: SketchScratch,
    /// The sums of the chunks of the collected trials, one trial after the other.
    judged: Vec<f64>,
    /// Σ a² of each of them.
    squares: Vec<f64>,
}

impl Worker {
    fn new() -> Result<Self> {
        Ok(Self {
            sketch: Sketch::new()?,
            scratch: SketchScratch::default(),
            judged: Vec::new(),
            squares: Vec::with_capacity(BATCH),
        })
    }

    /// Adds the collected trials.
    fn flush(&mut self, signs: &Signs) -> Result<()> {
        for (sums, squares) in self.judged.chunks(signs.chunks().max(1)).zip(&self.squares) {
            self.sketch.add(signs, sums, *squares, &mut self.scratch)?;
        }
        self.judged.clear();
        self.squares.clear();
        Ok(())
    }
}

impl<'a> SearchObserver<'a> {
    /// Observes a sweep over bars with these chunks and sums of holding the asset. With fewer than 12 chunks it does nothing.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if the memory cannot be allocated.
    pub fn new(
        chunks: &[Chunk],
        held: &'a BenchmarkSums,
        benchmark: BenchmarkKind,
    ) -> Result<Self> {
        let signs = Signs::new(chunks.iter().map(|chunk| chunk.number))?;
        Ok(Self { signs, held, benchmark, idle: Mutex::default(), failure: Mutex::default() })
    }

    /// Returns the sketch of all trials.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if the memory could not be allocated.
    pub fn finish(self) -> Result<Sketch> {
        if let Some(error) = self.failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        let mut sketch = Sketch::new()?;
        for mut worker in self.idle.into_inner().unwrap_or_else(PoisonError::into_inner) {
            worker.flush(&self.signs)?;
            sketch.merge(&worker.sketch);
        }
        Ok(sketch)
    }

    fn add(&self, worker: &mut Worker, sums: &TrialSums, chunks: &[f64]) -> Result<()> {
        let sums = return_sums(
            sums.bars,
            [sums.returns, sums.squares, sums.products],
            mean_exposure(sums),
            self.held,
        );
        // A trial without variance is left out.
        let Ok(judged) = JudgedSums::of(&sums, self.benchmark) else { return Ok(()) };
        if chunks.len() != self.signs.chunks() || self.held.chunks.len() != chunks.len() {
            return Ok(());
        }
        reserve::additional(&mut worker.judged, chunks.len(), "sums of chunks")?;
        let held = chunks.iter().zip(&self.held.chunks);
        worker.judged.extend(held.map(|(sum, held)| sum - judged.factor * held));
        worker.squares.push(judged.squares);
        if worker.squares.len() < BATCH { Ok(()) } else { worker.flush(&self.signs) }
    }
}

impl TrialObserver for SearchObserver<'_> {
    fn on_trial(&self, _: usize, sums: &TrialSums, chunks: &[f64]) {
        if self.signs.check().is_err() {
            return;
        }
        let worker = lock(&self.idle).pop();
        let added = worker.map_or_else(Worker::new, Ok).and_then(|mut worker| {
            self.add(&mut worker, sums, chunks)?;
            lock(&self.idle).push(worker);
            Ok(())
        });
        if let Err(error) = added {
            lock(&self.failure).get_or_insert(error);
        }
    }
}

/// Returns the mean exposure of a trial over the bars that have a return of the asset: all but the first.
fn mean_exposure(sums: &TrialSums) -> f64 {
    sums.exposure / count_to_f64(sums.bars.saturating_sub(1).max(1))
}

/// Joins the sums of a trial, Σ r, Σ r² and Σ r·m, with those of its asset.
pub(super) fn return_sums(
    bars: usize,
    [returns, squares, products]: [f64; 3],
    exposure: f64,
    held: &BenchmarkSums,
) -> ReturnSums {
    ReturnSums {
        bars,
        returns,
        squares,
        products,
        exposure,
        held_returns: held.returns,
        held_squares: held.squares,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observer::NoObserver;
    use crate::settings::Settings;
    use crate::sweep::measure::testing::{input_of, walk};
    use crate::sweep::measure::{Scratch, Tables, Wanted, measure};
    use crate::sweep::swept_signals::SweptSignals;
    use crate::validation::Missing;

    /// Passes the sums of holding from one bar to another on a rising walk of 700 days.
    fn held_between(
        entry: usize,
        exit: Option<usize>,
        settings: &Settings,
        check: impl FnOnce(&Tables, &TrialSums, &[f64]),
    ) {
        let close: Vec<f64> = walk(700, 0.01, 3)
            .iter()
            .zip(0..)
            .map(|(close, bar)| close * 1.002_f64.powi(bar))
            .collect();
        input_of(&close, settings, |input| {
            let mut words = [vec![0_u64; 11], vec![0_u64; 11]];
            words[0][entry / 64] |= 1 << (entry % 64);
            if let Some(exit) = exit {
                words[1][exit / 64] |= 1 << (exit % 64);
            }
            let [entries, exits] = &words;
            let signals =
                SweptSignals { bars: 700, entries, exits, short_entries: None, short_exits: None };
            let tables = Tables::new(input).unwrap();
            let mut scratch = Scratch::default();
            let wanted = Wanted::new(&[], true);
            measure(&tables, input, signals, &wanted, &mut scratch, &NoObserver).unwrap();
            check(&tables, scratch.sums().unwrap(), scratch.chunk_sums());
        });
    }

    fn judged(tables: &Tables, sums: &TrialSums) -> super::super::Known<JudgedSums> {
        let of_trial = [sums.returns, sums.squares, sums.products];
        let sums = return_sums(sums.bars, of_trial, mean_exposure(sums), tables.benchmark());
        JudgedSums::of(&sums, BenchmarkKind::Exposure)
    }

    #[test]
    fn a_run_that_holds_the_asset_all_the_time_has_nothing_to_judge() {
        let free = Settings::default().with(|it| (it.costs.fees, it.costs.slippage) = (0.0, 0.0));
        held_between(0, None, &free, |tables, sums, _| {
            assert!((mean_exposure(sums) - 1.0).abs() < 1e-12);
            assert_eq!(judged(tables, sums), Err(Missing::NoVariance));
        });
        // With costs they are what is judged: one bar of a loss.
        held_between(0, None, &Settings::default(), |tables, sums, _| {
            let judged = judged(tables, sums).unwrap();
            assert!((judged.returns + 0.002).abs() < 1e-5 && (judged.t() + 1.0).abs() < 1e-6);
        });
        // Holding half of the time on a rising asset is no timing.
        held_between(350, None, &free, |tables, sums, _| {
            assert!((mean_exposure(sums) - 0.5).abs() < 0.01);
            let asset = tables.benchmark().returns / tables.benchmark().squares.sqrt();
            let t = judged(tables, sums).unwrap().t();
            assert!(asset > 4.0 && t.abs() < 1.5, "{asset} {t}");
        });
    }

    #[test]
    fn trials_are_added_with_their_judged_sums() {
        held_between(100, Some(300), &Settings::default(), |tables, sums, chunks| {
            let observer =
                SearchObserver::new(tables.chunks(), tables.benchmark(), BenchmarkKind::Exposure)
                    .unwrap();
            observer.on_trial(0, sums, chunks);
            let judged = judged(tables, sums).unwrap();
            let of_chunks: Vec<f64> = chunks
                .iter()
                .zip(&tables.benchmark().chunks)
                .map(|(sum, held)| sum - judged.factor * held)
                .collect();
            assert!((of_chunks.iter().sum::<f64>() - judged.returns).abs() < 1e-12);
            let signs = Signs::new(tables.chunks().iter().map(|chunk| chunk.number)).unwrap();
            assert!(signs.chunks() >= 25);
            let mut expected = Sketch::new().unwrap();
            expected
                .add(&signs, &of_chunks, judged.squares, &mut SketchScratch::default())
                .unwrap();
            assert_eq!(observer.finish().unwrap(), expected);
        });
    }

    #[test]
    fn threads_and_their_order_do_not_matter_and_few_chunks_are_not_judged() {
        held_between(100, Some(300), &Settings::default(), |tables, sums, chunks| {
            let sketch = |order: Vec<f64>, chunks_of: &[Chunk]| {
                let observer =
                    SearchObserver::new(chunks_of, tables.benchmark(), BenchmarkKind::Zero)
                        .unwrap();
                std::thread::scope(|scope| {
                    for half in order.chunks(order.len().div_ceil(2)) {
                        let observer = &observer;
                        scope.spawn(move || {
                            for factor in half {
                                let mut chunks = chunks.to_vec();
                                chunks.iter_mut().for_each(|sum| *sum += factor * 1e-3);
                                observer.on_trial(0, sums, &chunks);
                            }
                        });
                    }
                });
                observer.finish().unwrap()
            };
            let factors: Vec<f64> = (0..50).map(|trial| f64::from(trial * 7 % 50 - 25)).collect();
            let one = sketch(factors.clone(), tables.chunks());
            let other = sketch(factors.iter().rev().copied().collect(), tables.chunks());
            assert!(!one.is_empty() && one == other);
            assert!(sketch(factors, &tables.chunks()[..11]).is_empty());
        });
    }
}
