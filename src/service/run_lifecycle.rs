//! The status of persisted runs. A run that was stored at its beginning must not remain `running` after its end.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tracing::instrument::WithSubscriber;

use crate::error::{Code, Error, Result};
use crate::store::{Outcome, Run, Status, Store, is_duplicate, is_ended};

use super::cancellation::Cancellation;
use super::clock;
use super::engine::Engine;

/// The delay before the end of a run is recorded again. It doubles with each attempt, up to the maximum.
const FIRST_DELAY: Duration = Duration::from_secs(1);
const MAX_DELAY: Duration = Duration::from_secs(30);

impl Engine {
    /// Stores a new run. In the rare case that its id is taken, it gets another one.
    pub(super) async fn store_run(&self, run: &mut Run) -> Result<()> {
        let store = &self.backends().await?.store;
        loop {
            match store.create_run(run.clone()).await {
                Err(error) if is_duplicate(&error) => run.id = clock::backtest_id(),
                result => return result,
            }
        }
    }

    /// Records that a queued run has started.
    pub(super) async fn record_start(&self, run: &Run) -> Result<()> {
        let run = Run { status: Status::Running, ..run.clone() };
        self.backends().await?.store.begin_run(run).await
    }

    /// Stores the results of a run.
    ///
    /// # Errors
    /// `STORAGE` or `CLOSED`, with a message that the results were not stored.
    pub(super) async fn store_outcome(&self, run: &Run, outcome: &Arc<Outcome>) -> Result<()> {
        let store = &self.backends().await?.store;
        let run = Run { status: Status::Completed, ..run.clone() };
        let id = run.id.clone();
        store.end_run(run, Some(Arc::clone(outcome))).await.map_err(|error| match error.code {
            Code::Storage => Error {
                message: format!("the result of backtest {id} was not stored: {}", error.message),
                ..error
            },
            _ => error,
        })
    }

    /// Records that a run was cancelled although it was stored as completed: its caller cancelled it before it received the
    /// result. Returns the error of the caller.
    pub async fn revoke_run(&self, run: &Run) -> Error {
        // Closing the engine waits for this. If it is closed already, the attempt fails, and the log says so.
        let _call = self.start_call(&Cancellation::default());
        let error = Error::cancelled();
        self.record_failure(run, &error).await;
        error
    }

    /// Records that a run failed or was cancelled. The caller receives the error in any case.
    pub(super) async fn record_failure(&self, run: &Run, error: &Error) {
        let status = if matches!(error.code, Code::Cancelled | Code::Closed) {
            Status::Cancelled
        } else {
            Status::Failed
        };
        tracing::warn!(backtest_id = %run.id, status = status.as_str(), code = %error.code, error = %error, "backtest ended early");
        let Some(opened) = self.open_backends() else { return };
        let ended = Run {
            status,
            error: Some(format!("{}: {}", error.code, error.message)),
            completed_at: Some(clock::now()),
            fingerprint: None,
            ..run.clone()
        };
        if let Err(store_error) = opened.store.end_run(ended.clone(), None).await
            && !is_ended(&store_error)
        {
            tracing::error!(backtest_id = %run.id, error = %store_error, "the end of the run could not be recorded");
            let retry = record_end_later(Arc::downgrade(&opened.store), ended);
            tokio::spawn(retry.with_current_subscriber());
        }
    }
}

/// Records the end of a run as soon as the store is writable again; until then it is listed as running. Ends when the
/// store is dropped.
async fn record_end_later(store: Weak<dyn Store>, ended: Run) {
    let mut delay = FIRST_DELAY;
    loop {
        tokio::time::sleep(delay).await;
        delay = (delay * 2).min(MAX_DELAY);
        let Some(store) = store.upgrade() else { return };
        match store.end_run(ended.clone(), None).await {
            Ok(()) => return,
            // It may already have ended: its results were stored and only the response was lost.
            Err(error) if error.code != Code::Storage || is_ended(&error) => return,
            Err(_) => {}
        }
    }
}
