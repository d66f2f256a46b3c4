//! How runs are settled in the store: a run that was kept at its beginning does not stay under way after its end.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tracing::instrument::WithSubscriber;

use crate::error::{Code, Error, Result};
use crate::store::{Outcome, Run, Status, Store, is_duplicate, is_ended};

use super::clock;
use super::engine::Engine;

/// How long to wait before the end of a run is noted once more; twice as long each time, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

impl Engine {
    /// Writes a new run, with another id in the rare case that its own is taken.
    pub(super) async fn keep(&self, run: &mut Run) -> Result<()> {
        let store = &self.opened().await?.store;
        loop {
            match store.create_run(run.clone()).await {
                Err(error) if is_duplicate(&error) => run.id = clock::backtest_id(),
                answer => return answer,
            }
        }
    }

    /// Notes that a run which waited is under way.
    pub(super) async fn begin(&self, run: &Run) -> Result<()> {
        let run = Run { status: Status::Running, ..run.clone() };
        self.opened().await?.store.begin_run(run).await
    }

    /// Keeps what came out of a run.
    ///
    /// # Errors
    /// `STORAGE` or `CLOSED`, saying that the result was not kept.
    pub(super) async fn keep_outcome(&self, run: &Run, outcome: &Arc<Outcome>) -> Result<()> {
        let store = &self.opened().await?.store;
        let run = Run { status: Status::Completed, ..run.clone() };
        let id = run.id.clone();
        store.end_run(run, Some(Arc::clone(outcome))).await.map_err(|error| match error.code {
            Code::Storage => Error {
                message: format!("the result of backtest {id} was not kept: {}", error.message),
                ..error
            },
            _ => error,
        })
    }

    /// Notes in the store how a run ended early; the caller is told in any case.
    pub(super) async fn note_failure(&self, run: &Run, error: &Error) {
        let status = if matches!(error.code, Code::Cancelled | Code::Closed) {
            Status::Cancelled
        } else {
            Status::Failed
        };
        tracing::warn!(backtest_id = %run.id, status = status.as_str(), code = %error.code, error = %error, "backtest ended early");
        let Some(opened) = self.opened_already() else { return };
        let ended = Run {
            status,
            error: Some(format!("{}: {}", error.code, error.message)),
            completed_at: Some(clock::now()),
            fingerprint: None,
            ..run.clone()
        };
        if let Err(second) = opened.store.end_run(ended.clone(), None).await
            && !is_ended(&second)
        {
            tracing::error!(backtest_id = %run.id, error = %second, "the end of the run could not be noted");
            let later = note_later(Arc::downgrade(&opened.store), ended);
            tokio::spawn(later.with_current_subscriber());
        }
    }
}

/// Notes how a run ended as soon as the store, which is full or away, can be written again: until then the run is shown as
/// under way. Ends with the store.
async fn note_later(store: Weak<dyn Store>, ended: Run) {
    let mut pause = FIRST_PAUSE;
    loop {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
        let Some(store) = store.upgrade() else { return };
        match store.end_run(ended.clone(), None).await {
            Ok(()) => return,
            // It may have ended otherwise: its results were kept and only the answer was lost.
            Err(error) if error.code != Code::Storage || is_ended(&error) => return,
            Err(_) => {}
        }
    }
}
