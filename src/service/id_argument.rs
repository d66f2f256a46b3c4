//! The id of something that is kept, as an argument.

use crate::error::{Error, Result};
use crate::request::Input;

/// Reads an id. Whether something has it is not checked.
///
/// # Errors
/// `INVALID_ARGUMENT` unless it is a string.
pub(super) fn read(name: &str, input: &Input) -> Result<String> {
    match input {
        Input::Text(id) => Ok(id.clone()),
        Input::Null => Err(Error::invalid(name, "required", format!("{name} is required"))),
        other => Err(Error::invalid(
            name,
            "type",
            format!("{name} must be a string, was {}", other.describe()),
        )),
    }
}
