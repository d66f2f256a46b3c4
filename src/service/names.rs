//! Names in requests: symbols and user ids.

use crate::quote::quoted;
use crate::request::{Fields, Issues};

/// The maximum length of a symbol or user id, characters.
const MAX_CHARS: usize = 255;

/// Reads the symbol of an asset.
pub(super) fn symbol(
    fields: &mut Fields<'_>,
    name: &'static str,
    issues: &mut Issues,
) -> Option<String> {
    let symbol = fields.required_text(name, issues)?;
    if symbol.chars().any(char::is_control) || symbol.trim() != symbol {
        let path = fields.path(name);
        issues.add(
            path.clone(),
            "range",
            format!(
                "{path} must not contain control characters or begin or end with spaces, was {}",
                quoted(&symbol)
            ),
        );
        return None;
    }
    is_short_enough(name, &symbol, issues).then_some(symbol)
}

/// Reads the id of a user.
pub(super) fn user_id(fields: &mut Fields<'_>, issues: &mut Issues) -> Option<String> {
    fields.text("userId", issues).filter(|id| is_short_enough("userId", id, issues))
}

/// Returns whether a text is short enough to be a name; adds an issue if it is not.
fn is_short_enough(path: &str, text: &str, issues: &mut Issues) -> bool {
    let length = text.chars().count();
    if length > MAX_CHARS {
        issues.add(
            path,
            "range",
            format!("{path} must have at most {MAX_CHARS} characters, had {length}"),
        );
    }
    length <= MAX_CHARS
}
