//! Runs a backtest: bars, simulation, record.

use std::sync::Arc;
use std::time::Instant;

use xxhash_rust::xxh3::Xxh3;

use crate::backtest::{BacktestInput, Buffers, Outputs, Pipeline};
use crate::error::{Code, Error, Result};
use crate::market::{Bars, Limit, Timeframe, time};
use crate::quote;
use crate::request::Input;
use crate::signals::Signals;
use crate::simulation::Prices;
use crate::store::{Outcome, Run, Status};

use super::backtest_request::{BacktestRequest, is_long};
use super::engine::Engine;
use super::function::Call;
use super::load::Plan;
use super::pool::Length;
use super::progress::{Control, Reporter};
use super::run_queue::Ticket;
use super::{clock, look_ahead, outcome, pool};

/// A run that was completed.
#[derive(Debug)]
pub struct Done {
    /// Its record.
    pub run: Run,
    /// What came out of it.
    pub outcome: Arc<Outcome>,
    /// The openings of its bars as numbers, UTC milliseconds.
    pub moments: Vec<f64>,
}

impl Engine {
    /// Runs a backtest and returns its record. With `persist`, the run is kept from its beginning on: as `pending` while
    /// it waits for its turn, `running`, and then `completed`, `failed` or `cancelled`.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `UNKNOWN_STRATEGY`, `NO_DATA`, `BAD_DATA`, `LIMIT_EXCEEDED`, `STORAGE`, `CLOSED`, and
    /// `Cancelled` when the caller stops it. Requests refused before they start leave nothing behind.
    pub async fn run_backtest(
        &self,
        request: &Input,
        control: Control,
        mut ticket: Ticket,
    ) -> Result<Done> {
        let _work = self.enter(&control.cancel)?;
        let cancel = control.cancel.clone();
        let known = cancel.or(self.catalogue_for(request)).await?;
        let limit = Limit::of_run(self.config.max_data_points);
        let request =
            pool::reading(is_long(request), || BacktestRequest::read(request, &known, limit))?;
        drop(known);
        self.check_duration(&request)?;
        let plan = cancel.or(self.plan_bars(&request.wanted())).await?;
        if plan.is_short(&request.wanted()) {
            ticket.set_short();
        }
        let mut run = new_run(&request, plan.wanted());
        run.status = if ticket.must_wait() { Status::Pending } else { Status::Running };
        if request.persist {
            // A store that cannot be reached yet is waited for only as long as the run is wanted.
            cancel.or(self.opened()).await?;
            self.keep(&mut run).await?;
        }
        let reporter = Reporter::new(&run.id, control);
        let persist = request.persist;
        // A panic ends the run like any other failure, so that it does not stay under way.
        let result = pool::caught(Box::pin(async {
            if run.status == Status::Pending {
                reporter.stage("queued");
                cancel
                    .or(async {
                        let _: () = ticket.turn().await;
                        Ok(())
                    })
                    .await?;
                if persist {
                    self.begin(&run).await?;
                }
            }
            self.execute(request, plan, &mut run, reporter).await
        }))
        .await;
        match result {
            Ok((outcome, moments)) => Ok(Done { run, outcome, moments }),
            Err(error) => {
                if persist {
                    self.note_failure(&run, &error).await;
                }
                Err(error)
            }
        }
    }

    fn check_duration(&self, request: &BacktestRequest) -> Result<()> {
        let limit = i64::from(self.config.max_backtest_duration_days) * time::DAY;
        let asked = request.end - request.start;
        if asked <= limit {
            return Ok(());
        }
        #[expect(clippy::cast_precision_loss, reason = "shown to people")]
        let days = (asked as f64 / time::DAY as f64 * 100.0).round() / 100.0;
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
        reason = "how long a run took is logged; results are not touched by it"
    )]
    async fn execute(
        &self,
        request: BacktestRequest,
        plan: Plan,
        run: &mut Run,
        reporter: Reporter,
    ) -> Result<(Arc<Outcome>, Vec<f64>)> {
        let began = Instant::now();
        reporter.stage("loading");
        let cancel = reporter.cancel().clone();
        let loaded = cancel.or(self.load(&request.wanted(), &plan)).await?;
        let count = loaded.bars.len();
        let (given, warning) = match &request.function {
            Some(call) => {
                reporter.stage("signals");
                let (signals, warning) = cancel.or(ask(call, &loaded.bars)).await?;
                (Some(signals), warning)
            }
            None => (None, None),
        };
        let persist = request.persist;
        let timeframe = plan.wanted();
        let computed = {
            let work = move || {
                let bars = &loaded.bars;
                cancel.check()?;
                let input = BacktestInput {
                    prices: Prices::from(&**bars),
                    timestamps: bars.timestamps(),
                    bar_milliseconds: timeframe.milliseconds(),
                    initial_capital: request.initial_capital,
                    settings: &request.settings,
                };
                let observer = reporter.observer(bars.timestamps());
                let pipeline = Pipeline { executor: &pool::SimulationPool, observer: &observer };
                // One thread computes the signals. Another one may do this meanwhile.
                let (computed, moments) = pool::both(
                    bars.len(),
                    || {
                        let (strategy, buffers) = (&request.bound, &mut Buffers::default());
                        pipeline.run_strategy(strategy, given, bars, &input, &Outputs::ALL, buffers)
                    },
                    || time::to_numbers(bars.timestamps(), &pool::SimulationPool),
                );
                let mut backtest = computed.map_err(|error| {
                    // A loop that was stopped says only that; who stopped it is known here.
                    if error.code == Code::Cancelled { cancel.error() } else { error }
                })?;
                backtest.warnings.splice(0..0, warning);
                backtest.warnings.extend(loaded.warnings.iter().cloned());
                let print = persist.then(|| fingerprint(bars, timeframe));
                reporter.stage("storing");
                Ok((Arc::new(outcome::outcome(backtest, bars)), moments, print))
            };
            pool::run(Length::of(count), work).await
        };
        let (outcome, moments, print) = computed?;
        run.fingerprint = print;
        run.completed_at = Some(clock::now());
        if persist {
            self.keep_outcome(run, &outcome).await?;
        }
        run.status = Status::Completed;
        tracing::info!(
            backtest_id = %run.id, strategy_id = %run.strategy_id, asset_symbol = %quote::name(&run.asset_symbol),
            timeframe = %run.timeframe, bars = count, trades = outcome.trades.len(),
            total_return = outcome.summary.total_return, persisted = persist,
            elapsed_ms = began.elapsed().as_secs_f64() * 1000.0, "backtest completed"
        );
        Ok((outcome, moments))
    }
}

/// Asks a function for its signals, and for those of a part of the bars to see whether it looks ahead.
async fn ask(call: &Call, bars: &Arc<Bars>) -> Result<(Signals, Option<String>)> {
    let signals = call.signals(bars).await?;
    let warning = look_ahead::glance(call, &signals, bars).await?;
    Ok((signals, warning))
}

fn new_run(request: &BacktestRequest, timeframe: Timeframe) -> Run {
    Run {
        id: clock::backtest_id(),
        user_id: request.user_id.clone(),
        strategy_id: request.strategy_id.clone(),
        strategy_source: request.strategy_source.clone(),
        asset_symbol: request.asset_symbol.clone(),
        timeframe,
        start: request.start,
        end: request.end,
        initial_capital: request.initial_capital,
        parameters: request.bound.parameters().clone(),
        simulation: request.settings.to_json(),
        status: Status::Running,
        error: None,
        engine_version: env!("CARGO_PKG_VERSION").to_owned(),
        fingerprint: None,
        created_at: clock::now(),
        completed_at: None,
    }
}

/// Returns a hash of all that a simulation reads of bars, the same on every machine.
pub(super) fn fingerprint(bars: &Bars, timeframe: Timeframe) -> String {
    let mut hash = Xxh3::new();
    hash.update(timeframe.as_str().as_bytes());
    // Values go in by the block, so that the hash sees long runs of bytes.
    let mut block = Vec::with_capacity(8 * 1024);
    let mut feed = |values: &mut dyn Iterator<Item = [u8; 8]>| {
        for value in values {
            block.extend_from_slice(&value);
            if block.len() == block.capacity() {
                hash.update(&block);
                block.clear();
            }
        }
        hash.update(&block);
        block.clear();
    };
    feed(&mut bars.timestamps().iter().map(|value| value.to_le_bytes()));
    for column in
        [Some(bars.open()), Some(bars.high()), Some(bars.low()), Some(bars.close()), bars.volume()]
            .into_iter()
            .flatten()
    {
        feed(&mut column.iter().map(|value| value.to_le_bytes()));
    }
    format!("xxh3-128:{:032x}", hash.digest128())
}
