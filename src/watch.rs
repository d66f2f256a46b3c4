//! How the caller of a long computation follows it and stops it.

/// Follows a computation; loops poll it every few thousand bars.
pub trait Watch: Sync {
    /// Returns whether the computation shall stop; it then returns [`crate::Error::cancelled`].
    fn cancelled(&self) -> bool;

    /// Hears how many bars are done and how many orders were made so far.
    fn at(&self, bar: usize, orders: usize) {
        let _ = (bar, orders);
    }

    /// Hears which share of an input was read so far, 0 to 1, and how many rows were found in it.
    fn read(&self, share: f64, rows: usize) {
        let _ = (share, rows);
    }

    /// Asks whether the result may be made final. Once this returned true, the work can no longer be stopped.
    fn may_commit(&self) -> bool {
        !self.cancelled()
    }
}

/// A computation that nobody follows.
#[derive(Debug, Clone, Copy)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn cancelled(&self) -> bool {
        false
    }
}
