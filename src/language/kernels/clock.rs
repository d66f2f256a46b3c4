//! The time of a bar: that of its opening, UTC.

use chrono::{DateTime, Datelike, Timelike, Utc};

use crate::language::functions::Clock;

/// Returns a time of each bar.
pub fn clock(which: Clock, timestamps: &[i64]) -> Vec<f64> {
    timestamps
        .iter()
        .map(|timestamp| {
            DateTime::<Utc>::from_timestamp_millis(*timestamp)
                .map_or(f64::NAN, |moment| f64::from(part(which, &moment)))
        })
        .collect()
}

fn part(which: Clock, moment: &DateTime<Utc>) -> u32 {
    match which {
        Clock::Hour => moment.hour(),
        Clock::Minute => moment.minute(),
        Clock::DayOfWeek => moment.weekday().number_from_monday(),
        Clock::DayOfMonth => moment.day(),
        Clock::Month => moment.month(),
    }
}
