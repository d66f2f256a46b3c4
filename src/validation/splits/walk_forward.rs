//! Walk-forward windows: choose on the past, test on what follows.
//!
//! A window trains on `[a, b)` and tests on `[b + gap, b + gap + test)`; gap = purge + embargo. The first b is `train`, each further one
//! `step` more; a is b − `train` if windows are rolling, and 0 if they are anchored. A last test that is shorter than `test` is dropped unless `partial` is
//! set. Unit: bars, or milliseconds of open times. Reference: skfolio: `WalkForward`; holdout-backtest: `walk_forward`. Error: for fewer
//! than three windows.
//!
//! Windows by time hold the bars whose open time lies in the interval, and may differ in bars. A window without bars to train or to test
//! on is left out and counted. Between training and test, purge and embargo do the same: a walk-forward never trains after a test.

use std::ops::Range;

use crate::compute::reserve;
use crate::error::{Code, Error, Issue, Result};

/// The fewest windows that say anything about stability.
pub const LEAST_WINDOWS: usize = 3;

/// The lengths of windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lengths {
    /// Numbers of bars.
    Bars {
        /// Bars to choose on.
        train: usize,
        /// Bars to test on.
        test: usize,
        /// Bars from one window to the next; the length of the test unless given.
        step: Option<usize>,
    },
    /// Milliseconds.
    Time {
        /// How long to choose.
        train: i64,
        /// How long to test.
        test: i64,
        /// How far from one window to the next; the length of the test unless given.
        step: Option<i64>,
    },
}

/// How bars are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalkForward {
    /// The lengths.
    pub lengths: Lengths,
    /// Whether every training begins at the first bar.
    pub anchored: bool,
    /// Bars between training and test, because what is known of the last bars of the training reaches into the test.
    pub purge: usize,
    /// Further bars between training and test.
    pub embargo: usize,
    /// Whether a last test that is shorter is kept.
    pub partial: bool,
}

/// The bars of a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The bars to choose on.
    pub train: Range<usize>,
    /// The bars to test on.
    pub test: Range<usize>,
}

/// The windows of a walk-forward.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Windows {
    /// In the order of time.
    pub windows: Vec<Window>,
    /// How many had no bar to train or to test on.
    pub skipped: usize,
}

impl WalkForward {
    /// Divides bars with these open times. `bar_milliseconds`: the length of a bar, which decides whether the last test by time is whole;
    /// without it, the test must end by the last open time.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` with every length that is out of range; for fewer than three windows. `LIMIT_EXCEEDED` if the memory cannot be
    /// allocated.
    pub fn windows(&self, open_times: &[i64], bar_milliseconds: Option<i64>) -> Result<Windows> {
        let issues = self.problems();
        if !issues.is_empty() {
            return Err(Error::with_issues(Code::InvalidArgument, issues));
        }
        let found = match self.lengths {
            Lengths::Bars { train, test, step } => {
                self.by_bars(open_times.len(), train, test, step.unwrap_or(test))?
            }
            Lengths::Time { train, test, step } => {
                let end = open_times
                    .last()
                    .map_or(0, |last| last.saturating_add(bar_milliseconds.unwrap_or(0)));
                self.by_time(open_times, end, [train, test, step.unwrap_or(test)])?
            }
        };
        let count = found.windows.len();
        if count < LEAST_WINDOWS {
            let message = format!(
                "a walk-forward needs at least {LEAST_WINDOWS} windows, and {} bars have {count}; shorten train, test or step",
                open_times.len()
            );
            return Err(Error::invalid("train", "conflict", message));
        }
        Ok(found)
    }

    fn gap(&self) -> usize {
        self.purge.saturating_add(self.embargo)
    }

    fn problems(&self) -> Vec<Issue> {
        let mut issues = Vec::new();
        let mut positive = |name: &str, value: i128, unit: &str| {
            if value < 1 {
                issues.push(Issue::new(
                    name,
                    "range",
                    format!("{name} must be at least 1 {unit}, was {value}"),
                ));
            }
        };
        let whole = |bars: usize| i128::try_from(bars).unwrap_or(i128::MAX);
        match self.lengths {
            Lengths::Bars { train, test, step } => {
                positive("train", whole(train), "bar");
                positive("test", whole(test), "bar");
                positive("step", whole(step.unwrap_or(1)), "bar");
                if train > 0 && self.gap() > train {
                    issues.push(self.too_long(train));
                }
            }
            Lengths::Time { train, test, step } => {
                positive("train", train.into(), "ms");
                positive("test", test.into(), "ms");
                positive("step", step.unwrap_or(1).into(), "ms");
            }
        }
        issues
    }

    fn too_long(&self, train: usize) -> Issue {
        let message = format!(
            "purge and embargo must not be longer than train, {train} bars, and were {} bars together",
            self.gap()
        );
        Issue::new("purge", "conflict", message)
    }

    fn by_bars(&self, bars: usize, train: usize, test: usize, step: usize) -> Result<Windows> {
        let mut windows = Vec::new();
        let mut end = train;
        loop {
            let start = end.saturating_add(self.gap());
            let until = start.saturating_add(test);
            if start >= bars || (until > bars && !self.partial) {
                break;
            }
            let train = if self.anchored { 0..end } else { end - train..end };
            reserve::push(&mut windows, Window { train, test: start..until.min(bars) }, "windows")?;
            if until >= bars {
                break;
            }
            end = end.saturating_add(step);
        }
        Ok(Windows { windows, skipped: 0 })
    }

    fn by_time(
        &self,
        times: &[i64],
        data_end: i64,
        [train, test, step]: [i64; 3],
    ) -> Result<Windows> {
        let (mut windows, mut skipped) = (Vec::new(), 0);
        let Some(first) = times.first() else { return Ok(Windows { windows, skipped }) };
        let place = |time: i64| times.partition_point(|open| *open < time);
        let mut boundary = first.saturating_add(train);
        while boundary < data_end {
            let end = place(boundary);
            let start = end.saturating_add(self.gap());
            let Some(shift) = times.get(start).and_then(|open| Some(open - times.get(end)?)) else {
                break;
            };
            let test_end = boundary.saturating_add(shift).saturating_add(test);
            let is_last = test_end >= data_end;
            if test_end > data_end && !self.partial {
                break;
            }
            let from = if self.anchored { 0 } else { place(boundary.saturating_sub(train)) };
            let until = place(test_end);
            if from < end && start < until {
                if self.gap() > end - from {
                    return Err(Error::with_issues(
                        Code::InvalidArgument,
                        vec![self.too_long(end - from)],
                    ));
                }
                reserve::push(
                    &mut windows,
                    Window { train: from..end, test: start..until },
                    "windows",
                )?;
            } else {
                skipped += 1;
            }
            if is_last {
                break;
            }
            boundary = boundary.saturating_add(step);
        }
        Ok(Windows { windows, skipped })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::testing::{numbers, splits};

    const DAY: i64 = 86_400_000;

    fn bars(train: usize, test: usize) -> WalkForward {
        WalkForward {
            lengths: Lengths::Bars { train, test, step: None },
            anchored: false,
            purge: 0,
            embargo: 0,
            partial: false,
        }
    }

    /// Returns first and last bars of training and test.
    fn of(request: &WalkForward, times: &[i64]) -> Vec<[usize; 4]> {
        let found = request.windows(times, Some(DAY)).unwrap();
        let spans = |window: &Window| {
            [window.train.start, window.train.end - 1, window.test.start, window.test.end - 1]
        };
        found.windows.iter().map(spans).collect()
    }

    fn days(count: i64) -> Vec<i64> {
        (0..count).map(|day| day * DAY).collect()
    }

    #[test]
    fn windows_equal_the_reference() {
        let times = days(20);
        let rolling = bars(6, 3);
        assert_eq!(
            of(&rolling, &times),
            [[0, 5, 6, 8], [3, 8, 9, 11], [6, 11, 12, 14], [9, 14, 15, 17]]
        );
        let purged = WalkForward { purge: 1, ..rolling };
        assert_eq!(
            of(&purged, &times),
            [[0, 5, 7, 9], [3, 8, 10, 12], [6, 11, 13, 15], [9, 14, 16, 18]]
        );
        let anchored = WalkForward { anchored: true, ..purged };
        assert_eq!(
            of(&anchored, &times),
            [[0, 5, 7, 9], [0, 8, 10, 12], [0, 11, 13, 15], [0, 14, 16, 18]]
        );
        let partial = WalkForward { partial: true, ..bars(6, 4) };
        assert_eq!(
            of(&partial, &times),
            [[0, 5, 6, 9], [4, 9, 10, 13], [8, 13, 14, 17], [12, 17, 18, 19]]
        );
        let embargo = WalkForward { embargo: 1, ..rolling };
        assert_eq!(of(&embargo, &times), of(&purged, &times));
    }

    #[test]
    fn random_windows_equal_skfolio_and_holdout_backtest() {
        let mut few = 0;
        for case in splits()["walkForward"].as_array().unwrap() {
            let number = |name: &str| case[name].as_u64().unwrap() as usize;
            let is = |name: &str| case[name].as_bool().unwrap();
            let request = WalkForward {
                lengths: Lengths::Bars {
                    train: number("train"),
                    test: number("test"),
                    step: Some(number("step")),
                },
                anchored: is("anchored"),
                purge: number("purge"),
                embargo: 0,
                partial: is("partial"),
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
            let times = days(case["bars"].as_i64().unwrap());
            if expected.len() < LEAST_WINDOWS {
                assert_eq!(request.windows(&times, None).unwrap_err().code, Code::InvalidArgument);
                few += 1;
            } else {
                assert_eq!(of(&request, &times), expected, "{request:?}");
            }
        }
        assert!(few < 30);
    }

    #[test]
    fn windows_by_time_hold_the_bars_of_their_intervals() {
        // Days without weekends, from a Monday on.
        let times: Vec<i64> = (0..70).filter(|day| day % 7 < 5).map(|day| day * DAY).collect();
        let request = WalkForward {
            lengths: Lengths::Time { train: 28 * DAY, test: 14 * DAY, step: None },
            ..bars(1, 1)
        };
        // The last test would end on the Sunday after the last bar.
        let whole = [[0, 19, 20, 29], [10, 29, 30, 39]];
        let last = [20, 39, 40, 49];
        let partial = WalkForward { partial: true, ..request };
        assert_eq!(of(&partial, &times), [whole[0], whole[1], last]);
        assert!(request.windows(&times, Some(DAY)).is_err());
        let weekly = WalkForward {
            lengths: Lengths::Time { train: 28 * DAY, test: 14 * DAY, step: Some(7 * DAY) },
            purge: 2,
            ..request
        };
        // Two bars from Monday on: the test goes from Wednesday to Tuesday.
        let expected = [[0, 19, 22, 31], [5, 24, 27, 36], [10, 29, 32, 41], [15, 34, 37, 46]];
        assert_eq!(of(&weekly, &times), expected);
        let anchored = WalkForward { anchored: true, ..weekly };
        assert!(of(&anchored, &times).iter().all(|window| window[0] == 0));
        // A month without bars has no test.
        let gap: Vec<i64> = (0..20).chain(50..70).map(|day| day * DAY).collect();
        let daily = WalkForward {
            lengths: Lengths::Time { train: 10 * DAY, test: 5 * DAY, step: None },
            ..request
        };
        let found = daily.windows(&gap, Some(DAY)).unwrap();
        assert_eq!(found.windows.len() + found.skipped, 12);
        assert!(found.skipped >= 6 && found.windows.iter().all(|window| !window.test.is_empty()));
    }

    #[test]
    fn lengths_out_of_range_are_all_named() {
        let request = WalkForward {
            lengths: Lengths::Bars { train: 0, test: 0, step: Some(0) },
            ..bars(1, 1)
        };
        let error = request.windows(&days(20), None).unwrap_err();
        let paths: Vec<&str> = error.issues.iter().map(|issue| issue.path.as_str()).collect();
        assert_eq!(paths, ["train", "test", "step"]);
        let request = WalkForward { purge: 4, embargo: 3, ..bars(6, 3) };
        let error = request.windows(&days(40), None).unwrap_err();
        assert_eq!(error.issues[0].path, "purge");
        assert!(error.issues[0].message.contains("7 bars"), "{}", error.issues[0].message);
    }

    #[test]
    fn fewer_than_three_windows_are_an_error() {
        let error = bars(6, 5).windows(&days(20), None).unwrap_err();
        assert!(error.issues[0].message.contains("20 bars have 2"), "{}", error.issues[0].message);
        assert!(bars(6, 5).windows(&[], None).is_err());
        let time = Lengths::Time { train: DAY, test: DAY, step: None };
        assert!(WalkForward { lengths: time, ..bars(1, 1) }.windows(&[], None).is_err());
        let huge = Lengths::Time { train: i64::MAX, test: i64::MAX, step: None };
        assert!(WalkForward { lengths: huge, ..bars(1, 1) }.windows(&days(9), None).is_err());
        assert!(bars(usize::MAX, usize::MAX).windows(&days(9), None).is_err());
    }
}
