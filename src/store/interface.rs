//! What every store does.

use std::fmt::Debug;
use std::sync::Arc;

use super::record::{Filter, Outcome, Run, StoredStrategy, Summary};
use super::sweep_interface::SweepStore;
use crate::future::BoxFuture;

/// Keeps runs, sweeps and registered strategies.
///
/// A run is created as pending or running and ends once: as completed, with its outcome, or as failed or cancelled. The next
/// process that opens the store marks the runs of dead processes as failed.
///
/// Every method fails with `STORAGE` if the database does (`retryable` if the cause is temporary), and with `CLOSED` after
/// [`Store::close`]. Work that has started completes even if its future is dropped.
pub trait Store: SweepStore + Send + Sync + Debug {
    /// Keeps a new run, pending or running. Fails with an error for which [`super::is_duplicate`] holds if the id is taken.
    fn create_run(&self, run: Run) -> BoxFuture<'_, ()>;

    /// Marks a pending run as running. Writes the run again if the database has lost it. Fails with an error for which
    /// [`super::is_ended`] holds if it has ended.
    fn begin_run(&self, run: Run) -> BoxFuture<'_, ()>;

    /// Keeps how a run of this store ended, with its outcome if it completed. All or nothing is written.
    ///
    /// The engine that runs a backtest decides how it ended. If the database has lost the run, all of it is written again. If
    /// another engine considered this one dead and marked the run as failed, that is corrected. Ending a run again in the
    /// same way has no effect. A completed run may still end as cancelled, because its caller cancelled it before it received
    /// the outcome, which is deleted. Fails with an error for which [`super::is_ended`] holds if the run has ended in another way.
    fn end_run(&self, run: Run, outcome: Option<Arc<Outcome>>) -> BoxFuture<'_, ()>;

    /// Returns a run, with its outcome if it is completed; `None` if there is no such run.
    fn run(&self, id: &str) -> BoxFuture<'_, Option<(Run, Option<Outcome>)>>;

    /// Returns a run without equity curve and trades; `None` if there is no such run.
    fn summary(&self, id: &str) -> BoxFuture<'_, Option<(Run, Option<Summary>)>>;

    /// Returns runs, the newest first. Fails with `INVALID_ARGUMENT` if `before` is not the id of a run.
    fn list(&self, filter: &Filter) -> BoxFuture<'_, Vec<(Run, Option<Summary>)>>;

    /// Deletes a run and its results. Returns whether it existed.
    fn delete_run(&self, id: &str) -> BoxFuture<'_, bool>;

    /// Keeps a registered strategy. It replaces one with the same id, except for the time of creation.
    fn save_strategy(&self, strategy: StoredStrategy) -> BoxFuture<'_, ()>;

    /// Returns the current version of a registered strategy, whichever process registered it; `None` if there is none with
    /// that id or if it is inactive.
    fn strategy(&self, id: &str) -> BoxFuture<'_, Option<StoredStrategy>>;

    /// Returns every active registered strategy, sorted by the bytes of the id.
    fn strategies(&self) -> BoxFuture<'_, Vec<StoredStrategy>>;

    /// Deletes a registered strategy, but not its runs. Returns whether it existed.
    fn delete_strategy(&self, id: &str) -> BoxFuture<'_, bool>;

    /// Finishes the work under way and closes the store. Closing twice is not an error.
    fn close(&self) -> BoxFuture<'_, ()>;
}
