//! How the caller of a long computation observes and cancels it.

/// Observes a computation. Long loops poll it every few thousand bars.
pub trait ProgressObserver: Sync {
    /// Returns whether the computation should stop. It then fails with [`crate::Error::cancelled`].
    fn is_cancelled(&self) -> bool;

    /// Receives the name of the stage that begins.
    fn on_stage(&self, stage: &'static str) {
        let _ = stage;
    }

    /// Receives the number of bars processed and of orders filled so far.
    fn on_bar(&self, bar: usize, orders: usize) {
        let _ = (bar, orders);
    }

    /// Receives the fraction of an input that was read, 0 to 1, and the number of rows found so far.
    fn on_read(&self, fraction: f64, rows: usize) {
        let _ = (fraction, rows);
    }

    /// Returns whether the result may be committed. After `true`, the computation can no longer be cancelled.
    fn may_commit(&self) -> bool {
        !self.is_cancelled()
    }
}

/// Ignores progress and never cancels.
#[derive(Debug, Clone, Copy)]
pub struct NoObserver;

impl ProgressObserver for NoObserver {
    fn is_cancelled(&self) -> bool {
        false
    }
}
