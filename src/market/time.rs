//! Timestamps in UTC milliseconds since the epoch, and their ISO 8601 texts.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};

use crate::compute::column_writer::ColumnWriter;
use crate::compute::multiversion::multiversion;
use crate::compute::parallel::{Executor, Sections, write_column};

/// Milliseconds of an hour.
pub const HOUR: i64 = 3_600_000;

/// Milliseconds of a day.
pub const DAY: i64 = 86_400_000;

/// The largest absolute timestamp of a JavaScript `Date`, milliseconds.
pub const LIMIT: i64 = 8_640_000_000_000_000;

/// Returns the weekday of a timestamp in UTC: 0 is Monday, 6 is Sunday.
pub fn weekday(timestamp: i64) -> usize {
    // The epoch was a Thursday.
    usize::try_from((timestamp.div_euclid(DAY) + 3).rem_euclid(7)).unwrap_or(0)
}

/// Parses an ISO 8601 date or timestamp. A date alone means midnight UTC, a timestamp without a zone is UTC.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis());
    }
    if let Ok(timestamp) = DateTime::parse_from_rfc3339(text) {
        return Some(timestamp.timestamp_millis());
    }
    [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M:%S%.fZ",
        "%Y-%m-%dT%H:%MZ",
    ]
    .iter()
    .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
    .map(|timestamp| timestamp.and_utc().timestamp_millis())
    .or_else(|| {
        [
            "%Y-%m-%d %H:%M:%S%.f%#z",
            "%Y-%m-%dT%H:%M:%S%.f%#z",
            "%Y-%m-%d %H:%M%#z",
            "%Y-%m-%dT%H:%M%#z",
        ]
        .iter()
        .find_map(|format| DateTime::parse_from_str(text, format).ok())
        .map(|timestamp| timestamp.timestamp_millis())
    })
}

/// Parses the end of a range. A date alone means the last millisecond of that day in UTC; other texts are read as by [`parse`].
pub fn parse_end(text: &str) -> Option<i64> {
    let is_date = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").is_ok();
    parse(text).map(|time| if is_date { time + (DAY - 1) } else { time })
}

/// Formats a timestamp as JavaScript's `toISOString` does: ISO 8601 with milliseconds and `Z`.
pub fn format(milliseconds: i64) -> String {
    DateTime::<Utc>::from_timestamp_millis(milliseconds).map_or_else(
        || format!("{milliseconds} ms"),
        |timestamp| timestamp.to_rfc3339_opts(SecondsFormat::Millis, true),
    )
}

/// Formats a timestamp for a message. At midnight only the date is shown.
pub fn short(milliseconds: i64) -> String {
    let text = format(milliseconds);
    text.strip_suffix("T00:00:00.000Z").map_or_else(|| text.clone(), str::to_owned)
}

/// Formats the last timestamp of a range as [`short`] does, and the end of a day as its date.
pub fn short_end(milliseconds: i64) -> String {
    if milliseconds.rem_euclid(DAY) == DAY - 1 {
        short(milliseconds - (DAY - 1))
    } else {
        short(milliseconds)
    }
}

/// 1.5 × 2^52. Added to an integer between −2^51 and 2^51, it leaves that integer in the low bits of the sum.
const SHIFT: f64 = 6_755_399_441_055_744.0;

/// 2^51, the bound for [`SHIFT`]: milliseconds up to the year 73,000.
const SHIFT_BOUND: f64 = 2_251_799_813_685_248.0;

/// Converts whole milliseconds to integers and returns whether all are whole and below 2^51. If not, the contents of
/// `integers` are unspecified.
///
/// AVX2 has no instruction that converts between `f64` and `i64`, so that a plain cast would not be vectorized.
#[inline(always)]
pub(super) fn to_integers(milliseconds: &[f64], integers: &mut [i64]) -> bool {
    let mut is_valid = integers.len() == milliseconds.len();
    for (integer, &value) in integers.iter_mut().zip(milliseconds) {
        let shifted = value + SHIFT;
        #[expect(clippy::float_cmp, reason = "only a whole number comes back unchanged")]
        let is_whole = shifted - SHIFT == value;
        is_valid &= is_whole & (value.abs() < SHIFT_BOUND);
        *integer = shifted.to_bits().wrapping_sub(SHIFT.to_bits()).cast_signed();
    }
    is_valid
}

/// Converts ascending timestamps to floating-point numbers, the numbers of JavaScript.
pub fn to_numbers(timestamps: &[i64], executor: &dyn Executor) -> Vec<f64> {
    let is_small = |timestamp: Option<&i64>| {
        timestamp.is_none_or(|timestamp| timestamp.unsigned_abs() < 1 << 51)
    };
    if is_small(timestamps.first()) && is_small(timestamps.last()) {
        return write_column(
            executor,
            Sections::new(timestamps.len(), SECTION),
            |section, writer| {
                write_numbers(timestamps.get(section).unwrap_or(&[]), writer);
            },
        )
        .0;
    }
    #[expect(clippy::cast_precision_loss, reason = "timestamps of a Date are below 2^53")]
    timestamps.iter().map(|&timestamp| timestamp as f64).collect()
}

/// Timestamps per section.
const SECTION: usize = 1 << 15;

multiversion! {
    /// Converts integers below 2^51, as the reverse of [`to_integers`].
    fn write_numbers(timestamps: &[i64], writer: &mut ColumnWriter<'_>) {
        let number =
            |timestamp: i64| f64::from_bits(SHIFT.to_bits().wrapping_add_signed(timestamp)) - SHIFT;
        let mut numbers = [0.0; 512];
        for timestamps in timestamps.chunks(512) {
            let numbers = numbers.get_mut(..timestamps.len()).unwrap_or(&mut []);
            for (value, &timestamp) in numbers.iter_mut().zip(timestamps) {
                *value = number(timestamp);
            }
            writer.extend_from_slice(numbers);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::parallel::Sequential;

    #[test]
    fn dates_and_timestamps_are_utc() {
        assert_eq!(parse("1970-01-02"), Some(DAY));
        assert_eq!(parse("1970-01-01T01:00:00+01:00"), Some(0));
        assert_eq!(parse("1970-01-01T00:00:01.5"), Some(1500));
        assert_eq!(parse("1970-01-01 00:00:01"), Some(1000));
        assert_eq!(parse("1970-01-01 00:00:01+00:00"), Some(1000));
        assert_eq!(parse("1970-01-01T00:01Z"), Some(60_000));
        assert_eq!(parse("2021-02-30"), None);
        assert_eq!(parse("tomorrow"), None);
    }

    #[test]
    fn a_date_at_the_end_of_a_range_includes_its_day() {
        assert_eq!(parse_end(" 1970-01-02 "), Some(2 * DAY - 1));
        assert_eq!(parse_end("1970-01-02T00:00Z"), Some(DAY));
        assert_eq!(parse_end("2021-02-30"), None);
    }

    #[test]
    fn whole_milliseconds_convert_both_ways_and_others_are_detected() {
        let timestamps =
            [1 - (1 << 51), -LIMIT / 4, -1, 0, 1, DAY, 1_700_000_000_123, (1 << 51) - 1];
        let numbers = to_numbers(&timestamps, &Sequential);
        let mut back = [0; 8];
        assert!(to_integers(&numbers, &mut back));
        assert_eq!(back, timestamps);
        #[expect(clippy::cast_precision_loss, reason = "JavaScript converts in the same way")]
        let plain = timestamps.map(|timestamp| timestamp as f64);
        assert_eq!(numbers, plain);
        assert_eq!(to_numbers(&[-LIMIT, 7, LIMIT], &Sequential), [-8.64e15, 7.0, 8.64e15]);
        for wrong in [0.5, -0.25, f64::NAN, f64::INFINITY, 8.64e15, 2_251_799_813_685_248.0, 1e300]
        {
            assert!(!to_integers(&[1.0, wrong], &mut [0; 2]), "{wrong}");
        }
        assert!(!to_integers(&[1.0], &mut []));
    }

    #[test]
    fn timestamps_are_formatted_as_in_javascript() {
        assert_eq!(format(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(format(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(short(DAY), "1970-01-02");
    }
}
