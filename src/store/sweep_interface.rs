//! What every store does with sweeps.

use std::fmt::Debug;
use std::sync::Arc;

use super::sweep_record::{Sweep, SweepChunk, SweepDetails, SweepEnd, SweepFilter};
use crate::future::BoxFuture;

/// Keeps sweeps.
///
/// A sweep is created as pending or running. Its chunks are appended in grid order; each is a checkpoint. It ends as completed
/// when it has all of its combinations. Otherwise it ends as failed or cancelled, and can be resumed from its last checkpoint.
/// Sweeps of dead processes become failed as runs do.
///
/// A sweep belongs to the call whose [`Sweep::claim`] it has. Changes with another claim fail with an error for which
/// [`super::is_ended`] holds, as do those to a sweep that has ended or was deleted.
pub trait SweepStore: Send + Sync + Debug {
    /// Keeps a new sweep, pending or running, without chunks. Fails with an error for which [`super::is_duplicate`] holds if
    /// the id is taken.
    fn create_sweep(&self, sweep: Sweep, details: SweepDetails) -> BoxFuture<'_, ()>;

    /// Marks a sweep as running and keeps the hashes of its bars.
    fn begin_sweep(
        &self,
        id: &str,
        claim: &str,
        fingerprints: Vec<String>,
        at: i64,
    ) -> BoxFuture<'_, ()>;

    /// Takes a sweep over that failed or was cancelled: marks it as running, with a new claim. Of several callers, one
    /// succeeds. Returns the sweep; `None` if there is no such sweep. Fails with `INVALID_ARGUMENT` if it is pending, running
    /// or completed.
    fn resume_sweep(
        &self,
        id: &str,
        claim: &str,
        engine_version: &str,
        at: i64,
    ) -> BoxFuture<'_, Option<(Sweep, SweepDetails)>>;

    /// Keeps the next combinations of a running sweep. All or nothing is written. Fails unless they follow those that are
    /// kept and have the columns of the sweep.
    fn append_sweep_chunk(
        &self,
        id: &str,
        claim: &str,
        chunk: Arc<SweepChunk>,
        at: i64,
    ) -> BoxFuture<'_, ()>;

    /// Keeps how a sweep ended. Ending a sweep again in the same way has no effect.
    fn end_sweep(&self, id: &str, claim: &str, end: SweepEnd) -> BoxFuture<'_, ()>;

    /// Returns a sweep; `None` if there is no such sweep.
    fn sweep(&self, id: &str) -> BoxFuture<'_, Option<(Sweep, SweepDetails)>>;

    /// Returns the chunk that has a combination, with some of its columns, in the order of the names; `None` if the
    /// combination is not kept. Only the named columns are read.
    fn sweep_chunk(
        &self,
        id: &str,
        combination: u64,
        columns: Vec<String>,
    ) -> BoxFuture<'_, Option<SweepChunk>>;

    /// Returns sweeps, the newest first. Fails with `INVALID_ARGUMENT` if `before` is not the id of a sweep.
    fn list_sweeps(&self, filter: &SweepFilter) -> BoxFuture<'_, Vec<Sweep>>;

    /// Deletes a sweep and its chunks. Returns whether it existed.
    fn delete_sweep(&self, id: &str) -> BoxFuture<'_, bool>;
}
