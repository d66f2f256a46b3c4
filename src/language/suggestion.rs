//! Spelling suggestions for messages.

use crate::error::nearest;

/// Returns ``, did you mean `x`?`` if a known name is similar to `name`, and the result of `fallback` otherwise.
pub fn did_you_mean<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
    fallback: impl FnOnce() -> String,
) -> String {
    if let Some(similar) = nearest(name, known) {
        return format!(", did you mean `{similar}`?");
    }
    fallback()
}
