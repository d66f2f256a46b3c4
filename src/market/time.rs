//! UTC milliseconds since the epoch, and the text that people write for them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};

use crate::compute::column_writer::ColumnWriter;
use crate::compute::multiversion::multiversion;
use crate::compute::parallel::{Executor, Sections, write_column};

/// Milliseconds of a day.
pub const DAY: i64 = 86_400_000;

/// The timestamps that JavaScript's `Date` can hold, in milliseconds either side of the epoch.
pub const LIMIT: i64 = 8_640_000_000_000_000;

/// Parses an ISO 8601 date or timestamp; a date alone is UTC midnight, a timestamp without a zone is UTC.
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
        ["%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f%#z"]
            .iter()
            .find_map(|format| DateTime::parse_from_str(text, format).ok())
            .map(|timestamp| timestamp.timestamp_millis())
    })
}

/// Writes a timestamp as ISO 8601 with milliseconds and `Z`, as JavaScript's `toISOString` does.
pub fn format(milliseconds: i64) -> String {
    DateTime::<Utc>::from_timestamp_millis(milliseconds).map_or_else(
        || format!("{milliseconds} ms"),
        |timestamp| timestamp.to_rfc3339_opts(SecondsFormat::Millis, true),
    )
}

/// Writes a timestamp for a message: the date alone at midnight.
pub fn short(milliseconds: i64) -> String {
    let text = format(milliseconds);
    text.strip_suffix("T00:00:00.000Z").map_or_else(|| text.clone(), str::to_owned)
}

/// Added to a whole number below 2^51 either side of zero, it leaves that number in the lowest bits of the sum.
const SHIFT: f64 = 6_755_399_441_055_744.0;

/// The numbers that [`SHIFT`] works for: milliseconds up to the year 73,000.
const SHIFTED: f64 = 2_251_799_813_685_248.0;

/// Converts whole milliseconds, in a way that becomes vector instructions, which conversions of 64-bit numbers do not;
/// returns whether all are whole and less than 2^51. If not, what was written means nothing.
#[inline(always)]
pub(super) fn to_whole(milliseconds: &[f64], into: &mut [i64]) -> bool {
    let mut sound = into.len() == milliseconds.len();
    for (whole, &value) in into.iter_mut().zip(milliseconds) {
        let shifted = value + SHIFT;
        #[expect(clippy::float_cmp, reason = "a whole number comes back exactly as it was")]
        let same = shifted - SHIFT == value;
        sound &= same & (value.abs() < SHIFTED);
        *whole = shifted.to_bits().wrapping_sub(SHIFT.to_bits()).cast_signed();
    }
    sound
}

/// Converts milliseconds, in the order of time, to the numbers that JavaScript has for them.
pub fn to_numbers(timestamps: &[i64], executor: &dyn Executor) -> Vec<f64> {
    let is_small = |timestamp: Option<&i64>| {
        timestamp.is_none_or(|timestamp| timestamp.unsigned_abs() < 1 << 51)
    };
    if is_small(timestamps.first()) && is_small(timestamps.last()) {
        return write_column(
            executor,
            Sections::new(timestamps.len(), SECTION),
            |section, writer| {
                shifted(timestamps.get(section).unwrap_or(&[]), writer);
            },
        )
        .0;
    }
    #[expect(clippy::cast_precision_loss, reason = "timestamps of a Date are below 2^53")]
    timestamps.iter().map(|&timestamp| timestamp as f64).collect()
}

/// Timestamps that one hand takes at a time.
const SECTION: usize = 1 << 15;

multiversion! {
    /// Converts numbers below 2^51, as the reverse of [`to_whole`].
    fn shifted(timestamps: &[i64], writer: &mut ColumnWriter<'_>) {
        let number =
            |timestamp: i64| f64::from_bits(SHIFT.to_bits().wrapping_add_signed(timestamp)) - SHIFT;
        let mut numbers = [0.0; 512];
        for timestamps in timestamps.chunks(512) {
            let numbers = numbers.get_mut(..timestamps.len()).unwrap_or(&mut []);
            for (into, &timestamp) in numbers.iter_mut().zip(timestamps) {
                *into = number(timestamp);
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
    fn dates_and_moments_are_utc() {
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
    fn whole_numbers_go_both_ways_and_others_are_noticed() {
        let timestamps =
            [1 - (1 << 51), -LIMIT / 4, -1, 0, 1, DAY, 1_700_000_000_123, (1 << 51) - 1];
        let numbers = to_numbers(&timestamps, &Sequential);
        let mut back = [0; 8];
        assert!(to_whole(&numbers, &mut back));
        assert_eq!(back, timestamps);
        #[expect(clippy::cast_precision_loss, reason = "as JavaScript has it")]
        let plain = timestamps.map(|timestamp| timestamp as f64);
        assert_eq!(numbers, plain);
        assert_eq!(to_numbers(&[-LIMIT, 7, LIMIT], &Sequential), [-8.64e15, 7.0, 8.64e15]);
        for wrong in [0.5, -0.25, f64::NAN, f64::INFINITY, 8.64e15, 2_251_799_813_685_248.0, 1e300]
        {
            assert!(!to_whole(&[1.0, wrong], &mut [0; 2]), "{wrong}");
        }
        assert!(!to_whole(&[1.0], &mut []));
    }

    #[test]
    fn formatting_is_that_of_javascript() {
        assert_eq!(format(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(format(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(short(DAY), "1970-01-02");
    }
}
