//! Bars from delimited text: comma, semicolon or tab, whichever the header uses.

use std::io::{BufRead, Error as IoError, Read};

use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord, Terminator};

use super::timestamps::Timestamps;
use super::unreadable;
use crate::compute::reserve;
use crate::error::{Code, Error, Issue, Result};
use crate::market::column_names::BarColumns;
use crate::market::{Bars, Column, Limit};
use crate::observer::ProgressObserver;
use crate::quote::{self, quoted};

/// How many lines may precede the header, as the address does in files of `CryptoDataDownload`.
const PREAMBLE: usize = 5;
/// How many lines are read between two looks at the observer.
const POLL: u64 = 1024;
/// The longest record, bytes: a quoted field may hold line feeds, and a file without any is one record.
const LONGEST_RECORD: u64 = 1 << 20;
/// The most columns of a record.
const MOST_COLUMNS: usize = 10_000;

/// Reads bars from text of `size` bytes with a header; files that have the newest bar first are turned round.
pub(super) fn read(
    mut input: impl BufRead,
    size: u64,
    limit: Limit,
    observer: &dyn ProgressObserver,
) -> Result<Bars> {
    let head = input.fill_buf().map_err(|error| unreadable(&error))?;
    if head.starts_with(&[0xFF, 0xFE]) || head.starts_with(&[0xFE, 0xFF]) {
        return Err(bad("the text is in UTF-16, must be in UTF-8"));
    }
    let delimiter = delimiter(head);
    // Each line ends with a line feed then, and the carriage returns before them go when cells are trimmed: only so does
    // the position after a line tell its number, whatever ends the lines of the file.
    let input = Metered { input: input.chain(&b"\n"[..]), left: 0, observer };
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
    while let Some(line) = next(&mut reader, &mut record)? {
        rows += 1;
        limit.check(rows)?;
        if rows.is_multiple_of(POLL) {
            if observer.is_cancelled() {
                return Err(Error::cancelled());
            }
            #[expect(clippy::cast_precision_loss, reason = "a share, for people")]
            let share = reader.position().byte() as f64 / size.max(1) as f64;
            observer.on_read(share, usize::try_from(rows).unwrap_or(usize::MAX));
        }
        table.push(&record, line)?;
    }
    table.finish()
}

/// Fails before a record becomes too long, and where the work is cancelled within one.
struct Metered<'a, R> {
    input: R,
    /// How many bytes the record under way may still take.
    left: u64,
    observer: &'a dyn ProgressObserver,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 {
            return Err(IoError::other(TooLong));
        }
        if self.observer.is_cancelled() {
            return Err(IoError::other(Stopped));
        }
        let read = self.input.read(buffer)?;
        self.left = self.left.saturating_sub(read as u64);
        Ok(read)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the record is too long")]
struct TooLong;

#[derive(Debug, thiserror::Error)]
#[error("the work was cancelled")]
struct Stopped;

/// Chooses the delimiter that the first lines have most of.
fn delimiter(head: &[u8]) -> u8 {
    let line = |delimiter: u8| {
        let lines = head
            .split(|byte| matches!(byte, b'\n' | b'\r'))
            .filter(|line| !line.is_empty())
            .take(PREAMBLE);
        lines.map(|line| line.split(|byte| *byte == delimiter).count()).max().unwrap_or(0)
    };
    // On a tie the last one wins, hence the comma at the end.
    *[b'\t', b';', b','].iter().max_by_key(|delimiter| line(**delimiter)).unwrap_or(&b',')
}

/// Finds the header among the first lines.
fn header(
    reader: &mut Reader<Metered<'_, impl Read>>,
    record: &mut StringRecord,
) -> Result<Vec<String>> {
    let mut first = None;
    for _ in 0..PREAMBLE {
        if next(reader, record)?.is_none() {
            break;
        }
        let names: Vec<&str> = record.iter().collect();
        match BarColumns::find(&names) {
            Ok(_) => return Ok(names.into_iter().map(str::to_owned).collect()),
            // The first line is the one that a reader takes for the header, unless it has but one cell.
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

/// Reads the next line that is not blank; returns its number, counted from 1.
fn next(
    reader: &mut Reader<Metered<'_, impl Read>>,
    record: &mut StringRecord,
) -> Result<Option<u64>> {
    let mut blank = 0_u64;
    loop {
        let began = reader.position().line();
        reader.get_mut().left = LONGEST_RECORD;
        let found = reader.read_record(record);
        let line = reader.position().line().saturating_sub(1);
        let found = found.map_err(|error| match error.into_kind() {
            ErrorKind::Io(error) => match error.get_ref() {
                Some(inner) if inner.is::<TooLong>() => bad(format!(
                    "the record from line {began} on is longer than {LONGEST_RECORD} bytes; an end of line or a quote is missing"
                )),
                Some(inner) if inner.is::<Stopped>() => Error::cancelled(),
                _ => unreadable(&error),
            },
            ErrorKind::Utf8 { .. } => bad(format!("line {line} is not UTF-8")),
            kind => bad(format!("broken text: {kind:?}")),
        })?;
        if !found {
            return Ok(None);
        }
        if record.len() > MOST_COLUMNS {
            return Err(bad(format!(
                "line {line} has {} fields, at most {MOST_COLUMNS} are read",
                record.len()
            )));
        }
        if record.iter().any(|cell| !cell.trim().is_empty()) {
            return Ok(Some(line));
        }
        blank += 1;
        if blank.is_multiple_of(POLL) && reader.get_ref().observer.is_cancelled() {
            return Err(Error::cancelled());
        }
    }
}

/// The columns read so far.
#[derive(Debug)]
struct Table<'a> {
    header: &'a [String],
    places: BarColumns,
    moments: Timestamps,
    /// Open, high, low, close.
    prices: [Vec<f64>; 4],
    volume: Vec<f64>,
}

impl<'a> Table<'a> {
    fn new(header: &'a [String]) -> Result<Self> {
        let names: Vec<&str> = header.iter().map(String::as_str).collect();
        let places = BarColumns::find(&names)?;
        Ok(Self {
            header,
            places,
            moments: Timestamps::default(),
            prices: Default::default(),
            volume: Vec::new(),
        })
    }

    fn push(&mut self, record: &StringRecord, line: u64) -> Result<()> {
        self.check_width(record, line)?;
        let date = record.get(self.places.time).unwrap_or("").trim();
        let known = match self.places.clock.and_then(|clock| record.get(clock)) {
            Some(clock) => self.moments.push(format!("{date} {}", clock.trim()).trim(), line)?,
            None => self.moments.push(date, line)?,
        };
        if !known {
            return Err(self.fault(self.places.time, line, "a date or a time", date));
        }
        for ((_, place), column) in self.places.prices().into_iter().zip(&mut self.prices) {
            match number(record, place) {
                Some(value) => reserve::push(column, value, "rows")?,
                None => {
                    return Err(self.fault(
                        place,
                        line,
                        "a number",
                        record.get(place).unwrap_or(""),
                    ));
                }
            }
        }
        if let Some(place) = self.places.volume {
            match number(record, place) {
                Some(value) => reserve::push(&mut self.volume, value, "rows")?,
                None => {
                    return Err(self.fault(
                        place,
                        line,
                        "a number",
                        record.get(place).unwrap_or(""),
                    ));
                }
            }
        }
        Ok(())
    }

    /// A line that is too short was cut off; one that is too long has an unquoted delimiter in a number.
    fn check_width(&self, record: &StringRecord, line: u64) -> Result<()> {
        let (cells, expected) = (record.len(), self.header.len());
        if cells < expected || record.iter().skip(expected).any(|cell| !cell.trim().is_empty()) {
            let message = format!("line {line} has {cells} fields where the header has {expected}");
            return Err(Error::with_issues(
                Code::BadData,
                vec![Issue::new(format!("line {line}"), "length", message)],
            ));
        }
        Ok(())
    }

    fn fault(&self, place: usize, line: u64, expected: &str, found: &str) -> Error {
        let name = self.header.get(place).map_or("", |name| name.trim());
        let found = match found.trim() {
            "" => "is empty".to_owned(),
            found => format!("was {}", quoted(found)),
        };
        let message = format!("line {line}, column {} must be {expected}, {found}", quoted(name));
        Error::with_issues(
            Code::BadData,
            vec![Issue::new(format!("line {line}, {}", quote::name(name)), "type", message)],
        )
    }

    fn finish(self) -> Result<Bars> {
        let mut timestamps = self.moments.finish()?;
        if timestamps.is_empty() {
            return Err(bad("there are no bars below the header"));
        }
        let descending = timestamps.first() > timestamps.last()
            && timestamps.is_sorted_by(|before, after| before >= after);
        let turned = |mut values: Vec<f64>| -> Column {
            if descending {
                values.reverse();
            }
            values.into()
        };
        let [open, high, low, close] = self.prices.map(turned);
        let volume = self.places.volume.map(|_| turned(self.volume));
        if descending {
            timestamps.reverse();
        }
        Bars::new(timestamps, open, high, low, close, volume)
    }
}

/// Reads a finite number; `NaN`, `inf` and `null` are none.
fn number(record: &StringRecord, place: usize) -> Option<f64> {
    record.get(place)?.trim().parse().ok().filter(|value: &f64| value.is_finite())
}

fn bad(message: impl Into<String>) -> Error {
    Error::new(Code::BadData, message)
}
