//! Runs a backtest.

use std::sync::Arc;
use std::time::Instant;

use crate::backtest::{BacktestInput, Buffers, Pipeline, StrategyRun, annualization};
use crate::data::LoadedBars;
use crate::error::{Code, Error, Issue, Result};
use crate::market::{Annualization, Bars, Interval, Limit, Timeframe, time};
use crate::note::{self, Note};
use crate::quote;
use crate::settings::{Settings, YearDays};
use crate::signals::Signals;
use crate::simulation::Prices;
use crate::store::record::{Assumptions, BarRange};
use crate::store::{Outcome, Run, Status};

use super::backtest_request::{BacktestRequest, mistakes};
use super::bound_request::BoundRequest;
use super::cancellation::Cancellation;
use super::engine::Engine;
use super::fingerprint::fingerprint;
use super::function::BoundFunction;
use super::limits::DEFAULT_INTRADAY_DAYS;
use super::load::LoadPlan;
use super::look_ahead::LookAhead;
use super::pool::{JobLength, SimulationPool};
use super::progress::{CallControl, ProgressReporter};
use super::run_queue::Ticket;
use super::warm_up::WarmBars;
use super::{clock, look_ahead, outcome, pool};

/// A completed run.
#[derive(Debug)]
pub struct CompletedRun {
    /// The record of the run.
    pub run: Run,
    /// The results.
    pub outcome: Arc<Outcome>,
    /// The opening times of its bars as floating-point UTC milliseconds; empty if they were not converted.
    pub timestamps_ms: Vec<f64>,
    /// The range of its bars.
    pub range: Option<BarRange>,
    /// The maximum number of points of the returned curve; `None` for all of them.
    pub max_points: Option<usize>,
    /// Whether the run was stored.
    pub is_stored: bool,
}

impl Engine {
    /// Runs a backtest and returns its record. With `persist`, the run is stored from the beginning: as `pending` while it
    /// is queued, then as `running`, and finally as `completed`, `failed` or `cancelled`.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `UNKNOWN_STRATEGY`, `NO_DATA`, `BAD_DATA`, `LIMIT_EXCEEDED`, `STORAGE`, `CLOSED`, and
    /// `Cancelled` if the caller cancels it. A rejected request is not stored.
    pub async fn run_backtest(
        &self,
        request: BacktestRequest,
        control: CallControl,
        mut ticket: Ticket,
    ) -> Result<CompletedRun> {
        let _call = self.start_recorded_call(&control.cancellation)?;
        let cancellation = control.cancellation.clone();
        // A run that is cancelled at once is stored as cancelled, too, if the store can be reached.
        let catalog = cancellation.or_soon(self.catalog_for(&request.strategy.reference)).await?;
        let limit = Limit::of_run(self.config.max_data_points);
        let is_long = request.is_long_to_bind();
        let request = pool::run_blocking(is_long, || request.bind(&catalog, limit))?;
        drop(catalog);
        let plan = cancellation.or_soon(self.plan_load(&request.bar_query())).await?;
        self.check_duration(&request, plan.interval())?;
        if plan.is_short(&request.bar_query()) {
            ticket.set_short();
        }
        let mut run = new_run(&request, &plan);
        run.status = if ticket.must_wait() { Status::Pending } else { Status::Running };
        if request.persist {
            // Waiting for an unreachable store ends if the run is cancelled.
            cancellation.or_soon(self.backends()).await?;
            self.store_run(&mut run).await?;
        }
        let reporter = ProgressReporter::new(&run.id, control);
        let (persist, max_points) = (request.persist, request.max_points);
        // A panic ends the run like any other failure, so that its record does not remain `running`.
        let result = pool::catch_panics(Box::pin(async {
            if run.status == Status::Pending {
                reporter.stage("queued");
                let wait = async {
                    ticket.wait().await;
                    Ok(())
                };
                cancellation.or(wait).await?;
                if persist {
                    self.record_start(&run).await?;
                }
            }
            self.execute(request, plan, &mut run, reporter).await
        }))
        .await;
        match result {
            Ok(Computed { outcome, timestamps_ms, range, .. }) => {
                let is_stored = persist;
                Ok(CompletedRun { run, outcome, timestamps_ms, range, max_points, is_stored })
            }
            Err(error) => {
                if persist {
                    self.record_failure(&run, &error).await;
                }
                Err(error)
            }
        }
    }

    /// Checks the length of the range. The default limit is for bars shorter than a day: studies on daily bars need decades, and
    /// the limit on the number of bars bounds them.
    pub(super) fn check_duration(&self, request: &BoundRequest, interval: Interval) -> Result<()> {
        let is_intraday = interval.timeframe().is_none_or(|timeframe| timeframe < Timeframe::D1);
        let default = is_intraday.then_some(DEFAULT_INTRADAY_DAYS);
        let Some(limit) = self.config.max_backtest_duration_days.or(default) else {
            return Ok(());
        };
        let duration = request.end - request.start;
        if duration <= i64::from(limit) * time::DAY {
            return Ok(());
        }
        let of_bars = if self.config.max_backtest_duration_days.is_none() {
            format!(" of {interval} bars")
        } else {
            String::new()
        };
        #[expect(clippy::cast_precision_loss, reason = "only displayed")]
        let days = (duration as f64 / time::DAY as f64 * 100.0).round() / 100.0;
        let message = format!(
            "the range{of_bars} from {} to {} is {days} days long, the limit maxBacktestDurationDays (MAX_BACKTEST_DURATION_DAYS) is {limit}",
            time::short(request.start),
            time::short_end(request.end),
        );
        Err(Error::new(Code::LimitExceeded, message))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the duration of a run is logged; it does not affect results"
    )]
    async fn execute(
        &self,
        request: BoundRequest,
        plan: LoadPlan,
        run: &mut Run,
        reporter: ProgressReporter,
    ) -> Result<Computed> {
        let start = Instant::now();
        reporter.stage("loading");
        let cancellation = reporter.cancellation().clone();
        let cancelled_before_storing = cancellation.clone();
        let loaded = cancellation.or(self.load(&request.bar_query(), &plan)).await?;
        let warm = cancellation.or(self.add_warm_up(&request, &plan, &loaded.bars)).await?;
        let count = loaded.bars.len();
        let (signals, look_ahead) = match &request.function {
            Some(function) => {
                reporter.stage("signals");
                let allows = request.allow_look_ahead;
                let signals = function_signals(function, &request.settings, &warm.bars, allows);
                let (signals, look_ahead) = cancellation.or(signals).await?;
                (Some(signals), look_ahead)
            }
            None => (None, None),
        };
        let persist = request.persist;
        let (span, interval) = ((run.start, run.end), plan.interval());
        let length = JobLength::of(warm.bars.len());
        let work = RunWork { request, interval, span, loaded, warm, signals, look_ahead };
        let computed = pool::run(length, move || work.compute(&reporter, &cancellation)).await;
        let mut computed = computed?;
        // From here on, a cancellation takes effect when the run is delivered: see `revoke_run`.
        cancelled_before_storing.check()?;
        run.fingerprint = computed.fingerprint.take();
        run.completed_at = Some(clock::now());
        let outcome = &computed.outcome;
        if persist {
            self.store_outcome(run, outcome).await?;
        }
        run.status = Status::Completed;
        tracing::info!(
            backtest_id = %run.id, strategy_id = %run.strategy_id, asset_symbol = %quote::name(&run.asset_symbol),
            timeframe = %run.timeframe, bars = count, trades = outcome.trades.len(),
            total_return = outcome.summary.total_return, persisted = persist,
            elapsed_ms = start.elapsed().as_secs_f64() * 1000.0, "backtest completed"
        );
        Ok(computed)
    }
}

/// What a run came to.
struct Computed {
    outcome: Arc<Outcome>,
    /// The opening times of its bars as floating-point UTC milliseconds; empty if they were not converted.
    timestamps_ms: Vec<f64>,
    range: Option<BarRange>,
    /// The hash of its bars, if it is stored.
    fingerprint: Option<String>,
}

/// What a run is computed from, once its bars are loaded.
struct RunWork {
    request: BoundRequest,
    interval: Interval,
    /// The first and the last requested timestamp, UTC milliseconds.
    span: (i64, i64),
    loaded: Arc<LoadedBars>,
    warm: WarmBars,
    /// The signals of a function of the caller.
    signals: Option<Signals>,
    look_ahead: Option<Note>,
}

impl RunWork {
    fn compute(self, reporter: &ProgressReporter, cancellation: &Cancellation) -> Result<Computed> {
        let Self { request, interval, span, loaded, warm, signals, look_ahead } = self;
        let (bars, parts) = (&loaded.bars, request.parts);
        cancellation.check()?;
        let bar_milliseconds = interval.timeframe().map(Timeframe::milliseconds);
        let annualization = match (request.settings.conventions.year_days, loaded.measured) {
            (YearDays::Auto, Some(measured)) => measured.annualization,
            _ => annualization(&request.settings, bars.timestamps(), bar_milliseconds),
        };
        let input = BacktestInput {
            prices: Prices::from(&**bars),
            timestamps: bars.timestamps(),
            bar_milliseconds,
            annualization,
            initial_capital: request.initial_capital,
            settings: &request.settings,
        };
        let observer = reporter.observer(bars.timestamps());
        let pipeline = Pipeline { executor: &SimulationPool, observer: &observer };
        // The signals are computed by one thread; another one can convert the timestamps meanwhile.
        let (computed, timestamps_ms) = pool::join(
            bars.len(),
            || {
                let (bound, warm_up) = (&*request.bound, warm.count);
                let run = StrategyRun { strategy: bound, signals, bars: &warm.bars, warm_up };
                let outputs = &outcome::outputs_of(parts);
                pipeline.run_strategy(run, &input, outputs, &mut Buffers::default())
            },
            || {
                let is_thinned = request.max_points.is_some_and(|max| max < bars.len());
                if parts.equity && !is_thinned {
                    time::to_numbers(bars.timestamps(), &SimulationPool)
                } else {
                    Vec::new()
                }
            },
        );
        let mut backtest = computed.map_err(|error| cancellation.explain(error))?;
        let range = match loaded.measured {
            Some(measured) => BarRange::with_missing(bars.timestamps(), || measured.missing),
            None => BarRange::new(bars.timestamps(), interval, span.0, span.1),
        };
        // Without the times of the bars, nothing else says which bars they are.
        let kept_range = range.filter(|_| !parts.keep_timestamps());
        let missing = warm.missing(&request);
        let assumptions = assumptions(&annualization, warm, look_ahead.is_some(), kept_range);
        if parts.warnings {
            backtest.notes.extend(missing.into_iter().chain(look_ahead));
            backtest.notes.extend(loaded.faults.iter().chain(&loaded.notes).cloned());
            note::sort(&mut backtest.notes);
        }
        let fingerprint = request.persist.then(|| fingerprint(bars, interval));
        reporter.stage("storing");
        let outcome = outcome::outcome(backtest, bars, assumptions, parts);
        Ok(Computed { outcome: Arc::new(outcome), timestamps_ms, range, fingerprint })
    }
}

fn assumptions(
    annualization: &Annualization,
    warm: WarmBars,
    look_ahead: bool,
    range: Option<BarRange>,
) -> Assumptions {
    Assumptions {
        bars_per_year: annualization.bars_per_year,
        bars_per_year_from: annualization.describe(),
        warmup_bars: warm.count as u64,
        warmup_from: warm.reason,
        warmup_fingerprint: warm.fingerprint,
        look_ahead,
        range,
    }
}

/// Returns the signals of a function, and a note if it looks ahead and may.
///
/// # Errors
/// `INVALID_ARGUMENT` if it looks ahead and may not, and for settings that are a mistake on the sides that it trades, which are
/// known now; those of the function.
async fn function_signals(
    function: &BoundFunction,
    settings: &Settings,
    bars: &Arc<Bars>,
    allow_look_ahead: bool,
) -> Result<(Signals, Option<Note>)> {
    let signals = function.signals(bars).await?;
    let issues: Vec<Issue> = mistakes(settings, Some(signals.has_short())).collect();
    if !issues.is_empty() {
        return Err(Error::with_issues(Code::InvalidArgument, issues));
    }
    match look_ahead::spot_check(function, &signals, bars).await? {
        Some(found) if !allow_look_ahead => Err(found.into_error()),
        found => Ok((signals, found.map(LookAhead::into_note))),
    }
}

fn new_run(request: &BoundRequest, plan: &LoadPlan) -> Run {
    Run {
        id: clock::backtest_id(),
        user_id: request.user_id.clone(),
        strategy_id: request.strategy_id.clone(),
        strategy_source: request.strategy_source.clone(),
        asset_symbol: request.asset_symbol.clone(),
        timeframe: plan.interval(),
        start: request.start,
        end: request.end,
        initial_capital: request.initial_capital,
        parameters: request.bound.parameters().clone(),
        simulation: request.settings.to_json(),
        status: Status::Running,
        error: None,
        engine_version: env!("CARGO_PKG_VERSION").to_owned(),
        fingerprint: None,
        bars_revision: plan.imported_revision(),
        created_at: clock::now(),
        completed_at: None,
    }
}
