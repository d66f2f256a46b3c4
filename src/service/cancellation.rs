//! Cancellation of one call: loops poll it, futures wait for it.
//!
//! Unlike `tokio_util`'s `CancellationToken`, it knows why it was cancelled, and a poll takes no lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use crate::error::{Code, Error, Result};

const ACTIVE: u8 = 0;
const CANCELLED_BY_CALLER: u8 = 1;
const ENGINE_CLOSED: u8 = 2;
const SETTLED: u8 = 3;

/// How long [`Cancellation::or_soon`] waits for a future after a cancellation.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
struct Inner {
    state: AtomicU8,
    notify: Notify,
}

/// Cancels all parts of one call. Clones share their state.
#[derive(Debug, Clone, Default)]
pub struct Cancellation(Arc<Inner>);

impl Cancellation {
    /// Cancels the call on behalf of its caller.
    pub fn cancel(&self) {
        self.stop(CANCELLED_BY_CALLER);
    }

    /// Cancels the call because the engine is closed.
    pub fn close(&self) {
        self.stop(ENGINE_CLOSED);
    }

    fn stop(&self, reason: u8) {
        // The first reason counts.
        let _ = self.0.state.compare_exchange(ACTIVE, reason, Ordering::AcqRel, Ordering::Acquire);
        self.0.notify.notify_waiters();
    }

    /// Settles the call with its result, unless its caller cancelled it before; returns whether it did. Later cancellations
    /// have no effect.
    pub fn settle(&self) -> bool {
        let state = &self.0.state;
        let settled = state.compare_exchange(ACTIVE, SETTLED, Ordering::AcqRel, Ordering::Acquire);
        settled != Err(CANCELLED_BY_CALLER)
    }

    /// Returns whether the call is cancelled.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.0.state.load(Ordering::Acquire), CANCELLED_BY_CALLER | ENGINE_CLOSED)
    }

    /// Returns the error of the cancelled call.
    pub fn error(&self) -> Error {
        if self.0.state.load(Ordering::Acquire) == ENGINE_CLOSED {
            Error::new(Code::Closed, "the engine was closed during the call")
        } else {
            Error::cancelled()
        }
    }

    /// Replaces the error of a loop that stopped early by one that states why it was cancelled.
    pub fn explain(&self, error: Error) -> Error {
        if error.code == Code::Cancelled { self.error() } else { error }
    }

    /// Fails if the call is cancelled.
    ///
    /// # Errors
    /// Those of [`Self::error`].
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(self.error()) } else { Ok(()) }
    }

    /// Waits until the call is cancelled.
    pub async fn cancelled(&self) {
        loop {
            let notified = self.0.notify.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            if self.is_cancelled() {
                return;
            }
            notified.await;
        }
    }

    /// Awaits a future unless the call is cancelled first, which drops the future.
    ///
    /// # Errors
    /// Those of the future, or of [`Self::error`].
    pub async fn or<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.cancelled() => Err(self.error()),
            result = future => result,
        }
    }

    /// Awaits a future that usually ends soon, also if the call is cancelled meanwhile; then only for a while longer.
    ///
    /// # Errors
    /// Those of the future, or of [`Self::error`].
    pub async fn or_soon<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        let cancelled_for_long = async {
            self.cancelled().await;
            tokio::time::sleep(PATIENCE).await;
        };
        tokio::select! {
            biased;
            result = future => result,
            () = cancelled_for_long => Err(self.error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_either_settled_or_cancelled() {
        let settled = Cancellation::default();
        assert!(settled.settle());
        settled.cancel();
        assert!(!settled.is_cancelled() && settled.settle() && settled.check().is_ok());
        let cancelled = Cancellation::default();
        cancelled.cancel();
        assert!(!cancelled.settle() && cancelled.is_cancelled());
        // The result of a run that is stored already is delivered, although the engine closes.
        let closed = Cancellation::default();
        closed.close();
        assert!(closed.settle() && closed.is_cancelled());
    }
}
