//! A column of dates or times in a text file.
//!
//! A single cell may be ambiguous: `03/04/2020` is in March or in April, `1577836800` counts seconds or milliseconds, and
//! `20200131` is a date or a count. The whole column usually is not, so the cells are parsed first and interpreted at the end.
//!
//! The fields of a cell are split here rather than by the format strings of chrono: for each cell, dozens of them would have
//! to be tried, and none accepts `12-AM` or a decimal comma. chrono validates the fields and does the arithmetic.

use chrono::{FixedOffset, NaiveDate, NaiveTime, Timelike};

use crate::compute::reserve;
use crate::error::{Code, Error, Result};
use crate::quote::quoted;

/// A column of timestamps, cell by cell.
#[derive(Debug, Default)]
pub(super) struct TimestampColumn {
    cells: Vec<Cell>,
    /// The largest absolute value of a count; it determines the unit.
    largest: i64,
    /// The number of counts, and how many of them may be dates such as 20200131.
    counts: usize,
    compact_dates: usize,
    /// The first cell such as 03/04/2020 with its line, and whether any cell has a number above 12 in first or second place.
    first_slashed: Option<(u64, String)>,
    first_is_day: bool,
    second_is_day: bool,
}

/// A parsed cell.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cell {
    /// UTC milliseconds.
    Timestamp(i64),
    /// A count since the epoch in an unknown unit, and the milliseconds of its fraction; or a date such as 20200131.
    Count { whole: i64, millis: i64 },
    /// A date whose day and month are in unknown order, and the UTC time of day in milliseconds.
    Slashed { first: u32, second: u32, year: i32, time: i64 },
}

impl TimestampColumn {
    /// Parses a cell. Returns false if it is not a date or time of a known form.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if there is not enough memory.
    pub(super) fn push(&mut self, text: &str, line: u64) -> Result<bool> {
        let Some(cell) = parse(text) else { return Ok(false) };
        match cell {
            Cell::Timestamp(_) => {}
            Cell::Count { whole, millis } => {
                self.counts += 1;
                self.largest = self.largest.max(whole.saturating_abs());
                self.compact_dates += usize::from(millis == 0 && compact_date(whole).is_some());
            }
            Cell::Slashed { first, second, .. } => {
                self.first_is_day |= first > 12;
                self.second_is_day |= second > 12;
                self.first_slashed.get_or_insert_with(|| (line, text.to_owned()));
            }
        }
        reserve::push(&mut self.cells, cell, "rows")?;
        Ok(true)
    }

    /// Interprets the cells and returns UTC milliseconds.
    ///
    /// # Errors
    /// `BAD_DATA` if day and month are ambiguous, a date does not exist, or the column mixes forms.
    pub(super) fn finish(self) -> Result<Vec<i64>> {
        let bad = |message: String| Error::new(Code::BadData, message);
        if self.counts > 0 && self.counts < self.cells.len() {
            return Err(bad("the time column mixes dates and numbers".into()));
        }
        self.check_slashed()?;
        let are_dates = self.counts > 0 && self.compact_dates == self.counts;
        let (largest, day_first) = (self.largest, self.first_is_day);
        let interpret = |cell: &Cell| match *cell {
            Cell::Timestamp(timestamp) => Ok(timestamp),
            Cell::Count { whole, .. } if are_dates => {
                compact_date(whole).ok_or_else(|| bad(format!("{whole} is not a date")))
            }
            Cell::Count { whole, millis } => Ok(since_epoch(whole, millis, largest)),
            Cell::Slashed { first, second, year, time } => {
                let (day, month) = if day_first { (first, second) } else { (second, first) };
                let date = midnight(year, month, day)
                    .ok_or_else(|| bad(format!("{first}/{second}/{year} is not a date")))?;
                Ok(date + time)
            }
        };
        let mut timestamps = reserve::with_capacity(self.cells.len(), "rows")?;
        for cell in &self.cells {
            timestamps.push(interpret(cell)?);
        }
        Ok(timestamps)
    }

    /// Fails unless some date shows which number of dates such as 03/04/2020 is the day.
    fn check_slashed(&self) -> Result<()> {
        let Some((line, text)) = &self.first_slashed else { return Ok(()) };
        let message = match (self.first_is_day, self.second_is_day) {
            (true, true) => format!(
                "the time column mixes DD/MM/YYYY and MM/DD/YYYY (line {line} has {})",
                quoted(text)
            ),
            (false, false) => format!(
                "dates such as {} (line {line}) may be DD/MM/YYYY or MM/DD/YYYY, and no date of the file shows which; use \
                 YYYY-MM-DD",
                quoted(text)
            ),
            _ => return Ok(()),
        };
        Err(Error::new(Code::BadData, message))
    }
}

/// Converts a count since the epoch. The largest count of the column determines the unit: as seconds, 10¹¹ is in the year
/// 5138; as milliseconds, it is in 1973.
fn since_epoch(whole: i64, millis: i64, largest: i64) -> i64 {
    match largest {
        ..100_000_000_000 => whole.saturating_mul(1000).saturating_add(millis),
        100_000_000_000..100_000_000_000_000 => whole,
        100_000_000_000_000..100_000_000_000_000_000 => whole.div_euclid(1000),
        _ => whole.div_euclid(1_000_000),
    }
}

/// Returns midnight of a date such as 20200131, between 1800 and 2199.
fn compact_date(whole: i64) -> Option<i64> {
    let year = i32::try_from(whole / 10_000).ok().filter(|year| (1800..2200).contains(year))?;
    midnight(year, u32::try_from(whole / 100 % 100).ok()?, u32::try_from(whole % 100).ok()?)
}

fn midnight(year: i32, month: u32, day: u32) -> Option<i64> {
    let date = NaiveDate::from_ymd_opt(year, month, day)?;
    Some(date.and_time(NaiveTime::MIN).and_utc().timestamp_millis())
}

fn parse(text: &str) -> Option<Cell> {
    if let Some(count) = parse_count(text) {
        return Some(count);
    }
    let (date, rest) = match text.find(['T', ' ']) {
        Some(place) => (text.get(..place)?, text.get(place + 1..)?),
        None => (text, ""),
    };
    let time = if rest.is_empty() { 0 } else { time_of_day(rest.trim())? };
    let separator = date.chars().find(|char| !char.is_ascii_digit());
    let Some(separator) = separator else {
        return Some(Cell::Timestamp(compact_date(number(date)?)?.checked_add(time)?));
    };
    if !matches!(separator, '-' | '/' | '.') {
        return None;
    }
    let mut parts = date.split(separator);
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || second.len() > 2 {
        return None;
    }
    if first.len() == 4 && third.len() <= 2 {
        let date = midnight(i32::try_from(number(first)?).ok()?, field(second)?, field(third)?)?;
        return Some(Cell::Timestamp(date + time));
    }
    if third.len() != 4 || first.len() > 2 {
        return None;
    }
    let (first, second, year) =
        (field(first)?, field(second)?, i32::try_from(number(third)?).ok()?);
    if separator == '.' {
        // Dates with dots always start with the day.
        return Some(Cell::Timestamp(midnight(year, second, first)? + time));
    }
    Some(Cell::Slashed { first, second, year, time })
}

/// Parses `1577836800`, `-86400` or `1577836800.25`. Of a fraction, the milliseconds are kept.
fn parse_count(text: &str) -> Option<Cell> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    if digits.is_empty()
        || !digits.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let millis = i64::from(milliseconds(fraction));
    let millis = if whole.starts_with('-') { -millis } else { millis };
    Some(Cell::Count { whole: whole.parse().ok()?, millis })
}

/// Parses `14:30`, `14:30:05.250` or `02:30 PM`, optionally with `Z`, `UTC` or `+05:30`. Returns milliseconds from midnight
/// UTC; negative if the zone shifts the time to the day before.
fn time_of_day(text: &str) -> Option<i64> {
    // CryptoDataDownload writes `12-AM`, whose hyphen would look like an offset.
    let upper = text.to_ascii_uppercase().replace("-AM", " AM").replace("-PM", " PM");
    let (upper, offset) = split_offset(&upper)?;
    let (clock, half) = ["AM", "PM"]
        .into_iter()
        .find_map(|half| upper.strip_suffix(half).map(|clock| (clock.trim_end(), Some(half))))
        .unwrap_or((upper, None));
    let mut parts = clock.split(':');
    let hour = field(parts.next()?)?;
    let minute = match parts.next() {
        Some(minute) => field(minute)?,
        // An hour alone is only a time with AM or PM.
        None => half.map(|_| 0)?,
    };
    let (second, fraction) = parts
        .next()
        .map_or(("0", ""), |second| second.split_once(['.', ',']).unwrap_or((second, "")));
    if parts.next().is_some() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let hour = match half {
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some("AM") => hour % 12,
        Some(_) => hour % 12 + 12,
        None => hour,
    };
    let time = NaiveTime::from_hms_milli_opt(hour, minute, field(second)?, milliseconds(fraction))?;
    let millis = i64::from(time.num_seconds_from_midnight()) * 1000
        + i64::from(time.nanosecond() / 1_000_000);
    Some(millis - i64::from(offset.local_minus_utc()) * 1000)
}

/// Splits a UTC offset off the end. Without one, the time is UTC.
fn split_offset(text: &str) -> Option<(&str, FixedOffset)> {
    let utc = FixedOffset::east_opt(0)?;
    for name in ["Z", "UTC", "GMT"] {
        if let Some(clock) = text.strip_suffix(name) {
            return Some((clock.trim_end(), utc));
        }
    }
    let Some(place) = text.rfind(['+', '-']) else { return Some((text, utc)) };
    let digits = text.get(place + 1..)?.replace(':', "");
    let minutes = match digits.len() {
        2 => field(&digits)? * 60,
        4 => field(digits.get(..2)?)? * 60 + field(digits.get(2..)?)?,
        _ => return None,
    };
    let seconds = i32::try_from(minutes * 60).ok()?;
    let is_west = text[place..].starts_with('-');
    let offset = FixedOffset::east_opt(if is_west { -seconds } else { seconds })?;
    Some((text.get(..place)?.trim_end(), offset))
}

/// Returns the first three digits of a fraction of a second.
fn milliseconds(fraction: &str) -> u32 {
    fraction
        .bytes()
        .chain(*b"000")
        .take(3)
        .fold(0, |value, byte| value * 10 + u32::from(byte.wrapping_sub(b'0')))
}

/// Parses a number of one or two digits.
fn field(text: &str) -> Option<u32> {
    (text.len() <= 2).then(|| number(text))?.and_then(|value| u32::try_from(value).ok())
}

fn number(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::time;

    fn read(cells: &[&str]) -> Result<Vec<String>> {
        let mut column = TimestampColumn::default();
        for (line, cell) in (2..).zip(cells) {
            assert!(column.push(cell, line).unwrap(), "{cell} should be a date");
        }
        Ok(column.finish()?.into_iter().map(time::short).collect())
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
            "2020-01-31 14:60",
            "2020-01-31 14:30:60",
            "2020-01-31 14:30 +99:00",
            "2020-01-31 13 PM",
            "1e9",
            "12:30",
            "2020-01",
        ] {
            assert!(!TimestampColumn::default().push(text, 2).unwrap(), "{text}");
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
    fn the_largest_count_determines_the_unit() {
        assert_eq!(read(&["0", "86400"]).unwrap(), ["1970-01-01", "1970-01-02"]);
        assert_eq!(read(&["0", "1580428800000"]).unwrap(), ["1970-01-01", "2020-01-31"]);
        // 19700101 alone would be a date, but 19786501 is not one, so both are seconds.
        assert_eq!(read(&["19700101", "19786501"]).unwrap()[0], "1970-08-17T00:15:01.000Z");
    }
}
