//! Walk-forward windows: choose on the past, test on what follows.
//!
//! Window i is chosen on `[a, b)` and tested on `[b + purge, b + purge + test)`. The next b is a step later; a is `train` before b,
//! or the first bar if windows are anchored. With durations, a window has the bars whose opening time lies in its interval, so
//! that windows may have unequal numbers of bars. Unit: bars, calendar months, or milliseconds. Reference: skfolio: `WalkForward`;
//! holdout-backtest: `walk_forward`. Null: a pair of which one window has no bar is left out.

use std::fmt;
use std::ops::{Range, RangeInclusive};

use chrono::{DateTime, Months, Utc};

use crate::compute::reserve::push;
use crate::error::Result;
use crate::market::bars::median_step;
use crate::market::time::{DAY, HOUR};

/// Milliseconds of a week.
const WEEK: i64 = 7 * DAY;

/// The length of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// A number of bars, at least 1.
    Bars(usize),
    /// Calendar months, at least 1.
    Months(u32),
    /// Milliseconds, above 0.
    Milliseconds(i64),
}

impl Span {
    /// Parses a duration such as `2y`, `6M`, `90d`, `12h` or `30m`. Returns `None` for other texts.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let unit = text.chars().last()?;
        let number = text.strip_suffix(unit)?;
        if number.len() > 7 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let count: u32 = number.parse().ok().filter(|count| *count > 0)?;
        let milliseconds = |unit: i64| Some(Self::Milliseconds(unit * i64::from(count)));
        match unit {
            'y' => Some(Self::Months(count.checked_mul(12)?)),
            'M' => Some(Self::Months(count)),
            'w' => milliseconds(7 * DAY),
            'd' => milliseconds(DAY),
            'h' => milliseconds(HOUR),
            'm' => milliseconds(60_000),
            _ => None,
        }
    }

    /// Returns whether it is a number of bars.
    pub fn is_in_bars(self) -> bool {
        matches!(self, Self::Bars(_))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Bars(1) => write!(formatter, "1 bar"),
            Self::Bars(bars) => write!(formatter, "{bars} bars"),
            Self::Months(months) if months % 12 == 0 => write!(formatter, "{}y", months / 12),
            Self::Months(months) => write!(formatter, "{months}M"),
            Self::Milliseconds(length) if length % DAY == 0 => {
                write!(formatter, "{}d", length / DAY)
            }
            Self::Milliseconds(length) if length % HOUR == 0 => {
                write!(formatter, "{}h", length / HOUR)
            }
            Self::Milliseconds(length) => write!(formatter, "{}m", length / 60_000),
        }
    }
}

/// How windows move through the bars. Either all lengths are numbers of bars or none is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// The length of the window to choose on, of the first one if windows are anchored.
    pub train: Span,
    /// The length of the window to test on.
    pub test: Span,
    /// From one pair of windows to the next.
    pub step: Span,
    /// Whether every window to choose on begins at the first bar.
    pub anchored: bool,
    /// Bars between the windows of a pair that belong to neither.
    pub purge: usize,
    /// Whether the last window to test on may be shorter.
    pub partial: bool,
}

/// A window to choose on, and the one to test on, as ranges of bars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The bars to choose on.
    pub train: Range<usize>,
    /// The bars to test on.
    pub test: Range<usize>,
}

impl Windows {
    /// Returns the windows of bars with these opening times, at most `most` and one more. Pairs of which one window has no bar are
    /// left out.
    ///
    /// `range` is that which the bars were asked for, its last millisecond included. Durations count from its start, and windows
    /// may reach to its end, if the first and the last bar are at most a week away: markets close at weekends and holidays.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if the memory cannot be allocated.
    pub fn of(
        &self,
        timestamps: &[i64],
        range: RangeInclusive<i64>,
        most: usize,
    ) -> Result<Vec<Window>> {
        let mut windows = Vec::new();
        let bars = timestamps.len();
        let (Some(&first), Some(&last)) = (timestamps.first(), timestamps.last()) else {
            return Ok(windows);
        };
        let is_in_bars = self.train.is_in_bars();
        // The bars end where the last one does.
        let mut end_of_bars = last.saturating_add(median_step(timestamps).unwrap_or(1).max(1));
        let (start, end) = range.into_inner();
        let first = if (0..=WEEK).contains(&first.saturating_sub(start)) { start } else { first };
        if (0..=WEEK).contains(&end.saturating_sub(last)) {
            end_of_bars = end_of_bars.max(end.saturating_add(1));
        }
        let mut index = 0_u32;
        loop {
            let window = if is_in_bars {
                self.by_bars(index as usize, bars)
            } else {
                self.by_time(index, timestamps, first, end_of_bars)
            };
            let Some(window) = window else { break };
            let next = self.after_hole(&window, timestamps, first);
            if !window.train.is_empty() && !window.test.is_empty() {
                push(&mut windows, window, "windows")?;
            }
            if windows.len() > most {
                break;
            }
            index = index.saturating_add(1).max(next);
        }
        Ok(windows)
    }

    /// Returns the number of the first pair whose test may have bars, if that of this one has none: a hole may be long, and a step
    /// short.
    fn after_hole(&self, window: &Window, timestamps: &[i64], first: i64) -> u32 {
        let bar = timestamps.get(window.test.start).filter(|_| window.test.is_empty());
        let (Some(bar), Span::Milliseconds(step)) = (bar, self.step) else { return 0 };
        let first_split = later(first, self.train, 1).unwrap_or(first);
        u32::try_from(bar.saturating_sub(first_split) / step).unwrap_or(0)
    }

    fn by_bars(&self, index: usize, bars: usize) -> Option<Window> {
        let (Span::Bars(train), Span::Bars(test), Span::Bars(step)) =
            (self.train, self.test, self.step)
        else {
            return None;
        };
        let begin = index.checked_mul(step)?;
        let split = begin.checked_add(train)?;
        let start = split.checked_add(self.purge)?;
        let end = start.checked_add(test)?;
        if start >= bars || end > bars && !self.partial {
            return None;
        }
        let begin = if self.anchored { 0 } else { begin };
        Some(Window { train: begin..split, test: start..end.min(bars) })
    }

    fn by_time(
        &self,
        index: u32,
        timestamps: &[i64],
        first: i64,
        end_of_bars: i64,
    ) -> Option<Window> {
        // From the first split on, so that months of unequal length do not add up to another day.
        let first_split = later(first, self.train, 1)?;
        let split = later(first_split, self.step, index)?;
        let begin = earlier(split, self.train)?;
        let end = if self.step == self.test {
            later(first_split, self.step, index.checked_add(1)?)?
        } else {
            later(split, self.test, 1)?
        };
        let bar = |time: i64| timestamps.partition_point(|timestamp| *timestamp < time);
        let (start, until) =
            (bar(split).checked_add(self.purge)?, bar(end).checked_add(self.purge)?);
        let is_whole = end <= end_of_bars && until <= timestamps.len();
        if start >= timestamps.len() || !is_whole && !self.partial {
            return None;
        }
        let begin = if self.anchored { 0 } else { bar(begin) };
        Some(Window { train: begin..bar(split), test: start..until.min(timestamps.len()) })
    }
}

/// Returns the time a span earlier; `None` out of range, and for bars.
fn earlier(time: i64, span: Span) -> Option<i64> {
    match span {
        Span::Bars(_) => None,
        Span::Milliseconds(length) => time.checked_sub(length),
        Span::Months(months) => {
            let date: DateTime<Utc> = DateTime::from_timestamp_millis(time)?;
            Some(date.checked_sub_months(Months::new(months))?.timestamp_millis())
        }
    }
}

/// Returns the time `count` spans later; `None` out of range, and for bars.
fn later(time: i64, span: Span, count: u32) -> Option<i64> {
    match span {
        Span::Bars(_) => None,
        Span::Milliseconds(length) => time.checked_add(length.checked_mul(i64::from(count))?),
        Span::Months(months) => {
            let months = Months::new(months.checked_mul(count)?);
            let date: DateTime<Utc> = DateTime::from_timestamp_millis(time)?;
            Some(date.checked_add_months(months)?.timestamp_millis())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::time;
    use crate::validation::testing::{numbers, splits};

    fn found(windows: Windows, timestamps: &[i64]) -> Vec<[usize; 4]> {
        let inclusive = |range: Range<usize>| [range.start, range.end - 1];
        let found = windows.of(timestamps, 0..=i64::MAX, 1000).unwrap().into_iter().map(|window| {
            let ([a, b], [c, d]) = (inclusive(window.train), inclusive(window.test));
            [a, b, c, d]
        });
        found.collect()
    }

    fn bars(train: usize, test: usize) -> Windows {
        let test = Span::Bars(test);
        Windows {
            train: Span::Bars(train),
            test,
            step: test,
            anchored: false,
            purge: 0,
            partial: false,
        }
    }

    /// The indices of `WalkForward` of skfolio 1.12.2 for 20 bars.
    #[test]
    fn windows_in_bars_are_those_of_skfolio() {
        let times: Vec<i64> = (0..20).map(|bar| bar * DAY).collect();
        let rolling = bars(6, 3);
        let expected = [[0, 5, 6, 8], [3, 8, 9, 11], [6, 11, 12, 14], [9, 14, 15, 17]];
        assert_eq!(found(rolling, &times), expected);
        let purged = Windows { purge: 1, ..rolling };
        let expected = [[0, 5, 7, 9], [3, 8, 10, 12], [6, 11, 13, 15], [9, 14, 16, 18]];
        assert_eq!(found(purged, &times), expected);
        let anchored = Windows { anchored: true, ..purged };
        let expected = [[0, 5, 7, 9], [0, 8, 10, 12], [0, 11, 13, 15], [0, 14, 16, 18]];
        assert_eq!(found(anchored, &times), expected);
        let partial = Windows { partial: true, ..bars(6, 4) };
        let expected = [[0, 5, 6, 9], [4, 9, 10, 13], [8, 13, 14, 17], [12, 17, 18, 19]];
        assert_eq!(found(partial, &times), expected);
    }

    #[test]
    fn random_windows_in_bars_are_those_of_skfolio_and_holdout_backtest() {
        let cases = splits();
        let cases = cases["walkForward"].as_array().unwrap();
        assert!(cases.len() > 50);
        for case in cases {
            let number = |name: &str| case[name].as_u64().unwrap() as usize;
            let is = |name: &str| case[name].as_bool().unwrap();
            let windows = Windows {
                step: Span::Bars(number("step")),
                anchored: is("anchored"),
                purge: number("purge"),
                partial: is("partial"),
                ..bars(number("train"), number("test"))
            };
            let expected: Vec<[usize; 4]> = case["windows"]
                .as_array()
                .unwrap()
                .iter()
                .map(|window| {
                    let (train, test) = (numbers(&window[0]), numbers(&window[1]));
                    [train[0], train[1], test[0], test[1]].map(|bar| bar as usize)
                })
                .collect();
            let times: Vec<i64> =
                (0..case["bars"].as_i64().unwrap()).map(|bar| bar * DAY).collect();
            let mut found = found(windows, &times);
            // A test up to the last bar is the last one there.
            let last = found.iter().position(|window| window[3] + 1 == times.len());
            found.truncate(last.map_or(usize::MAX, |last| last + 1));
            assert_eq!(found, expected, "{windows:?}");
        }
    }

    #[test]
    fn windows_by_the_calendar_begin_on_the_same_day() {
        let day = |text: &str| time::parse(text).unwrap();
        let times: Vec<i64> = (0..1096)
            .map(|bar| day("2021-01-31") + bar * DAY)
            .filter(|time| time::weekday(*time) < 5)
            .collect();
        let (train, test) = (Span::parse("1y").unwrap(), Span::parse("3M").unwrap());
        let windows =
            Windows { train, test, step: test, anchored: false, purge: 0, partial: false };
        let far = || 0..=i64::MAX;
        let of = windows.of(&times, far(), 1000).unwrap();
        // The first bar is on Monday, 1 February 2021; the last on Wednesday, 31 January 2024.
        let dates = |range: &Range<usize>| {
            (time::short(times[range.start]), time::short(times[range.end - 1]))
        };
        let text = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(of.len(), 8);
        assert_eq!(dates(&of[0].train), text("2021-02-01", "2022-01-31"));
        assert_eq!(dates(&of[0].test), text("2022-02-01", "2022-04-29"));
        assert_eq!(dates(&of[7].train), text("2022-11-01", "2023-10-31"));
        assert_eq!(dates(&of[7].test), text("2023-11-01", "2024-01-31"));
        let partial = Windows { partial: true, ..windows };
        let shorter = &times[..times.len() - 1];
        assert_eq!(
            (
                windows.of(shorter, far(), 1000).unwrap().len(),
                partial.of(shorter, far(), 1000).unwrap().len()
            ),
            (7, 8)
        );
        // A year and 90 days: the tests adjoin, whatever the lengths of the months and years between.
        let of_days = Span::parse("90d").unwrap();
        let mixed =
            Windows { test: of_days, step: of_days, ..windows }.of(&times, far(), 1000).unwrap();
        assert!(
            mixed.len() >= 7 && mixed.windows(2).all(|pair| pair[0].test.end == pair[1].test.start)
        );
        assert!(mixed.iter().all(|window| (258..=263).contains(&window.train.len())), "{mixed:?}");
        let purged = Windows { purge: 2, ..windows };
        assert_eq!(purged.of(&times, far(), 1000).unwrap()[0].test.start, of[0].test.start + 2);
        assert_eq!(windows.of(&times, far(), 3).unwrap().len(), 4);
        // Asked for from Sunday, 31 January: months end on their last day.
        let asked = windows.of(&times, day("2021-01-31")..=day("2024-01-31"), 1000).unwrap();
        assert_eq!(asked.len(), 8);
        assert_eq!(dates(&asked[0].test), text("2022-01-31", "2022-04-29"));
        // The last Friday of the bars is the end of the year that was asked for.
        let cut = &times[..times.partition_point(|time| *time <= day("2023-12-29"))];
        let of_year = Windows { train, test: train, step: train, ..windows };
        let asked = of_year.of(cut, day("2021-01-31")..=day("2024-01-31") - 1, 1000).unwrap();
        assert_eq!(asked.len(), 1);
        let cut = &times[..times.partition_point(|time| *time <= day("2024-01-26"))];
        let asked = of_year.of(cut, day("2021-01-31")..=day("2024-01-31") - 1, 1000).unwrap();
        assert_eq!(asked.len(), 2);
    }

    #[test]
    fn tests_adjoin_whatever_the_day_of_the_month() {
        let day = |text: &str| time::parse(text).unwrap();
        for start in
            ["2003-01-29", "2003-01-30", "2003-01-31", "2003-08-31", "2004-02-29", "2003-12-31"]
        {
            let times: Vec<i64> = (0..4000).map(|bar| day(start) + bar * DAY).collect();
            for (train, test) in [
                ("1M", "1M"),
                ("3M", "1M"),
                ("6M", "3M"),
                ("1y", "1M"),
                ("1y", "6M"),
                ("3y", "1M"),
                ("2y", "90d"),
                ("90d", "1M"),
            ] {
                let (train, test) = (Span::parse(train).unwrap(), Span::parse(test).unwrap());
                let windows =
                    Windows { train, test, step: test, anchored: false, purge: 0, partial: false };
                let of = windows.of(&times, 0..=i64::MAX, 1000).unwrap();
                assert!(of.len() > 10);
                for pair in of.windows(2) {
                    assert_eq!(pair[0].test.end, pair[1].test.start, "{start} {train} {test}");
                    assert!(
                        pair[0].train.end == pair[0].test.start
                            && pair[0].train.start < pair[1].train.start
                    );
                }
            }
        }
    }

    #[test]
    fn a_hole_of_a_century_is_passed_at_once() {
        let minutes = |from: i64| (0..300).map(move |bar| from + bar * 60_000);
        let times: Vec<i64> = minutes(0).chain(minutes(50_000 * DAY + 17)).collect();
        let span = Span::parse("10m").unwrap();
        let windows = Windows {
            train: span,
            test: span,
            step: span,
            anchored: false,
            purge: 0,
            partial: false,
        };
        let of = windows.of(&times, 0..=i64::MAX, 1000).unwrap();
        assert!((56..=59).contains(&of.len()), "{}", of.len());
        assert!(of.iter().all(|window| !window.test.is_empty() && !window.train.is_empty()));
    }

    #[test]
    fn durations_have_units() {
        let months = |text: &str| Span::parse(text);
        assert_eq!(months("2y"), Some(Span::Months(24)));
        assert_eq!(months("6M"), Some(Span::Months(6)));
        assert_eq!(months("90d"), Some(Span::Milliseconds(90 * DAY)));
        assert_eq!(months("2w"), Some(Span::Milliseconds(14 * DAY)));
        assert_eq!(months("12h"), Some(Span::Milliseconds(12 * HOUR)));
        assert_eq!(months("30m"), Some(Span::Milliseconds(30 * 60_000)));
        for text in
            ["", "y", "0d", "-1d", "1.5y", "1", "2 y", "99999999d", "1q", "½y", "4294967295y"]
        {
            assert_eq!(months(text), None, "{text}");
        }
        let texts = ["2y", "6M", "90d", "12h", "30m"];
        for text in texts {
            assert_eq!(Span::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Span::Bars(1).to_string(), "1 bar");
    }

    #[test]
    fn extreme_lengths_give_no_window() {
        let times: Vec<i64> = (0..20).map(|bar| bar * DAY).collect();
        assert!(found(bars(usize::MAX, 1), &times).is_empty());
        assert!(found(bars(1, usize::MAX), &times).is_empty());
        let long = Span::Months(u32::MAX);
        let windows = Windows {
            train: long,
            test: long,
            step: long,
            anchored: false,
            purge: 0,
            partial: true,
        };
        assert!(found(windows, &times).is_empty());
        assert!(windows.of(&[], 0..=0, 10).unwrap().is_empty());
    }
}
