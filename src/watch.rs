//! How the caller of a long computation follows it and stops it.

/// Follows a computation; loops poll it every few thousand bars.
pub trait Watch: Sync {
    /// Returns whether the computation shall stop; it then returns [`crate::Error::cancelled`].
    fn cancelled(&self) -> bool;

    /// Hears how many bars are done and how many orders were made so far.
    fn at(&self, bar: usize, orders: usize) {
        let _ = (bar, orders);
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
