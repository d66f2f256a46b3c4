//! Text of a caller in messages: cut to a length, and without the characters that act on a terminal, a log or a reader.

use std::borrow::Cow;
use std::fmt::Write;

/// The most characters of a value or a name of the caller that a message shows.
const LONGEST_VALUE: usize = 60;
/// The most bytes of an issue's path and message.
const LONGEST_PATH: usize = 500;
const LONGEST_ISSUE: usize = 2_000;
/// The most bytes of an error's message.
pub const LONGEST_MESSAGE: usize = 8_000;

/// Returns a value of the caller in quotes, escaped as in source code and cut: `"x"`, `"xxx"…`.
pub fn quoted(text: &str) -> String {
    match beginning(text) {
        Some(head) => format!("{head:?}…"),
        None => format!("{text:?}"),
    }
}

/// Returns a name of the caller, a key for example, without quotes, escaped and cut.
pub fn name(text: &str) -> Cow<'_, str> {
    match beginning(text) {
        Some(head) => format!("{}…", escaped(head)).into(),
        None => escaped(text),
    }
}

/// Returns the path of an issue, escaped and cut.
pub fn path(text: String) -> String {
    bounded(text, LONGEST_PATH)
}

/// Returns the message of an issue, escaped and cut.
pub fn issue(text: String) -> String {
    bounded(text, LONGEST_ISSUE)
}

/// Returns the message of an error, escaped and cut.
pub fn message(text: String) -> String {
    bounded(text, LONGEST_MESSAGE)
}

/// Returns what of a text is shown if that is not all of it.
fn beginning(text: &str) -> Option<&str> {
    // Most texts are so short that their characters need not be counted.
    if text.len() <= LONGEST_VALUE {
        return None;
    }
    let (end, _) = text.char_indices().nth(LONGEST_VALUE)?;
    text.get(..end)
}

fn bounded(text: String, longest: usize) -> String {
    // Cut before, so that little is escaped, and after, as escapes are longer than what they stand for.
    let text = cut(text, longest);
    match escaped(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(escaped) => cut(escaped, longest),
    }
}

fn cut(mut text: String, longest: usize) -> String {
    if text.len() > longest {
        text.truncate(text.floor_char_boundary(longest - '…'.len_utf8()));
        text.push('…');
    }
    text
}

fn escaped(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if !acts(character) {
            shown.push(character);
            continue;
        }
        let written = match character {
            '\n' => shown.write_str("\\n"),
            '\r' => shown.write_str("\\r"),
            '\t' => shown.write_str("\\t"),
            other => write!(shown, "\\u{{{:x}}}", u32::from(other)),
        };
        // Writing to a string does not fail.
        debug_assert!(written.is_ok(), "Invariant: a string takes every text");
    }
    shown.into()
}

/// Returns whether a character does something instead of showing itself: controls (those of ANSI sequences among them), line
/// separators, changes of the direction of text, and what has no width.
fn acts(character: char) -> bool {
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
    fn short_text_is_shown_as_it_is() {
        assert_eq!(quoted("fast \"x\"\n"), "\"fast \\\"x\\\"\\n\"");
        assert!(matches!(name("größe €"), Cow::Borrowed("größe €")));
        assert_eq!(message("a, b: c".into()), "a, b: c");
        assert_eq!(quoted(&"é".repeat(60)), format!("\"{}\"", "é".repeat(60)));
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(quoted(&"é".repeat(61)), format!("\"{}\"…", "é".repeat(60)));
        assert_eq!(name(&"é".repeat(1_000_000)), format!("{}…", "é".repeat(60)));
        let cut = message("é".repeat(1_000_000));
        assert!(cut.len() <= LONGEST_MESSAGE && cut.ends_with("é…"));
        assert!(message("\0".repeat(1_000_000)).len() <= LONGEST_MESSAGE);
        assert_eq!(message(cut.clone()), cut);
    }

    #[test]
    fn what_acts_is_escaped() {
        assert_eq!(name("a\u{1b}[31m\0\u{7f}\u{9b}"), "a\\u{1b}[31m\\u{0}\\u{7f}\\u{9b}");
        assert_eq!(
            name("a\u{202e}b\u{2066}\u{2028}\u{feff}"),
            "a\\u{202e}b\\u{2066}\\u{2028}\\u{feff}"
        );
        assert_eq!(issue("line\r\nline\t".into()), "line\\r\\nline\\t");
        assert_eq!(quoted("\u{1b}\u{202e}"), "\"\\u{1b}\\u{202e}\"");
    }
}
