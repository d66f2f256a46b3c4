//! Formats timestamps as UTC dates.

use chrono::{DateTime, Datelike, Utc};

use crate::market::time::DAY;

/// Converts UTC milliseconds. `None` if chrono cannot represent them.
pub(super) fn to_datetime(timestamp: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(timestamp)
}

/// Formats a timestamp as a date, with the time of day if bars are shorter than a day.
pub(super) fn format_timestamp(timestamp: i64, bar_length: i64) -> String {
    let Some(datetime) = to_datetime(timestamp) else { return String::new() };
    let date = datetime.format("%-d %b %Y").to_string();
    if bar_length >= DAY {
        date
    } else {
        format!("{date} {}", format_time_of_day(&datetime, bar_length))
    }
}

/// Formats a time range. The time of day is only included if the range is a few days long.
pub(super) fn format_range(first: i64, last: i64, bar_length: i64) -> String {
    let precision = if last - first < 4 * DAY { bar_length } else { DAY };
    let (from, to) = (format_timestamp(first, precision), format_timestamp(last, precision));
    if from == to { from } else { format!("{from} – {to}") }
}

/// Formats the years of a time range.
pub(super) fn format_years(first: i64, last: i64) -> String {
    let year = |timestamp| {
        to_datetime(timestamp).map_or_else(String::new, |datetime| datetime.year().to_string())
    };
    let (from, to) = (year(first), year(last));
    if from == to { from } else { format!("{from}–{to}") }
}

/// Formats the time of day, as precisely as steps of `step` milliseconds need.
pub(super) fn format_time_of_day(datetime: &DateTime<Utc>, step: i64) -> String {
    let format = match step {
        step if step < 1000 => "%H:%M:%S%.3f",
        step if step < 60 * 1000 => "%H:%M:%S",
        _ => "%H:%M",
    };
    datetime.format(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::time::parse;

    #[test]
    fn short_ranges_include_the_time_of_day() {
        const MINUTE: i64 = 60 * 1000;
        let format = |first: &str, last: &str, bar_length| {
            format_range(parse(first).unwrap(), parse(last).unwrap(), bar_length)
        };
        assert_eq!(format("2008-01-02", "2012-12-28", DAY), "2 Jan 2008 – 28 Dec 2012");
        assert_eq!(format("2008-01-02", "2008-01-02", DAY), "2 Jan 2008");
        assert_eq!(
            format("2008-01-02T10:00", "2008-01-02T12:30", MINUTE),
            "2 Jan 2008 10:00 – 2 Jan 2008 12:30"
        );
        assert_eq!(
            format("2008-01-02T10:00", "2010-01-02T12:30", MINUTE),
            "2 Jan 2008 – 2 Jan 2010"
        );
    }
}
