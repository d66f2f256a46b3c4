//! The units of timestamps that are numbers.
//!
//! Archives change their unit: Binance wrote milliseconds until 2024 and microseconds from 2025 on. So each number is read by
//! its own size, if the timestamps then are in order.

use std::fmt;

use crate::error::{Code, Error, Result};
use crate::market::{Timeframe, time};

/// The unit of a count since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimeUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// Nanoseconds.
    Nanoseconds,
}

impl TimeUnit {
    /// Every unit with its name in requests.
    pub const ALL: [(&'static str, Self); 4] = [
        ("s", Self::Seconds),
        ("ms", Self::Milliseconds),
        ("us", Self::Microseconds),
        ("ns", Self::Nanoseconds),
    ];

    /// Returns the unit that a count since the epoch has by its size: as seconds, 10¹¹ is in the year 5138; as milliseconds,
    /// it is in 1973.
    pub fn of_size(count: i64) -> Self {
        match count.unsigned_abs() {
            ..100_000_000_000 => Self::Seconds,
            100_000_000_000..100_000_000_000_000 => Self::Milliseconds,
            100_000_000_000_000..100_000_000_000_000_000 => Self::Microseconds,
            _ => Self::Nanoseconds,
        }
    }

    /// Converts a count and, for seconds, the milliseconds of its fraction. Rounds down, so that timestamps before the epoch
    /// keep their order.
    pub fn to_milliseconds(self, whole: i64, fraction: i16) -> i64 {
        match self {
            Self::Seconds => whole.saturating_mul(1000).saturating_add(fraction.into()),
            Self::Milliseconds => whole,
            Self::Microseconds => whole.div_euclid(1000),
            Self::Nanoseconds => whole.div_euclid(1_000_000),
        }
    }
}

impl fmt::Display for TimeUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Seconds => "seconds",
            Self::Milliseconds => "milliseconds",
            Self::Microseconds => "microseconds",
            Self::Nanoseconds => "nanoseconds",
        })
    }
}

/// Timestamps read from counts, and whether their unit changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadCounts {
    /// UTC milliseconds.
    pub timestamps: Vec<i64>,
    /// The first row whose unit differs from that of the row before, with both units.
    pub change: Option<UnitChange>,
}

/// A row where the unit of the timestamps changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnitChange {
    /// The index of the row.
    pub row: usize,
    /// The unit before it.
    pub before: TimeUnit,
    /// The unit from it on.
    pub after: TimeUnit,
}

/// Reads counts since the epoch, each by its own size, or all in one unit if that alone puts them in order. `fractions` has the
/// milliseconds of counts of seconds, or is empty. `describe` names a row in messages: `line 5`.
///
/// Counts that are all below 10¹¹ are seconds, or milliseconds until 1973: the timeframe decides, or which of both makes bars of
/// one.
///
/// # Errors
/// `BAD_DATA` if the unit changes and no reading puts the timestamps in order.
pub fn read_counts(
    counts: Vec<i64>,
    fractions: &[i16],
    unit: Option<TimeUnit>,
    timeframe: Option<Timeframe>,
    describe: &dyn Fn(usize) -> String,
) -> Result<ReadCounts> {
    let in_unit = |unit: TimeUnit, row: usize, count: i64| {
        unit.to_milliseconds(count, fractions.get(row).copied().unwrap_or(0))
    };
    let all_in = |unit: TimeUnit, mut counts: Vec<i64>| {
        counts.iter_mut().enumerate().for_each(|(row, count)| *count = in_unit(unit, row, *count));
        counts
    };
    let unchanged = |timestamps| Ok(ReadCounts { timestamps, change: None });
    if let Some(unit) = unit {
        return unchanged(all_in(unit, counts));
    }
    let Some(largest) = counts.iter().max_by_key(|count| count.unsigned_abs()) else {
        return unchanged(counts);
    };
    let largest = TimeUnit::of_size(*largest);
    let Some(change) = unit_change(&counts) else {
        let is_milliseconds = largest == TimeUnit::Seconds
            && median_distance(&counts).is_some_and(|step| are_milliseconds(step, timeframe));
        let unit = if is_milliseconds { TimeUnit::Milliseconds } else { largest };
        let first = counts.first().copied().unwrap_or(0);
        let timestamps = all_in(unit, counts);
        check_january_1970(&timestamps, first, timeframe, describe)?;
        return unchanged(timestamps);
    };
    let by_size = counts
        .iter()
        .enumerate()
        .map(|(row, &count)| in_unit(TimeUnit::of_size(count), row, count));
    let by_size: Vec<i64> = by_size.collect();
    if is_monotonic(&by_size) {
        return Ok(ReadCounts { timestamps: by_size, change: Some(change) });
    }
    drop(by_size);
    let row =
        |row: usize| format!("{} has {}", describe(row), counts.get(row).copied().unwrap_or(0));
    let error = Error::new(
        Code::BadData,
        format!(
            "the numbers of the time column change their size: {} ({}), {} ({}), and no unit puts the rows in order; split the \
             rows by their unit, or convert them",
            row(change.row.saturating_sub(1)),
            change.before,
            row(change.row),
            change.after
        ),
    );
    // Milliseconds around 1970 look like seconds.
    let timestamps = all_in(largest, counts);
    if is_monotonic(&timestamps) { unchanged(timestamps) } else { Err(error) }
}

/// Returns whether numbers that are seconds by their size are milliseconds soon after 1970, by their median distance.
fn are_milliseconds(step: i64, timeframe: Option<Timeframe>) -> bool {
    let as_seconds = step.saturating_mul(1000);
    if let Some(timeframe) = timeframe {
        let length = timeframe.milliseconds();
        return ratio(step, length) < ratio(as_seconds, length);
    }
    let is_timeframe = |step: i64| Timeframe::from_milliseconds(step).is_some();
    is_timeframe(step) && !is_timeframe(as_seconds)
}

/// Returns the first row whose unit, by its size, differs from that of the row before.
fn unit_change(counts: &[i64]) -> Option<UnitChange> {
    let unit = |count: i64| TimeUnit::of_size(count);
    let row = counts.windows(2).position(|pair| unit(pair[0]) != unit(pair[1]))? + 1;
    let (before, after) = (unit(*counts.get(row - 1)?), unit(*counts.get(row)?));
    Some(UnitChange { row, before, after })
}

/// Returns whether timestamps increase or decrease throughout; repeated ones are reported elsewhere.
fn is_monotonic(timestamps: &[i64]) -> bool {
    timestamps.is_sorted() || timestamps.is_sorted_by(|before, after| before >= after)
}

/// Returns the median distance of consecutive counts; `None` for fewer than two.
fn median_distance(counts: &[i64]) -> Option<i64> {
    let distance = |pair: &[i64]| pair[1].saturating_sub(pair[0]).saturating_abs();
    let mut distances: Vec<i64> = counts.windows(2).map(distance).collect();
    let middle = distances.len().checked_sub(1)? / 2;
    Some(*distances.select_nth_unstable(middle).1)
}

/// Returns the ratio of the larger to the smaller of two lengths.
fn ratio(a: i64, b: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "only compared")]
    let (a, b) = (a.max(1) as f64, b.max(1) as f64);
    (a / b).max(b / a)
}

/// The grid that timestamps of unknown timeframe are on, milliseconds.
const FINEST_GRID: i64 = 60_000;

/// 1980-01-01 as seconds. Before 1980, milliseconds of 1970 are as large.
pub const SECONDS_1980: i64 = 315_532_800;
/// 2100-01-01 as seconds.
pub const SECONDS_2100: i64 = 4_102_444_800;

/// Two years around 1970, milliseconds. Dates such as 20220103 are within the first day.
const NEAR_1970: i64 = 730 * time::DAY;

/// Checks that ascending timestamps, which the caller states to be milliseconds, are not seconds, microseconds or nanoseconds:
/// numbers that as seconds lie between 1980 and 2100 and as milliseconds off the grid of the timeframe, or that as
/// milliseconds lie after the year 5138. True timestamps of 1970 are on the grid. `describe` names a row: `timestamps[5]`.
///
/// # Errors
/// `BAD_DATA` naming the first such row and the conversion.
pub fn check_milliseconds(
    timestamps: &[i64],
    timeframe: Option<Timeframe>,
    describe: &dyn Fn(usize) -> String,
) -> Result<()> {
    let grid = timeframe.map_or(FINEST_GRID, |timeframe| timeframe.milliseconds().min(time::DAY));
    // Ascending timestamps that are seconds throughout begin with one.
    let seconds = timestamps.first().filter(|first| **first >= SECONDS_1980).and_then(|_| {
        timestamps
            .iter()
            .take_while(|timestamp| **timestamp < SECONDS_2100)
            .position(|timestamp| timestamp % grid != 0)
    });
    let finer = || timestamps.iter().position(|&at| TimeUnit::of_size(at) > TimeUnit::Milliseconds);
    let row = match (seconds, timestamps.last()) {
        (Some(row), _) => row,
        (None, Some(last)) if TimeUnit::of_size(*last) > TimeUnit::Milliseconds => {
            finer().unwrap_or(0)
        }
        _ => return check_whole_seconds(timestamps, describe),
    };
    let found = timestamps.get(row).copied().unwrap_or(0);
    let unit = TimeUnit::of_size(found);
    let meant = time::short(unit.to_milliseconds(found, 0));
    let conversion = match unit {
        // Seconds until 2100 are below the size of milliseconds.
        TimeUnit::Seconds | TimeUnit::Milliseconds => "multiply them by 1000",
        TimeUnit::Microseconds => "divide them by 1000",
        TimeUnit::Nanoseconds => "divide them by 1000000",
    };
    Err(Error::bad_data(
        describe(row),
        "unit",
        format!(
            "{} must be UTC milliseconds, was {found}, which are {unit} of {meant}: {conversion}",
            describe(row)
        ),
    ))
}

/// Checks that timestamps read from numbers are not accidentally in January 1970, off the grid of their timeframe: days since
/// 1900, or numbers of rows. `first` is the first number.
fn check_january_1970(
    timestamps: &[i64],
    first: i64,
    timeframe: Option<Timeframe>,
    describe: &dyn Fn(usize) -> String,
) -> Result<()> {
    const MONTH: i64 = 31 * time::DAY;
    let grid = timeframe.map_or(FINEST_GRID, |timeframe| timeframe.milliseconds().min(time::DAY));
    let is_off = |at: &i64| (0..MONTH).contains(at) && at % grid != 0;
    if timestamps.is_empty() || !timestamps.iter().all(is_off) {
        return Ok(());
    }
    let row = describe(0);
    let message = format!(
        "the numbers of the time column would be times of January 1970 ({row}: {first} is {}); write dates, or pass timeUnit if they \
         are",
        time::format(timestamps.first().copied().unwrap_or(0))
    );
    Err(Error::bad_data(row, "unit", message))
}

/// Checks that ascending timestamps near 1970 are on whole seconds. Others are dates such as 20220103, counts of days, or
/// numbers of rows.
fn check_whole_seconds(timestamps: &[i64], describe: &dyn Fn(usize) -> String) -> Result<()> {
    let start = timestamps.partition_point(|at| *at <= -NEAR_1970);
    let near = timestamps.iter().skip(start).take_while(|at| **at < NEAR_1970);
    let Some((row, at)) = near.enumerate().find(|(_, at)| *at % 1000 != 0) else { return Ok(()) };
    let row = describe(start + row);
    let message =
        format!("{row} must be UTC milliseconds, was {at}, which would be {}", time::format(*at));
    Err(Error::bad_data(row, "unit", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(counts: &[i64], timeframe: Option<Timeframe>) -> Result<Vec<String>> {
        let read = read_counts(counts.to_vec(), &[], None, timeframe, &|row| format!("row {row}"))?;
        Ok(read.timestamps.into_iter().map(time::short).collect())
    }

    #[test]
    fn each_count_is_read_by_its_own_size() {
        let mixed = [1_735_603_200_000, 1_735_689_600_000_000, 1_735_776_000_000_000_000];
        assert_eq!(read(&mixed, None).unwrap(), ["2024-12-31", "2025-01-01", "2025-01-02"]);
        let seconds_first = [1_577_836_800, 1_577_923_200, 1_578_009_600_000];
        assert_eq!(read(&seconds_first, None).unwrap(), ["2020-01-01", "2020-01-02", "2020-01-03"]);
        let mut descending = mixed;
        descending.reverse();
        assert_eq!(read(&descending, None).unwrap()[0], "2025-01-02");
        let read = read_counts(mixed.to_vec(), &[], None, None, &|row| row.to_string()).unwrap();
        let change =
            UnitChange { row: 1, before: TimeUnit::Milliseconds, after: TimeUnit::Microseconds };
        assert_eq!(read.change, Some(change));
    }

    #[test]
    fn milliseconds_around_1970_are_not_seconds() {
        let day = time::DAY;
        let daily: Vec<i64> = (-3..2000).map(|number| number * day).collect();
        let found = read(&daily, None).unwrap();
        assert_eq!((&*found[0], &*found[5]), ("1969-12-29", "1970-01-03"));
        assert_eq!(read(&[0, day, 2 * day], Some(Timeframe::D1)).unwrap()[2], "1970-01-03");
        assert_eq!(read(&[0, 86_400, 172_800], Some(Timeframe::D1)).unwrap()[2], "1970-01-03");
        assert_eq!(read(&[0, 86_400], None).unwrap()[1], "1970-01-02");
    }

    #[test]
    fn counts_without_any_order_are_refused_with_their_rows() {
        let error = read(&[1_735_689_600_000, 1_735_603_200, 1_735_776_000_000], None).unwrap_err();
        assert!(
            error
                .message
                .contains("row 0 has 1735689600000 (milliseconds), row 1 has 1735603200 (seconds)"),
            "{}",
            error.message
        );
    }

    #[test]
    fn milliseconds_that_are_another_unit_are_refused() {
        let check = |timestamps: &[i64], timeframe| {
            check_milliseconds(timestamps, timeframe, &|row| format!("timestamps[{row}]"))
        };
        let days = |first: i64| -> Vec<i64> { (0..300).map(|day| first + 86_400 * day).collect() };
        let error = check(&days(1_577_836_800), None).unwrap_err();
        assert_eq!(
            error.message,
            "timestamps[0] must be UTC milliseconds, was 1577836800, which are seconds of 2020-01-01: multiply them by 1000"
        );
        assert!(check(&[1_577_836_800], Some(Timeframe::D1)).is_err());
        assert!(check(&[1_577_836_800, 1_577_923_200_000], None).is_err());
        let error = check(&[1_577_836_800_000, 1_577_923_200_000_000], None).unwrap_err();
        assert!(
            error.message.starts_with("timestamps[1] must be")
                && error.message.ends_with("2020-01-02: divide them by 1000")
        );
        let true_1970: Vec<i64> = (0..60).map(|day| day * time::DAY).collect();
        assert!(check(&true_1970, Some(Timeframe::D1)).is_ok());
        assert!(check(&true_1970[5..], None).is_ok());
        assert!(check(&[1_577_836_800_000], None).is_ok());
    }
}
