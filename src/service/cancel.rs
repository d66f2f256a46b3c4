//! A cancellation that loops poll and futures wait for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::Notify;

use crate::error::{Code, Error, Result};

const GOING: u8 = 0;
const BY_CALLER: u8 = 1;
const BY_CLOSE: u8 = 2;

#[derive(Debug, Default)]
struct Inner {
    state: AtomicU8,
    notify: Notify,
}

/// Tells the parts of one piece of work to stop; clones share one state.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<Inner>);

impl Cancel {
    /// Stops the work for its caller.
    pub fn cancel(&self) {
        self.stop(BY_CALLER);
    }

    /// Stops the work because the engine closes.
    pub fn close(&self) {
        self.stop(BY_CLOSE);
    }

    fn stop(&self, reason: u8) {
        // The first reason stands.
        let _ = self.0.state.compare_exchange(GOING, reason, Ordering::AcqRel, Ordering::Acquire);
        self.0.notify.notify_waiters();
    }

    /// Returns whether the work shall stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.state.load(Ordering::Acquire) != GOING
    }

    /// Returns the error of stopped work.
    pub fn error(&self) -> Error {
        if self.0.state.load(Ordering::Acquire) == BY_CLOSE {
            Error::new(Code::Closed, "the engine was closed while the work was under way")
        } else {
            Error::cancelled()
        }
    }

    /// Fails if the work shall stop.
    ///
    /// # Errors
    /// As [`Self::error`] says.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(self.error()) } else { Ok(()) }
    }

    /// Waits until the work shall stop.
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

    /// Awaits a future, unless the work is stopped first; the future is then dropped.
    ///
    /// # Errors
    /// The future's own, or those of [`Self::error`].
    pub async fn or<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.cancelled() => Err(self.error()),
            result = future => result,
        }
    }
}
