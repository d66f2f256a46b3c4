//! A column of dates or times: text, numbers, or both a date and a time of day.
//!
//! A single cell may be ambiguous: `03/04/2020` is in March or in April, `1577836800` counts seconds or milliseconds, and
//! `20200131` is a date or a count. The whole column usually is not, so the cells are parsed first and interpreted at the end.
//!
//! The fields of a cell are split here rather than by the format strings of chrono: for each cell, dozens of them would have
//! to be tried, and none accepts `12-AM` or a decimal comma. chrono validates the fields and does the arithmetic.

use super::read_options::ReadOptions;
use super::time_text::{self, TimeText, Zone, midnight};
use super::time_unit::{self, ReadCounts};
use crate::compute::reserve;
use crate::error::{Code, Error, Result};
use crate::market::time_zone::TimeZone;
use crate::note::{Note, NoteCode};
use crate::quote::quoted;

/// A column of timestamps, cell by cell.
#[derive(Debug, Default)]
pub struct TimeColumn {
    cells: Vec<Cell>,
    /// The number of counts, and how many of them may be dates such as 20200131, or stamps such as 202001311430.
    counts: usize,
    stamps: usize,
    /// The first cell such as 03/04/2020 with its row, and whether any cell has a number above 12 in first or second place.
    first_slashed: Option<(usize, String)>,
    first_is_day: bool,
    second_is_day: bool,
    /// Whether any cell states an offset other than 0.
    has_offsets: bool,
}

/// A parsed cell.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cell {
    /// Local milliseconds, as if they were UTC, and the offset from UTC in minutes; `None` for a time without a zone.
    Time { local: i64, offset: Option<i16> },
    /// A count since the epoch in an unknown unit, and the milliseconds of its fraction; or a date such as 20200131.
    Count { whole: i64, fraction: i16 },
    /// A date whose day and month are in unknown order, the local time of day in milliseconds, and the offset.
    Slashed { first: u8, second: u8, year: i16, time: i32, offset: Option<i16> },
}

/// The timestamps of a column.
#[derive(Debug, Default)]
pub struct ReadTimes {
    /// UTC milliseconds.
    pub timestamps: Vec<i64>,
    /// Local times, as milliseconds as if they were UTC, if the column states offsets or the caller a time zone.
    pub local: Option<Vec<i64>>,
    /// What was noticed.
    pub notes: Vec<Note>,
}

impl TimeColumn {
    /// Returns the number of cells.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Returns whether there are no cells.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Parses a cell with a date or time, and the time of day if that has a cell of its own.
    ///
    /// # Errors
    /// The description of what the cell must be, and which part of it is not; `LIMIT_EXCEEDED` if there is not enough memory.
    pub fn push(
        &mut self,
        date: &str,
        clock: Option<&str>,
    ) -> Result<std::result::Result<(), String>> {
        let text = match time_text::parse(date, clock) {
            Ok(text) => text,
            Err(fault) => return Ok(Err(fault)),
        };
        let row = self.cells.len();
        let offset_of = |zone: Zone, local: i64| match zone {
            Zone::None => None,
            Zone::Offset(minutes) => Some(minutes),
            Zone::Named(zone) => Some(offset_at(zone, local)),
        };
        let cell = match text {
            TimeText::Count { whole, fraction } => {
                self.counts += 1;
                self.stamps += usize::from(fraction == 0 && time_text::stamp(whole).is_some());
                Cell::Count { whole, fraction }
            }
            TimeText::Time { local, zone } => Cell::Time { local, offset: offset_of(zone, local) },
            TimeText::Slashed { first, second, year, time, zone } => {
                self.first_is_day |= first > 12;
                self.second_is_day |= second > 12;
                self.first_slashed.get_or_insert_with(|| (row, date.to_owned()));
                // The order of day and month hardly changes the offset of a named zone.
                let local = midnight(year.into(), 1, 1).unwrap_or(0);
                Cell::Slashed { first, second, year, time, offset: offset_of(zone, local) }
            }
        };
        if let Cell::Time { offset, .. } | Cell::Slashed { offset, .. } = cell {
            self.has_offsets |= offset.is_some_and(|offset| offset != 0);
        }
        reserve::push(&mut self.cells, cell, "rows")?;
        Ok(Ok(()))
    }

    /// Adds a count since the epoch in an unknown unit.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if there is not enough memory.
    pub fn push_count(&mut self, whole: i64, fraction: i16) -> Result<()> {
        self.counts += 1;
        self.stamps += usize::from(fraction == 0 && time_text::stamp(whole).is_some());
        reserve::push(&mut self.cells, Cell::Count { whole, fraction }, "rows")
    }

    /// Interprets the cells. `describe` names a row in messages: `line 5`.
    ///
    /// # Errors
    /// `BAD_DATA` if day and month are ambiguous, a date does not exist, or the column mixes forms.
    pub fn finish(
        self,
        options: &ReadOptions,
        describe: &dyn Fn(usize) -> String,
    ) -> Result<ReadTimes> {
        let bad = |message: String| Error::new(Code::BadData, message);
        if self.counts > 0 && self.counts < self.cells.len() {
            return Err(bad(self.mixture(describe)));
        }
        self.check_slashed(describe)?;
        let are_stamps =
            self.counts > 0 && self.stamps == self.counts && options.time_unit.is_none();
        if self.counts > 0 && !are_stamps {
            return self.read_counts(options, describe);
        }
        let mut timestamps = reserve::with_capacity(self.cells.len(), "rows")?;
        let has_local = self.has_offsets || options.timezone.is_some();
        let mut locals =
            reserve::with_capacity(if has_local { self.cells.len() } else { 0 }, "rows")?;
        for (row, cell) in self.cells.iter().enumerate() {
            let (local, offset) = match *cell {
                Cell::Time { local, offset } => (local, offset),
                Cell::Count { whole, .. } => (time_text::stamp(whole).unwrap_or(0), None),
                Cell::Slashed { first, second, year, time, offset } => {
                    let (day, month) =
                        if self.first_is_day { (first, second) } else { (second, first) };
                    let date =
                        midnight(year.into(), month.into(), day.into()).ok_or_else(|| {
                            bad(format!("{}: {first}/{second}/{year} is not a date", describe(row)))
                        })?;
                    (date + i64::from(time), offset)
                }
            };
            let timestamp = match (offset, options.timezone) {
                (Some(offset), _) => local - i64::from(offset) * 60_000,
                (None, Some(zone)) => zone.to_utc(local),
                (None, None) => local,
            };
            timestamps.push(timestamp);
            if has_local {
                locals.push(match options.timezone {
                    Some(zone) if offset.is_some() => zone.to_local(timestamp),
                    _ => local,
                });
            }
        }
        let local = has_local.then_some(locals);
        Ok(ReadTimes { timestamps, local, notes: Vec::new() })
    }

    fn read_counts(
        self,
        options: &ReadOptions,
        describe: &dyn Fn(usize) -> String,
    ) -> Result<ReadTimes> {
        let count = |cell: &Cell| match *cell {
            Cell::Count { whole, fraction } => (whole, fraction),
            Cell::Time { .. } | Cell::Slashed { .. } => (0, 0),
        };
        let (counts, fractions): (Vec<i64>, Vec<i16>) = self.cells.iter().map(count).unzip();
        drop(self.cells);
        let ReadCounts { timestamps, change } = time_unit::read_counts(
            counts,
            &fractions,
            options.time_unit,
            options.timeframe,
            describe,
        )?;
        let notes = change.map(|change| {
            let text = format!(
                "the time column changes from {} to {} at {}; each number was read by its own size",
                change.before,
                change.after,
                describe(change.row)
            );
            Note::new(NoteCode::UnitsMixed, text)
        });
        Ok(ReadTimes { timestamps, local: None, notes: notes.into_iter().collect() })
    }

    /// Describes a column with both counts and dates.
    fn mixture(&self, describe: &dyn Fn(usize) -> String) -> String {
        let is_count = |cell: &Cell| matches!(cell, Cell::Count { .. });
        let first_is_count = self.cells.first().is_some_and(is_count);
        let row = self.cells.iter().position(|cell| is_count(cell) != first_is_count);
        let (before, after) =
            if first_is_count { ("numbers", "a date") } else { ("dates", "a number") };
        let row = describe(row.unwrap_or(0));
        format!(
            "the time column mixes dates and numbers: it begins with {before}, {row} has {after}"
        )
    }

    /// Fails unless some date shows which number of dates such as 03/04/2020 is the day.
    fn check_slashed(&self, describe: &dyn Fn(usize) -> String) -> Result<()> {
        let Some((row, text)) = &self.first_slashed else { return Ok(()) };
        let (row, text) = (describe(*row), quoted(text));
        let message = match (self.first_is_day, self.second_is_day) {
            (true, true) => {
                format!("the time column mixes DD/MM/YYYY and MM/DD/YYYY ({row} has {text})")
            }
            (false, false) => format!(
                "dates such as {text} ({row}) may be DD/MM/YYYY or MM/DD/YYYY, and no date of the file shows which; use \
                 YYYY-MM-DD"
            ),
            _ => return Ok(()),
        };
        Err(Error::new(Code::BadData, message))
    }
}

fn offset_at(zone: TimeZone, local: i64) -> i16 {
    i16::try_from((local - zone.to_utc(local)) / 60_000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::raw::TimeUnit;
    use crate::market::time;

    fn read_with(cells: &[&str], options: &ReadOptions) -> Result<ReadTimes> {
        let mut column = TimeColumn::default();
        for cell in cells {
            assert_eq!(column.push(cell, None).unwrap(), Ok(()), "{cell} should be a date");
        }
        column.finish(options, &|row| format!("line {}", row + 2))
    }

    fn read(cells: &[&str]) -> Result<Vec<String>> {
        let read = read_with(cells, &ReadOptions::default())?;
        Ok(read.timestamps.into_iter().map(time::short).collect())
    }

    #[test]
    fn all_forms_of_a_time_parse_to_the_same_timestamp() {
        let midnight = [
            "2020-01-31",
            "2020/01/31",
            "2020.01.31",
            "2020-1-31",
            "31.01.2020",
            "31/01/2020",
            "01/31/2020",
            "01-31-2020",
            "20200131",
            "31-Jan-2020",
            "2020-Jan-31",
            "Jan 31, 2020",
            "31 January 2020",
            "202001310000",
            "31.01.2020 01:00:00.000 GMT+0100",
        ];
        let counts = [
            "1580428800",
            "1580428800000",
            "1580428800000000",
            "1580428800000000000",
            "1580428800.0",
        ];
        for text in midnight.into_iter().chain(counts) {
            assert_eq!(read(&[text]).unwrap(), ["2020-01-31"], "{text}");
        }
        let afternoon = [
            "2020-01-31T14:30:05.250Z",
            "2020-01-31 14:30:05.250",
            "2020-01-31 15:30:05.250+01:00",
            "2020-01-31 09:00:05.25-0530",
            "31/01/2020 2:30:05.25 PM",
            "20200131 14:30:05.250",
            "2020-01-31 14:30:05.250999 UTC",
            "1580481005.25",
            "1580481005250",
            "20200131143005250",
            "20200131 09:30:05.250 US/Eastern",
            "Jan 31, 2020 2:30:05.25 PM",
        ];
        for text in afternoon {
            assert_eq!(read(&[text]).unwrap(), ["2020-01-31T14:30:05.250Z"], "{text}");
        }
        assert_eq!(
            read(&["2020-01-31 12-AM"]).map_err(|error| error.message),
            Ok(vec!["2020-01-31".to_owned()])
        );
    }

    #[test]
    fn other_text_is_rejected() {
        for text in [
            "",
            "yesterday",
            "2020-02-30",
            "2020-13-01",
            "31.02.2020",
            "2020-01-31 25:00",
            "2020-01-31 14",
            "2020-01-31 930",
            "02.01.20",
            "2020-01-31 14:30 EST",
            "2020-01-31 14:30 Europe/Atlantis",
            "2020-01-31 14:60",
            "2020-01-31 14:30:60",
            "2020-01-31 14:30 +99:00",
            "2020-01-31 13 PM",
            "1e9",
            "12:30",
            "2020-01",
        ] {
            assert!(TimeColumn::default().push(text, None).unwrap().is_err(), "{text}");
        }
    }

    #[test]
    fn one_unambiguous_date_decides_day_and_month() {
        assert_eq!(read(&["03/04/2020", "13/04/2020"]).unwrap(), ["2020-04-03", "2020-04-13"]);
        assert_eq!(read(&["03/04/2020", "03/13/2020"]).unwrap(), ["2020-03-04", "2020-03-13"]);
        let error = read(&["03/04/2020", "04/04/2020"]).unwrap_err();
        assert!(
            error.message.contains(r#"dates such as "03/04/2020" (line 2) may be"#),
            "{}",
            error.message
        );
        assert!(
            read(&["13/04/2020", "04/13/2020"])
                .unwrap_err()
                .message
                .contains("mixes DD/MM/YYYY and MM/DD/YYYY")
        );
    }

    #[test]
    fn counts_are_read_by_their_size_unless_all_are_dates() {
        assert_eq!(read(&["0", "86400"]).unwrap(), ["1970-01-01", "1970-01-02"]);
        assert_eq!(read(&["0", "1580428800000"]).unwrap(), ["1970-01-01", "2020-01-31"]);
        // 19700101 alone would be a date, but 19786501 is not one, so both are seconds.
        assert_eq!(read(&["19700101", "19786501"]).unwrap()[0], "1970-08-17T00:15:01.000Z");
        let options = ReadOptions { time_unit: Some(TimeUnit::Seconds), ..ReadOptions::default() };
        let read = read_with(&["19700101"], &options).unwrap();
        assert_eq!(time::short(read.timestamps[0]), "1970-08-17T00:15:01.000Z");
    }

    #[test]
    fn a_time_of_day_has_a_cell_of_its_own() {
        let mut column = TimeColumn::default();
        for (date, clock) in [
            ("20200131", "000000"),
            ("20200131", "093000"),
            ("20200131", "1430"),
            ("2020.01.31", "15:45"),
        ] {
            assert_eq!(column.push(date, Some(clock)).unwrap(), Ok(()), "{clock}");
        }
        let read = column.finish(&ReadOptions::default(), &|row| row.to_string()).unwrap();
        let found: Vec<String> = read.timestamps.into_iter().map(time::short).collect();
        assert_eq!(
            found,
            [
                "2020-01-31",
                "2020-01-31T09:30:00.000Z",
                "2020-01-31T14:30:00.000Z",
                "2020-01-31T15:45:00.000Z"
            ]
        );
        for (clock, expected) in [
            ("2530", "its time of day \"2530\" is not one"),
            (
                "14:30 EST",
                "its zone \"EST\" is not known; write an offset such as +01:00, or pass timezone",
            ),
        ] {
            let fault = TimeColumn::default().push("2020-01-31", Some(clock)).unwrap();
            assert_eq!(fault, Err(expected.to_owned()));
        }
    }

    #[test]
    fn offsets_and_time_zones_give_local_times() {
        let read = read_with(&["2024-01-15 00:00+09:00"], &ReadOptions::default()).unwrap();
        assert_eq!(time::short(read.timestamps[0]), "2024-01-14T15:00:00.000Z");
        assert_eq!(read.local.map(|local| time::short(local[0])).as_deref(), Some("2024-01-15"));
        let options =
            ReadOptions { timezone: TimeZone::parse("Asia/Tokyo"), ..ReadOptions::default() };
        let read = read_with(&["2024-01-15", "2024-01-15T15:00Z"], &options).unwrap();
        assert_eq!(time::short(read.timestamps[0]), "2024-01-14T15:00:00.000Z");
        let local: Vec<String> = read.local.unwrap().into_iter().map(time::short).collect();
        assert_eq!(local, ["2024-01-15", "2024-01-16"]);
    }
}
