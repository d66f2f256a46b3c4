//! UTC milliseconds since the epoch, and the text that people write for them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};

/// Milliseconds of a day.
pub const DAY: i64 = 86_400_000;

/// The moments that JavaScript's `Date` can hold, in milliseconds either side of the epoch.
pub const LIMIT: i64 = 8_640_000_000_000_000;

/// Parses an ISO 8601 date or moment; a date alone is UTC midnight, a moment without a zone is UTC.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis());
    }
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Some(moment.timestamp_millis());
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
    .map(|moment| moment.and_utc().timestamp_millis())
    .or_else(|| {
        ["%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f%#z"]
            .iter()
            .find_map(|format| DateTime::parse_from_str(text, format).ok())
            .map(|moment| moment.timestamp_millis())
    })
}

/// Writes a moment as ISO 8601 with milliseconds and `Z`, as JavaScript's `toISOString` does.
pub fn format(milliseconds: i64) -> String {
    DateTime::<Utc>::from_timestamp_millis(milliseconds).map_or_else(
        || format!("{milliseconds} ms"),
        |moment| moment.to_rfc3339_opts(SecondsFormat::Millis, true),
    )
}

/// Writes a moment for a message: the date alone at midnight.
pub fn short(milliseconds: i64) -> String {
    let text = format(milliseconds);
    text.strip_suffix("T00:00:00.000Z").map_or_else(|| text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn formatting_is_that_of_javascript() {
        assert_eq!(format(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(format(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(short(DAY), "1970-01-02");
    }
}
