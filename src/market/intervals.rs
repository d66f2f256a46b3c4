//! One bar per interval: a series has at most one bar of its timeframe in each interval.

use super::time::{DAY, HOUR};
use super::{Timeframe, time};
use crate::compute::multiversion::multiversion;
use crate::error::{Error, Result};
use crate::note::{Note, NoteCode};

/// As many sessions with a shorter bar are no coincidence.
const MIN_SESSIONS: usize = 5;

/// Returns whether two consecutive bars of a timeframe lie in one interval.
///
/// Intervals begin where [`Timeframe::opening`] says. Bars of an hour and more in local time are an hour closer when clocks
/// change, and the first bar of a session may be shorter, so those are two. Daily and weekly bars are one if they are
/// less than half a day apart, or of the same day or week.
pub fn share_interval(earlier: i64, later: i64, timeframe: Timeframe) -> bool {
    let (step, length) = (later - earlier, timeframe.milliseconds());
    if step >= length {
        return false;
    }
    if timeframe >= Timeframe::D1 {
        // Midnight in London is 00:00 UTC in winter and 23:00 UTC of the day before in summer.
        let is_change_of_clocks = step == DAY - HOUR && timeframe == Timeframe::D1;
        return step < DAY / 2
            || timeframe.opening(earlier) == timeframe.opening(later) && !is_change_of_clocks;
    }
    if timeframe <= Timeframe::H1 {
        return timeframe.opening(earlier) == timeframe.opening(later);
    }
    // The first bar of a session may be shorter, up to the next full hour of the local grid.
    let is_first_of_session = earlier % HOUR != 0 && later % HOUR == 0;
    step < length - HOUR
        && !is_first_of_session
        && timeframe.opening(earlier) == timeframe.opening(later)
}

/// Checks that ascending timestamps have one bar per interval.
///
/// # Errors
/// `BAD_DATA` naming the first two bars of one interval, and how many such pairs there are.
pub fn check_one_per_interval(timestamps: &[i64], timeframe: Timeframe) -> Result<()> {
    let Some(pair) = first_shared(timestamps, timeframe) else { return Ok(()) };
    let text = pair.describe(timeframe);
    let path = format!("bars.timestamps[{}]", pair.bar);
    Err(Error::bad_data(path, "interval", format!("{text}; remove one of them")))
}

/// Returns a note if two bars lie in one interval.
pub fn shared_interval(timestamps: &[i64], timeframe: Timeframe) -> Option<Note> {
    let pair = first_shared(timestamps, timeframe)?;
    let text = format!("{}; each counts as a bar", pair.describe(timeframe));
    Some(Note::new(NoteCode::IntervalShared, text).with("pairs", pair.count))
}

/// The first two bars of one interval.
struct SharedInterval {
    /// The second bar.
    bar: usize,
    earlier: i64,
    later: i64,
    /// How many such pairs there are.
    count: usize,
}

impl SharedInterval {
    fn describe(&self, timeframe: Timeframe) -> String {
        let more =
            if self.count > 1 { format!(" ({} such pairs)", self.count) } else { String::new() };
        let (earlier, later) = (shown(self.earlier), shown(self.later));
        if self.earlier == self.later {
            return format!("there are two {timeframe} bars of {earlier}{more}");
        }
        if timeframe.opening(self.earlier) != timeframe.opening(self.later) {
            return format!(
                "{earlier} and {later} are two {timeframe} bars less than half a day apart{more}"
            );
        }
        let interval = interval_name(timeframe);
        format!("{earlier} and {later} are two {timeframe} bars of one {interval}{more}")
    }
}

/// Returns whether pairs of one interval are those of a market whose session begins within an interval, such as at 09:30 after
/// the hour of 09:00: one a day at the same time, or at two when clocks change.
fn begin_sessions(timestamps: &[i64], timeframe: Timeframe) -> bool {
    const QUARTER: i64 = HOUR / 4;
    let mut times: Vec<i64> = Vec::new();
    let mut pairs = 0;
    for pair in timestamps.windows(2).filter(|pair| share_interval(pair[0], pair[1], timeframe)) {
        let time = pair[1].rem_euclid(DAY);
        if time % QUARTER != 0 {
            return false;
        }
        pairs += 1;
        if !times.contains(&time) {
            times.push(time);
        }
        if times.len() > 2 {
            return false;
        }
    }
    pairs >= MIN_SESSIONS && pairs * 3 <= timestamps.len()
}

fn first_shared(timestamps: &[i64], timeframe: Timeframe) -> Option<SharedInterval> {
    if !has_short_step(timestamps, timeframe.milliseconds())
        || timeframe < Timeframe::D1 && begin_sessions(timestamps, timeframe)
    {
        return None;
    }
    // A bar between two others may be close to both.
    let mut was_shared = false;
    let mut pairs = timestamps.windows(2).enumerate().filter(|(_, pair)| {
        was_shared = !was_shared && share_interval(pair[0], pair[1], timeframe);
        was_shared
    });
    let (bar, pair) = pairs.next()?;
    Some(SharedInterval {
        bar: bar + 1,
        earlier: pair[0],
        later: pair[1],
        count: 1 + pairs.count(),
    })
}

multiversion! {
    /// Returns whether any two consecutive timestamps are closer than a length.
    fn has_short_step(timestamps: &[i64], length: i64) -> bool {
        let later = timestamps.get(1..).unwrap_or(&[]);
        later.iter().zip(timestamps).fold(false, |is_short, (later, earlier)| is_short | (later - earlier < length))
    }
}

/// Checks that new bars of a series share no interval with stored ones, while both are merged in order.
///
/// Pairs of stored bars are not checked: they were there before.
#[derive(Debug)]
pub struct MergeCheck {
    timeframe: Timeframe,
    /// The timestamp of the bar before, and whether it is new.
    previous: Option<(i64, bool)>,
}

impl MergeCheck {
    /// Creates the check. `before` is the stored bar before the first one that is merged.
    pub fn new(timeframe: Timeframe, before: Option<i64>) -> Self {
        Self { timeframe, previous: before.map(|before| (before, false)) }
    }

    /// Adds consecutive bars from one side, given the first and the last of them. A bar that replaces a stored one is a stored
    /// one.
    ///
    /// # Errors
    /// `BAD_DATA` if the first one and the bar before it share an interval and one of them is new.
    pub fn push(&mut self, first: i64, last: i64, is_new: bool) -> Result<()> {
        let previous = self.previous.replace((last, is_new));
        let Some((before, was_new)) = previous else { return Ok(()) };
        if was_new == is_new || !share_interval(before, first, self.timeframe) {
            return Ok(());
        }
        Err(stored_and_new(before, first, is_new, self.timeframe))
    }
}

/// Creates the error of a stored and a new bar in one interval. `is_later_new` says which of both is the new one.
pub fn stored_and_new(earlier: i64, later: i64, is_later_new: bool, timeframe: Timeframe) -> Error {
    let (new, stored) = if is_later_new { (later, earlier) } else { (earlier, later) };
    let hint = if timeframe >= Timeframe::D1 {
        ", or pass timezone if the stamps are midnights of another time zone"
    } else {
        ""
    };
    Error::bad_data(
        "bars.timestamps",
        "interval",
        format!(
            "the new {timeframe} bar {} is too close to the stored bar {} to be of another {}; give it the timestamp of the stored bar to \
             replace that, or remove the stored bar with deleteBars{hint}",
            shown(new),
            shown(stored),
            interval_name(timeframe)
        ),
    )
}

const fn interval_name(timeframe: Timeframe) -> &'static str {
    match timeframe {
        Timeframe::W1 => "week",
        Timeframe::D1 => "day",
        _ => "interval",
    }
}

fn shown(timestamp: i64) -> String {
    if timestamp % DAY == 0 { time::short(timestamp) } else { time::format(timestamp) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        time::parse(text).unwrap()
    }

    #[test]
    fn a_live_row_beside_the_daily_one_is_found() {
        let timestamps = [at("2024-01-15"), at("2024-01-16"), at("2024-01-16T19:44")];
        let error = check_one_per_interval(&timestamps, Timeframe::D1).unwrap_err();
        assert_eq!(
            error.message,
            "2024-01-16 and 2024-01-16T19:44:00.000Z are two 1d bars of one day; remove one of them"
        );
    }

    #[test]
    fn bars_off_the_grid_and_changed_clocks_are_sound() {
        let sound: [(&[&str], Timeframe); 6] = [
            // New York opens at 09:30, and some vendors have a first bar of half an hour.
            (&["2024-01-16T14:30", "2024-01-16T15:30", "2024-01-16T16:30"], Timeframe::H1),
            (&["2024-01-16T14:30", "2024-01-16T15:00", "2024-01-16T17:00"], Timeframe::H2),
            // The clocks of Berlin go forward on 31 March.
            (&["2024-03-30T23:00", "2024-03-31T22:00", "2024-04-01T22:00"], Timeframe::D1),
            (&["2024-03-31T00:00", "2024-03-31T03:00", "2024-03-31T07:00"], Timeframe::H4),
            (&["2024-01-15", "2024-01-22"], Timeframe::W1),
            (&["2024-01-16T14:30", "2024-01-17T14:30"], Timeframe::D1),
        ];
        for (texts, timeframe) in sound {
            let timestamps: Vec<i64> = texts.iter().map(|text| at(text)).collect();
            assert!(check_one_per_interval(&timestamps, timeframe).is_ok(), "{texts:?}");
        }
        let faulty: [(&[&str], Timeframe); 4] = [
            (&["2024-01-16T14:30", "2024-01-16T14:59"], Timeframe::H1),
            (&["2024-01-14T15:00", "2024-01-15T00:00"], Timeframe::D1),
            (&["2024-01-15", "2024-01-17"], Timeframe::W1),
            (&["2024-01-16T14:30:00", "2024-01-16T14:30:20"], Timeframe::M1),
        ];
        for (texts, timeframe) in faulty {
            let timestamps: Vec<i64> = texts.iter().map(|text| at(text)).collect();
            assert!(check_one_per_interval(&timestamps, timeframe).is_err(), "{texts:?}");
        }
    }
}
