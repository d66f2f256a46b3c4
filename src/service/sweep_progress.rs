//! The progress of a sweep.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::observer::ProgressObserver;

use super::cancellation::Cancellation;
use super::progress::{CallControl, Progress, REPORT_INTERVAL, SweepProgress};

/// Reports the progress of one sweep.
#[derive(Debug)]
pub(super) struct SweepReporter {
    sweep_id: String,
    control: CallControl,
    total: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last_report: Option<Instant>,
    /// When the first combination began, and how many were done before.
    began: Option<(Instant, u64)>,
    done: u64,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the clock times reports; it does not affect results"
)]
impl SweepReporter {
    /// Creates the reporter of a sweep over `total` combinations, of which `done` are done already.
    pub(super) fn new(sweep_id: &str, control: CallControl, total: u64, done: u64) -> Self {
        let state = Mutex::new(State { done, ..State::default() });
        Self { sweep_id: sweep_id.to_owned(), control, total, state }
    }

    /// Returns the cancellation of the sweep.
    pub(super) fn cancellation(&self) -> &Cancellation {
        &self.control.cancellation
    }

    /// Reports the beginning of a stage.
    pub(super) fn stage(&self, stage: &'static str) {
        let Some(on_progress) = &self.control.on_progress else { return };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.last_report = Some(Instant::now());
        on_progress(self.progress(&state, stage));
    }

    /// Reports that the first combination begins.
    pub(super) fn begin(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let done = state.done;
        state.began.get_or_insert_with(|| (Instant::now(), done));
    }

    /// Reports how many combinations are done.
    pub(super) fn done(&self, done: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.done = state.done.max(done);
        let Some(on_progress) = &self.control.on_progress else { return };
        if state.last_report.is_none_or(|last| last.elapsed() >= REPORT_INTERVAL) {
            state.last_report = Some(Instant::now());
            on_progress(self.progress(&state, "running"));
        }
    }

    /// Returns the last report, which precedes the result.
    pub(super) fn last(&self) -> Progress {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.progress(&state, "completed")
    }

    #[expect(clippy::cast_precision_loss, reason = "only displayed")]
    fn progress(&self, state: &State, stage: &'static str) -> Progress {
        let is_completed = stage == "completed";
        let done = if is_completed { self.total } else { state.done };
        let rate = state.began.map_or(0.0, |(began, before)| {
            let elapsed = began.elapsed().max(Duration::from_micros(1)).as_secs_f64();
            (done - before.min(done)) as f64 / elapsed
        });
        let left = (self.total - done.min(self.total)) as f64;
        Progress::Sweep(SweepProgress {
            sweep_id: self.sweep_id.clone(),
            progress: done as f64 / self.total.max(1) as f64 * 100.0,
            stage,
            done,
            total: self.total,
            combinations_per_second: rate,
            seconds_left: if is_completed { Some(0.0) } else { (rate > 0.0).then(|| left / rate) },
        })
    }
}

impl ProgressObserver for SweepReporter {
    fn is_cancelled(&self) -> bool {
        self.control.cancellation.is_cancelled()
    }
}
