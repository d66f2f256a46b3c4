//! Cells and records by themselves.

use csv::StringRecord;

use crate::error::{Code, Error};
use crate::market::raw::TimeColumn;

/// What writers put in place of a missing number.
const MISSING: [&str; 9] = ["", "nan", "null", "none", "n/a", "na", "-", "--", "∅"];

/// A record with the number of its line.
#[derive(Debug)]
pub(super) struct NumberedRecord {
    pub record: StringRecord,
    pub line: u64,
}

/// Returns whether a record is a comment, unless it is a header or a bar.
pub(super) fn is_comment(record: &StringRecord) -> bool {
    record.get(0).is_some_and(|cell| cell.trim_start().starts_with('#'))
}

/// Returns whether cells are a date or a time.
pub(super) fn is_time(date: &str, clock: Option<&str>) -> bool {
    matches!(TimeColumn::default().push(date.trim(), clock), Ok(Ok(())))
}

/// Returns whether a cell stands for a missing number.
pub(super) fn is_missing(text: &str) -> bool {
    let text = text.trim();
    let is_digit = text.starts_with(|char: char| char.is_ascii_digit());
    !is_digit && MISSING.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Creates the error of text that is not read.
pub(super) fn bad(message: impl Into<String>) -> Error {
    Error::new(Code::BadData, message)
}
