//! From combinations to columns.

use std::ops::{ControlFlow, Range};
use std::sync::{Mutex, PoisonError};

use super::columns::SweepColumns;
use super::measure::{self, Path, Scratch, Tables, TrialSums, Wanted};
use super::signals::{self, SignalSource, Stage};
use super::space::{Space, Target};
use super::standing::Standing;
use super::swept_signals::SweptSignals;
use crate::backtest::{BacktestInput, annualization};
use crate::compute::parallel::{Executor, map_parts};
use crate::error::{Code, Error, Result};
use crate::market::Bars;
use crate::metrics::Metric;
use crate::observer::ProgressObserver;
use crate::settings::Settings;
use crate::signals::{Bits, Signals};
use crate::strategies::{ParameterValues, Strategy};

/// Bars × combinations of one part, which one thread computes.
const PART: usize = 1 << 21;

/// The most combinations of one part.
const MAX_PART: usize = 1_024;

/// How many times smaller parts are if combinations of the parts before were computed as single runs.
const SLOW: usize = 16;

/// Parts that are computed before their results are appended.
const PARTS_AT_ONCE: usize = 32;

/// Memory for what combinations share, bytes.
const BUDGET: usize = 72_000_000;

/// What a sweep over the bars of one asset is computed from.
#[expect(missing_debug_implementations, reason = "a function has none")]
#[derive(Clone, Copy)]
pub struct SweepInput<'a> {
    /// The strategy.
    pub strategy: &'a Strategy,
    /// The values of its parameters. Those of the axes are replaced.
    pub values: &'a ParameterValues,
    /// The combinations.
    pub space: &'a Space,
    /// The bars of the range, and the settings. Those of the axes are replaced.
    pub input: BacktestInput<'a>,
    /// The bars before the range, and those of the range.
    pub bars: &'a Bars,
    /// The number of bars before the range.
    pub warm_up: usize,
    /// The metrics to compute.
    pub metrics: &'a [&'static Metric],
    /// How many of them, from the first on, to keep.
    pub kept: usize,
    /// Returns the objective for the values of all metrics; NaN if it has none.
    pub objective: &'a (dyn Fn(&[f64]) -> f64 + Sync),
    /// The positions of `totalTrades` and `closedTrades` among the metrics.
    pub trade_counts: [usize; 2],
    /// A combination with fewer closed trades does not compete.
    pub min_trades: f64,
    /// If the sums that judging needs are wanted: the number of combinations of the whole sweep.
    pub sums_of: Option<usize>,
    /// Receives the sums of each combination, on any thread, in any order.
    pub on_trial: Option<&'a dyn TrialObserver>,
}

/// Receives the sums of each combination of a sweep, which judging a search needs and nobody keeps.
pub trait TrialObserver: Sync {
    /// Receives the sums of a combination, and Σ r of each chunk of calendar time ([`Tables::chunks`]). Called on any thread, in any
    /// order, once for each combination that did not fail.
    fn on_trial(&self, combination: usize, sums: &TrialSums, chunks: &[f64]);
}

/// The results of some combinations, and why the first that failed did.
#[derive(Debug, Default)]
pub struct SweepPart {
    /// The results.
    pub columns: SweepColumns,
    /// The first combination that failed, and its error.
    pub failure: Option<(usize, Error)>,
    /// The number of combinations by [`Path`].
    pub paths: [usize; 3],
}

impl SweepInput<'_> {
    /// Computes combinations in order, until all are done or `take`, which receives their results, breaks. Returns the
    /// combination after the last one whose results were taken.
    ///
    /// The results of a combination depend neither on the range nor on the number of threads.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` and `BAD_DATA` for bars that the strategy cannot be run on; those of `take`; cancelled by the observer.
    /// A combination that fails by itself has no metrics.
    pub fn compute(
        &self,
        combinations: Range<usize>,
        executor: &dyn Executor,
        observer: &dyn ProgressObserver,
        take: &mut dyn FnMut(SweepPart) -> Result<ControlFlow<()>>,
    ) -> Result<usize> {
        let mut next = combinations.start;
        if next >= combinations.end {
            return Ok(next);
        }
        let source = self.source();
        let shared = self.shared()?;
        for stage in source.stages()? {
            let range = stage.start.max(next)..stage.end.min(combinations.end);
            if range.is_empty() {
                continue;
            }
            let stage = source.stage(range, executor, observer)?;
            if self.compute_stage(&stage, &shared, &mut next, executor, observer, take)?.is_break()
            {
                break;
            }
        }
        Ok(next)
    }

    /// Returns how each signal of the strategy is computed.
    pub fn source(&self) -> SignalSource<'_> {
        SignalSource::new(self.strategy, self.space, self.values, self.bars, self.warm_up, BUDGET)
    }

    fn compute_stage(
        &self,
        stage: &Stage<'_>,
        shared: &Shared<'_>,
        next: &mut usize,
        executor: &dyn Executor,
        observer: &dyn ProgressObserver,
        take: &mut dyn FnMut(SweepPart) -> Result<ControlFlow<()>>,
    ) -> Result<ControlFlow<()>> {
        let most = (PART / self.bars.len().max(1)).clamp(1, MAX_PART);
        let mut size = most;
        let end = stage.combinations().end;
        let idle = Mutex::new(Vec::new());
        while *next < end {
            let (start, left) = (*next, (end - *next).div_ceil(size));
            let parts = map_parts(executor, left.min(PARTS_AT_ONCE), |part| {
                let from = start + part * size;
                let range = from..end.min(from + size);
                let worker = lock(&idle).pop();
                let (mut signals, mut worker) = match worker {
                    Some(worker) => worker,
                    None => (stage.worker()?, Worker::default()),
                };
                let computed = self.part(range, shared, &mut signals, &mut worker, observer);
                lock(&idle).push((signals, worker));
                computed
            });
            let mut is_slow = false;
            for part in parts {
                let part = part?;
                let [.., plain] = part.paths;
                is_slow |= plain > 0;
                *next = part.columns.from + part.columns.len();
                if take(part)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            // Results and progress should not wait for seconds.
            size = if is_slow { (most / SLOW).max(1) } else { most };
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Computes the combinations of one part.
    fn part(
        &self,
        combinations: Range<usize>,
        shared: &Shared<'_>,
        signals: &mut signals::Worker<'_>,
        worker: &mut Worker,
        observer: &dyn ProgressObserver,
    ) -> Result<SweepPart> {
        let columns = self.columns(combinations.start, combinations.len())?;
        let mut part = SweepPart { columns, ..SweepPart::default() };
        let axes = self.space.axes().iter();
        let changes_settings =
            axes.into_iter().any(|axis| !matches!(axis.target, Target::Parameter(_)));
        signals.each(combinations, observer, &mut |combination, found| {
            let measured = match found {
                Ok(found) if changes_settings => {
                    let settings = settings_of(self.space, combination, self.input.settings);
                    self.measure(shared, found, &settings, worker, observer)
                }
                Ok(found) => self.measure(shared, found, self.input.settings, worker, observer),
                Err(issues) => Err(Error::with_issues(Code::InvalidArgument, issues)),
            };
            self.record(combination, measured, worker, &mut part)
        })?;
        Ok(part)
    }

    /// Computes the metrics of one combination.
    fn measure(
        &self,
        shared: &Shared<'_>,
        found: SweptSignals<'_>,
        settings: &Settings,
        worker: &mut Worker,
        observer: &dyn ProgressObserver,
    ) -> Result<Path> {
        let Shared { tables, wanted } = shared;
        let input = self.input_with(settings);
        let measured =
            measure::measure(tables, &input, found, wanted, &mut worker.scratch, observer)?;
        worker.values.clear();
        let values = self.metrics.iter().map(|metric| metric.of(&measured.statistics));
        worker.values.extend(values.map(|value| value.unwrap_or(f64::NAN)));
        Ok(measured.path)
    }

    fn columns(&self, from: usize, combinations: usize) -> Result<SweepColumns> {
        let columns = SweepColumns::with_capacity(from, self.kept, combinations)?;
        match self.sums_of {
            Some(total) => columns.with_sums(total),
            None => Ok(columns),
        }
    }

    /// Appends what was measured of a combination. Its metrics are in the worker.
    fn record(
        &self,
        combination: usize,
        measured: Result<Path>,
        worker: &mut Worker,
        part: &mut SweepPart,
    ) -> Result<()> {
        match measured {
            Ok(path) => {
                if let Some(count) = part.paths.get_mut(path as usize) {
                    *count += 1;
                }
                let objective = (self.objective)(&worker.values);
                let standing = self.standing(&worker.values, objective);
                part.columns.push(&worker.values, objective, standing);
                let sums = worker.scratch.sums();
                if let (Some(observer), Some(sums)) = (self.on_trial, sums) {
                    observer.on_trial(combination, sums, worker.scratch.chunk_sums());
                }
                if let Some(columns) = &mut part.columns.sums {
                    columns.push(sums);
                }
            }
            Err(error) if is_of_the_sweep(&error) => return Err(error),
            Err(error) => {
                worker.values.clear();
                worker.values.resize(self.metrics.len(), f64::NAN);
                part.columns.push(&worker.values, f64::NAN, Standing::Failed);
                if let Some(columns) = &mut part.columns.sums {
                    columns.push(None);
                }
                part.failure.get_or_insert((combination, error));
            }
        }
        Ok(())
    }

    fn standing(&self, values: &[f64], objective: f64) -> Standing {
        let [total, closed] =
            self.trade_counts.map(|metric| values.get(metric).copied().unwrap_or(0.0));
        if total == 0.0 {
            Standing::NoTrades
        } else if closed < self.min_trades {
            Standing::FewTrades
        } else if objective.is_nan() {
            Standing::NullObjective
        } else {
            Standing::Competes
        }
    }

    /// Returns the results of one combination with these signals, which include those on the bars before the range.
    ///
    /// # Errors
    /// Cancelled by the observer. A combination that fails by itself has no metrics.
    pub fn part_of_signals(
        &self,
        shared: &Shared<'_>,
        combination: usize,
        signals: &Signals,
        observer: &dyn ProgressObserver,
    ) -> Result<SweepPart> {
        let settings = settings_of(self.space, combination, self.input.settings);
        let signals = signals.clone().after(self.warm_up);
        let found = SweptSignals {
            bars: signals.entries.len(),
            entries: signals.entries.words(),
            exits: signals.exits.words(),
            short_entries: signals.short_entries.as_ref().map(Bits::words),
            short_exits: signals.short_exits.as_ref().map(Bits::words),
        };
        let mut worker = Worker::default();
        let measured = self.measure(shared, found, &settings, &mut worker, observer);
        let columns = self.columns(combination, 1)?;
        let mut part = SweepPart { columns, ..SweepPart::default() };
        self.record(combination, measured, &mut worker, &mut part)?;
        Ok(part)
    }

    /// Returns the input of a combination with these settings.
    pub fn input_with<'b>(&'b self, settings: &'b Settings) -> BacktestInput<'b> {
        let mut input = BacktestInput { settings, ..self.input };
        // An axis may change the days per year.
        if settings.conventions.year_days != self.input.settings.conventions.year_days {
            input.annualization = annualization(settings, input.timestamps, input.bar_milliseconds);
        }
        input
    }

    /// Prepares what all combinations read.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if the memory cannot be allocated.
    pub fn shared(&self) -> Result<Shared<'_>> {
        let tables = Tables::new(&self.input)?;
        let wants_sums = self.sums_of.is_some() || self.on_trial.is_some();
        Ok(Shared { tables, wanted: Wanted::new(self.metrics, wants_sums) })
    }
}

/// Returns the parameters and the settings of a combination.
pub fn bind(
    space: &Space,
    combination: usize,
    values: &ParameterValues,
    settings: &Settings,
) -> (ParameterValues, Settings) {
    let mut values = values.clone();
    for (index, axis) in space.axes().iter().enumerate() {
        if let Target::Parameter(parameter) = axis.target {
            values.assign(parameter, space.value(combination, index));
        }
    }
    (values, settings_of(space, combination, settings))
}

fn settings_of(space: &Space, combination: usize, settings: &Settings) -> Settings {
    let mut settings = settings.clone();
    for (index, axis) in space.axes().iter().enumerate() {
        axis.assign(space.value(combination, index), &mut settings);
    }
    settings
}

/// Returns whether an error ends the sweep, rather than only its combination.
fn is_of_the_sweep(error: &Error) -> bool {
    error.code != Code::InvalidArgument
        || error.issues.iter().any(|issue| issue.path.starts_with("bars"))
}

/// What all combinations read.
#[derive(Debug)]
pub struct Shared<'a> {
    tables: Tables,
    wanted: Wanted<'a>,
}

/// What a thread reuses from one combination to the next.
#[derive(Debug, Default)]
struct Worker {
    scratch: Scratch,
    /// The metrics of the last combination.
    values: Vec<f64>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
