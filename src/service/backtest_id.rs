//! Reads the id of a backtest.

use crate::error::{Error, Result};
use crate::request::Input;

/// Returns the id, whether or not a run of that id is known.
///
/// # Errors
/// `INVALID_ARGUMENT` for anything but a string.
pub(super) fn backtest_id(input: &Input) -> Result<String> {
    match input {
        Input::Text(id) => Ok(id.clone()),
        Input::Null => Err(Error::invalid("backtestId", "required", "backtestId is required")),
        other => Err(Error::invalid(
            "backtestId",
            "type",
            format!("backtestId must be a string, was {}", other.describe()),
        )),
    }
}
