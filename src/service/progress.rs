//! What a caller hears of a run under way.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::market::{Timeframe, time};
use crate::observer::ProgressObserver;
use crate::service::cancel::Cancel;

/// At most ten reports a second.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

/// How far a piece of work is.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// A run.
    Run(RunProgress),
    /// An import.
    Import(ImportProgress),
}

/// How far an import is.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportProgress {
    /// The asset.
    pub asset_symbol: String,
    /// The timeframe.
    pub timeframe: Timeframe,
    /// 0 to 100, never falling.
    pub progress: f64,
    /// `reading`, `writing` or `completed`.
    pub stage: &'static str,
    /// Rows read, or bars written, so far.
    pub rows: u64,
}

/// How far a run is.
#[derive(Debug, Clone, PartialEq)]
pub struct RunProgress {
    /// The run.
    pub backtest_id: String,
    /// 0 to 100, never falling.
    pub progress: f64,
    /// `queued`, `loading`, `signals`, `simulation`, `metrics`, `storing` or `completed`.
    pub stage: &'static str,
    /// The bar being simulated, UTC milliseconds.
    pub current_date: Option<i64>,
    /// Orders made so far.
    pub trades_executed: usize,
}

/// Hears reports; called from any thread and must not wait.
pub type Listener = Arc<dyn Fn(Progress) + Send + Sync>;

/// How a caller follows a piece of work and stops it.
#[derive(Clone, Default)]
pub struct Control {
    /// Stops the work.
    pub cancel: Cancel,
    /// Hears how far it is.
    pub listener: Option<Listener>,
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control")
            .field("cancel", &self.cancel)
            .field("listener", &self.listener.is_some())
            .finish()
    }
}

/// Where each stage of a run begins and ends, percent.
const STAGES: [(&str, f64, f64); 6] = [
    ("queued", 0.0, 0.0),
    ("loading", 1.0, 20.0),
    ("signals", 20.0, 40.0),
    ("simulation", 40.0, 80.0),
    ("metrics", 80.0, 90.0),
    ("storing", 90.0, 99.0),
];

/// Reports the progress of one run.
#[derive(Debug)]
pub struct Reporter {
    backtest_id: String,
    control: Control,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    last: Option<Instant>,
    progress: f64,
    orders: usize,
}

impl Reporter {
    /// Creates the reporter of a run.
    pub fn new(backtest_id: &str, control: Control) -> Self {
        let state = Mutex::new(State { last: None, progress: 0.0, orders: 0 });
        Self { backtest_id: backtest_id.to_owned(), control, state }
    }

    /// Returns what stops the run.
    pub fn cancel(&self) -> &Cancel {
        &self.control.cancel
    }

    /// Reports that a stage begins.
    pub fn stage(&self, stage: &'static str) {
        self.report(stage, 0.0, None, None, true);
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "reports are paced by the clock; results are not touched by it"
    )]
    fn report(
        &self,
        stage: &'static str,
        share: f64,
        date: Option<i64>,
        orders: Option<usize>,
        always: bool,
    ) {
        let Some(listener) = &self.control.listener else { return };
        let Ok(mut state) = self.state.lock() else { return };
        if !always && state.last.is_some_and(|last| last.elapsed() < PAUSE) {
            return;
        }
        let (_, from, to) =
            STAGES.iter().find(|(name, ..)| *name == stage).copied().unwrap_or(("", 0.0, 0.0));
        state.last = Some(Instant::now());
        state.progress = state.progress.max(from + (to - from) * share.clamp(0.0, 1.0));
        state.orders = orders.unwrap_or(state.orders);
        listener(Progress::Run(RunProgress {
            backtest_id: self.backtest_id.clone(),
            progress: state.progress,
            stage,
            current_date: date,
            trades_executed: state.orders,
        }));
    }

    /// Returns the observer of the run's computation over bars with these timestamps.
    pub fn observer<'a>(&'a self, timestamps: &'a [i64]) -> RunObserver<'a> {
        RunObserver { reporter: self, stage: Mutex::new(""), timestamps }
    }
}

/// Reports the stages of a computation and the bars that it gets to.
#[derive(Debug)]
pub struct RunObserver<'a> {
    reporter: &'a Reporter,
    stage: Mutex<&'static str>,
    timestamps: &'a [i64],
}

impl ProgressObserver for RunObserver<'_> {
    fn is_cancelled(&self) -> bool {
        self.reporter.control.cancel.is_cancelled()
    }

    fn on_stage(&self, stage: &'static str) {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = stage;
        self.reporter.stage(stage);
    }

    fn on_bar(&self, bar: usize, orders: usize) {
        #[expect(clippy::cast_precision_loss, reason = "a share of the work, for people")]
        let share = bar as f64 / self.timestamps.len().max(1) as f64;
        let stage = *self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        self.reporter.report(stage, share, self.timestamps.get(bar).copied(), Some(orders), false);
    }
}

/// Writes the date of a report.
pub fn date_text(progress: &RunProgress) -> Option<String> {
    progress.current_date.map(time::format)
}
