//! The errors that all stores share.

use super::record::{Outcome, Run, Status};
use crate::error::{Code, Error, Issue};
use crate::quote;

/// The code of the issue of an id that is taken.
const DUPLICATE: &str = "duplicate";

/// The code of the issue of a run that has ended.
const ENDED: &str = "ended";

/// The `error` of the runs of a dead process. Part of the stored data: stores find such runs by this text.
pub(crate) const PROCESS_DIED: &str = "the process that ran this backtest ended before it was done";

/// The `error` of the sweeps of a dead process. Part of the stored data, too.
pub(crate) const SWEEP_PROCESS_DIED: &str =
    "the process that ran this sweep ended before it was done; it can be resumed";

/// Returns whether creating a run or a sweep failed because its id is taken. Another id will work.
pub fn is_duplicate(error: &Error) -> bool {
    is_about_id(error, DUPLICATE)
}

/// Returns whether work on a run or a sweep failed because it has ended in another way or belongs to another call. A retry
/// fails again.
pub fn is_ended(error: &Error) -> bool {
    is_about_id(error, ENDED)
}

fn is_about_id(error: &Error, code: &str) -> bool {
    error.code == Code::Storage
        && error.issues.iter().any(|issue| issue.path == "id" && issue.code == code)
}

/// Creates the error of an id that is taken. `what` has it, such as `backtest`.
pub(super) fn duplicate(what: &str, id: &str) -> Error {
    let message = format!("a {what} with the id {id} already exists");
    Error::with_issues(Code::Storage, vec![Issue::new("id", DUPLICATE, message)]).retryable()
}

/// Creates the error of a change to a run that is not unfinished any more, or that another engine runs.
pub(super) fn not_unfinished(id: &str, stored_status: &str, new_status: Status) -> Error {
    let message = match stored_status {
        "pending" | "running" => format!("backtest {id} is run by another engine"),
        _ => format!(
            "backtest {id} has ended as {stored_status} and cannot become {}",
            new_status.as_str()
        ),
    };
    ended(message)
}

/// Creates an error for which [`is_ended`] holds.
pub(super) fn ended(message: String) -> Error {
    Error::with_issues(Code::Storage, vec![Issue::new("id", ENDED, message)])
}

/// Fails unless a new run is pending or running.
pub(super) fn check_new(run: &Run) -> Result<(), Error> {
    if run.status.is_under_way() {
        return Ok(());
    }
    Err(Error::internal(format!("a new backtest cannot be {}", run.status.as_str())))
}

/// Fails unless a run has ended and has an outcome exactly if it is completed.
pub(super) fn check_end(run: &Run, outcome: Option<&Outcome>) -> Result<(), Error> {
    let (id, status) = (&run.id, run.status);
    match (status, outcome) {
        (Status::Pending | Status::Running, _) => {
            Err(Error::internal(format!("backtest {id} cannot end as {}", status.as_str())))
        }
        (Status::Completed, None) => {
            Err(Error::internal(format!("backtest {id} cannot be completed without results")))
        }
        (Status::Failed | Status::Cancelled, Some(_)) => Err(Error::internal(format!(
            "backtest {id} cannot have results because it is {}",
            status.as_str()
        ))),
        _ => Ok(()),
    }
}

/// Creates the error of a page that follows something unknown: a `backtest` or a `sweep`.
pub(super) fn unknown_page(what: &str, before: &str) -> Error {
    Error::invalid(
        "before",
        "unknown",
        format!(
            "before must be the id of a {what}, no {what} has the id {}",
            quote::quoted(before)
        ),
    )
}
