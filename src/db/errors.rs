//! Errors that both databases report alike.

use crate::error::{Code, Error};

/// Creates the error of work on a database that was closed.
pub(super) fn closed() -> Error {
    Error::new(Code::Closed, "the store was closed")
}
