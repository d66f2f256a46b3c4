//! Rows that are no bars: comments, titles, repeated headers, footers, and days without prices.

use crate::note::{Note, NoteCode};
use crate::quote::{counted, quoted};

/// How many rows of each kind a note names.
const NAMED: usize = 3;
/// How many lines the data of a note list.
const LISTED: usize = 20;

/// The rows that were skipped.
#[derive(Debug, Default)]
pub(super) struct Skipped {
    /// The first lines, for programs.
    lines: Vec<u64>,
    other: Kind,
    without_prices: Kind,
}

#[derive(Debug, Default)]
struct Kind {
    count: usize,
    named: Vec<String>,
}

impl Kind {
    fn push(&mut self, line: u64, text: &str) {
        self.count += 1;
        if self.named.len() < NAMED {
            self.named.push(format!("line {line} ({})", quoted(text.trim())));
        }
    }

    fn described(&self, one: &str, many: &str) -> Option<String> {
        let what = if self.count == 1 { one } else { many };
        let more = if self.count > self.named.len() { ", …" } else { "" };
        (self.count > 0).then(|| {
            format!("{} {what}: {}{more}", counted(self.count, "row"), self.named.join(", "))
        })
    }
}

impl Skipped {
    /// Adds a row that is no bar. `text` is its first cell.
    pub fn push_other(&mut self, line: u64, text: &str) {
        self.list(line);
        self.other.push(line, text);
    }

    /// Adds a row with a time, but without a price.
    pub fn push_without_prices(&mut self, line: u64, time: &str) {
        self.list(line);
        self.without_prices.push(line, time);
    }

    fn list(&mut self, line: u64) {
        if self.lines.len() < LISTED {
            self.lines.push(line);
        }
    }

    /// Returns the number of rows.
    pub fn count(&self) -> usize {
        self.other.count + self.without_prices.count
    }

    /// Returns the note, if there are rows.
    pub fn into_note(self) -> Option<Note> {
        let kinds = [
            self.other.described("that is no bar was skipped", "that are no bars were skipped"),
            self.without_prices
                .described("without any price was skipped", "without any price were skipped"),
        ];
        let text: Vec<String> = kinds.into_iter().flatten().collect();
        let count = self.count();
        (count > 0).then(|| {
            Note::new(NoteCode::RowsSkipped, text.join("; "))
                .with("rows", count)
                .with("lines", self.lines)
        })
    }
}
