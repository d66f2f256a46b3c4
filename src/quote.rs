//! Caller-supplied text in messages: truncated, with control and formatting characters escaped, and without the URL of a
//! database.

use std::borrow::Cow;
use std::fmt::Write;

/// The maximum number of characters of a caller-supplied value or name in a message.
const MAX_VALUE_CHARS: usize = 60;
/// The maximum size of an issue's path and message.
const MAX_PATH_BYTES: usize = 500;
const MAX_ISSUE_BYTES: usize = 2_000;
/// The maximum size of an error's message, bytes.
pub const MAX_MESSAGE_BYTES: usize = 8_000;

/// What is shown of a text that contains the URL of a database, such as one in the wrong field: it may contain a password.
const HIDDEN_URL: &str = "postgresql://…";

/// Returns whether a text contains the URL of a PostgreSQL database, which may contain a password.
pub fn contains_database_url(text: &str) -> bool {
    text.contains("postgres://") || text.contains("postgresql://")
}

/// Returns a caller-supplied value in quotes, escaped as in source code and truncated: `"x"`, `"xxx"…`.
pub fn quoted(text: &str) -> String {
    if contains_database_url(text) {
        return format!("{HIDDEN_URL:?}");
    }
    match truncated_prefix(text) {
        Some(head) => format!("{head:?}…"),
        None => format!("{text:?}"),
    }
}

/// Returns a caller-supplied name, such as a key, without quotes, escaped and truncated.
pub fn name(text: &str) -> Cow<'_, str> {
    if contains_database_url(text) {
        return HIDDEN_URL.into();
    }
    match truncated_prefix(text) {
        Some(head) => format!("{}…", escaped(head)).into(),
        None => escaped(text),
    }
}

/// Returns a count with its noun: `1 item`, `2 items`.
pub fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// Returns the form of a verb that agrees with a count: `is` or `are`.
pub fn agreeing(count: usize, singular: &'static str, plural: &'static str) -> &'static str {
    if count == 1 { singular } else { plural }
}

/// Joins names for a sentence: `a, b and c`.
pub fn listed<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.as_slice() {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Returns the path of an issue, escaped and truncated.
pub fn path(text: String) -> String {
    bounded(text, MAX_PATH_BYTES)
}

/// Returns the message of an issue, escaped and truncated.
pub fn issue(text: String) -> String {
    bounded(text, MAX_ISSUE_BYTES)
}

/// Returns the message of an error, escaped and truncated.
pub fn message(text: String) -> String {
    bounded(text, MAX_MESSAGE_BYTES)
}

/// Returns the prefix of a text that is shown; `None` if the whole text is.
fn truncated_prefix(text: &str) -> Option<&str> {
    // Counting characters is only necessary if there are more bytes than characters allowed.
    if text.len() <= MAX_VALUE_CHARS {
        return None;
    }
    let (end, _) = text.char_indices().nth(MAX_VALUE_CHARS)?;
    text.get(..end)
}

fn bounded(text: String, max_bytes: usize) -> String {
    // Truncated before escaping to bound the work, and after because escapes are longer than the characters they replace.
    let text = truncated(text, max_bytes);
    match escaped(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(escaped) => truncated(escaped, max_bytes),
    }
}

fn truncated(mut text: String, max_bytes: usize) -> String {
    if text.len() > max_bytes {
        text.truncate(text.floor_char_boundary(max_bytes - '…'.len_utf8()));
        text.push('…');
    }
    text
}

fn escaped(text: &str) -> Cow<'_, str> {
    if !text.chars().any(needs_escape) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if !needs_escape(character) {
            shown.push(character);
            continue;
        }
        let written = match character {
            '\n' => shown.write_str("\\n"),
            '\r' => shown.write_str("\\r"),
            '\t' => shown.write_str("\\t"),
            other => write!(shown, "\\u{{{:x}}}", u32::from(other)),
        };
        // Writing to a string cannot fail.
        debug_assert!(written.is_ok(), "Invariant: writing to a string succeeds");
    }
    shown.into()
}

/// Returns whether a character has an effect other than being displayed: control characters (including those of ANSI
/// sequences), line separators, bidirectional formatting, and zero-width characters.
fn needs_escape(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_text_is_unchanged() {
        assert_eq!(quoted("fast \"x\"\n"), "\"fast \\\"x\\\"\\n\"");
        assert!(matches!(name("größe €"), Cow::Borrowed("größe €")));
        assert_eq!(message("a, b: c".into()), "a, b: c");
        assert_eq!(quoted(&"é".repeat(60)), format!("\"{}\"", "é".repeat(60)));
    }

    #[test]
    fn the_url_of_a_database_is_hidden() {
        for url in ["postgresql://u:p@h/d", "postgres://u:p", "sqlite:postgres://p"] {
            assert_eq!(quoted(url), "\"postgresql://…\"");
            assert_eq!(name(url), "postgresql://…");
        }
        assert_eq!(quoted("postgres:"), "\"postgres:\"");
    }

    #[test]
    fn long_text_is_truncated_at_a_character_boundary() {
        assert_eq!(quoted(&"é".repeat(61)), format!("\"{}\"…", "é".repeat(60)));
        assert_eq!(name(&"é".repeat(1_000_000)), format!("{}…", "é".repeat(60)));
        let cut = message("é".repeat(1_000_000));
        assert!(cut.len() <= MAX_MESSAGE_BYTES && cut.ends_with("é…"));
        assert!(message("\0".repeat(1_000_000)).len() <= MAX_MESSAGE_BYTES);
        assert_eq!(message(cut.clone()), cut);
    }

    #[test]
    fn control_and_formatting_characters_are_escaped() {
        assert_eq!(name("a\u{1b}[31m\0\u{7f}\u{9b}"), "a\\u{1b}[31m\\u{0}\\u{7f}\\u{9b}");
        assert_eq!(
            name("a\u{202e}b\u{2066}\u{2028}\u{feff}"),
            "a\\u{202e}b\\u{2066}\\u{2028}\\u{feff}"
        );
        assert_eq!(issue("line\r\nline\t".into()), "line\\r\\nline\\t");
        assert_eq!(quoted("\u{1b}\u{202e}"), "\"\\u{1b}\\u{202e}\"");
    }
}
