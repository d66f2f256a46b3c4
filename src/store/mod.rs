//! Where runs and registered strategies are kept: one trait, one file or folder for each database, one behaviour suite for all of them.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::error::{Code, Error, Issue, Result};

pub mod postgres;
pub mod record;
pub mod sqlite;

#[cfg(test)]
pub(crate) mod behaviour;

pub use postgres::Postgres;
pub use record::{Filter, Outcome, Run, Status, StoredStrategy, Summary};
pub use sqlite::Sqlite;

/// What the asynchronous methods of stores and sources return; it does not need a runtime of any kind.
///
/// Work that was handed over goes on when the answer is dropped unheard.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Keeps runs and registered strategies.
///
/// A run is created as pending or running and ends once: as completed, together with its outcome, or as failed or
/// cancelled. Runs of a process that died are marked failed when the store is opened next.
///
/// Every method fails with `STORAGE` where the database does (`retryable` where another process only held it up), and with
/// `CLOSED` after [`Store::close`].
pub trait Store: Send + Sync + Debug {
    /// Keeps a new run, pending or running. Fails with an error for which [`is_duplicate`] holds where the id is taken.
    fn create_run(&self, run: Run) -> Answer<'_, ()>;

    /// Says how far a run has come. Fails with `NOT_FOUND` where there is no such run and with `STORAGE` where it has
    /// ended already or is to become completed, which only [`Store::complete_run`] does.
    fn update_run(
        &self,
        id: &str,
        status: Status,
        error: Option<String>,
        completed_at: Option<i64>,
    ) -> Answer<'_, ()>;

    /// Keeps what came out of a run, and its status, all or nothing. Fails with `NOT_FOUND` where there is no such run and
    /// with `STORAGE` where it has ended already.
    fn complete_run(
        &self,
        id: &str,
        fingerprint: Option<String>,
        outcome: Arc<Outcome>,
        completed_at: i64,
    ) -> Answer<'_, ()>;

    /// Returns a run, with its outcome if it is completed; nothing where there is no such run.
    fn run(&self, id: &str) -> Answer<'_, Option<(Run, Option<Outcome>)>>;

    /// Returns a run without curves and trades; nothing where there is no such run.
    fn summary(&self, id: &str) -> Answer<'_, Option<(Run, Option<Summary>)>>;

    /// Returns runs, those created last first. Fails with `INVALID_ARGUMENT` where `before` names no run.
    fn list(&self, filter: &Filter) -> Answer<'_, Vec<(Run, Option<Summary>)>>;

    /// Deletes a run with all that belongs to it; returns whether there was one.
    fn delete_run(&self, id: &str) -> Answer<'_, bool>;

    /// Keeps a registered strategy. One of the same id is replaced, but stays created when it was.
    fn save_strategy(&self, strategy: StoredStrategy) -> Answer<'_, ()>;

    /// Returns a registered strategy as it is kept at this moment, whichever process registered it; nothing where there is
    /// none with that id, or where it was made inactive.
    fn strategy(&self, id: &str) -> Answer<'_, Option<StoredStrategy>>;

    /// Returns every active registered strategy, in the order of the ids (by bytes).
    fn strategies(&self) -> Answer<'_, Vec<StoredStrategy>>;

    /// Deletes a registered strategy; returns whether there was one. Runs of it stay.
    fn delete_strategy(&self, id: &str) -> Answer<'_, bool>;

    /// Ends the work in hand, then closes; every later call fails with `CLOSED`. Closing twice is no error.
    fn close(&self) -> Answer<'_, ()>;
}

/// The code of the issue that tells a taken id from other failures.
const DUPLICATE: &str = "duplicate";

/// Returns whether creating a run failed because its id is taken: the caller draws another one and tries again.
pub fn is_duplicate(error: &Error) -> bool {
    error.code == Code::Storage
        && error.issues.iter().any(|issue| issue.path == "id" && issue.code == DUPLICATE)
}

/// The errors that all stores share, so that they read the same.
pub(crate) mod errors {
    use super::{Code, DUPLICATE, Error, Issue, Status};

    /// Creates the error of an id that is taken.
    pub fn duplicate(id: &str) -> Error {
        let message = format!("there is a backtest with the id {id} already");
        Error::with_issues(Code::Storage, vec![Issue::new("id", DUPLICATE, message)]).retryable()
    }

    /// Creates the error of an id that nobody has.
    pub fn not_found(id: &str) -> Error {
        Error::new(Code::NotFound, format!("no backtest has the id {id:?}"))
    }

    /// Creates the error of a run that is to end twice.
    pub fn ended(id: &str, was: &str, becomes: Status) -> Error {
        Error::storage(format!(
            "backtest {id} has ended as {was} and cannot become {}",
            becomes.as_str()
        ))
    }

    /// Creates the error of a run that is to be completed without an outcome.
    pub fn incomplete(id: &str) -> Error {
        Error::internal(format!("backtest {id} cannot become completed without its results"))
    }

    /// Creates the error of a page that follows a run which is not there.
    pub fn unknown_page(before: &str) -> Error {
        Error::invalid(
            "before",
            "unknown",
            format!("before must be the id of a backtest, no backtest has the id {before:?}"),
        )
    }

    /// Creates the error of a store that was closed.
    pub fn closed() -> Error {
        Error::new(Code::Closed, "the store was closed")
    }
}
