//! Boundaries of the calendar along an axis of time, in UTC.

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};

use super::font::{Fonts, Weight};
use super::scale::TimeScale;
use crate::market::time::DAY;

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
/// The first Monday after the epoch, which weeks are counted from.
const MONDAY: i64 = 4 * DAY;

/// The distance of two ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Every {
    /// Milliseconds, within a day or for whole days.
    Fixed(i64),
    Weeks(i64),
    Months(u32),
    Years(i32),
}

const STEPS: [Every; 39] = [
    Every::Fixed(1),
    Every::Fixed(5),
    Every::Fixed(20),
    Every::Fixed(100),
    Every::Fixed(500),
    Every::Fixed(SECOND),
    Every::Fixed(5 * SECOND),
    Every::Fixed(15 * SECOND),
    Every::Fixed(30 * SECOND),
    Every::Fixed(MINUTE),
    Every::Fixed(2 * MINUTE),
    Every::Fixed(5 * MINUTE),
    Every::Fixed(10 * MINUTE),
    Every::Fixed(15 * MINUTE),
    Every::Fixed(30 * MINUTE),
    Every::Fixed(HOUR),
    Every::Fixed(2 * HOUR),
    Every::Fixed(3 * HOUR),
    Every::Fixed(6 * HOUR),
    Every::Fixed(12 * HOUR),
    Every::Fixed(DAY),
    Every::Fixed(2 * DAY),
    Every::Weeks(1),
    Every::Weeks(2),
    Every::Months(1),
    Every::Months(2),
    Every::Months(3),
    Every::Months(6),
    Every::Years(1),
    Every::Years(2),
    Every::Years(5),
    Every::Years(10),
    Every::Years(20),
    Every::Years(50),
    Every::Years(100),
    Every::Years(500),
    Every::Years(1000),
    Every::Years(10_000),
    Every::Years(100_000),
];

impl Every {
    /// Returns about how long it is, milliseconds.
    fn length(self) -> i64 {
        match self {
            Self::Fixed(length) => length,
            Self::Weeks(weeks) => weeks * 7 * DAY,
            Self::Months(months) => i64::from(months) * 30 * DAY,
            Self::Years(years) => i64::from(years) * 365 * DAY,
        }
    }

    /// Returns the boundaries within a range, both ends included.
    fn boundaries(self, first: i64, last: i64) -> Vec<i64> {
        match self {
            Self::Fixed(length) => multiples(length, 0, first, last),
            Self::Weeks(weeks) => multiples(weeks * 7 * DAY, MONDAY, first, last),
            Self::Months(months) => {
                let Some(begin) = moment(first) else { return Vec::new() };
                let mut found = Vec::new();
                let (mut year, mut month) = (begin.year(), (begin.month0() / months) * months);
                while let Some(boundary) = midnight(year, month + 1).filter(|at| *at <= last) {
                    if boundary >= first {
                        found.push(boundary);
                    }
                    month += months;
                    if month >= 12 {
                        (year, month) = (year + 1, 0);
                    }
                }
                found
            }
            Self::Years(years) => {
                let Some(begin) = moment(first) else { return Vec::new() };
                let mut found = Vec::new();
                let mut year = begin.year().div_euclid(years) * years;
                while let Some(boundary) = midnight(year, 1).filter(|at| *at <= last) {
                    if boundary >= first {
                        found.push(boundary);
                    }
                    year += years;
                }
                found
            }
        }
    }

    /// Writes a boundary as far as its neighbours differ, and whether it begins something larger.
    fn label(self, boundary: i64) -> (String, bool) {
        let Some(at) = moment(boundary) else { return (String::new(), false) };
        let begins_day = at.num_seconds_from_midnight() == 0 && at.timestamp_subsec_millis() == 0;
        match self {
            Self::Years(_) => (at.year().to_string(), false),
            Self::Months(_) if at.month() == 1 => (at.year().to_string(), true),
            Self::Months(_) => (at.format("%b").to_string(), false),
            Self::Fixed(length) if length < DAY && !begins_day => (time_of_day(&at, length), false),
            _ if at.ordinal() == 1 => (at.year().to_string(), true),
            Self::Fixed(length) if length < DAY => (at.format("%-d %b").to_string(), true),
            Self::Fixed(_) | Self::Weeks(_) => (at.format("%-d %b").to_string(), false),
        }
    }

    /// Writes a boundary with what its own label leaves to the ones before it.
    fn full_label(self, boundary: i64) -> String {
        let Some(at) = moment(boundary) else { return String::new() };
        let (label, begins) = self.label(boundary);
        match self {
            _ if begins => label,
            Self::Years(_) => label,
            Self::Months(_) => format!("{label} {}", at.year()),
            Self::Fixed(length) if length < DAY => format!("{} {label}", at.format("%-d %b")),
            Self::Fixed(_) | Self::Weeks(_) => label,
        }
    }
}

fn time_of_day(at: &DateTime<Utc>, step: i64) -> String {
    let format = match step {
        step if step < SECOND => "%H:%M:%S%.3f",
        step if step < MINUTE => "%H:%M:%S",
        _ => "%H:%M",
    };
    at.format(format).to_string()
}

fn multiples(length: i64, anchor: i64, first: i64, last: i64) -> Vec<i64> {
    let begin = anchor + (first - anchor + length - 1).div_euclid(length) * length;
    let mut found = Vec::new();
    let mut boundary = begin;
    while boundary <= last {
        found.push(boundary);
        boundary += length;
    }
    found
}

fn moment(milliseconds: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(milliseconds)
}

fn midnight(year: i32, month: u32) -> Option<i64> {
    Some(
        NaiveDate::from_ymd_opt(year, month, 1)?.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis(),
    )
}

/// A tick of the axis of time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TimeTick {
    /// Pixel of the boundary.
    pub(super) x: f64,
    /// Left end of its label, pixels.
    pub(super) left: f64,
    pub(super) label: String,
    /// Whether it begins something larger than its neighbours do, such as a year among months.
    pub(super) strong: bool,
}

impl TimeTick {
    pub(super) const fn weight(&self) -> Weight {
        if self.strong { Weight::SemiBold } else { Weight::Regular }
    }
}

/// Returns as many ticks as have room for their labels between the pixels `room`, `gap` apart; none finer than a bar.
pub(super) fn ticks(
    scale: &TimeScale,
    bar: i64,
    fonts: &Fonts,
    size: f64,
    gap: f64,
    room: (f64, f64),
) -> Vec<TimeTick> {
    let range = scale.last - scale.first;
    for step in STEPS {
        // The narrowest label is some digits wide: far too many ticks need not be tried.
        let count = range / step.length();
        if step.length() < bar.min(DAY)
            || super::whole(count) * size * 1.5 > scale.right - scale.left
        {
            continue;
        }
        let boundaries = step.boundaries(scale.first, scale.last);
        if boundaries.is_empty() {
            continue;
        }
        let ticks = placed(step, &boundaries, scale, fonts, size, room);
        let apart = |pair: &[TimeTick]| match pair {
            [one, next] => {
                one.left + fonts.width(&one.label, one.weight(), size) + gap <= next.left
            }
            _ => true,
        };
        if ticks.windows(2).all(apart) {
            return ticks;
        }
    }
    single(scale, bar, fonts, size, room)
}

fn placed(
    step: Every,
    boundaries: &[i64],
    scale: &TimeScale,
    fonts: &Fonts,
    size: f64,
    room: (f64, f64),
) -> Vec<TimeTick> {
    // Where no boundary begins something larger, the first one says what all of them belong to.
    let has_context = boundaries.iter().any(|boundary| step.label(*boundary).1);
    let mut ticks = Vec::with_capacity(boundaries.len());
    for (index, &boundary) in boundaries.iter().enumerate() {
        let (label, strong) = match step.label(boundary) {
            (_, strong) if index == 0 && !has_context => (step.full_label(boundary), strong),
            found => found,
        };
        ticks.push(tick(scale.place(boundary), label, strong, fonts, size, room));
    }
    ticks
}

/// Returns the tick of the first bar, where no boundary of the calendar lies between the bars.
fn single(
    scale: &TimeScale,
    bar: i64,
    fonts: &Fonts,
    size: f64,
    room: (f64, f64),
) -> Vec<TimeTick> {
    let label = date_and_time(scale.first, bar);
    let tick = tick(scale.place(scale.first), label, false, fonts, size, room);
    vec![tick]
}

fn tick(
    x: f64,
    label: String,
    strong: bool,
    fonts: &Fonts,
    size: f64,
    room: (f64, f64),
) -> TimeTick {
    let weight = if strong { Weight::SemiBold } else { Weight::Regular };
    let width = fonts.width(&label, weight, size);
    // A label at the edge is moved inwards.
    let left = (x - width / 2.0).min(room.1 - width).max(room.0);
    TimeTick { x, left, label, strong }
}

/// Writes a moment: the date, and the time of day where bars are shorter than a day.
pub(super) fn date_and_time(milliseconds: i64, bar: i64) -> String {
    let Some(at) = moment(milliseconds) else { return String::new() };
    let date = at.format("%-d %b %Y").to_string();
    if bar >= DAY { date } else { format!("{date} {}", time_of_day(&at, bar)) }
}

/// Writes a range of moments; the time of day only where the range is of few days.
pub(super) fn range(first: i64, last: i64, bar: i64) -> String {
    let precise = if last - first < 4 * DAY { bar } else { DAY };
    let (from, to) = (date_and_time(first, precise), date_and_time(last, precise));
    if from == to { from } else { format!("{from} – {to}") }
}

/// Writes the years of a range.
pub(super) fn years(first: i64, last: i64) -> String {
    let year = |at| moment(at).map_or_else(String::new, |at| at.year().to_string());
    let (from, to) = (year(first), year(last));
    if from == to { from } else { format!("{from}–{to}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::time::parse;

    fn labels(first: &str, last: &str, bar: i64, pixels: f64) -> Vec<String> {
        let fonts = Fonts::load().unwrap();
        let scale = TimeScale::new(parse(first).unwrap(), parse(last).unwrap(), bar, 0.0, pixels);
        let ticks = ticks(&scale, bar, &fonts, 12.0, 14.0, (0.0, pixels));
        for pair in ticks.windows(2) {
            let end = pair[0].left + fonts.width(&pair[0].label, pair[0].weight(), 12.0);
            assert!(end + 13.9 <= pair[1].left, "{pair:?}");
        }
        ticks.into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn ticks_are_boundaries_of_the_calendar() {
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
    fn nothing_is_finer_than_a_bar() {
        assert_eq!(labels("2020-03-02", "2020-03-04", DAY, 900.0), ["2 Mar", "3 Mar", "4 Mar"]);
        assert_eq!(labels("2020-03-02", "2020-03-02", DAY, 900.0), ["2 Mar"]);
        assert_eq!(labels("2020-03-02T05:00", "2020-03-02T05:00", DAY, 900.0), ["2 Mar 2020"]);
    }

    #[test]
    fn every_range_that_a_date_can_hold_has_ticks() {
        let fonts = Fonts::load().unwrap();
        let limit = crate::market::time::LIMIT;
        for (first, last) in
            [(-limit, limit), (0, 1), (0, 7), (limit - 1, limit), (-5, 3_000_000_000)]
        {
            let scale = TimeScale::new(first, last, 1, 0.0, 700.0);
            let ticks = ticks(&scale, 1, &fonts, 12.0, 14.0, (0.0, 700.0));
            assert!((1..20).contains(&ticks.len()), "{first} {last} {ticks:?}");
        }
    }

    #[test]
    fn ranges_are_as_precise_as_they_are_short() {
        let of =
            |first: &str, last: &str, bar| range(parse(first).unwrap(), parse(last).unwrap(), bar);
        assert_eq!(of("2008-01-02", "2012-12-28", DAY), "2 Jan 2008 – 28 Dec 2012");
        assert_eq!(of("2008-01-02", "2008-01-02", DAY), "2 Jan 2008");
        assert_eq!(
            of("2008-01-02T10:00", "2008-01-02T12:30", MINUTE),
            "2 Jan 2008 10:00 – 2 Jan 2008 12:30"
        );
        assert_eq!(of("2008-01-02T10:00", "2010-01-02T12:30", MINUTE), "2 Jan 2008 – 2 Jan 2010");
    }
}
