//! Ticks of the time axis at calendar boundaries in UTC.

use chrono::{Datelike, NaiveDate, Timelike};

use super::date_format::{format_time_of_day, format_timestamp, to_datetime};
use super::font::{FontWeight, Fonts};
use super::scale::TimeScale;
use crate::market::time::DAY;
use crate::numbers::millis_to_f64;

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
/// The first Monday after the epoch, the origin of week boundaries.
const FIRST_MONDAY: i64 = 4 * DAY;

/// Interval between two ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TickInterval {
    /// Milliseconds: a fraction of a day, or whole days.
    Fixed(i64),
    Weeks(i64),
    Months(u32),
    Years(i32),
}

const INTERVALS: [TickInterval; 39] = [
    TickInterval::Fixed(1),
    TickInterval::Fixed(5),
    TickInterval::Fixed(20),
    TickInterval::Fixed(100),
    TickInterval::Fixed(500),
    TickInterval::Fixed(SECOND),
    TickInterval::Fixed(5 * SECOND),
    TickInterval::Fixed(15 * SECOND),
    TickInterval::Fixed(30 * SECOND),
    TickInterval::Fixed(MINUTE),
    TickInterval::Fixed(2 * MINUTE),
    TickInterval::Fixed(5 * MINUTE),
    TickInterval::Fixed(10 * MINUTE),
    TickInterval::Fixed(15 * MINUTE),
    TickInterval::Fixed(30 * MINUTE),
    TickInterval::Fixed(HOUR),
    TickInterval::Fixed(2 * HOUR),
    TickInterval::Fixed(3 * HOUR),
    TickInterval::Fixed(6 * HOUR),
    TickInterval::Fixed(12 * HOUR),
    TickInterval::Fixed(DAY),
    TickInterval::Fixed(2 * DAY),
    TickInterval::Weeks(1),
    TickInterval::Weeks(2),
    TickInterval::Months(1),
    TickInterval::Months(2),
    TickInterval::Months(3),
    TickInterval::Months(6),
    TickInterval::Years(1),
    TickInterval::Years(2),
    TickInterval::Years(5),
    TickInterval::Years(10),
    TickInterval::Years(20),
    TickInterval::Years(50),
    TickInterval::Years(100),
    TickInterval::Years(500),
    TickInterval::Years(1000),
    TickInterval::Years(10_000),
    TickInterval::Years(100_000),
];

impl TickInterval {
    /// Returns the approximate length in milliseconds.
    fn length(self) -> i64 {
        match self {
            Self::Fixed(length) => length,
            Self::Weeks(weeks) => weeks * 7 * DAY,
            Self::Months(months) => i64::from(months) * 30 * DAY,
            Self::Years(years) => i64::from(years) * 365 * DAY,
        }
    }

    /// Returns the boundaries within a range, both ends inclusive.
    fn boundaries(self, first: i64, last: i64) -> Vec<i64> {
        match self {
            Self::Fixed(length) => multiples(length, 0, first, last),
            Self::Weeks(weeks) => multiples(weeks * 7 * DAY, FIRST_MONDAY, first, last),
            Self::Months(months) => {
                let Some(start) = to_datetime(first) else { return Vec::new() };
                let mut boundaries = Vec::new();
                let (mut year, mut month) = (start.year(), (start.month0() / months) * months);
                while let Some(boundary) = start_of_month(year, month + 1).filter(|at| *at <= last)
                {
                    if boundary >= first {
                        boundaries.push(boundary);
                    }
                    month += months;
                    if month >= 12 {
                        (year, month) = (year + 1, 0);
                    }
                }
                boundaries
            }
            Self::Years(years) => {
                let Some(start) = to_datetime(first) else { return Vec::new() };
                let mut boundaries = Vec::new();
                let mut year = start.year().div_euclid(years) * years;
                while let Some(boundary) = start_of_month(year, 1).filter(|at| *at <= last) {
                    if boundary >= first {
                        boundaries.push(boundary);
                    }
                    year += years;
                }
                boundaries
            }
        }
    }

    /// Returns the label of a boundary, and whether it starts a larger unit, such as a year among months.
    fn label(self, boundary: i64) -> (String, bool) {
        let Some(at) = to_datetime(boundary) else { return (String::new(), false) };
        let is_midnight = at.num_seconds_from_midnight() == 0 && at.timestamp_subsec_millis() == 0;
        match self {
            Self::Years(_) => (at.year().to_string(), false),
            Self::Months(_) if at.month() == 1 => (at.year().to_string(), true),
            Self::Months(_) => (at.format("%b").to_string(), false),
            Self::Fixed(length) if length < DAY && !is_midnight => {
                (format_time_of_day(&at, length), false)
            }
            _ if at.ordinal() == 1 => (at.year().to_string(), true),
            Self::Fixed(length) if length < DAY => (at.format("%-d %b").to_string(), true),
            Self::Fixed(_) | Self::Weeks(_) => (at.format("%-d %b").to_string(), false),
        }
    }

    /// Returns the label of a boundary, including the larger unit that it belongs to.
    fn full_label(self, boundary: i64) -> String {
        let Some(at) = to_datetime(boundary) else { return String::new() };
        let (label, is_major) = self.label(boundary);
        match self {
            _ if is_major => label,
            Self::Years(_) => label,
            Self::Months(_) => format!("{label} {}", at.year()),
            Self::Fixed(length) if length < DAY => format!("{} {label}", at.format("%-d %b")),
            Self::Fixed(_) | Self::Weeks(_) => label,
        }
    }
}

fn multiples(length: i64, origin: i64, first: i64, last: i64) -> Vec<i64> {
    let start = origin + (first - origin + length - 1).div_euclid(length) * length;
    let mut multiples = Vec::new();
    let mut multiple = start;
    while multiple <= last {
        multiples.push(multiple);
        multiple += length;
    }
    multiples
}

fn start_of_month(year: i32, month: u32) -> Option<i64> {
    let midnight = NaiveDate::from_ymd_opt(year, month, 1)?.and_hms_opt(0, 0, 0)?;
    Some(midnight.and_utc().timestamp_millis())
}

/// A tick of the time axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TimeTick {
    /// Pixel of the boundary.
    pub(super) x: f64,
    /// Left end of the label, pixels.
    pub(super) label_left: f64,
    pub(super) label: String,
    /// Whether it starts a larger unit than its neighbors, such as a year among months.
    pub(super) is_major: bool,
}

impl TimeTick {
    pub(super) const fn weight(&self) -> FontWeight {
        if self.is_major { FontWeight::SemiBold } else { FontWeight::Regular }
    }
}

/// Returns the densest ticks whose labels fit between two pixels with a gap in between. Ticks are never denser than bars.
pub(super) fn time_ticks(
    scale: &TimeScale,
    bar_length: i64,
    fonts: &Fonts,
    font_size: f64,
    gap: f64,
    label_range: (f64, f64),
) -> Vec<TimeTick> {
    let labels = Labels { scale, fonts, font_size, range: label_range };
    let duration = scale.last - scale.first;
    for interval in INTERVALS {
        // A label is at least 1.5 times as wide as its font size. This skips intervals with far too many ticks.
        let min_width = millis_to_f64(duration / interval.length()) * font_size * 1.5;
        if interval.length() < bar_length.min(DAY) || min_width > scale.right - scale.left {
            continue;
        }
        let boundaries = interval.boundaries(scale.first, scale.last);
        if boundaries.is_empty() {
            continue;
        }
        let ticks = labels.ticks(interval, &boundaries);
        let has_gap = |pair: &[TimeTick]| match pair {
            [tick, next] => {
                let width = fonts.width(&tick.label, tick.weight(), font_size);
                tick.label_left + width + gap <= next.label_left
            }
            _ => true,
        };
        if ticks.windows(2).all(has_gap) {
            return ticks;
        }
    }
    // No calendar boundary lies between the bars: label the first bar.
    vec![labels.tick(scale.first, format_timestamp(scale.first, bar_length), false)]
}

/// Places labels below a time scale.
struct Labels<'a> {
    scale: &'a TimeScale,
    fonts: &'a Fonts,
    font_size: f64,
    /// Pixels that labels may cover.
    range: (f64, f64),
}

impl Labels<'_> {
    fn ticks(&self, interval: TickInterval, boundaries: &[i64]) -> Vec<TimeTick> {
        // If no boundary starts a larger unit, the first label says what all of them belong to.
        let has_major = boundaries.iter().any(|boundary| interval.label(*boundary).1);
        let mut ticks = Vec::with_capacity(boundaries.len());
        for (index, &boundary) in boundaries.iter().enumerate() {
            let (label, is_major) = match interval.label(boundary) {
                (_, is_major) if index == 0 && !has_major => {
                    (interval.full_label(boundary), is_major)
                }
                short => short,
            };
            ticks.push(self.tick(boundary, label, is_major));
        }
        ticks
    }

    fn tick(&self, timestamp: i64, label: String, is_major: bool) -> TimeTick {
        let x = self.scale.pixel(timestamp);
        let weight = if is_major { FontWeight::SemiBold } else { FontWeight::Regular };
        let width = self.fonts.width(&label, weight, self.font_size);
        // A label at the edge is moved inwards.
        let label_left = (x - width / 2.0).min(self.range.1 - width).max(self.range.0);
        TimeTick { x, label_left, label, is_major }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::time::parse;

    fn labels(first: &str, last: &str, bar: i64, pixels: f64) -> Vec<String> {
        let fonts = Fonts::load().unwrap();
        let scale = TimeScale::new(parse(first).unwrap(), parse(last).unwrap(), bar, 0.0, pixels);
        let ticks = time_ticks(&scale, bar, &fonts, 12.0, 14.0, (0.0, pixels));
        for pair in ticks.windows(2) {
            let end = pair[0].label_left + fonts.width(&pair[0].label, pair[0].weight(), 12.0);
            assert!(end + 13.9 <= pair[1].label_left, "{pair:?}");
        }
        ticks.into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn ticks_are_calendar_boundaries() {
        assert_eq!(
            labels("2008-01-02", "2012-12-28", DAY, 700.0),
            ["Jul", "2009", "Jul", "2010", "Jul", "2011", "Jul", "2012", "Jul"]
        );
        assert_eq!(
            labels("2000-01-03", "2020-04-17", DAY, 300.0),
            ["2005", "2010", "2015", "2020"]
        );
        assert_eq!(
            labels("2012-01-03", "2012-12-28", DAY, 700.0),
            ["Feb 2012", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        );
        assert_eq!(
            labels("2020-03-02", "2020-03-31", DAY, 500.0),
            ["2 Mar", "9 Mar", "16 Mar", "23 Mar", "30 Mar"]
        );
        assert_eq!(
            labels("2020-03-02T22:00", "2020-03-03T10:00", MINUTE, 400.0),
            ["22:00", "3 Mar", "02:00", "04:00", "06:00", "08:00", "10:00"]
        );
        assert_eq!(
            labels("2020-03-02T10:00", "2020-03-02T10:30", MINUTE, 400.0),
            ["2 Mar 10:00", "10:10", "10:20", "10:30"]
        );
    }

    #[test]
    fn ticks_are_not_denser_than_bars() {
        assert_eq!(labels("2020-03-02", "2020-03-04", DAY, 900.0), ["2 Mar", "3 Mar", "4 Mar"]);
        assert_eq!(labels("2020-03-02", "2020-03-02", DAY, 900.0), ["2 Mar"]);
        assert_eq!(labels("2020-03-02T05:00", "2020-03-02T05:00", DAY, 900.0), ["2 Mar 2020"]);
    }

    #[test]
    fn every_possible_range_has_ticks() {
        let fonts = Fonts::load().unwrap();
        let limit = crate::market::time::LIMIT;
        for (first, last) in
            [(-limit, limit), (0, 1), (0, 7), (limit - 1, limit), (-5, 3_000_000_000)]
        {
            let scale = TimeScale::new(first, last, 1, 0.0, 700.0);
            let ticks = time_ticks(&scale, 1, &fonts, 12.0, 14.0, (0.0, 700.0));
            assert!((1..20).contains(&ticks.len()), "{first} {last} {ticks:?}");
        }
    }
}
