//! A write that its caller can cancel until it is committed.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::error::Result;
use crate::future::BoxFuture;
use crate::observer::ProgressObserver;

use super::cancellation::Cancellation;

/// The decision about a write: undecided, abandoned, or being committed.
const UNDECIDED: u8 = 0;
const ABANDONED: u8 = 1;
const COMMITTED: u8 = 2;

/// Observes a write and cancels it. It is either abandoned or committed, never both.
#[derive(Debug, Default)]
pub(super) struct CancellableWrite {
    cancellation: Cancellation,
    decision: AtomicU8,
}

impl CancellableWrite {
    pub(super) fn new(cancellation: Cancellation) -> Self {
        Self { cancellation, decision: AtomicU8::new(UNDECIDED) }
    }

    /// Awaits the write that this observes. If it is cancelled before it is committed, its future is dropped.
    ///
    /// # Errors
    /// Those of the write; that of the cancelled call, if nothing was written.
    pub(super) async fn or_abandon<T>(&self, mut writing: BoxFuture<'_, T>) -> Result<T> {
        let written = tokio::select! {
            biased;
            () = self.cancellation.cancelled() => {
                if self.decide(ABANDONED) {
                    return Err(self.cancellation.error());
                }
                // It is being committed; only its outcome says whether it succeeded.
                writing.await
            }
            written = &mut writing => written,
        };
        written.map_err(|error| self.cancellation.explain(error))
    }

    fn decide(&self, decision: u8) -> bool {
        let decided = self.decision.compare_exchange(
            UNDECIDED,
            decision,
            Ordering::AcqRel,
            Ordering::Acquire,
        );
        decided.is_ok() || decided == Err(decision)
    }
}

impl ProgressObserver for CancellableWrite {
    fn is_cancelled(&self) -> bool {
        match self.decision.load(Ordering::Acquire) {
            UNDECIDED => self.cancellation.is_cancelled(),
            decision => decision == ABANDONED,
        }
    }

    fn may_commit(&self) -> bool {
        !self.is_cancelled() && self.decide(COMMITTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_either_abandoned_or_committed() {
        let abandoned = CancellableWrite::default();
        assert!(abandoned.decide(ABANDONED) && abandoned.is_cancelled() && !abandoned.may_commit());
        let committed = CancellableWrite::default();
        // A commit may be attempted again after it failed.
        assert!(committed.may_commit() && committed.may_commit() && !committed.decide(ABANDONED));
        committed.cancellation.cancel();
        assert!(!committed.is_cancelled());
        let cancelled = CancellableWrite::default();
        cancelled.cancellation.cancel();
        assert!(cancelled.is_cancelled() && !cancelled.may_commit());
    }
}
