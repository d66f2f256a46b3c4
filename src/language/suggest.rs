//! The nearest known name for a message.

use crate::error::nearest;

/// Returns `, did you mean `x`?` for a slip, and otherwise what `fallback` says.
pub fn hint<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
    fallback: impl FnOnce() -> String,
) -> String {
    if let Some(near) = nearest(name, known) {
        return format!(", did you mean `{near}`?");
    }
    fallback()
}
