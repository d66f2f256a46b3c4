//! What `SQLite` and the file system report, as errors that name the store.

use std::io::ErrorKind;
use std::path::Path;

use rusqlite::ErrorCode;

use crate::db::encoding::Damage;
use crate::error::Error;

/// Why a job failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// `SQLite` reported an error; the message still lacks the path of the store.
    Sqlite(rusqlite::Error),
    /// Stored data cannot be right.
    Damaged(Damage),
    /// The error is complete.
    Complete(Error),
}

impl Failure {
    /// Turns the failure into an error that names the store.
    pub(super) fn describe(self, path: &Path) -> Error {
        match self {
            Self::Sqlite(error) => describe(path, &error),
            Self::Damaged(Damage(what)) => {
                Error::storage(format!("the store {} is damaged: {what}", path.display()))
            }
            Self::Complete(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<Damage> for Failure {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Complete(error)
    }
}

/// Describes an error of `SQLite`. It is retryable if another process or a full disk caused it.
pub(crate) fn describe(path: &Path, error: &rusqlite::Error) -> Error {
    let path = path.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Error::storage(format!("the store {path} is locked by another process: {error}"))
                .retryable()
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            Error::storage(format!("the store {path} is not writable: {error}"))
        }
        Some(ErrorCode::CannotOpen) => {
            Error::storage(format!("the store {path} cannot be opened: {error}"))
        }
        Some(ErrorCode::NotADatabase) => {
            Error::storage(format!("the file {path} is not an SQLite database: {error}"))
        }
        Some(ErrorCode::DatabaseCorrupt) => {
            Error::storage(format!("the store {path} is corrupt: {error}"))
        }
        Some(ErrorCode::DiskFull) => {
            Error::storage(format!("no space is left for the store {path}: {error}")).retryable()
        }
        _ => Error::storage(format!("the store {path} failed: {error}")),
    }
}

/// Describes an error of the file system. `action` is what failed, such as `create the folder`.
pub(crate) fn describe_io(path: &Path, action: &str, error: &std::io::Error) -> Error {
    let cause = match error.kind() {
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        ErrorKind::StorageFull => "no space is left".to_owned(),
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => "a file is in the way".to_owned(),
        _ => error.to_string(),
    };
    let described = Error::storage(format!("cannot {action} {}: {cause}", path.display()));
    if error.kind() == ErrorKind::StorageFull { described.retryable() } else { described }
}
