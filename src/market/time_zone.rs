//! IANA time zones.

use chrono::{DateTime, LocalResult, NaiveDateTime, Offset, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

/// A time zone by its IANA name, such as `Asia/Tokyo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeZone(Tz);

impl TimeZone {
    /// Finds a time zone by its name, ignoring case; `None` if there is none.
    pub fn parse(name: &str) -> Option<Self> {
        Tz::from_str_insensitive(name.trim()).ok().map(Self)
    }

    /// Returns the name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Returns whether local time is UTC.
    pub fn is_utc(self) -> bool {
        matches!(
            self.0,
            Tz::UTC | Tz::Etc__UTC | Tz::GMT | Tz::Etc__GMT | Tz::Zulu | Tz::UCT | Tz::Universal
        )
    }

    /// Converts UTC milliseconds to local time, as milliseconds as if that were UTC.
    pub fn to_local(self, timestamp: i64) -> i64 {
        let Some(utc) = DateTime::<Utc>::from_timestamp_millis(timestamp) else { return timestamp };
        let offset = self.0.offset_from_utc_datetime(&utc.naive_utc()).fix();
        timestamp.saturating_add(i64::from(offset.local_minus_utc()) * 1000)
    }

    /// Converts local time, as milliseconds as if that were UTC, to UTC milliseconds. Of a time that occurs twice when clocks
    /// go back, the first is taken. A time that clocks skip is read with the offset before.
    pub fn to_utc(self, local: i64) -> i64 {
        let Some(naive) = naive(local) else { return local };
        let minus_offset = |offset: chrono::FixedOffset| {
            local.saturating_sub(i64::from(offset.local_minus_utc()) * 1000)
        };
        match self.0.offset_from_local_datetime(&naive) {
            LocalResult::Single(offset) | LocalResult::Ambiguous(offset, _) => {
                minus_offset(offset.fix())
            }
            LocalResult::None => {
                let before = naive - TimeDelta::days(1);
                let offset = self.0.offset_from_local_datetime(&before).earliest();
                offset.map_or(local, |offset| minus_offset(offset.fix()))
            }
        }
    }
}

fn naive(local: i64) -> Option<NaiveDateTime> {
    DateTime::<Utc>::from_timestamp_millis(local).map(|time| time.naive_utc())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::time;

    fn at(text: &str) -> i64 {
        time::parse(text).unwrap()
    }

    #[test]
    fn local_times_convert_both_ways() {
        let new_york = TimeZone::parse("america/new_york").unwrap();
        assert_eq!(new_york.name(), "America/New_York");
        for (utc, local) in [
            ("2024-01-15T14:30", "2024-01-15T09:30"),
            ("2024-07-15T13:30", "2024-07-15T09:30"),
            ("1969-12-31T23:00", "1969-12-31T18:00"),
        ] {
            assert_eq!(new_york.to_local(at(utc)), at(local), "{utc}");
            assert_eq!(new_york.to_utc(at(local)), at(utc), "{local}");
        }
        assert_eq!(TimeZone::parse("Europe/Atlantis"), None);
    }

    #[test]
    fn times_that_clocks_skip_or_repeat_are_read() {
        let berlin = TimeZone::parse("Europe/Berlin").unwrap();
        // 02:30 does not exist on 31 March 2024, and exists twice on 27 October.
        assert_eq!(berlin.to_utc(at("2024-03-31T02:30")), at("2024-03-31T01:30"));
        assert_eq!(berlin.to_utc(at("2024-10-27T02:30")), at("2024-10-27T00:30"));
    }
}
