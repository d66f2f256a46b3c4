//! Records of delimited text, each with its line.

use std::io::{Error as IoError, Read};

use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord, Terminator};

use super::cells::bad;
use super::input::NotUtf16;
use crate::data::files::compressed::BrokenCompression;
use crate::data::files::open_file::unreadable;
use crate::error::{Error, Result};
use crate::market::Limit;
use crate::observer::ProgressObserver;

/// How many records are read between two calls of the observer.
pub(super) const OBSERVER_INTERVAL: u64 = 1024;
/// The maximum length of a record, bytes. A quoted field may contain line feeds, and a file without line feeds is one record.
const MAX_RECORD_LEN: u64 = 1 << 20;
/// The maximum number of columns.
const MAX_COLUMNS: usize = 10_000;

/// Reads records.
pub(super) struct Records<'a, R> {
    reader: Reader<LimitedInput<'a, R>>,
    limit: Limit,
    /// The number of records without any content.
    blank: u64,
}

impl<'a, R: Read> Records<'a, R> {
    /// `input` ends with a line feed. There may be as many blank records as the limit allows rows.
    pub fn new(input: R, delimiter: u8, limit: Limit, observer: &'a dyn ProgressObserver) -> Self {
        let input = LimitedInput { input, remaining: 0, observer };
        // The position after a line gives its number only if every line ends with a line feed. So carriage returns are left to
        // the trimming of cells.
        let mut builder = ReaderBuilder::new();
        let builder = builder
            .delimiter(delimiter)
            .terminator(Terminator::Any(b'\n'))
            .has_headers(false)
            .flexible(true);
        Self { reader: builder.from_reader(input), limit, blank: 0 }
    }

    /// Reads the next record that is not blank. Returns the number of its line, counted from 1; `None` at the end.
    ///
    /// # Errors
    /// `BAD_DATA` for a record that is too long or not UTF-8; the error of cancelled work.
    pub fn read(&mut self, record: &mut StringRecord) -> Result<Option<u64>> {
        loop {
            let first_line = self.reader.position().line();
            self.reader.get_mut().remaining = MAX_RECORD_LEN;
            let found = self.reader.read_record(record);
            let line = self.reader.position().line().saturating_sub(1);
            let found = found.map_err(|error| match error.into_kind() {
                ErrorKind::Io(error) => failure(&error, first_line),
                ErrorKind::Utf8 { .. } => {
                    bad(format!("line {line} is not UTF-8; save the file as UTF-8"))
                }
                kind => bad(format!("broken text: {kind:?}")),
            })?;
            if !found {
                return Ok(None);
            }
            if record.len() > MAX_COLUMNS {
                return Err(bad(format!(
                    "line {line} has {} fields, more than the maximum of {MAX_COLUMNS}",
                    record.len()
                )));
            }
            if record.iter().any(|cell| !cell.trim().is_empty()) {
                return Ok(Some(line));
            }
            self.blank += 1;
            self.limit.check(self.blank)?;
            if self.blank.is_multiple_of(OBSERVER_INTERVAL)
                && self.reader.get_ref().observer.is_cancelled()
            {
                return Err(Error::cancelled());
            }
        }
    }
}

/// Describes an error while the record that starts in a line is read.
pub(super) fn failure(error: &IoError, line: u64) -> Error {
    match error.get_ref() {
        Some(inner) if inner.is::<TooLong>() => bad(format!(
            "the record that starts in line {line} is longer than {MAX_RECORD_LEN} bytes; a line break or a quote is missing"
        )),
        Some(inner) if inner.is::<Cancelled>() => Error::cancelled(),
        Some(inner) if inner.is::<NotUtf16>() => {
            bad(format!("{inner} at or after line {line}; save the file as UTF-8"))
        }
        Some(inner) if inner.is::<BrokenCompression>() => bad(inner.to_string()),
        _ => unreadable(error),
    }
}

/// An input that fails when a record is too long or the work is cancelled.
struct LimitedInput<'a, R> {
    input: R,
    /// How many bytes the current record may still have.
    remaining: u64,
    observer: &'a dyn ProgressObserver,
}

impl<R: Read> Read for LimitedInput<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.remaining == 0 {
            return Err(IoError::other(TooLong));
        }
        if self.observer.is_cancelled() {
            return Err(IoError::other(Cancelled));
        }
        let read = self.input.read(buffer)?;
        self.remaining = self.remaining.saturating_sub(read as u64);
        Ok(read)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the record is too long")]
struct TooLong;

#[derive(Debug, thiserror::Error)]
#[error("the work was cancelled")]
struct Cancelled;
