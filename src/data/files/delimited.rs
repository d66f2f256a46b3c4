//! Bars from delimited text. The delimiter is a comma, a semicolon or a tab.

use std::io::{BufRead, Error as IoError, Read};

use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord, Terminator};

use super::open_file::unreadable;
use super::timestamp_column::TimestampColumn;
use crate::compute::reserve;
use crate::error::{Code, Error, Issue, Result};
use crate::market::column_names::ColumnPositions;
use crate::market::{Bars, Column, Limit};
use crate::observer::ProgressObserver;
use crate::quote::{self, quoted};

/// The header must be among the first lines. Files of `CryptoDataDownload` start with a URL.
const HEADER_LINES: usize = 5;
/// How many lines are read between two calls of the observer.
const OBSERVER_INTERVAL: u64 = 1024;
/// The maximum length of a record, bytes. A quoted field may contain line feeds, and a file without line feeds is one record.
const MAX_RECORD_LEN: u64 = 1 << 20;
/// The maximum number of columns.
const MAX_COLUMNS: usize = 10_000;

/// Reads bars from text of `size` bytes with a header. Bars in descending order are reversed.
pub(super) fn read(
    mut input: impl BufRead,
    size: u64,
    limit: Limit,
    observer: &dyn ProgressObserver,
) -> Result<Bars> {
    let head = input.fill_buf().map_err(|error| unreadable(&error))?;
    if head.starts_with(&[0xFF, 0xFE]) || head.starts_with(&[0xFE, 0xFF]) {
        return Err(bad("the text is UTF-16, must be UTF-8"));
    }
    let delimiter = delimiter(head);
    // The position after a line gives its number only if every line ends with a line feed. So one is appended, and carriage
    // returns are left to the trimming of cells.
    let input = LimitedInput { input: input.chain(&b"\n"[..]), remaining: 0, observer };
    let mut builder = ReaderBuilder::new();
    let builder = builder
        .delimiter(delimiter)
        .terminator(Terminator::Any(b'\n'))
        .has_headers(false)
        .flexible(true);
    let mut reader = builder.from_reader(input);
    let mut record = StringRecord::new();
    let header = header(&mut reader, &mut record)?;
    let mut table = Table::new(&header)?;
    let mut rows = 0_u64;
    while let Some(line) = next_record(&mut reader, &mut record)? {
        rows += 1;
        limit.check(rows)?;
        if rows.is_multiple_of(OBSERVER_INTERVAL) {
            if observer.is_cancelled() {
                return Err(Error::cancelled());
            }
            #[expect(clippy::cast_precision_loss, reason = "progress for people")]
            let fraction = reader.position().byte() as f64 / size.max(1) as f64;
            observer.on_read(fraction, usize::try_from(rows).unwrap_or(usize::MAX));
        }
        table.push(&record, line)?;
    }
    table.finish()
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

/// Returns the delimiter that occurs most often in one of the first lines.
fn delimiter(head: &[u8]) -> u8 {
    let most_cells = |delimiter: u8| {
        let lines = head
            .split(|byte| matches!(byte, b'\n' | b'\r'))
            .filter(|line| !line.is_empty())
            .take(HEADER_LINES);
        lines.map(|line| line.split(|byte| *byte == delimiter).count()).max().unwrap_or(0)
    };
    // `max_by_key` returns the last of several maxima, so the comma comes last.
    *[b'\t', b';', b','].iter().max_by_key(|delimiter| most_cells(**delimiter)).unwrap_or(&b',')
}

/// Finds the header among the first lines.
fn header(
    reader: &mut Reader<LimitedInput<'_, impl Read>>,
    record: &mut StringRecord,
) -> Result<Vec<String>> {
    let mut first = None;
    for _ in 0..HEADER_LINES {
        if next_record(reader, record)?.is_none() {
            break;
        }
        let names: Vec<&str> = record.iter().collect();
        match ColumnPositions::find(&names) {
            Ok(_) => return Ok(names.into_iter().map(str::to_owned).collect()),
            // The error is about the first line, unless that has only one cell.
            Err(error)
                if first.is_none()
                    || names.len() > 1 && first.as_ref().is_some_and(|(cells, _)| *cells == 1) =>
            {
                first = Some((names.len(), error));
            }
            Err(_) => {}
        }
    }
    Err(first.map_or_else(|| bad("there is no header line"), |(_, error)| error))
}

/// Reads the next record that is not blank. Returns the number of its line, counted from 1.
fn next_record(
    reader: &mut Reader<LimitedInput<'_, impl Read>>,
    record: &mut StringRecord,
) -> Result<Option<u64>> {
    let mut blank = 0_u64;
    loop {
        let first_line = reader.position().line();
        reader.get_mut().remaining = MAX_RECORD_LEN;
        let found = reader.read_record(record);
        let line = reader.position().line().saturating_sub(1);
        let found = found.map_err(|error| match error.into_kind() {
            ErrorKind::Io(error) => match error.get_ref() {
                Some(inner) if inner.is::<TooLong>() => bad(format!(
                    "the record that starts in line {first_line} is longer than {MAX_RECORD_LEN} bytes; a line break or a quote is missing"
                )),
                Some(inner) if inner.is::<Cancelled>() => Error::cancelled(),
                _ => unreadable(&error),
            },
            ErrorKind::Utf8 { .. } => bad(format!("line {line} is not UTF-8")),
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
        blank += 1;
        if blank.is_multiple_of(OBSERVER_INTERVAL) && reader.get_ref().observer.is_cancelled() {
            return Err(Error::cancelled());
        }
    }
}

/// The columns read so far.
#[derive(Debug)]
struct Table<'a> {
    header: &'a [String],
    columns: ColumnPositions,
    timestamps: TimestampColumn,
    /// Open, high, low, close.
    prices: [Vec<f64>; 4],
    volume: Vec<f64>,
}

impl<'a> Table<'a> {
    fn new(header: &'a [String]) -> Result<Self> {
        let names: Vec<&str> = header.iter().map(String::as_str).collect();
        let columns = ColumnPositions::find(&names)?;
        Ok(Self {
            header,
            columns,
            timestamps: TimestampColumn::default(),
            prices: Default::default(),
            volume: Vec::new(),
        })
    }

    fn push(&mut self, record: &StringRecord, line: u64) -> Result<()> {
        self.check_width(record, line)?;
        let date = record.get(self.columns.time).unwrap_or("").trim();
        let is_known = match self.columns.clock.and_then(|clock| record.get(clock)) {
            Some(clock) => self.timestamps.push(format!("{date} {}", clock.trim()).trim(), line)?,
            None => self.timestamps.push(date, line)?,
        };
        if !is_known {
            return Err(fault(self.header, self.columns.time, line, "a date or a time", date));
        }
        for ((_, index), column) in self.columns.prices().into_iter().zip(&mut self.prices) {
            reserve::push(column, number(self.header, record, index, line)?, "rows")?;
        }
        if let Some(index) = self.columns.volume {
            reserve::push(&mut self.volume, number(self.header, record, index, line)?, "rows")?;
        }
        Ok(())
    }

    /// A short line is truncated; a long one has an unquoted delimiter in a number.
    fn check_width(&self, record: &StringRecord, line: u64) -> Result<()> {
        let (cells, expected) = (record.len(), self.header.len());
        if cells < expected || record.iter().skip(expected).any(|cell| !cell.trim().is_empty()) {
            let message = format!("line {line} has {cells} fields, the header has {expected}");
            return Err(Error::with_issues(
                Code::BadData,
                vec![Issue::new(format!("line {line}"), "length", message)],
            ));
        }
        Ok(())
    }

    fn finish(self) -> Result<Bars> {
        let mut timestamps = self.timestamps.finish()?;
        if timestamps.is_empty() {
            return Err(bad("there are no bars below the header"));
        }
        let is_descending = timestamps.first() > timestamps.last()
            && timestamps.is_sorted_by(|before, after| before >= after);
        let in_order = |mut values: Vec<f64>| -> Column {
            if is_descending {
                values.reverse();
            }
            values.into()
        };
        let [open, high, low, close] = self.prices.map(in_order);
        let volume = self.columns.volume.map(|_| in_order(self.volume));
        if is_descending {
            timestamps.reverse();
        }
        Bars::new(timestamps, open, high, low, close, volume)
    }
}

/// Parses a finite number. `NaN`, `inf` and `null` are rejected.
fn number(header: &[String], record: &StringRecord, index: usize, line: u64) -> Result<f64> {
    let text = record.get(index).unwrap_or("");
    let parsed = text.trim().parse().ok().filter(|value: &f64| value.is_finite());
    parsed.ok_or_else(|| fault(header, index, line, "a number", text))
}

fn fault(header: &[String], index: usize, line: u64, expected: &str, text: &str) -> Error {
    let name = header.get(index).map_or("", |name| name.trim());
    let found = match text.trim() {
        "" => "is empty".to_owned(),
        text => format!("was {}", quoted(text)),
    };
    let message = format!("line {line}, column {} must be {expected}, {found}", quoted(name));
    Error::with_issues(
        Code::BadData,
        vec![Issue::new(format!("line {line}, {}", quote::name(name)), "type", message)],
    )
}

fn bad(message: impl Into<String>) -> Error {
    Error::new(Code::BadData, message)
}
