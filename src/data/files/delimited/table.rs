//! The rows of a text, as they become columns of bars.

use csv::StringRecord;

use super::cells::{bad, is_comment, is_missing, is_time};
use super::header::Layout;
use super::numbers::{Decimal, Mark, Marks, Numbers};
use super::skipped::Skipped;
use crate::compute::reserve;
use crate::error::{Code, Error, Issue, Result};
use crate::market::column_names::{ColumnPositions, two_symbols, unused_columns};
use crate::market::raw::{NotedBars, RawBars, ReadOptions, ReadTimes, TimeColumn};
use crate::market::{Column, Limit};
use crate::note::Note;
use crate::quote::{self, quoted};

/// The columns read so far.
#[derive(Debug)]
pub(super) struct Table {
    header: Vec<String>,
    columns: ColumnPositions,
    limit: Limit,
    times: TimeColumn,
    /// The number of the line of each row.
    lines: Vec<u64>,
    numbers: Numbers,
    marks: Marks,
    /// Open, high, low, close, volume, number of ticks, adjusted close. The last three may have no column.
    values: [Vec<f64>; 7],
    symbol: Option<String>,
    skipped: Skipped,
    note: Option<Note>,
}

/// Why a row is no bar.
enum NoBar {
    /// It has a time, but no price, and no volume.
    WithoutPrices,
    /// It has neither a time nor prices.
    Other,
}

impl Table {
    /// Creates a table without rows. There may be as many skipped rows as the limit allows rows.
    pub fn new(layout: Layout, limit: Limit) -> Self {
        Self {
            header: layout.names,
            columns: layout.columns,
            limit,
            times: TimeColumn::default(),
            lines: Vec::new(),
            numbers: Numbers::default(),
            marks: Marks::default(),
            values: Default::default(),
            symbol: None,
            skipped: Skipped::default(),
            note: layout.note,
        }
    }

    /// Returns the number of bars.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Skips a record before the header.
    pub fn skip(&mut self, record: &StringRecord, line: u64) {
        self.skipped.push_other(line, text_of(record));
    }

    /// Adds a row, or skips it if it is no bar.
    ///
    /// # Errors
    /// `BAD_DATA` for a bar with a damaged cell; `LIMIT_EXCEEDED` for too many rows.
    pub fn push(&mut self, record: &StringRecord, line: u64) -> Result<()> {
        if let Err(error) = self.push_bar(record, line)? {
            match self.no_bar(record) {
                Some(NoBar::WithoutPrices) => {
                    let time = record.get(self.columns.time).unwrap_or("");
                    self.skipped.push_without_prices(line, time);
                }
                Some(NoBar::Other) => self.skipped.push_other(line, text_of(record)),
                None => return Err(error),
            }
            return self.limit.check(self.skipped.count() as u64);
        }
        self.limit.check(self.lines.len() as u64)
    }

    /// Adds a bar. The inner error says what is wrong with the row; nothing was added then.
    fn push_bar(&mut self, record: &StringRecord, line: u64) -> Result<Result<()>> {
        if let Err(error) = self.check_width(record, line) {
            return Ok(Err(error));
        }
        let was_decided = self.numbers.decimal().is_some();
        let mut row = [(f64::NAN, Mark::Same); 7];
        for ((_, index), place) in self.columns.prices().into_iter().zip(&mut row) {
            match self.price(record, index, line) {
                Ok(number) => *place = number,
                Err(error) => return Ok(Err(error)),
            }
        }
        for (index, place) in self.optional().into_iter().zip(row.iter_mut().skip(4)) {
            let Some(index) = index else { continue };
            match self.optional_number(record, index, line) {
                Ok(number) => *place = number,
                Err(error) => return Ok(Err(error)),
            }
        }
        let date = record.get(self.columns.time).unwrap_or("").trim();
        let clock = self.columns.clock.and_then(|clock| record.get(clock));
        if let Err(why) = self.times.push(date, clock)? {
            let found =
                clock.map_or_else(|| date.to_owned(), |clock| format!("{date} {}", clock.trim()));
            let expected = "a date or a time such as 2020-01-31 14:30";
            return Ok(Err(fault(&self.header, self.columns.time, line, expected, &found, &why)));
        }
        reserve::push(&mut self.lines, line, "rows")?;
        let [volume, tick_volume, adjusted_close] = self.optional().map(|index| index.is_some());
        let exists = [true, true, true, true, volume, tick_volume, adjusted_close];
        for ((column, (value, _)), exists) in self.values.iter_mut().zip(row).zip(exists) {
            if exists {
                reserve::push(column, value, "rows")?;
            }
        }
        if !was_decided {
            self.marks.set(self.lines.len() - 1, &row.map(|(_, mark)| mark))?;
            if let Some(decimal) = self.numbers.decimal() {
                self.settle(decimal);
            }
        }
        Ok(self.check_symbol(record, line))
    }

    /// Returns the columns of numbers that may be missing.
    fn optional(&self) -> [Option<usize>; 3] {
        [self.columns.volume, self.columns.tick_volume, self.columns.adjusted_close]
    }

    /// Reads the rows so far with the decimal separator that was found.
    fn settle(&mut self, decimal: Decimal) {
        let marks = std::mem::take(&mut self.marks);
        if decimal == Decimal::Comma && !marks.is_empty() {
            for (place, column) in self.values.iter_mut().enumerate() {
                for (row, value) in column.iter_mut().enumerate() {
                    *value = marks.with_comma(row, place, *value);
                }
            }
        }
    }

    fn price(&mut self, record: &StringRecord, index: usize, line: u64) -> Result<(f64, Mark)> {
        let text = record.get(index).unwrap_or("");
        // Most cells are plain numbers without spaces.
        if let Some(number) = self.numbers.parse_plain(text, line) {
            return Ok(number);
        }
        let text = text.trim();
        // K, M, B and T are for volumes: in a price, a letter is damage.
        if text.ends_with(|last: char| last.is_ascii_alphabetic()) {
            return Err(fault(&self.header, index, line, "a number", text, ""));
        }
        self.number(text, index, line)
    }

    /// Parses a number that may be missing, which gives NaN.
    fn optional_number(
        &mut self,
        record: &StringRecord,
        index: usize,
        line: u64,
    ) -> Result<(f64, Mark)> {
        let text = record.get(index).unwrap_or("");
        if let Some(number) = self.numbers.parse_plain(text, line) {
            return Ok(number);
        }
        if is_missing(text) {
            return Ok((f64::NAN, Mark::Same));
        }
        self.number(text.trim(), index, line)
    }

    fn number(&mut self, text: &str, index: usize, line: u64) -> Result<(f64, Mark)> {
        let parsed = self.numbers.parse(text, line);
        parsed.map_err(|why| fault(&self.header, index, line, "a number", text, &why))
    }

    /// Returns why a row is no bar; `None` if it is a damaged one.
    fn no_bar(&self, record: &StringRecord) -> Option<NoBar> {
        if is_comment(record) {
            return Some(NoBar::Other);
        }
        let cell = |index: usize| record.get(index).unwrap_or("").trim();
        let prices = self.columns.prices().map(|(_, index)| cell(index));
        let time = cell(self.columns.time);
        let clock = self.columns.clock.map(cell);
        if is_time(time, clock) {
            let is_zero =
                |volume: &str| volume.bytes().all(|byte| matches!(byte, b'0' | b'.' | b','));
            let has_volume = self
                .columns
                .volume
                .map(cell)
                .is_some_and(|volume| !is_missing(volume) && !is_zero(volume));
            let is_whole = record.len() >= self.header.len();
            let is_empty = prices.iter().all(|price| is_missing(price));
            return (is_whole && is_empty && !has_volume).then_some(NoBar::WithoutPrices);
        }
        // What may be left of a damaged bar: digits in its time or its prices, or anywhere if its time is missing; its symbol;
        // zero bytes.
        let starts_with_digit = |text: &str| text.starts_with(|char: char| char.is_ascii_digit());
        let is_damaged = starts_with_digit(time)
            || record.iter().any(|cell| cell.contains('\0'))
            || prices.iter().any(|price| price.contains(|char: char| char.is_ascii_digit()))
            || time.is_empty() && record.iter().any(|cell| starts_with_digit(cell.trim()))
            || self.symbol.is_some() && self.columns.symbol.map(cell) == self.symbol.as_deref();
        (!is_damaged).then_some(NoBar::Other)
    }

    /// Fails at the first row of another asset.
    fn check_symbol(&mut self, record: &StringRecord, line: u64) -> Result<()> {
        let symbol = self.columns.symbol.and_then(|place| record.get(place)).unwrap_or("").trim();
        match &self.symbol {
            _ if symbol.is_empty() => {}
            None => self.symbol = Some(symbol.to_owned()),
            Some(known) if known == symbol => {}
            Some(known) => return Err(two_symbols(known, symbol, &format!("line {line}"))),
        }
        Ok(())
    }

    /// A short line is truncated; a long one has an unquoted delimiter in a number.
    fn check_width(&self, record: &StringRecord, line: u64) -> Result<()> {
        let (cells, expected) = (record.len(), self.header.len());
        let is_longer = record.iter().skip(expected).any(|cell| !cell.trim().is_empty());
        if cells >= expected && !is_longer {
            return Ok(());
        }
        let way_out = if is_longer {
            "; write a number or text that contains the delimiter in quotes"
        } else {
            ""
        };
        let message = format!(
            "line {line} has {}, the header has {expected}{way_out}",
            quote::counted(cells, "field")
        );
        let issue = Issue::new(format!("line {line}"), "length", message);
        Err(Error::with_issues(Code::BadData, vec![issue]))
    }

    /// Decides the decimal separator by the order of prices if no cell did.
    fn decide(&mut self) -> Result<()> {
        if self.numbers.decimal().is_some() || self.marks.is_empty() {
            return Ok(());
        }
        let [open, high, low, close, ..] = &self.values;
        let is_consistent = |value: &dyn Fn(usize, usize, f64) -> f64| {
            let prices = open.iter().zip(high).zip(low).zip(close).enumerate();
            prices.into_iter().all(|(row, (((open, high), low), close))| {
                let (open, high) = (value(row, 0, *open), value(row, 1, *high));
                let (low, close) = (value(row, 2, *low), value(row, 3, *close));
                let tolerance = 1e-9 * high.abs();
                high + tolerance >= open.max(close) && low - tolerance <= open.min(close)
            })
        };
        let with_point = is_consistent(&|_, _, value| value);
        if with_point && self.numbers.first_comma().is_none() {
            return Ok(());
        }
        let with_comma =
            is_consistent(&|row, place, value| self.marks.with_comma(row, place, value));
        match (with_point, with_comma, self.numbers.first_comma()) {
            (false, true, _) => self.settle(Decimal::Comma),
            (true, false, _) | (_, _, None) => {}
            (_, _, Some((line, text))) => {
                let message = format!(
                    "line {line} has {0}, which may be {1} or {2}, and no number of the file shows which; write numbers without \
                     separators of thousands, and decimals with a point",
                    quoted(text),
                    text.replace(',', ""),
                    text.replace(',', ".")
                );
                return Err(Error::bad_data(format!("line {line}"), "ambiguous", message));
            }
        }
        Ok(())
    }

    /// Makes bars of the rows.
    ///
    /// # Errors
    /// `BAD_DATA` if there are none, if times or numbers are ambiguous, or if the rows are no bars.
    pub fn finish(mut self, options: &ReadOptions) -> Result<NotedBars> {
        if self.times.is_empty() {
            return Err(bad("there are no bars below the header"));
        }
        self.decide()?;
        let lines = self.lines;
        let describe = |row: usize| {
            lines.get(row).map_or_else(|| format!("row {row}"), |line| format!("line {line}"))
        };
        let ReadTimes { timestamps, local, notes: time_notes } =
            self.times.finish(options, &describe)?;
        // Without a header, all columns were recognized by their values.
        let unused = if self.note.is_none() {
            let header: Vec<&str> = self.header.iter().map(String::as_str).collect();
            unused_columns(&header, &self.columns)
        } else {
            None
        };
        let mut notes: Vec<Note> =
            self.note.into_iter().chain(unused).chain(self.skipped.into_note()).collect();
        notes.extend(time_notes);
        let optional = |place: Option<usize>, column: Vec<f64>| place.map(|_| Column::from(column));
        let [open, high, low, close, volume, tick_volume, adjusted_close] = self.values;
        let raw = RawBars {
            timestamps,
            local,
            prices: [open, high, low, close].map(Column::from),
            volume: optional(self.columns.volume, volume),
            tick_volume: optional(self.columns.tick_volume, tick_volume),
            adjusted_close: optional(self.columns.adjusted_close, adjusted_close),
            notes,
        };
        raw.into_bars(options, &describe)
    }
}

/// Returns the first cell of a record that is not empty.
fn text_of(record: &StringRecord) -> &str {
    record.iter().find(|cell| !cell.trim().is_empty()).unwrap_or("")
}

fn fault(
    header: &[String],
    index: usize,
    line: u64,
    expected: &str,
    text: &str,
    why: &str,
) -> Error {
    let name = header.get(index).map_or("", |name| name.trim());
    let found = match text.trim() {
        "" => "is empty".to_owned(),
        text => format!("was {}", quoted(text)),
    };
    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
    let message = format!("line {line}, column {} must be {expected}, {found}{why}", quoted(name));
    Error::bad_data(format!("line {line}, {}", quote::name(name)), "type", message)
}
