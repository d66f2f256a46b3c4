//! The id of a backtest as an argument.

use crate::error::Result;
use crate::request::Input;

use super::id_argument;

/// Reads an id. Whether a backtest has it is not checked.
///
/// # Errors
/// `INVALID_ARGUMENT` unless it is a string.
pub(super) fn backtest_id(input: &Input) -> Result<String> {
    id_argument::read("backtestId", input)
}
