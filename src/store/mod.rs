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
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Keeps runs and registered strategies.
///
/// A run is created as pending or running and ends once: as completed, together with its outcome, or as failed or
/// cancelled. Runs of a process that died are marked failed when the store is opened next.
///
/// Every method fails with `STORAGE` where the database does (`retryable` where another process only held it up), and with
/// `CLOSED` after [`Store::close`].
pub trait Store: Send + Sync + Debug {
    /// Keeps a new run, pending or running. Fails with an error for which [`is_duplicate`] holds where the id is taken.
    fn create_run(&self, run: Run) -> BoxFuture<'_, ()>;

    /// Notes that a run which waited is under way. Writes the run again if the database has lost it; fails with an error
    /// for which [`is_ended`] holds if it has ended.
    fn begin_run(&self, run: Run) -> BoxFuture<'_, ()>;

    /// Keeps how a run of this store ended, together with what came out of it if it completed: all or nothing.
    ///
    /// The engine that runs a backtest knows best how it ended. If the database has lost the run, it is written again as
    /// a whole; if another engine took this one for dead and marked the run as failed, that is corrected. Ending a run a
    /// second time in the same way changes nothing. Fails with an error for which [`is_ended`] holds if the run has ended
    /// in another way.
    fn end_run(&self, run: Run, outcome: Option<Arc<Outcome>>) -> BoxFuture<'_, ()>;

    /// Returns a run, with its outcome if it is completed; nothing where there is no such run.
    fn run(&self, id: &str) -> BoxFuture<'_, Option<(Run, Option<Outcome>)>>;

    /// Returns a run without curves and trades; nothing where there is no such run.
    fn summary(&self, id: &str) -> BoxFuture<'_, Option<(Run, Option<Summary>)>>;

    /// Returns runs, those created last first. Fails with `INVALID_ARGUMENT` where `before` names no run.
    fn list(&self, filter: &Filter) -> BoxFuture<'_, Vec<(Run, Option<Summary>)>>;

    /// Deletes a run with all that belongs to it; returns whether there was one.
    fn delete_run(&self, id: &str) -> BoxFuture<'_, bool>;

    /// Keeps a registered strategy. One of the same id is replaced, but stays created when it was.
    fn save_strategy(&self, strategy: StoredStrategy) -> BoxFuture<'_, ()>;

    /// Returns a registered strategy as it is kept at this moment, whichever process registered it; nothing where there is
    /// none with that id, or where it was made inactive.
    fn strategy(&self, id: &str) -> BoxFuture<'_, Option<StoredStrategy>>;

    /// Returns every active registered strategy, in the order of the ids (by bytes).
    fn strategies(&self) -> BoxFuture<'_, Vec<StoredStrategy>>;

    /// Deletes a registered strategy; returns whether there was one. Runs of it stay.
    fn delete_strategy(&self, id: &str) -> BoxFuture<'_, bool>;

    /// Ends the work in hand, then closes; every later call fails with `CLOSED`. Closing twice is no error.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// The code of the issue that tells a taken id from other failures.
const DUPLICATE: &str = "duplicate";

/// The code of the issue that tells a run that has ended from other failures.
const ENDED: &str = "ended";

/// Why the runs of a dead process have failed.
pub(crate) const DIED: &str = "the process that ran this backtest ended before it was done";

/// Returns whether creating a run failed because its id is taken: the caller draws another one and tries again.
pub fn is_duplicate(error: &Error) -> bool {
    is_about_id(error, DUPLICATE)
}

/// Returns whether work on a run failed because the run has ended in another way: trying again is of no use.
pub fn is_ended(error: &Error) -> bool {
    is_about_id(error, ENDED)
}

fn is_about_id(error: &Error, code: &str) -> bool {
    error.code == Code::Storage
        && error.issues.iter().any(|issue| issue.path == "id" && issue.code == code)
}

/// The errors that all stores share, so that they read the same.
pub(crate) mod errors {
    use super::{Code, DUPLICATE, ENDED, Error, Issue, Outcome, Run, Status};
    use crate::quote;

    /// Creates the error of an id that is taken.
    pub fn duplicate(id: &str) -> Error {
        let message = format!("there is a backtest with the id {id} already");
        Error::with_issues(Code::Storage, vec![Issue::new("id", DUPLICATE, message)]).retryable()
    }

    /// Creates the error of a run that is to end twice.
    pub fn ended(id: &str, was: &str, becomes: Status) -> Error {
        let message =
            format!("backtest {id} has ended as {was} and cannot become {}", becomes.as_str());
        Error::with_issues(Code::Storage, vec![Issue::new("id", ENDED, message)])
    }

    /// Creates the error of a run that another engine runs.
    pub fn foreign(id: &str) -> Error {
        let message = format!("backtest {id} is run by another engine");
        Error::with_issues(Code::Storage, vec![Issue::new("id", ENDED, message)])
    }

    /// Refuses an end that is none, or that does not fit what came out.
    pub fn check_end(run: &Run, outcome: Option<&Outcome>) -> Result<(), Error> {
        let (id, status) = (&run.id, run.status);
        match (status, outcome) {
            (Status::Pending | Status::Running, _) => {
                Err(Error::internal(format!("backtest {id} cannot end as {}", status.as_str())))
            }
            (Status::Completed, None) => Err(Error::internal(format!(
                "backtest {id} cannot become completed without its results"
            ))),
            (Status::Failed | Status::Cancelled, Some(_)) => Err(Error::internal(format!(
                "backtest {id} cannot have results, since it is {}",
                status.as_str()
            ))),
            _ => Ok(()),
        }
    }

    /// Creates the error of a page that follows a run which is not there.
    pub fn unknown_page(before: &str) -> Error {
        Error::invalid(
            "before",
            "unknown",
            format!(
                "before must be the id of a backtest, no backtest has the id {}",
                quote::quoted(before)
            ),
        )
    }

    /// Creates the error of a store that was closed.
    pub fn closed() -> Error {
        Error::new(Code::Closed, "the store was closed")
    }
}
