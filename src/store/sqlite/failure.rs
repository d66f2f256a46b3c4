//! What the database and the file system report, in words that name the store.

use std::io::ErrorKind;
use std::path::Path;

use rusqlite::ErrorCode;

use crate::error::Error;

/// Describes a failure of the database; one that only came of another process at work is worth retrying.
pub fn describe(path: &Path, error: &rusqlite::Error) -> Error {
    let path = path.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Error::storage(format!("the store {path} is held by another process: {error}"))
                .retryable()
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            Error::storage(format!("the store {path} may not be written: {error}"))
        }
        Some(ErrorCode::CannotOpen) => {
            Error::storage(format!("the store {path} cannot be opened: {error}"))
        }
        Some(ErrorCode::NotADatabase) => {
            Error::storage(format!("the file {path} is no SQLite database: {error}"))
        }
        Some(ErrorCode::DatabaseCorrupt) => {
            Error::storage(format!("the store {path} is corrupt: {error}"))
        }
        Some(ErrorCode::DiskFull) => {
            // Once there is room, the same call succeeds.
            Error::storage(format!("no space is left for the store {path}: {error}")).retryable()
        }
        _ => Error::storage(format!("the store {path} failed: {error}")),
    }
}

/// Describes a failure of the file system.
pub fn describe_io(path: &Path, doing: &str, error: &std::io::Error) -> Error {
    let why = match error.kind() {
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        ErrorKind::StorageFull => "no space is left".to_owned(),
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => "a file is in the way".to_owned(),
        _ => error.to_string(),
    };
    let described = Error::storage(format!("cannot {doing} {}: {why}", path.display()));
    if error.kind() == ErrorKind::StorageFull { described.retryable() } else { described }
}
