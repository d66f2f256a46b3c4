//! A sweep, computed batch by batch: one asset and timeframe after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::backtest::{Backtest, BacktestInput, Outputs, Pipeline, annualization};
use crate::compute::parallel::{Sequential, map_parts};
use crate::data::LoadedBars;
use crate::error::{Code, Error, Result};
use crate::market::{Annualization, Bars, Interval, Timeframe};
use crate::metrics::{self, Metric};
use crate::note::Note;
use crate::signals::Signals;
use crate::simulation::Prices;
use crate::store::record::{Assumptions, BarRange};
use crate::store::result_parts::ResultParts;
use crate::strategies::BoundStrategy;
use crate::sweep::columns::SweepColumns;
use crate::sweep::kernel::{SweepInput, SweepPart, bind};
use crate::sweep::whole_runs::WholeRun;

use super::bound_request::BoundRequest;
use super::bound_sweep::BoundSweep;
use super::engine::Engine;
use super::fingerprint::fingerprint;
use super::function::{BoundFunction, SignalFunction};
use super::load::LoadPlan;
use super::look_ahead::{self, LookAhead};
use super::pool::{self, JobLength, LimitedPool};
use super::progress::CallControl;
use super::sweep_progress::SweepReporter;
use super::sweep_result::SweepSeries;
use super::warm_up::WarmBars;

/// A simulation thread computes for at most about this long before other work gets a turn.
const TURN: Duration = Duration::from_secs(2);

/// At most this many calls of a function are measured together, and only as many as are made in this time.
const CALLS_AT_ONCE: usize = 16;
/// See [`CALLS_AT_ONCE`].
const CALLING: Duration = Duration::from_millis(50);

/// So many of the best combinations run on one thread, and share what their signals have in common.
const RUNS_TOGETHER: usize = 6;

/// The names of the ways in which combinations are computed, in the order of [`crate::sweep::measure::Path`].
const PATHS: [(&str, u64); 3] = [("allIn", 0), ("segments", 0), ("plain", 0)];

/// A sweep under way.
#[derive(Debug)]
pub(super) struct SweepRun {
    pub(super) id: String,
    pub(super) sweep: Arc<BoundSweep>,
    /// The metrics that are computed: those that are kept, then those that only the objective and the ranking need.
    metrics: Arc<[&'static Metric]>,
    /// The positions of `totalTrades` and `closedTrades` among them.
    trade_counts: [usize; 2],
    series: Vec<PlannedSeries>,
    /// The windows that take the place of the series, for a walk-forward on one series.
    windows: Option<SeriesWindows>,
    /// The series that was loaded last, and its index.
    loaded: Option<(usize, Arc<LoadedSeries>)>,
    /// The bars of each series that was loaded, in order.
    pub(super) bars: Vec<SweepSeries>,
    /// Remarks about bars and functions.
    pub(super) notes: Vec<Note>,
    /// The first combination that failed, and why.
    pub(super) failure: Option<(usize, Error)>,
    /// The number of combinations by how they were computed.
    pub(super) paths: [(&'static str, u64); 3],
    /// The next combination.
    pub(super) next: usize,
    pub(super) reporter: Arc<SweepReporter>,
    /// The threads that it may use.
    pool: LimitedPool,
}

/// Windows of one series. Each is swept like a series of its own.
#[derive(Debug)]
struct SeriesWindows {
    whole: Arc<LoadedSeries>,
    /// The bars of each window.
    train: Vec<Range<usize>>,
    /// How many bars before a window warm up its signals, at most.
    warm_up: usize,
}

impl SeriesWindows {
    fn series(&self, index: usize) -> Result<LoadedSeries> {
        let Some(window) = self.train.get(index) else {
            return Err(Error::internal("a walk-forward has no such window"));
        };
        Ok(self.whole.window(window.clone(), self.warm_up))
    }
}

/// An asset and a timeframe.
#[derive(Debug)]
struct PlannedSeries {
    request: BoundRequest,
    plan: LoadPlan,
}

impl PlannedSeries {
    /// Returns how many bars before a window warm up its signals: those of one combination, or of the most demanding one.
    fn warm_up(&self, strategy: Option<&BoundStrategy>) -> usize {
        match self.plan {
            // All that were handed in.
            LoadPlan::Request { .. } => usize::MAX,
            LoadPlan::Stored { interval, .. } => self.request.wanted_warm_up(interval, strategy).0,
        }
    }
}

/// A run that ended flat.
#[derive(Debug)]
pub(super) struct Tested {
    pub(super) backtest: Backtest,
    /// Whether a position was closed at the end.
    pub(super) closed_at_end: bool,
}

/// The bars of an asset and a timeframe.
#[derive(Debug)]
pub(super) struct LoadedSeries {
    loaded: Arc<LoadedBars>,
    warm: WarmBars,
    interval: Interval,
    annualization: Annualization,
}

impl LoadedSeries {
    /// Returns a window of the range, warmed up by the bars before it, at most `warm_up`.
    pub(super) fn window(&self, window: Range<usize>, warm_up: usize) -> Self {
        let first = self.warm.count + window.start;
        let count = first.min(warm_up);
        let loaded = LoadedBars {
            bars: Arc::new(self.loaded.bars.slice(window.clone())),
            notes: Vec::new(),
            faults: Vec::new(),
            measured: None,
        };
        let warm = WarmBars {
            bars: Arc::new(self.warm.bars.slice(first - count..self.warm.count + window.end)),
            count,
            reason: self.warm.reason.clone(),
            fingerprint: None,
        };
        let annualization = self.annualization.of_part(loaded.bars.timestamps());
        Self { loaded: Arc::new(loaded), warm, interval: self.interval, annualization }
    }

    /// Returns the bars of the range.
    pub(super) fn bars(&self) -> &Arc<Bars> {
        &self.loaded.bars
    }

    /// Returns the length of a bar.
    pub(super) fn interval(&self) -> Interval {
        self.interval
    }

    /// Returns how results on the range are annualized.
    pub(super) fn annualization(&self) -> Annualization {
        self.annualization
    }
}

impl SweepRun {
    /// Plans a sweep. The bars of all assets and timeframes must exist; they are loaded when their turn comes.
    ///
    /// # Errors
    /// `NO_DATA`, `LIMIT_EXCEEDED`, those of the source of the bars.
    pub(super) async fn plan(
        engine: &Engine,
        sweep: Arc<BoundSweep>,
        id: &str,
        control: CallControl,
    ) -> Result<Self> {
        let cancellation = control.cancellation.clone();
        let demanding = sweep.most_demanding()?;
        let mut series = Vec::new();
        for symbol in &sweep.asset_symbols {
            for timeframe in &sweep.timeframes {
                let request = sweep.request(symbol, *timeframe, &demanding);
                let plan = cancellation.or_soon(engine.plan_load(&request.bar_query())).await?;
                engine.check_duration(&request, plan.interval())?;
                series.push(PlannedSeries { request, plan });
            }
        }
        let mut metrics = sweep.metrics.clone();
        let counts = ["totalTrades", "closedTrades"].into_iter().filter_map(metrics::find);
        for metric in sweep.objective.metrics().iter().copied().chain(counts) {
            if !metrics.iter().any(|known| known.name == metric.name) {
                metrics.push(metric);
            }
        }
        let position = |name: &str| {
            metrics.iter().position(|metric| metric.name == name).unwrap_or(usize::MAX)
        };
        let total = (series.len() * sweep.space.len()) as u64;
        Ok(Self {
            id: id.to_owned(),
            reporter: Arc::new(SweepReporter::new(id, control, total, 0)),
            trade_counts: ["totalTrades", "closedTrades"].map(position),
            metrics: metrics.into(),
            series,
            windows: None,
            loaded: None,
            bars: Vec::new(),
            notes: Vec::new(),
            failure: None,
            paths: PATHS,
            next: 0,
            pool: LimitedPool::new(engine.config.threads),
            sweep,
        })
    }

    /// Returns the number of all combinations.
    pub(super) fn total(&self) -> usize {
        let windows = self.windows.as_ref().map(|windows| windows.train.len());
        windows.unwrap_or(self.series.len()) * self.sweep.space.len()
    }

    /// Sweeps windows of the one series, one after the other, instead of the series: combination c of window w has the number
    /// w × (combinations of the space) + c.
    ///
    /// # Errors
    /// Those of loading the bars.
    pub(super) async fn sweep_windows(
        &mut self,
        engine: &Engine,
        train: Vec<Range<usize>>,
        control: CallControl,
    ) -> Result<()> {
        let whole = self.load(engine, 0).await?;
        let warm_up = self.series.first().map_or(0, |series| series.warm_up(None));
        self.windows = Some(SeriesWindows { whole, train, warm_up });
        self.loaded = None;
        self.reporter = Arc::new(SweepReporter::new(&self.id, control, self.total() as u64, 0));
        Ok(())
    }

    /// Runs a combination on a window of the one series, warmed up as a backtest on that window is, and closes the position that
    /// is open at its end.
    ///
    /// # Errors
    /// Those of its run.
    pub(super) async fn test(
        &self,
        whole: &LoadedSeries,
        combination: usize,
        window: Range<usize>,
    ) -> Result<Tested> {
        let sweep = Arc::clone(&self.sweep);
        let (values, settings) = bind(&sweep.space, combination, &sweep.values, &sweep.settings);
        let strategy = sweep
            .strategy
            .bind_values(&values)
            .map_err(|issues| Error::with_issues(Code::InvalidArgument, issues))?;
        let warm_up = self.series.first().map_or(0, |series| series.warm_up(Some(&strategy)));
        let series = whole.window(window, warm_up);
        let signals = match &sweep.function {
            Some(function) => {
                let bound = sweep.bind_function(function, combination)?;
                Some(bound.signals(&series.warm.bars).await?)
            }
            None => None,
        };
        let reporter = Arc::clone(&self.reporter);
        pool::run(JobLength::of(series.warm.bars.len()), move || {
            let signals = match signals {
                Some(signals) => signals,
                None => strategy.signals(&series.warm.bars, &*reporter)?,
            };
            let signals = signals.after(series.warm.count);
            let input = sweep.input(&series, metrics::METRICS);
            let input = input.input_with(&settings);
            let outputs = Outputs::metrics(metrics::METRICS);
            let pipeline = Pipeline { executor: &Sequential, observer: &*reporter };
            let (backtest, closed_at_end) = pipeline.run_to_flat(&input, &signals, &outputs)?;
            Ok(Tested { backtest, closed_at_end })
        })
        .await
    }

    /// Creates empty columns.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if the memory cannot be allocated.
    pub(super) fn columns(&self, from: usize, rows: usize) -> Result<SweepColumns> {
        let columns = SweepColumns::with_capacity(from, self.sweep.metrics.len(), rows)?;
        if self.sweep.sums { columns.with_sums(self.total()) } else { Ok(columns) }
    }

    /// Returns the series of a combination, and the combination within it.
    pub(super) fn locate(&self, combination: usize) -> (usize, usize) {
        let each = self.sweep.space.len().max(1);
        (combination / each, combination % each)
    }

    /// Returns the asset and the timeframe of a series.
    pub(super) fn names(&self, series: usize) -> (String, String) {
        self.series.get(series).map_or_else(Default::default, |series| {
            (series.request.asset_symbol.clone(), series.plan.interval().as_str().to_owned())
        })
    }

    /// Returns the interval of each series.
    pub(super) fn intervals(&self) -> impl Iterator<Item = Interval> + '_ {
        self.series.iter().map(|series| series.plan.interval())
    }

    /// Computes some of the next combinations and appends them to `columns`: at most as many as give it `limit` rows. If the
    /// sweep is cancelled, what was done is returned with the error.
    pub(super) async fn advance(
        &mut self,
        engine: &Engine,
        columns: SweepColumns,
        limit: usize,
    ) -> (SweepColumns, Result<()>) {
        let (columns, result) = self.step(engine, columns, limit).await;
        let explain = |error| self.reporter.cancellation().explain(error);
        (columns, result.map_err(explain))
    }

    async fn step(
        &mut self,
        engine: &Engine,
        columns: SweepColumns,
        limit: usize,
    ) -> (SweepColumns, Result<()>) {
        let (index, first) = self.locate(self.next);
        let series = match self.load(engine, index).await {
            Ok(series) => series,
            Err(error) => return (columns, Err(error)),
        };
        self.reporter.begin();
        let room = limit - columns.len();
        let end = self.sweep.space.len().min(first.saturating_add(room));
        let batch = Arc::new(Batch {
            sweep: Arc::clone(&self.sweep),
            metrics: Arc::clone(&self.metrics),
            trade_counts: self.trade_counts,
            series,
            pool: self.pool,
            reporter: Arc::clone(&self.reporter),
            offset: self.next - first,
            total: self.total(),
        });
        let computed = if let Some(function) = self.sweep.function.clone() {
            batch.call(&function, first..end, columns).await
        } else {
            let work = batch.series.loaded.bars.len().saturating_mul(end - first);
            let job = move || Ok(batch.compute(first..end, columns));
            pool::run(JobLength::of(work), job).await.unwrap_or_else(Computed::lost)
        };
        let Computed { columns, failure, paths, result } = computed;
        self.next = self.next.max(columns.from + columns.len());
        self.failure = self.failure.take().or(failure);
        for ((_, count), more) in self.paths.iter_mut().zip(paths) {
            *count += more as u64;
        }
        (columns, result)
    }

    /// Loads the bars of a series, unless they were loaded last.
    pub(super) async fn load(
        &mut self,
        engine: &Engine,
        index: usize,
    ) -> Result<Arc<LoadedSeries>> {
        if let Some((_, series)) = self.loaded.as_ref().filter(|(loaded, _)| *loaded == index) {
            return Ok(Arc::clone(series));
        }
        if let Some(windows) = &self.windows {
            let series = Arc::new(windows.series(index)?);
            self.loaded = Some((index, Arc::clone(&series)));
            return Ok(series);
        }
        // The bars of the series before need not be kept while others are loaded.
        self.loaded = None;
        let cancellation = self.reporter.cancellation().clone();
        let Some(PlannedSeries { request, plan }) = self.series.get(index) else {
            return Err(Error::internal("a sweep has no such series"));
        };
        let query = request.bar_query();
        let loaded = cancellation.or(engine.load(&query, plan)).await?;
        let warm = cancellation.or(engine.add_warm_up(request, plan, &loaded.bars)).await?;
        let interval = plan.interval();
        let bar_milliseconds = interval.timeframe().map(Timeframe::milliseconds);
        let timestamps = loaded.bars.timestamps();
        let annualization = annualization(&request.settings, timestamps, bar_milliseconds);
        if self.bars.len() <= index {
            self.notes.extend(warm.missing(request));
            self.notes.extend(loaded.faults.iter().chain(&loaded.notes).cloned());
            self.bars.push(SweepSeries {
                asset_symbol: request.asset_symbol.clone(),
                timeframe: interval.as_str().to_owned(),
                fingerprint: self.sweep.persist.then(|| fingerprint(&loaded.bars, interval)),
                assumptions: Assumptions {
                    bars_per_year: annualization.bars_per_year,
                    bars_per_year_from: annualization.describe(),
                    warmup_bars: warm.count as u64,
                    warmup_from: warm.reason.clone(),
                    warmup_fingerprint: warm.fingerprint.clone(),
                    look_ahead: false,
                    range: BarRange::new(timestamps, interval, request.start, request.end),
                },
            });
        }
        let series = Arc::new(LoadedSeries { loaded, warm, interval, annualization });
        self.loaded = Some((index, Arc::clone(&series)));
        Ok(series)
    }

    /// Runs combinations again as single runs, with all metrics; the first one with its remarks.
    ///
    /// # Errors
    /// Those of their runs.
    pub(super) async fn run_again(
        &mut self,
        engine: &Engine,
        combinations: &[usize],
    ) -> Result<Vec<WholeRun>> {
        let noted = combinations.first().copied();
        // In the order of the grid, neighbors have more in common. One can be the best and the choice.
        let distinct: BTreeSet<usize> = combinations.iter().copied().collect();
        let distinct: Vec<usize> = distinct.into_iter().collect();
        let mut runs = BTreeMap::new();
        let mut rest = distinct.as_slice();
        while let [first, ..] = rest {
            let (index, of_first) = self.locate(*first);
            let offset = first - of_first;
            let of_series = rest.iter().take_while(|next| self.locate(**next).0 == index).count();
            // A function is called by the thread that it belongs to.
            let count = if self.sweep.function.is_some() { 1 } else { of_series };
            let (now, later) = rest.split_at(count);
            rest = later;
            let series = self.load(engine, index).await?;
            let (signals, looks_ahead) = self.call_again(&series, of_first).await?;
            let noted = noted.filter(|noted| now.contains(noted)).map(|noted| noted - offset);
            let own: Vec<usize> = now.iter().map(|of| of - offset).collect();
            let (sweep, reporter) = (Arc::clone(&self.sweep), Arc::clone(&self.reporter));
            let threads = self.pool;
            let length = JobLength::of(series.loaded.bars.len().saturating_mul(own.len()));
            let job = move || {
                let input = sweep.input(&series, metrics::METRICS);
                let groups: Vec<&[usize]> = own.chunks(RUNS_TOGETHER).collect();
                let found = map_parts(&threads, groups.len(), |group| {
                    let group = groups.get(group).copied().unwrap_or(&[]);
                    input.whole_runs(group, signals.clone(), noted, &*reporter)
                });
                found.into_iter().collect::<Result<Vec<_>>>()
            };
            for (combination, mut run) in
                now.iter().zip(pool::run(length, job).await?.into_iter().flatten())
            {
                if noted.is_some() {
                    run.notes.extend(looks_ahead.clone());
                }
                runs.insert(*combination, run);
            }
        }
        let run = |of: &usize| {
            runs.get(of).cloned().ok_or_else(|| Error::internal("a combination was not run"))
        };
        combinations.iter().map(run).collect()
    }

    /// Returns the signals of a function for one combination, and a remark if it looks ahead and may.
    async fn call_again(
        &self,
        series: &LoadedSeries,
        combination: usize,
    ) -> Result<(Option<Signals>, Option<Note>)> {
        let Some(function) = &self.sweep.function else { return Ok((None, None)) };
        let bound = self.sweep.bind_function(function, combination)?;
        let bars = &series.warm.bars;
        let signals = bound.signals(bars).await?;
        match look_ahead::spot_check(&bound, &signals, bars).await? {
            Some(found) if !self.sweep.allow_look_ahead => Err(found.into_error()),
            found => Ok((Some(signals), found.map(LookAhead::into_note))),
        }
    }
}

/// Computes combinations of one series.
struct Batch {
    sweep: Arc<BoundSweep>,
    metrics: Arc<[&'static Metric]>,
    trade_counts: [usize; 2],
    series: Arc<LoadedSeries>,
    pool: LimitedPool,
    reporter: Arc<SweepReporter>,
    /// The first combination of the series.
    offset: usize,
    /// The number of all combinations.
    total: usize,
}

/// What was computed before a batch ended, and how it ended.
struct Computed {
    columns: SweepColumns,
    /// The first combination that failed, and why.
    failure: Option<(usize, Error)>,
    /// The number of combinations by how they were computed.
    paths: [usize; 3],
    result: Result<()>,
}

impl Computed {
    /// The columns are lost if the thread that computes panics.
    fn lost(error: Error) -> Self {
        Self { columns: SweepColumns::default(), failure: None, paths: [0; 3], result: Err(error) }
    }
}

impl Batch {
    /// Computes combinations until all are done or other work should get a turn.
    #[expect(
        clippy::disallowed_methods,
        reason = "the clock ends a turn; it does not affect results"
    )]
    fn compute(&self, combinations: Range<usize>, mut columns: SweepColumns) -> Computed {
        let start = Instant::now();
        let (mut failure, mut paths) = (None, [0; 3]);
        let mut take = |part: SweepPart| {
            columns.append(&part.columns)?;
            add(&mut paths, part.paths);
            let of_sweep = |(combination, error)| (self.offset + combination, error);
            failure = failure.take().or(part.failure.map(of_sweep));
            self.reporter.done((columns.from + columns.len()) as u64);
            let is_over = start.elapsed() >= TURN;
            Ok(if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        };
        let objective = self.sweep.objective_of(&self.metrics);
        let input = self.input(&objective);
        let result = input.compute(combinations, &self.pool, &*self.reporter, &mut take);
        Computed { columns, failure, paths, result: result.map(|_| ()) }
    }

    /// Computes combinations whose signals a function of the caller computes, one call for each. Some are measured together.
    #[expect(
        clippy::disallowed_methods,
        reason = "the clock times progress; it does not affect results"
    )]
    async fn call(
        self: &Arc<Self>,
        function: &Arc<dyn SignalFunction>,
        combinations: Range<usize>,
        columns: SweepColumns,
    ) -> Computed {
        let mut computed = Computed { columns, failure: None, paths: [0; 3], result: Ok(()) };
        let mut next = combinations.start;
        while next < combinations.end && computed.result.is_ok() {
            let start = Instant::now();
            let (first, mut called) = (next, Vec::new());
            while next < combinations.end
                && called.len() < CALLS_AT_ONCE
                && start.elapsed() < CALLING
            {
                match self.call_once(function, next).await {
                    Ok(signals) => called.push(signals),
                    Err(error) => {
                        computed.result = Err(error);
                        break;
                    }
                }
                next += 1;
            }
            let (batch, length) = (Arc::clone(self), self.series.loaded.bars.len());
            let work = JobLength::of(length.saturating_mul(called.len()));
            let columns = std::mem::take(&mut computed.columns);
            let job = move || Ok(batch.measure(first, &called, columns));
            let measured = pool::run(work, job).await.unwrap_or_else(Computed::lost);
            computed.columns = measured.columns;
            computed.failure = computed.failure.or(measured.failure);
            add(&mut computed.paths, measured.paths);
            computed.result = computed.result.and(measured.result);
            self.reporter.done((computed.columns.from + computed.columns.len()) as u64);
        }
        computed
    }

    async fn call_once(
        &self,
        function: &Arc<dyn SignalFunction>,
        combination: usize,
    ) -> Result<Signals> {
        self.reporter.cancellation().check()?;
        let bound = self.sweep.bind_function(function, combination)?;
        let cancellation = self.reporter.cancellation().clone();
        let bars = &self.series.warm.bars;
        let signals = cancellation.or(bound.signals(bars)).await?;
        if combination == 0 && !self.sweep.allow_look_ahead {
            let found = cancellation.or(look_ahead::spot_check(&bound, &signals, bars)).await?;
            if let Some(found) = found {
                return Err(found.into_error());
            }
        }
        Ok(signals)
    }

    /// Measures combinations with these signals, which follow each other.
    fn measure(&self, first: usize, called: &[Signals], mut columns: SweepColumns) -> Computed {
        let objective = self.sweep.objective_of(&self.metrics);
        let input = self.input(&objective);
        let (mut failure, mut paths) = (None, [0; 3]);
        let result = input.shared().and_then(|shared| {
            for (combination, signals) in (first..).zip(called) {
                let part = input.part_of_signals(&shared, combination, signals, &*self.reporter)?;
                columns.append(&part.columns)?;
                let of_sweep = |(combination, error)| (self.offset + combination, error);
                failure = failure.take().or(part.failure.map(of_sweep));
                add(&mut paths, part.paths);
            }
            Ok(())
        });
        Computed { columns, failure, paths, result }
    }

    fn input<'a>(&'a self, objective: &'a (dyn Fn(&[f64]) -> f64 + Sync)) -> SweepInput<'a> {
        let kept = self.sweep.metrics.len();
        let input = self.sweep.input(&self.series, &self.metrics);
        let sums_of = self.sweep.sums.then_some(self.total);
        SweepInput { kept, trade_counts: self.trade_counts, objective, sums_of, ..input }
    }
}

fn add(counts: &mut [usize; 3], more: [usize; 3]) {
    for (count, more) in counts.iter_mut().zip(more) {
        *count += more;
    }
}

impl BoundSweep {
    /// Returns the combination whose signals depend on the most earlier bars, as far as a search over the corners of the grid
    /// and a spread of other combinations finds it.
    fn most_demanding(&self) -> Result<Arc<BoundStrategy>> {
        let mut best: Option<(usize, BoundStrategy)> = None;
        let mut failure = None;
        for combination in self.probes() {
            let (values, _) = bind(&self.space, combination, &self.values, &self.settings);
            match self.strategy.bind_values(&values) {
                Ok(bound) => {
                    // The length of the bars is not known yet; a day lets bars of higher timeframes count most.
                    let required = bound.plan().required_bars(1);
                    if best.as_ref().is_none_or(|(most, _)| required > *most) {
                        best = Some((required, bound));
                    }
                }
                Err(issues) => {
                    failure.get_or_insert(issues);
                }
            }
        }
        match (best, failure) {
            (Some((_, bound)), _) => Ok(Arc::new(bound)),
            (None, Some(issues)) => Err(Error::with_issues(Code::InvalidArgument, issues)),
            (None, None) => Err(Error::internal("a sweep has no combination")),
        }
    }

    /// Returns the corners of the grid, and combinations spread over it.
    fn probes(&self) -> BTreeSet<usize> {
        const SPREAD: usize = 200;
        const MAX_AXES: usize = 8;
        let len = self.space.len();
        let spread = (0..SPREAD.min(len)).map(|probe| probe * len / SPREAD.min(len));
        let mut probes: BTreeSet<usize> = spread.chain(len.checked_sub(1)).collect();
        let axes = self.space.axes();
        if axes.len() <= MAX_AXES {
            let corner = |mask: usize| {
                let indices: Vec<u32> = axes
                    .iter()
                    .enumerate()
                    .map(|(axis, of)| {
                        let extreme = |sign: f64| {
                            let values = of.values.iter().enumerate();
                            let most = values.max_by(|a, b| (sign * a.1).total_cmp(&(sign * b.1)));
                            most.map_or(0, |(index, _)| u32::try_from(index).unwrap_or(0))
                        };
                        extreme(if mask >> axis & 1 == 1 { 1.0 } else { -1.0 })
                    })
                    .collect();
                self.space.position(&indices)
            };
            probes.extend((0..1 << axes.len()).filter_map(corner));
        }
        probes
    }

    /// Returns the request of one combination on one series, for its bars.
    fn request(
        &self,
        symbol: &str,
        timeframe: Option<Timeframe>,
        demanding: &Arc<BoundStrategy>,
    ) -> BoundRequest {
        let parameters = demanding.parameters().clone();
        BoundRequest {
            bound: Arc::clone(demanding),
            function: self
                .function
                .as_ref()
                .map(|function| BoundFunction { function: Arc::clone(function), parameters }),
            strategy_id: demanding.strategy_id().to_owned(),
            strategy_source: None,
            asset_symbol: symbol.to_owned(),
            start: self.start,
            history_start: self.history_start,
            warm_up: self.warm_up,
            end: self.end,
            initial_capital: self.initial_capital,
            timeframe,
            settings: self.settings.clone(),
            bars: self.bars.clone(),
            persist: self.persist,
            parts: ResultParts::ALL,
            max_points: None,
            allow_look_ahead: self.allow_look_ahead,
            user_id: None,
        }
    }

    /// Returns a function with the parameters of a combination.
    fn bind_function(
        &self,
        function: &Arc<dyn SignalFunction>,
        combination: usize,
    ) -> Result<BoundFunction> {
        let (values, _) = bind(&self.space, combination, &self.values, &self.settings);
        let bound = self
            .strategy
            .bind_values(&values)
            .map_err(|issues| Error::with_issues(Code::InvalidArgument, issues))?;
        let parameters = bound.parameters().clone();
        Ok(BoundFunction { function: Arc::clone(function), parameters })
    }

    /// Returns the objective as a function of the values of these metrics.
    fn objective_of<'a>(
        &'a self,
        metrics: &[&'static Metric],
    ) -> impl Fn(&[f64]) -> f64 + Sync + use<'a> {
        let position = |wanted: &&'static Metric| {
            metrics.iter().position(|metric| metric.name == wanted.name).unwrap_or(usize::MAX)
        };
        let positions: Vec<usize> = self.objective.metrics().iter().map(position).collect();
        let objective = &self.objective;
        move |values| {
            objective.value(|metric| {
                positions.get(metric).and_then(|&at| values.get(at)).copied().unwrap_or(f64::NAN)
            })
        }
    }

    /// Returns what the kernel computes from.
    fn input<'a>(
        &'a self,
        series: &'a LoadedSeries,
        metrics: &'a [&'static Metric],
    ) -> SweepInput<'a> {
        let bars = &series.loaded.bars;
        SweepInput {
            strategy: &self.strategy,
            values: &self.values,
            space: &self.space,
            input: BacktestInput {
                prices: Prices::from(&**bars),
                timestamps: bars.timestamps(),
                bar_milliseconds: series.interval.timeframe().map(Timeframe::milliseconds),
                annualization: series.annualization,
                initial_capital: self.initial_capital,
                settings: &self.settings,
            },
            bars: &series.warm.bars,
            warm_up: series.warm.count,
            metrics,
            kept: metrics.len(),
            objective: &|_| f64::NAN,
            trade_counts: [usize::MAX; 2],
            min_trades: f64::from(self.min_trades),
            sums_of: None,
            on_trial: None,
        }
    }
}
