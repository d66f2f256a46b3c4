//! Bars as columns. They are checked once, so that code with a [`Bars`] may rely on every invariant.

use std::ops::Range;
use std::sync::OnceLock;

use super::{Column, Timeframe, time, validated_copy};
use crate::compute::multiversion::multiversion;
use crate::compute::reserve::with_capacity;
use crate::error::{Code, Error, Issue, Result};
use crate::quote::counted;

/// How many faulty bars an error lists.
const LISTED_FAULTS: usize = 10;

/// Open, high, low, close and optionally volume of consecutive bars. May be empty.
///
/// Invariants:
///
/// - Timestamps strictly increase and lie within the range of a JavaScript `Date`.
/// - Prices are finite and above 0.
/// - `low <= open <= high` and `low <= close <= high`.
/// - Volumes are finite and not negative; NaN means that a bar has no volume.
#[derive(Debug, Clone)]
pub struct Bars {
    timestamps: Column<i64>,
    open: Column,
    high: Column,
    low: Column,
    close: Column,
    volume: Option<Column>,
    /// The median step, computed on first use.
    median_step: OnceLock<Option<i64>>,
}

impl Bars {
    /// Creates bars from columns after checking them.
    ///
    /// # Errors
    /// `BAD_DATA` with the first ten faults, each with its bar and date.
    pub fn new(
        timestamps: Vec<i64>,
        open: Column,
        high: Column,
        low: Column,
        close: Column,
        volume: Option<Column>,
    ) -> Result<Self> {
        let timestamps = timestamps.into();
        let median_step = OnceLock::new();
        let bars = Self { timestamps, open, high, low, close, volume, median_step };
        bars.check_lengths()?;
        bars.check_values()?;
        Ok(bars)
    }

    /// Creates bars from columns that are known to be valid, with the median step if it is known.
    pub(super) fn from_checked(
        timestamps: Column<i64>,
        [open, high, low, close]: [Column; 4],
        volume: Option<Column>,
        median_step: Option<i64>,
    ) -> Self {
        let median_step = median_step.map_or_else(OnceLock::new, |step| Some(step).into());
        Self { timestamps, open, high, low, close, volume, median_step }
    }

    fn check_lengths(&self) -> Result<()> {
        let expected = self.timestamps.len();
        let columns = self.prices().into_iter().map(|(name, column)| (name, column.len()));
        let volume = self.volume.as_ref().map(|volume| ("volume", volume.len()));
        let issues: Vec<Issue> = columns
            .chain(volume)
            .filter(|(_, len)| *len != expected)
            .map(|(name, len)| {
                Issue::new(
                    format!("bars.{name}"),
                    "length",
                    format!(
                        "bars.{name} has {} for {}",
                        counted(len, "value"),
                        counted(expected, "timestamp")
                    ),
                )
            })
            .collect();
        if issues.is_empty() { Ok(()) } else { Err(Error::with_issues(Code::BadData, issues)) }
    }

    fn check_values(&self) -> Result<()> {
        if self.is_valid() {
            return Ok(());
        }
        let mut faults = Vec::new();
        let mut faulty = 0_usize;
        for bar in 0..self.len() {
            let Some((field, fault)) = self.fault(bar) else { continue };
            faulty += 1;
            if faults.len() < LISTED_FAULTS {
                let date = self
                    .timestamps
                    .get(bar)
                    .map_or_else(String::new, |&timestamp| time::short(timestamp));
                faults.push(Issue::new(
                    format!("bars.{field}[{bar}]"),
                    "bad_bar",
                    format!("bar {bar} ({date}): {fault}"),
                ));
            }
        }
        let mut error = Error::with_issues(Code::BadData, faults);
        if faulty > LISTED_FAULTS {
            error.message = format!("{faulty} faulty bars, the first {}", error.message);
        }
        Err(error)
    }

    /// Makes the checks of [`Self::fault`] in a form that the compiler vectorizes.
    fn is_valid(&self) -> bool {
        let in_range = |timestamp: Option<&i64>| {
            timestamp.is_none_or(|timestamp| timestamp.abs() <= time::LIMIT)
        };
        is_increasing(&self.timestamps)
            && in_range(self.timestamps.first())
            && in_range(self.timestamps.last())
            && has_valid_prices(&self.open, &self.high, &self.low, &self.close)
            && self.volume.as_ref().is_none_or(|volume| has_valid_volumes(volume))
    }

    fn fault(&self, bar: usize) -> Option<(&'static str, String)> {
        let timestamp = *self.timestamps.get(bar)?;
        if timestamp.abs() > time::LIMIT {
            return Some((
                "timestamps",
                format!("timestamp {timestamp} is outside the range of a JavaScript Date"),
            ));
        }
        if let Some(&previous) =
            bar.checked_sub(1).and_then(|previous| self.timestamps.get(previous))
        {
            if timestamp == previous {
                return Some((
                    "timestamps",
                    "the timestamp equals that of the previous bar (duplicate)".into(),
                ));
            }
            if timestamp < previous {
                return Some((
                    "timestamps",
                    format!(
                        "the timestamp is earlier than that of the previous bar ({})",
                        time::short(previous)
                    ),
                ));
            }
        }
        for (name, column) in self.prices() {
            let price = *column.get(bar)?;
            if !price.is_finite() || price <= 0.0 {
                return Some((
                    name,
                    format!("{name} must be a finite price above 0, was {}", formatted(price)),
                ));
            }
        }
        let (open, high, low, close) =
            (self.open.get(bar)?, self.high.get(bar)?, self.low.get(bar)?, self.close.get(bar)?);
        if low > high {
            return Some((
                "low",
                format!("low {} is above high {}", formatted(*low), formatted(*high)),
            ));
        }
        for (name, price) in [("open", open), ("close", close)] {
            if low > price {
                let (low, price) = (formatted(*low), formatted(*price));
                return Some(("low", format!("low {low} is above {name} {price}")));
            }
            if price > high {
                let (high, price) = (formatted(*high), formatted(*price));
                return Some(("high", format!("high {high} is below {name} {price}")));
            }
        }
        let volume = *self.volume.as_ref()?.get(bar)?;
        let is_valid = (volume >= 0.0 && volume.is_finite()) || volume.is_nan();
        (!is_valid).then(|| {
            ("volume", format!("volume must be finite and not negative, was {}", formatted(volume)))
        })
    }

    fn prices(&self) -> [(&'static str, &Column); 4] {
        [("open", &self.open), ("high", &self.high), ("low", &self.low), ("close", &self.close)]
    }

    /// Returns the number of bars.
    pub fn len(&self) -> usize {
        self.timestamps.len()
    }

    /// Returns whether there are no bars.
    pub fn is_empty(&self) -> bool {
        self.timestamps.is_empty()
    }

    /// Returns the opening times of the bars in UTC milliseconds.
    pub fn timestamps(&self) -> &[i64] {
        &self.timestamps
    }

    /// Returns the opening times of the bars as a column that shares their memory.
    pub fn timestamp_column(&self) -> Column<i64> {
        self.timestamps.clone()
    }

    /// Returns the opening prices.
    pub fn open(&self) -> &Column {
        &self.open
    }

    /// Returns the highest prices.
    pub fn high(&self) -> &Column {
        &self.high
    }

    /// Returns the lowest prices.
    pub fn low(&self) -> &Column {
        &self.low
    }

    /// Returns the closing prices.
    pub fn close(&self) -> &Column {
        &self.close
    }

    /// Returns the traded volumes, if any is known. NaN means that a bar has no volume.
    pub fn volume(&self) -> Option<&Column> {
        self.volume.as_ref()
    }

    /// Returns the bars of a range of indices, sharing their memory. Bounds beyond the end are clamped.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let end = range.end.min(self.len());
        let start = range.start.min(end);
        Self {
            timestamps: self.timestamps.slice(start..end),
            open: self.open.slice(start..end),
            high: self.high.slice(start..end),
            low: self.low.slice(start..end),
            close: self.close.slice(start..end),
            volume: self.volume.as_ref().map(|volume| volume.slice(start..end)),
            median_step: OnceLock::new(),
        }
    }

    /// Returns the bars whose opening times lie in a range, both ends included.
    #[must_use]
    pub fn between(&self, start: i64, end: i64) -> Self {
        let first = self.timestamps.partition_point(|&timestamp| timestamp < start);
        let last = self.timestamps.partition_point(|&timestamp| timestamp <= end);
        self.slice(first..last.max(first))
    }

    /// Returns the bars of several ranges of indices, which ascend, in one table.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if the memory cannot be allocated; `BAD_DATA` if the ranges do not ascend.
    pub fn pick(&self, ranges: &[Range<usize>]) -> Result<Self> {
        fn picked<T: Copy>(values: &[T], ranges: &[Range<usize>]) -> Result<Vec<T>> {
            let total = ranges.iter().map(ExactSizeIterator::len).sum();
            let mut all = with_capacity(total, "bars")?;
            for range in ranges {
                all.extend_from_slice(values.get(range.clone()).unwrap_or(&[]));
            }
            Ok(all)
        }
        let column = |column: &Column| Ok(Column::from(picked(column, ranges)?));
        Self::new(
            picked(&self.timestamps, ranges)?,
            column(&self.open)?,
            column(&self.high)?,
            column(&self.low)?,
            column(&self.close)?,
            self.volume.as_ref().map(column).transpose()?,
        )
    }

    /// Returns these bars and later ones in one table. If the first of those is the last of these, the two are parts of one bar.
    ///
    /// # Errors
    /// `BAD_DATA` if the later bars do not follow.
    pub fn followed_by(&self, later: &Self) -> Result<Self> {
        let shared =
            self.timestamps.last().is_some_and(|last| later.timestamps.first() == Some(last));
        let before = self.len() - usize::from(shared);
        let join = |of_these: &[f64], of_later: &[f64]| {
            let mut values = Vec::with_capacity(before + of_later.len());
            values.extend_from_slice(of_these.get(..before).unwrap_or(of_these));
            values.extend_from_slice(of_later);
            values
        };
        let mut timestamps = self.timestamps.get(..before).unwrap_or(&[]).to_vec();
        timestamps.extend_from_slice(&later.timestamps);
        let mut open = join(&self.open, &later.open);
        let mut high = join(&self.high, &later.high);
        let mut low = join(&self.low, &later.low);
        let close = join(&self.close, &later.close);
        let mut volume = later.volume.as_ref().map(|of_later| match &self.volume {
            Some(of_these) => join(of_these, of_later),
            None => join(&vec![f64::NAN; self.len()], of_later),
        });
        if shared {
            let part = |column: &Column| column.get(before).copied();
            let merge =
                |value: Option<&mut f64>, earlier: Option<f64>, merged: fn(f64, f64) -> f64| {
                    if let (Some(value), Some(earlier)) = (value, earlier) {
                        *value = merged(earlier, *value);
                    }
                };
            merge(open.get_mut(before), part(&self.open), |earlier, _| earlier);
            merge(high.get_mut(before), part(&self.high), f64::max);
            merge(low.get_mut(before), part(&self.low), f64::min);
            let volumes = volume.as_mut().and_then(|volume| volume.get_mut(before));
            merge(volumes, self.volume.as_ref().and_then(part), |earlier, value| earlier + value);
        }
        let volume = volume.map(Column::from);
        Self::new(timestamps, open.into(), high.into(), low.into(), close.into(), volume)
    }

    /// Returns the median step between bars in milliseconds, `None` for fewer than two bars.
    pub fn median_step(&self) -> Option<i64> {
        *self.median_step.get_or_init(|| median_step(&self.timestamps))
    }

    /// Returns the timeframe that equals the median step, if there is one.
    pub fn inferred_timeframe(&self) -> Option<Timeframe> {
        self.median_step().and_then(Timeframe::from_milliseconds)
    }
}

/// Formats a number for a message, with an exponent if it would take hundreds of digits.
pub fn formatted(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || !size.is_finite() || (1e-9..1e15).contains(&size) {
        value.to_string()
    } else {
        format!("{value:e}")
    }
}

impl PartialEq for Bars {
    fn eq(&self, other: &Self) -> bool {
        self.timestamps == other.timestamps
            && self.prices() == other.prices()
            && self.volume == other.volume
    }
}

multiversion! {
    /// Returns whether each timestamp is later than the previous one.
    fn is_increasing(timestamps: &[i64]) -> bool {
        let later = timestamps.get(1..).unwrap_or(&[]);
        later.iter().zip(timestamps).fold(true, |is_valid, (later, earlier)| is_valid & (earlier < later))
    }
}

multiversion! {
    fn has_valid_prices(open: &[f64], high: &[f64], low: &[f64], close: &[f64]) -> bool {
        validated_copy::has_valid_prices(open, high, low, close)
    }
}

multiversion! {
    fn has_valid_volumes(volume: &[f64]) -> bool {
        validated_copy::has_valid_volumes(volume)
    }
}

multiversion! {
    /// Counts the timestamps that are exactly one step later than the previous one.
    fn count_steps(timestamps: &[i64], step: i64) -> usize {
        let later = timestamps.get(1..).unwrap_or(&[]);
        let pairs = later.iter().zip(timestamps);
        pairs.map(|(later, earlier)| usize::from(later - earlier == step)).sum()
    }
}

multiversion! {
    /// Counts the steps between two lengths.
    fn count_steps_between(timestamps: &[i64], shortest: i64, longest: i64) -> usize {
        let later = timestamps.get(1..).unwrap_or(&[]);
        let steps = later.iter().zip(timestamps).map(|(later, earlier)| later - earlier);
        steps.map(|step| usize::from((step >= shortest) & (step <= longest))).sum()
    }
}

/// Returns whether timestamps are regular: at least half of the steps are within a tenth of the median. Months are; ticks are
/// not.
pub fn is_regular(timestamps: &[i64], median: i64) -> bool {
    // A few bars may be on both sides of weekends.
    if timestamps.len() <= 3 {
        return true;
    }
    let tolerance = median / 10;
    let regular = count_steps_between(timestamps, median - tolerance, median + tolerance);
    regular * 2 >= timestamps.len().saturating_sub(1)
}

/// How far apart daily bars may be: over a weekend and a holiday.
const LONGEST_WEEKEND: i64 = 4 * time::DAY;

/// Returns whether so few bars that the median says nothing may be daily ones on both sides of weekends.
fn are_days_around_weekends(timestamps: &[i64]) -> bool {
    let is_days = |pair: &[i64]| {
        let step = pair[1] - pair[0];
        let off = (step + time::DAY / 2).rem_euclid(time::DAY) - time::DAY / 2;
        (time::DAY - time::HOUR..=LONGEST_WEEKEND + time::HOUR).contains(&step)
            && off.abs() <= time::HOUR
    };
    matches!(timestamps.len(), 2 | 3) && timestamps.windows(2).all(is_days)
}

/// Returns the median step between timestamps, `None` for fewer than two. Of two middle steps, the lower one counts. Two or
/// three bars on both sides of weekends are a day apart.
pub fn median_step(timestamps: &[i64]) -> Option<i64> {
    let (first, second) = (timestamps.first()?, timestamps.get(1)?);
    if are_days_around_weekends(timestamps) {
        return Some(time::DAY);
    }
    // A step that more than half of the bars have is the median, and in nearly all series the first one is.
    if count_steps(timestamps, second - first) > timestamps.len() / 2 {
        return Some(second - first);
    }
    let mut steps: Vec<i64> = timestamps.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let middle = (steps.len() - 1) / 2;
    Some(*steps.select_nth_unstable(middle).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bars(timestamps: &[i64], rows: &[[f64; 4]]) -> Result<Bars> {
        let column = |index: usize| rows.iter().map(|row| row[index]).collect::<Column>();
        Bars::new(timestamps.to_vec(), column(0), column(1), column(2), column(3), None)
    }

    const VALID: [f64; 4] = [10.0, 12.0, 9.0, 11.0];

    #[test]
    fn valid_bars_and_no_bars_are_accepted() {
        assert_eq!(bars(&[0, time::DAY], &[VALID, VALID]).unwrap().len(), 2);
        assert!(bars(&[], &[]).unwrap().is_empty());
    }

    #[test]
    fn each_fault_is_reported_with_its_date() {
        let cases: [(&[i64], [f64; 4], &str); 9] = [
            (&[0, 1], [1e-300, 12.0, 9.0, 11.0], "low 9 is above open 1e-300"),
            (
                &[time::DAY, 0],
                VALID,
                "bar 1 (1970-01-01): the timestamp is earlier than that of the previous bar (1970-01-02)",
            ),
            (
                &[0, 0],
                VALID,
                "bar 1 (1970-01-01): the timestamp equals that of the previous bar (duplicate)",
            ),
            (
                &[0, 1],
                [f64::NAN, 12.0, 9.0, 11.0],
                "bar 1 (1970-01-01T00:00:00.001Z): open must be a finite price above 0, was NaN",
            ),
            (
                &[0, 1],
                [10.0, f64::INFINITY, 9.0, 11.0],
                "high must be a finite price above 0, was inf",
            ),
            (&[0, 1], [10.0, 12.0, 0.0, 11.0], "low must be a finite price above 0, was 0"),
            (&[0, 1], [10.0, 9.0, 12.0, 11.0], "low 12 is above high 9"),
            (&[0, 1], [10.0, 12.0, 9.0, 8.0], "low 9 is above close 8"),
            (&[0, 1], [13.0, 12.0, 9.0, 11.0], "high 12 is below open 13"),
        ];
        for (timestamps, second, expected) in cases {
            let error = bars(timestamps, &[VALID, second]).unwrap_err();
            assert_eq!(error.code, Code::BadData);
            assert!(
                error.message.contains(expected),
                "{} should contain {expected}",
                error.message
            );
        }
    }

    #[test]
    fn faults_are_counted_and_lengths_are_compared() {
        let rows = vec![[f64::NAN; 4]; 25];
        let error = bars(&(0..25).collect::<Vec<_>>(), &rows).unwrap_err();
        assert_eq!(error.issues.len(), 10);
        assert!(error.message.starts_with("25 faulty bars"), "{}", error.message);
        assert!(
            bars(&[0], &[VALID, VALID])
                .unwrap_err()
                .message
                .contains("bars.open has 2 values for 1 timestamp")
        );
    }

    #[test]
    fn between_includes_both_ends() {
        let bars = bars(&[0, 10, 20, 30], &[VALID; 4]).unwrap();
        assert_eq!(bars.between(10, 20).timestamps(), [10, 20]);
        assert_eq!(bars.between(11, 19).len(), 0);
        assert_eq!(bars.between(40, 20).len(), 0);
        assert_eq!(bars.median_step(), Some(10));
    }
}
