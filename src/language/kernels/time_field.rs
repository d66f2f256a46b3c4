//! Calendar fields of the opening times of bars, in UTC.

use chrono::{DateTime, Datelike, Timelike, Utc};

use crate::language::functions::TimeField;

/// Returns a calendar field of each timestamp.
pub fn time_field(field: TimeField, timestamps: &[i64]) -> Vec<f64> {
    timestamps
        .iter()
        .map(|timestamp| {
            DateTime::<Utc>::from_timestamp_millis(*timestamp)
                .map_or(f64::NAN, |time| f64::from(extract(field, &time)))
        })
        .collect()
}

fn extract(field: TimeField, time: &DateTime<Utc>) -> u32 {
    match field {
        TimeField::Hour => time.hour(),
        TimeField::Minute => time.minute(),
        TimeField::DayOfWeek => time.weekday().number_from_monday(),
        TimeField::DayOfMonth => time.day(),
        TimeField::Month => time.month(),
    }
}
