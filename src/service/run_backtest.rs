//! Runs a backtest.

use std::sync::Arc;
use std::time::Instant;

use crate::backtest::{BacktestInput, Buffers, Outputs, Pipeline};
use crate::error::{Code, Error, Result};
use crate::market::{Bars, Limit, Timeframe, time};
use crate::quote;
use crate::signals::Signals;
use crate::simulation::Prices;
use crate::store::{Outcome, Run, Status};

use super::backtest_request::BacktestRequest;
use super::bound_request::BoundRequest;
use super::engine::Engine;
use super::fingerprint::fingerprint;
use super::function::BoundFunction;
use super::load::LoadPlan;
use super::pool::{JobLength, SimulationPool};
use super::progress::{CallControl, ProgressReporter};
use super::run_queue::Ticket;
use super::{clock, look_ahead, outcome, pool};

/// A completed run.
#[derive(Debug)]
pub struct CompletedRun {
    /// The record of the run.
    pub run: Run,
    /// The results.
    pub outcome: Arc<Outcome>,
    /// The opening times of its bars as floating-point UTC milliseconds.
    pub timestamps_ms: Vec<f64>,
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
        let _call = self.start_call(&control.cancellation)?;
        let cancellation = control.cancellation.clone();
        let catalog = cancellation.or(self.catalog_for(&request.strategy.reference)).await?;
        let limit = Limit::of_run(self.config.max_data_points);
        let is_long = request.is_long_to_bind();
        let request = pool::run_blocking(is_long, || request.bind(&catalog, limit))?;
        drop(catalog);
        self.check_duration(&request)?;
        let plan = cancellation.or(self.plan_load(&request.bar_query())).await?;
        if plan.is_short(&request.bar_query()) {
            ticket.set_short();
        }
        let mut run = new_run(&request, &plan);
        run.status = if ticket.must_wait() { Status::Pending } else { Status::Running };
        if request.persist {
            // Waiting for an unreachable store ends if the run is cancelled.
            cancellation.or(self.backends()).await?;
            self.store_run(&mut run).await?;
        }
        let reporter = ProgressReporter::new(&run.id, control);
        let persist = request.persist;
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
            Ok((outcome, timestamps_ms)) => Ok(CompletedRun { run, outcome, timestamps_ms }),
            Err(error) => {
                if persist {
                    self.record_failure(&run, &error).await;
                }
                Err(error)
            }
        }
    }

    fn check_duration(&self, request: &BoundRequest) -> Result<()> {
        let limit = i64::from(self.config.max_backtest_duration_days) * time::DAY;
        let duration = request.end - request.start;
        if duration <= limit {
            return Ok(());
        }
        #[expect(clippy::cast_precision_loss, reason = "only displayed")]
        let days = (duration as f64 / time::DAY as f64 * 100.0).round() / 100.0;
        let message = format!(
            "the range from {} to {} is {days} days long, the limit maxBacktestDurationDays (MAX_BACKTEST_DURATION_DAYS) is {}",
            time::short(request.start),
            time::short(request.end),
            self.config.max_backtest_duration_days
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
    ) -> Result<(Arc<Outcome>, Vec<f64>)> {
        let start = Instant::now();
        reporter.stage("loading");
        let cancellation = reporter.cancellation().clone();
        let loaded = cancellation.or(self.load(&request.bar_query(), &plan)).await?;
        let count = loaded.bars.len();
        let (signals, warning) = match &request.function {
            Some(function) => {
                reporter.stage("signals");
                let signals = function_signals(function, &loaded.bars);
                let (signals, warning) = cancellation.or(signals).await?;
                (Some(signals), warning)
            }
            None => (None, None),
        };
        let persist = request.persist;
        let interval = plan.interval();
        let computed = {
            let work = move || {
                let bars = &loaded.bars;
                cancellation.check()?;
                let input = BacktestInput {
                    prices: Prices::from(&**bars),
                    timestamps: bars.timestamps(),
                    bar_milliseconds: interval.timeframe().map(Timeframe::milliseconds),
                    initial_capital: request.initial_capital,
                    settings: &request.settings,
                };
                let observer = reporter.observer(bars.timestamps());
                let pipeline = Pipeline { executor: &SimulationPool, observer: &observer };
                // The signals are computed by one thread; another one can convert the timestamps meanwhile.
                let (computed, timestamps_ms) = pool::join(
                    bars.len(),
                    || {
                        let (strategy, buffers) = (&request.bound, &mut Buffers::default());
                        let outputs = &Outputs::ALL;
                        pipeline.run_strategy(strategy, signals, bars, &input, outputs, buffers)
                    },
                    || time::to_numbers(bars.timestamps(), &SimulationPool),
                );
                let mut backtest = computed.map_err(|error| cancellation.explain(error))?;
                backtest.warnings.splice(0..0, warning);
                backtest.warnings.splice(0..0, loaded.faults.iter().cloned());
                backtest.warnings.extend(loaded.warnings.iter().cloned());
                let fingerprint = persist.then(|| fingerprint(bars, interval));
                reporter.stage("storing");
                Ok((Arc::new(outcome::outcome(backtest, bars)), timestamps_ms, fingerprint))
            };
            pool::run(JobLength::of(count), work).await
        };
        let (outcome, timestamps_ms, fingerprint) = computed?;
        run.fingerprint = fingerprint;
        run.completed_at = Some(clock::now());
        if persist {
            self.store_outcome(run, &outcome).await?;
        }
        run.status = Status::Completed;
        tracing::info!(
            backtest_id = %run.id, strategy_id = %run.strategy_id, asset_symbol = %quote::name(&run.asset_symbol),
            timeframe = %run.timeframe, bars = count, trades = outcome.trades.len(),
            total_return = outcome.summary.total_return, persisted = persist,
            elapsed_ms = start.elapsed().as_secs_f64() * 1000.0, "backtest completed"
        );
        Ok((outcome, timestamps_ms))
    }
}

/// Returns the signals of a function, and a warning if it looks ahead.
async fn function_signals(
    function: &BoundFunction,
    bars: &Arc<Bars>,
) -> Result<(Signals, Option<String>)> {
    let signals = function.signals(bars).await?;
    let warning = look_ahead::spot_check(function, &signals, bars).await?;
    Ok((signals, warning))
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
