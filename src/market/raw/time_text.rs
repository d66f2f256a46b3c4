//! Dates and times as text.

use chrono::{NaiveDate, NaiveTime, Timelike};

use crate::market::time_zone::TimeZone;
use crate::quote::quoted;

/// A date or time that was parsed, as far as its text alone says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum TimeText {
    /// Local milliseconds, as if they were UTC.
    Time { local: i64, zone: Zone },
    /// A count since the epoch in an unknown unit, and the milliseconds of its fraction; or a date such as 20200131.
    Count { whole: i64, fraction: i16 },
    /// A date whose day and month are in unknown order, and the local time of day in milliseconds.
    Slashed { first: u8, second: u8, year: i16, time: i32, zone: Zone },
}

/// The zone of a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Zone {
    None,
    /// The offset from UTC, minutes.
    Offset(i16),
    Named(TimeZone),
}

/// The longest text that may be a time, bytes.
const MAX_LENGTH: usize = 100;

/// Parses a date or time, with the time of day from a text of its own if there is one.
///
/// # Errors
/// What the text is not, for a message after "must be a date or a time".
pub(super) fn parse(date: &str, clock: Option<&str>) -> Result<TimeText, String> {
    let date = date.trim();
    if date.len() > MAX_LENGTH {
        return Err(String::new());
    }
    let clock = clock.map(str::trim).filter(|clock| !clock.is_empty());
    let Some(clock) = clock else { return parse_one(date) };
    match parse_one(date)? {
        TimeText::Time { local, zone: Zone::None } => {
            let (time, zone) = parse_clock(clock)?;
            Ok(TimeText::Time { local: local + i64::from(time), zone })
        }
        TimeText::Count { whole, fraction: 0 } => {
            let date = compact_date(whole)
                .ok_or_else(|| "beside a time of day it must be a date".to_owned())?;
            let (time, zone) = parse_clock(clock)?;
            Ok(TimeText::Time { local: date + i64::from(time), zone })
        }
        TimeText::Slashed { first, second, year, zone: Zone::None, .. } => {
            let (time, zone) = parse_clock(clock)?;
            Ok(TimeText::Slashed { first, second, year, time, zone })
        }
        _ => Err("beside a time of day it must be a date".to_owned()),
    }
}

fn parse_one(text: &str) -> Result<TimeText, String> {
    if let Some(count) = parse_count(text) {
        return Ok(count);
    }
    let unknown = String::new;
    if let Some(found) = parse_month_name(text) {
        return found;
    }
    let (date, rest) = match text.find(['T', ' ']) {
        Some(place) => {
            (text.get(..place).ok_or_else(unknown)?, text.get(place + 1..).ok_or_else(unknown)?)
        }
        None => (text, ""),
    };
    let separator = date.chars().find(|char| !char.is_ascii_digit());
    let clock =
        || if rest.trim().is_empty() { Ok((0, Zone::None)) } else { parse_clock(rest.trim()) };
    let Some(separator) = separator else {
        let local = number(date).and_then(compact_date).ok_or_else(unknown)?;
        let (time, zone) = clock()?;
        return Ok(TimeText::Time { local: local + i64::from(time), zone });
    };
    if !matches!(separator, '-' | '/' | '.') {
        return Err(unknown());
    }
    let parts: Vec<&str> = date.split(separator).collect();
    let [first, second, third] = parts[..] else { return Err(unknown()) };
    if second.len() > 2 {
        return Err(unknown());
    }
    let no_date = || format!("{} is not a date", quoted(date));
    let field = |text: &str| field(text).ok_or_else(String::new);
    let year =
        |text: &str| number(text).and_then(|year| i16::try_from(year).ok()).ok_or_else(String::new);
    if first.len() == 4 && third.len() <= 2 {
        let local = midnight(year(first)?.into(), field(second)?.into(), field(third)?.into())
            .ok_or_else(no_date)?;
        let (time, zone) = clock()?;
        return Ok(TimeText::Time { local: local + i64::from(time), zone });
    }
    if first.len() <= 2 && third.len() == 2 {
        return Err("its year must have four digits".to_owned());
    }
    if third.len() != 4 || first.len() > 2 {
        return Err(unknown());
    }
    let (first, second, year) = (field(first)?, field(second)?, year(third)?);
    let (time, zone) = clock()?;
    if separator == '.' {
        // Dates with dots always start with the day.
        let local = midnight(year.into(), second.into(), first.into()).ok_or_else(no_date)?;
        return Ok(TimeText::Time { local: local + i64::from(time), zone });
    }
    Ok(TimeText::Slashed { first, second, year, time, zone })
}

/// Parses dates with the name of a month: `02-Jan-2020`, `2020-Jan-02`, `Jan 02, 2020`, `2 January 2020`. Returns `None` if the
/// text has no such name.
fn parse_month_name(text: &str) -> Option<Result<TimeText, String>> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let mut rest = text;
    let mut fields: Vec<&str> = Vec::with_capacity(3);
    while fields.len() < 3 {
        let start = rest.find(|char: char| char.is_ascii_alphanumeric())?;
        rest = rest.get(start..)?;
        let end = rest.find(|char: char| !char.is_ascii_alphanumeric()).unwrap_or(rest.len());
        fields.push(rest.get(..end)?);
        rest = rest.get(end..)?;
    }
    let month_of = |field: &str| {
        let name = field.get(..3)?.to_ascii_lowercase();
        let is_name = field.bytes().all(|byte| byte.is_ascii_alphabetic());
        MONTHS.iter().position(|month| is_name && *month == name)
    };
    let place = fields.iter().position(|field| month_of(field).is_some())?;
    let month = u8::try_from(month_of(fields.get(place)?)? + 1).ok()?;
    fields.remove(place);
    let (day, year) = match fields[..] {
        [year, day] if year.len() == 4 => (day, year),
        [day, year] => (day, year),
        _ => return None,
    };
    if year.len() != 4 {
        return Some(Err("its year must have four digits".to_owned()));
    }
    let date = midnight(i32::try_from(number(year)?).ok()?, month.into(), field(day)?.into());
    let Some(local) = date else { return Some(Err(format!("{} is not a date", quoted(text)))) };
    let rest = rest.trim_start_matches([',', 'T', ' ']).trim();
    let clock = if rest.is_empty() { Ok((0, Zone::None)) } else { parse_clock(rest) };
    Some(clock.map(|(time, zone)| TimeText::Time { local: local + i64::from(time), zone }))
}

/// Parses `1577836800`, `-86400` or `1577836800.25`. Of a fraction, the milliseconds are kept.
fn parse_count(text: &str) -> Option<TimeText> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    if digits.is_empty()
        || !digits.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let millis = milliseconds(fraction);
    let fraction = if whole.starts_with('-') { -millis } else { millis };
    Some(TimeText::Count { whole: whole.parse().ok()?, fraction })
}

/// Parses `14:30`, `14:30:05.250`, `02:30 PM`, `143005` or `1430`, optionally with a zone: `Z`, `UTC`, `GMT+0100`, `+05:30`,
/// `America/New_York`. Returns the milliseconds from local midnight.
fn parse_clock(text: &str) -> Result<(i32, Zone), String> {
    // CryptoDataDownload writes `12-AM`, whose hyphen would look like an offset.
    let upper = text.to_ascii_uppercase().replace("-AM", " AM").replace("-PM", " PM");
    let (clock, zone) = split_zone(&upper)?;
    let time = time_of_day(clock)
        .ok_or_else(|| format!("its time of day {} is not one", quoted(clock)))?;
    Ok((time, zone))
}

fn time_of_day(upper: &str) -> Option<i32> {
    let (clock, half) = ["AM", "PM"]
        .into_iter()
        .find_map(|half| upper.strip_suffix(half).map(|clock| (clock.trim_end(), Some(half))))
        .unwrap_or((upper, None));
    let (clock, fraction) = clock.split_once(['.', ',']).unwrap_or((clock, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hour, minute, second) = if clock.contains(':') {
        let mut parts = clock.split(':');
        let fields =
            (field(parts.next()?)?, field(parts.next()?)?, field(parts.next().unwrap_or("0"))?);
        if parts.next().is_some() {
            return None;
        }
        fields
    } else {
        match (clock.len(), half) {
            // An hour alone is only a time with AM or PM.
            (1 | 2, Some(_)) => (field(clock)?, 0, 0),
            (4, _) => (field(clock.get(..2)?)?, field(clock.get(2..)?)?, 0),
            // Spreadsheets drop a leading zero.
            (5 | 6, _) => {
                let hours = clock.len() - 4;
                let minutes = field(clock.get(hours..hours + 2)?)?;
                (field(clock.get(..hours)?)?, minutes, field(clock.get(hours + 2..)?)?)
            }
            _ => return None,
        }
    };
    let hour = match half {
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some("AM") => hour % 12,
        Some(_) => hour % 12 + 12,
        None => hour,
    };
    let millis = u32::try_from(milliseconds(fraction)).ok()?;
    let time = NaiveTime::from_hms_milli_opt(hour.into(), minute.into(), second.into(), millis)?;
    let millis = time.num_seconds_from_midnight() * 1000 + time.nanosecond() / 1_000_000;
    i32::try_from(millis).ok()
}

/// Splits the zone off the end of an upper-case text.
fn split_zone(text: &str) -> Result<(&str, Zone), String> {
    let unknown = |zone: &str| {
        format!(
            "its zone {} is not known; write an offset such as +01:00, or pass timezone",
            quoted(zone)
        )
    };
    for name in ["Z", "UTC", "GMT"] {
        if let Some(clock) = text.strip_suffix(name) {
            return Ok((clock.trim_end(), Zone::Offset(0)));
        }
    }
    if let Some(place) = text.rfind(' ') {
        let (clock, zone) = (text.get(..place).unwrap_or(""), text.get(place + 1..).unwrap_or(""));
        let is_name =
            zone.contains('/') && zone.starts_with(|char: char| char.is_ascii_alphabetic());
        if is_name {
            let zone = TimeZone::parse(zone).ok_or_else(|| unknown(zone))?;
            return Ok((clock.trim_end(), Zone::Named(zone)));
        }
    }
    let Some(place) = text.rfind(['+', '-']) else {
        let letters =
            text.rfind(|char: char| !char.is_ascii_alphabetic()).map_or(0, |place| place + 1);
        let name = text.get(letters..).unwrap_or("");
        return if matches!(name, "" | "AM" | "PM") {
            Ok((text, Zone::None))
        } else {
            Err(unknown(name))
        };
    };
    let (clock, zone) = (text.get(..place).unwrap_or(""), text.get(place..).unwrap_or(""));
    let digits = zone.get(1..).unwrap_or("").replace(':', "");
    let minutes = match digits.len() {
        1 | 2 => field(&digits).map(|hours| i16::from(hours) * 60),
        4 => digits
            .get(..2)
            .and_then(field)
            .zip(digits.get(2..).and_then(field))
            .map(|(hours, minutes)| i16::from(hours) * 60 + i16::from(minutes)),
        _ => None,
    };
    let minutes = minutes.filter(|minutes| *minutes < 24 * 60).ok_or_else(|| unknown(zone))?;
    let clock = clock.trim_end();
    let clock = clock.strip_suffix("GMT").or_else(|| clock.strip_suffix("UTC")).unwrap_or(clock);
    let minutes = if zone.starts_with('-') { -minutes } else { minutes };
    Ok((clock.trim_end(), Zone::Offset(minutes)))
}

/// Returns the local time of a stamp of digits: `YYYYMMDD`, `YYYYMMDDhhmm`, `YYYYMMDDhhmmss` or
/// `YYYYMMDDhhmmssfff`.
pub(super) fn stamp(whole: i64) -> Option<i64> {
    let digits = whole.checked_ilog10()? + 1;
    let (date, hour, minute, second, millis) = match digits {
        8 => (whole, 0, 0, 0, 0),
        12 => (whole / 10_000, whole / 100 % 100, whole % 100, 0, 0),
        14 => (whole / 1_000_000, whole / 10_000 % 100, whole / 100 % 100, whole % 100, 0),
        17 => {
            let seconds = whole / 1000;
            (
                seconds / 1_000_000,
                seconds / 10_000 % 100,
                seconds / 100 % 100,
                seconds % 100,
                whole % 1000,
            )
        }
        _ => return None,
    };
    let field = |value: i64| u32::try_from(value).ok();
    let time = NaiveTime::from_hms_milli_opt(
        field(hour)?,
        field(minute)?,
        field(second)?,
        field(millis)?,
    )?;
    let millis = i64::from(time.num_seconds_from_midnight()) * 1000
        + i64::from(time.nanosecond() / 1_000_000);
    Some(compact_date(date)? + millis)
}

/// Returns midnight of a date such as 20200131, between 1800 and 2199.
fn compact_date(whole: i64) -> Option<i64> {
    let year = i32::try_from(whole / 10_000).ok().filter(|year| (1800..2200).contains(year))?;
    midnight(year, u32::try_from(whole / 100 % 100).ok()?, u32::try_from(whole % 100).ok()?)
}

/// Returns midnight of a date in UTC milliseconds; `None` if the date does not exist.
pub(super) fn midnight(year: i32, month: u32, day: u32) -> Option<i64> {
    let date = NaiveDate::from_ymd_opt(year, month, day)?;
    Some(date.and_time(NaiveTime::MIN).and_utc().timestamp_millis())
}

/// Returns the first three digits of a fraction of a second.
fn milliseconds(fraction: &str) -> i16 {
    fraction
        .bytes()
        .chain(*b"000")
        .take(3)
        .fold(0, |value, byte| value * 10 + i16::from(byte.wrapping_sub(b'0')))
}

/// Parses a number of one or two digits.
fn field(text: &str) -> Option<u8> {
    (text.len() <= 2).then(|| number(text))?.and_then(|value| u8::try_from(value).ok())
}

fn number(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}
