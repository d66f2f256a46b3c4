//! Progress reports.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::cancellation::Cancellation;
use crate::market::{Timeframe, time};
use crate::observer::ProgressObserver;

/// The minimum interval between reports.
pub(super) const REPORT_INTERVAL: Duration = Duration::from_millis(100);

/// The progress of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// Of a run.
    Run(RunProgress),
    /// Of an import.
    Import(ImportProgress),
    /// Of a sweep.
    Sweep(SweepProgress),
}

/// The progress of an import.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportProgress {
    /// The asset.
    pub asset_symbol: String,
    /// The timeframe.
    pub timeframe: Timeframe,
    /// 0 to 100, never decreasing.
    pub progress: f64,
    /// `reading`, `writing` or `completed`.
    pub stage: &'static str,
    /// The number of rows read, or of bars written, so far.
    pub rows: u64,
}

/// The progress of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunProgress {
    /// The id of the run.
    pub backtest_id: String,
    /// 0 to 100, never decreasing.
    pub progress: f64,
    /// `queued`, `loading`, `signals`, `simulation`, `metrics`, `storing` or `completed`.
    pub stage: &'static str,
    /// The bar being simulated, UTC milliseconds.
    pub current_date: Option<i64>,
    /// The number of orders filled so far.
    pub trades_executed: usize,
}

/// The progress of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepProgress {
    /// The id of the sweep.
    pub sweep_id: String,
    /// 0 to 100, never decreasing.
    pub progress: f64,
    /// `queued`, `loading`, `running` or `completed`.
    pub stage: &'static str,
    /// Combinations done.
    pub done: u64,
    /// All combinations.
    pub total: u64,
    /// Combinations per second since the first one began; 0 before.
    pub combinations_per_second: f64,
    /// Seconds left at that rate; `None` while it is not known.
    pub seconds_left: Option<f64>,
}

/// Receives reports on any thread; must not block.
pub type ProgressCallback = Arc<dyn Fn(Progress) + Send + Sync>;

/// How the caller observes and cancels a call.
#[derive(Clone, Default)]
pub struct CallControl {
    /// Cancels the call.
    pub cancellation: Cancellation,
    /// Receives progress reports.
    pub on_progress: Option<ProgressCallback>,
}

impl std::fmt::Debug for CallControl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallControl")
            .field("cancellation", &self.cancellation)
            .field("on_progress", &self.on_progress.is_some())
            .finish()
    }
}

/// The progress at the beginning and the end of each stage of a run, percent.
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
pub struct ProgressReporter {
    backtest_id: String,
    control: CallControl,
    state: Mutex<ReportState>,
}

#[derive(Debug)]
struct ReportState {
    last_report: Option<Instant>,
    progress: f64,
    orders: usize,
}

impl ProgressReporter {
    /// Creates the reporter of a run.
    pub fn new(backtest_id: &str, control: CallControl) -> Self {
        let state = Mutex::new(ReportState { last_report: None, progress: 0.0, orders: 0 });
        Self { backtest_id: backtest_id.to_owned(), control, state }
    }

    /// Returns the cancellation of the run.
    pub fn cancellation(&self) -> &Cancellation {
        &self.control.cancellation
    }

    /// Reports the beginning of a stage.
    pub fn stage(&self, stage: &'static str) {
        self.report(stage, 0.0, None, None, true);
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the clock limits the rate of reports; it does not affect results"
    )]
    fn report(
        &self,
        stage: &'static str,
        fraction: f64,
        date: Option<i64>,
        orders: Option<usize>,
        is_forced: bool,
    ) {
        let Some(on_progress) = &self.control.on_progress else { return };
        let Ok(mut state) = self.state.lock() else { return };
        if !is_forced && state.last_report.is_some_and(|last| last.elapsed() < REPORT_INTERVAL) {
            return;
        }
        let (_, from, to) =
            STAGES.iter().find(|(name, ..)| *name == stage).copied().unwrap_or(("", 0.0, 0.0));
        state.last_report = Some(Instant::now());
        state.progress = state.progress.max(from + (to - from) * fraction.clamp(0.0, 1.0));
        state.orders = orders.unwrap_or(state.orders);
        on_progress(Progress::Run(RunProgress {
            backtest_id: self.backtest_id.clone(),
            progress: state.progress,
            stage,
            current_date: date,
            trades_executed: state.orders,
        }));
    }

    /// Returns an observer of a computation over bars with these timestamps.
    pub fn observer<'a>(&'a self, timestamps: &'a [i64]) -> RunObserver<'a> {
        RunObserver { reporter: self, stage: Mutex::new(""), timestamps }
    }
}

/// Reports the stages of a computation and its progress over the bars.
#[derive(Debug)]
pub struct RunObserver<'a> {
    reporter: &'a ProgressReporter,
    stage: Mutex<&'static str>,
    timestamps: &'a [i64],
}

impl ProgressObserver for RunObserver<'_> {
    fn is_cancelled(&self) -> bool {
        self.reporter.control.cancellation.is_cancelled()
    }

    fn on_stage(&self, stage: &'static str) {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = stage;
        self.reporter.stage(stage);
    }

    fn on_bar(&self, bar: usize, orders: usize) {
        #[expect(clippy::cast_precision_loss, reason = "only displayed")]
        let fraction = bar as f64 / self.timestamps.len().max(1) as f64;
        let stage = *self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        let date = self.timestamps.get(bar).copied();
        self.reporter.report(stage, fraction, date, Some(orders), false);
    }
}

/// Formats the date of a report.
pub fn date_text(progress: &RunProgress) -> Option<String> {
    progress.current_date.map(time::format)
}
