//! Daily and weekly bars stamped in local time.
//!
//! A daily bar of Tokyo is often stamped 00:00+09:00, which is 15:00 UTC of the day before. Kept like that, Monday would be
//! Sunday, and weeks and months would begin a day early. So such bars are kept under 00:00 UTC of their local day.

use super::read_options::ReadOptions;
use crate::market::time::{DAY, HOUR, weekday};
use crate::market::{Timeframe, time};
use crate::note::{Note, NoteCode};

/// Fewer bars may lack a weekend, which shows which day a stamp belongs to.
const MIN_SAMPLE: usize = 10;

/// Moves daily and weekly bars to 00:00 UTC of their local day, in place. `local` has the local times, as if they were UTC, if
/// the source states them. Returns a note if bars were moved, or if their day is unknown.
///
/// `sample` has ascending timestamps of the series if the bars are too few to show how it is stamped.
///
/// Without local times and without a time zone, the time of day decides: until 09:59 UTC it is midnight west of Greenwich, or a
/// later time of the same day; from 13:00 UTC it is midnight of the next day in the east, or a time of the same day. Of the two, that
/// with fewer Saturdays, then fewer Sundays, is taken: markets are closed at weekends. If both have the same, as with a market that
/// never closes, it is midnight, or unknown from 10:00 to 12:00 UTC. Of fewer than ten bars the day is unknown.
pub fn to_local_days(
    timestamps: &mut [i64],
    local: Option<&[i64]>,
    timeframe: Timeframe,
    options: &ReadOptions,
    sample: Option<&[i64]>,
) -> Option<Note> {
    // Stamps at 00:00 UTC throughout are dates already, whatever the time zone of the market.
    if !may_be_local_days(timestamps, timeframe) {
        return None;
    }
    let first = timestamps.first().copied()?;
    let mut moved = 0_u64;
    let mut example = None;
    let mut move_to = |timestamps: &mut [i64], day_of: &dyn Fn(usize, i64) -> i64| {
        for (row, timestamp) in timestamps.iter_mut().enumerate() {
            let day = day_of(row, *timestamp);
            if day != *timestamp {
                moved += 1;
                example.get_or_insert((*timestamp, day));
            }
            *timestamp = day;
        }
    };
    match (local, options.timezone) {
        (Some(local), _) => move_to(timestamps, &|row, timestamp| {
            midnight(local.get(row).copied().unwrap_or(timestamp))
        }),
        (None, Some(zone)) => {
            move_to(timestamps, &|_, timestamp| midnight(zone.to_local(timestamp)));
        }
        (None, None) => match DayReading::of(sample.unwrap_or(timestamps), timeframe) {
            DayReading::AsStamped => return None,
            DayReading::Unknown => return Some(unknown_days(first, timeframe)),
            DayReading::NextDay => move_to(timestamps, &|_, timestamp| next_midnight(timestamp)),
            DayReading::SameDay => move_to(timestamps, &|_, timestamp| midnight(timestamp)),
        },
    }
    example.map(|(stamp, day)| {
        let bars = if moved == 1 { "1 bar was".to_owned() } else { format!("{moved} bars were") };
        let advice = match options.timezone {
            None => "; pass timezone to decide otherwise",
            Some(_) => "",
        };
        let text = format!(
            "{bars} moved to 00:00 UTC of the local day: {} became {}{advice}",
            time::short(stamp),
            time::short(day)
        );
        Note::new(NoteCode::LocalDays, text).with("bars", moved)
    })
}

/// Returns a note if daily or weekly bars, which keep their timestamps, are stamped at local midnight east of Greenwich: their
/// weekdays are a day early.
pub fn unmoved_local_days(timestamps: &[i64], timeframe: Timeframe) -> Option<Note> {
    if !may_be_local_days(timestamps, timeframe) || timestamps.len() < MIN_SAMPLE {
        return None;
    }
    let first = timestamps.first().copied()?;
    let off = timestamps.iter().copied().find(|timestamp| timestamp.rem_euclid(DAY) != 0);
    let first = off.unwrap_or(first);
    match DayReading::of(timestamps, timeframe) {
        DayReading::AsStamped | DayReading::SameDay => None,
        DayReading::Unknown => Some(unknown_days(first, timeframe)),
        DayReading::NextDay => {
            let text = format!(
                "the {timeframe} bars seem to be stamped at midnight of a time zone east of Greenwich ({}): their weekdays, weeks and \
                 months begin a day early; stamp them at 00:00 UTC of their local day, or import them again with timezone",
                time::format(first)
            );
            Some(Note::new(NoteCode::LocalDays, text))
        }
    }
}

/// Returns whether enough bars show that stamps off 00:00 UTC are a time of their own day, such as that of a close.
pub fn are_kept_as_stamped(timestamps: &[i64], timeframe: Timeframe) -> bool {
    DayReading::of(timestamps, timeframe) == DayReading::AsStamped
}

/// What stamps that are not at 00:00 UTC mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DayReading {
    /// The bars are at 00:00 UTC, or are stamped at a time of day that is no midnight, such as that of the opening.
    AsStamped,
    /// Midnight of the same date, west of Greenwich.
    SameDay,
    /// Midnight of the next date, east of Greenwich.
    NextDay,
    /// Either the same or the next date.
    Unknown,
}

/// Returns whether daily bars may be stamped at local midnight.
pub fn may_be_local_days(timestamps: &[i64], timeframe: Timeframe) -> bool {
    timeframe >= Timeframe::D1 && timestamps.iter().any(|timestamp| timestamp.rem_euclid(DAY) != 0)
}

impl DayReading {
    fn of(timestamps: &[i64], timeframe: Timeframe) -> Self {
        let is_midnight = |timestamp: i64| timestamp.rem_euclid(DAY) == 0;
        let off: Vec<i64> =
            timestamps.iter().copied().filter(|timestamp| !is_midnight(*timestamp)).collect();
        let Some(earliest) = off.iter().map(|timestamp| timestamp.rem_euclid(DAY)).min() else {
            return Self::AsStamped;
        };
        let latest =
            off.iter().map(|timestamp| timestamp.rem_euclid(DAY)).max().unwrap_or(earliest);
        // Local midnights differ by daylight saving time at most.
        if latest - earliest > HOUR || off.iter().any(|timestamp| timestamp % (HOUR / 4) != 0) {
            return Self::AsStamped;
        }
        // London has 23:00 in summer and 00:00 in winter.
        let has_midnight = off.len() < timestamps.len();
        if has_midnight && !(latest == 23 * HOUR || earliest == HOUR) {
            return Self::AsStamped;
        }
        if latest < 10 * HOUR {
            // Midnight in the Americas, or an opening in Europe or Asia: the date is the same.
            return Self::SameDay;
        }
        if timestamps.len() < MIN_SAMPLE {
            return Self::Unknown;
        }
        let (stamped, next) = (weekends(timestamps, midnight), weekends(timestamps, next_midnight));
        // One weekday of a market that closes at weekends is a fifth of its bars.
        let tenth = timestamps.len() / 10;
        let is_less = |a: usize, b: usize| a + tenth < b;
        if timeframe == Timeframe::W1 {
            // Weeks begin on Monday.
            let mondays = |day_of: fn(i64) -> i64| {
                timestamps.iter().filter(|stamp| weekday(day_of(**stamp)) == 0).count()
            };
            match (
                mondays(midnight) * 2 > timestamps.len(),
                mondays(next_midnight) * 2 > timestamps.len(),
            ) {
                (true, _) => return Self::AsStamped,
                (false, true) => return Self::NextDay,
                (false, false) => {}
            }
        }
        match (stamped, next) {
            // The time of a close or an opening.
            (stamped, next) if is_less(stamped[0], next[0]) => Self::AsStamped,
            (stamped, next) if is_less(next[0], stamped[0]) => Self::NextDay,
            (stamped, next) if is_less(stamped[1], next[1]) => Self::AsStamped,
            (stamped, next) if is_less(next[1], stamped[1]) => Self::NextDay,
            _ if earliest > 12 * HOUR => Self::NextDay,
            _ => Self::Unknown,
        }
    }
}

/// Counts the Saturdays and the Sundays.
fn weekends(timestamps: &[i64], day_of: fn(i64) -> i64) -> [usize; 2] {
    [5, 6].map(|day| {
        timestamps.iter().filter(|timestamp| weekday(day_of(**timestamp)) == day).count()
    })
}

fn unknown_days(first: i64, timeframe: Timeframe) -> Note {
    let text = format!(
        "the day of the {timeframe} bars cannot be known: {} may be midnight of a time zone east of Greenwich, or a time of the \
         same day; pass timezone",
        time::format(first)
    );
    Note::new(NoteCode::DaysUnknown, text)
}

fn midnight(timestamp: i64) -> i64 {
    timestamp - timestamp.rem_euclid(DAY)
}

fn next_midnight(timestamp: i64) -> i64 {
    midnight(timestamp + DAY - 1)
}
