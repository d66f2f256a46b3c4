//! The dates of text files.
//!
//! One cell often does not tell what it means: `03/04/2020` is in March or April, `1577836800` counts seconds or
//! milliseconds, `20200131` is a date or a count. A whole column does, so cells are read first and decided upon at the end.

use chrono::NaiveDate;

use crate::compute::reserve;
use crate::error::{Code, Error, Result};
use crate::quote::quoted;

/// A column of dates, cell by cell.
#[derive(Debug, Default)]
pub(super) struct Timestamps {
    cells: Vec<Cell>,
    /// The largest count without its sign; it tells the unit.
    largest: i64,
    /// How many cells are counts, and how many of them may be dates such as 20200131.
    counts: usize,
    compact: usize,
    /// The first cell like 03/04/2020 with its line, and whether a number above 12 stood first or second in any.
    first_slashed: Option<(u64, String)>,
    first_is_day: bool,
    second_is_day: bool,
}

/// A cell, as far as it can be told by itself.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cell {
    /// A moment, UTC milliseconds.
    Moment(i64),
    /// A count since the epoch, its unit unknown; or a date such as 20200131.
    Count { whole: i64, milli: i64 },
    /// Two numbers, one of them the day and one the month; the year; the milliseconds of the day and its zone.
    Slashed { first: u32, second: u32, year: i32, rest: i64 },
}

impl Timestamps {
    /// Reads a cell; returns false where it is no date of any known form.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if there is no memory for it.
    pub(super) fn push(&mut self, text: &str, line: u64) -> Result<bool> {
        let Some(cell) = parse(text) else { return Ok(false) };
        match cell {
            Cell::Moment(_) => {}
            Cell::Count { whole, milli } => {
                self.counts += 1;
                self.largest = self.largest.max(whole.saturating_abs());
                self.compact += usize::from(milli == 0 && compact(whole).is_some());
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

    /// Decides what the cells mean and returns UTC milliseconds.
    ///
    /// # Errors
    /// `BAD_DATA` where day and month cannot be told apart, a date does not exist, or forms are mixed.
    pub(super) fn finish(self) -> Result<Vec<i64>> {
        let bad = |message: String| Error::new(Code::BadData, message);
        if self.counts > 0 && self.counts < self.cells.len() {
            return Err(bad("the time column mixes dates and numbers".into()));
        }
        if let Some((line, text)) = &self.first_slashed {
            match (self.first_is_day, self.second_is_day) {
                (true, true) => {
                    return Err(bad(format!(
                        "the time column mixes DD/MM/YYYY and MM/DD/YYYY (line {line} has {})",
                        quoted(text)
                    )));
                }
                (false, false) => {
                    return Err(bad(format!(
                        "dates such as {} (line {line}) may be DD/MM/YYYY or MM/DD/YYYY, and no date of the file tells which; use YYYY-MM-DD",
                        quoted(text)
                    )));
                }
                _ => {}
            }
        }
        let dates = self.counts > 0 && self.compact == self.counts;
        let largest = self.largest;
        let day_first = self.first_is_day;
        let decide = |cell: &Cell| match *cell {
            Cell::Moment(moment) => Ok(moment),
            Cell::Count { whole, .. } if dates => {
                compact(whole).ok_or_else(|| bad(format!("{whole} is no date")))
            }
            Cell::Count { whole, milli } => Ok(since_epoch(whole, milli, largest)),
            Cell::Slashed { first, second, year, rest } => {
                let (day, month) = if day_first { (first, second) } else { (second, first) };
                let date = midnight(year, month, day)
                    .ok_or_else(|| bad(format!("{first}/{second}/{year} is no date")))?;
                Ok(date + rest)
            }
        };
        let mut moments = reserve::with_room(self.cells.len(), "rows")?;
        for cell in &self.cells {
            moments.push(decide(cell)?);
        }
        Ok(moments)
    }
}

/// Reads a count since the epoch in the unit that the largest of the column tells: as seconds, 10¹¹ is in the year 5138;
/// as milliseconds it is in 1973.
fn since_epoch(whole: i64, milli: i64, largest: i64) -> i64 {
    match largest {
        ..100_000_000_000 => whole.saturating_mul(1000).saturating_add(milli),
        100_000_000_000..100_000_000_000_000 => whole,
        100_000_000_000_000..100_000_000_000_000_000 => whole.div_euclid(1000),
        _ => whole.div_euclid(1_000_000),
    }
}

/// Reads 20200131 as a date between 1800 and 2199.
fn compact(whole: i64) -> Option<i64> {
    let year = i32::try_from(whole / 10_000).ok().filter(|year| (1800..2200).contains(year))?;
    midnight(year, u32::try_from(whole / 100 % 100).ok()?, u32::try_from(whole % 100).ok()?)
}

fn midnight(year: i32, month: u32, day: u32) -> Option<i64> {
    Some(
        NaiveDate::from_ymd_opt(year, month, day)?
            .and_hms_opt(0, 0, 0)?
            .and_utc()
            .timestamp_millis(),
    )
}

fn parse(text: &str) -> Option<Cell> {
    if let Some(count) = parse_count(text) {
        return Some(count);
    }
    let (date, rest) = match text.find(['T', ' ']) {
        Some(place) => (text.get(..place)?, text.get(place + 1..)?),
        None => (text, ""),
    };
    let rest = if rest.is_empty() { 0 } else { time_of_day(rest.trim())? };
    let separator = date.chars().find(|char| !char.is_ascii_digit());
    let Some(separator) = separator else {
        return Some(Cell::Moment(compact(number(date)?)?.checked_add(rest)?));
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
        return Some(Cell::Moment(date + rest));
    }
    if third.len() != 4 || first.len() > 2 {
        return None;
    }
    let (first, second, year) =
        (field(first)?, field(second)?, i32::try_from(number(third)?).ok()?);
    if separator == '.' {
        // With dots the day comes first everywhere.
        return Some(Cell::Moment(midnight(year, second, first)? + rest));
    }
    Some(Cell::Slashed { first, second, year, rest })
}

/// Reads `1577836800`, `-86400` or `1577836800.25`; of a fraction, the milliseconds.
fn parse_count(text: &str) -> Option<Cell> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    if digits.is_empty()
        || !digits.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let milli = milliseconds(fraction);
    let milli = if whole.starts_with('-') { -milli } else { milli };
    Some(Cell::Count { whole: whole.parse().ok()?, milli })
}

/// Reads `14:30`, `14:30:05.250`, `02:30 PM`, each perhaps with `Z`, `UTC` or `+05:30`, as milliseconds after the
/// midnight of UTC.
fn time_of_day(text: &str) -> Option<i64> {
    // The hyphen is that of `12-AM`, which CryptoDataDownload writes.
    let upper = text.to_ascii_uppercase().replace("-AM", " AM").replace("-PM", " PM");
    let (upper, zone) = zone(&upper)?;
    let (clock, half) = ["AM", "PM"]
        .into_iter()
        .find_map(|half| upper.strip_suffix(half).map(|clock| (clock.trim_end(), Some(half))))
        .unwrap_or((upper, None));
    let mut parts = clock.split(':');
    let hour = field(parts.next()?)?;
    let minute = match parts.next() {
        Some(minute) => field(minute)?,
        // An hour alone is a time only with AM or PM behind it.
        None => half.map(|_| 0)?,
    };
    let (second, fraction) = parts
        .next()
        .map_or(("0", ""), |second| second.split_once(['.', ',']).unwrap_or((second, "")));
    let second = field(second)?;
    if parts.next().is_some() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let hour = match half {
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some("AM") => hour % 12,
        Some(_) => hour % 12 + 12,
        None => hour,
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(i64::from((hour * 60 + minute) * 60 + second) * 1000 + milliseconds(fraction) - zone)
}

/// Cuts a zone off the end; returns its distance from UTC in milliseconds, 0 where there is none.
fn zone(text: &str) -> Option<(&str, i64)> {
    for utc in ["Z", "UTC", "GMT"] {
        if let Some(clock) = text.strip_suffix(utc) {
            return Some((clock.trim_end(), 0));
        }
    }
    let Some(place) = text.rfind(['+', '-']) else { return Some((text, 0)) };
    let digits = text.get(place + 1..)?.replace(':', "");
    let offset = match digits.len() {
        2 => field(&digits)? * 60,
        4 => field(digits.get(..2)?)? * 60 + field(digits.get(2..)?)?,
        _ => return None,
    };
    if offset > 24 * 60 {
        return None;
    }
    let sign = if text[place..].starts_with('-') { -1 } else { 1 };
    Some((text.get(..place)?.trim_end(), sign * i64::from(offset) * 60_000))
}

/// Reads the first three digits of a fraction of a second.
fn milliseconds(fraction: &str) -> i64 {
    fraction
        .bytes()
        .chain(*b"000")
        .take(3)
        .fold(0, |value, byte| value * 10 + i64::from(byte.wrapping_sub(b'0')))
}

/// Reads a number of one or two digits.
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
        let mut moments = Timestamps::default();
        for (line, cell) in (2..).zip(cells) {
            assert!(moments.push(cell, line).unwrap(), "{cell} should be a date");
        }
        Ok(moments.finish()?.into_iter().map(time::short).collect())
    }

    #[test]
    fn one_moment_in_many_forms() {
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
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "yesterday",
            "2020-02-30",
            "2020-13-01",
            "31.02.2020",
            "2020-01-31 25:00",
            "2020-01-31 14",
            "1e9",
            "12:30",
            "2020-01",
        ] {
            assert!(!Timestamps::default().push(text, 2).unwrap(), "{text}");
        }
    }

    #[test]
    fn one_clear_date_settles_day_and_month() {
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
    fn the_largest_count_tells_the_unit_of_all() {
        assert_eq!(read(&["0", "86400"]).unwrap(), ["1970-01-01", "1970-01-02"]);
        assert_eq!(read(&["0", "1580428800000"]).unwrap(), ["1970-01-01", "2020-01-31"]);
        // As a date alone 19700101 would do, but its neighbour shows that seconds are meant.
        assert_eq!(read(&["19700101", "19786501"]).unwrap()[0], "1970-08-17T00:15:01.000Z");
    }
}
