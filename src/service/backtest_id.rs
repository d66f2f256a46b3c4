//! The id of a backtest as an argument.

use crate::error::{Error, Result};
use crate::request::Input;

/// Reads an id. Whether a backtest has it is not checked.
///
/// # Errors
/// `INVALID_ARGUMENT` unless it is a string.
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
