//! Bars as columns, checked once: whoever holds [`Bars`] may rely on every invariant.

use std::ops::Range;
use std::sync::OnceLock;

use super::{Column, Timeframe, time, validated_copy};
use crate::compute::multiversion::multiversion;
use crate::error::{Code, Error, Issue, Result};

/// How many faulty bars an error lists.
const LISTED_FAULTS: usize = 10;

/// Open, high, low, close and perhaps volume of consecutive bars.
///
/// Timestamps strictly increase. Prices are finite and above 0; the low is at most the open and the close, the high at
/// least. The volume, where there is one, is finite and not negative. There may be no bars at all.
#[derive(Debug, Clone)]
pub struct Bars {
    timestamps: Column<i64>,
    open: Column,
    high: Column,
    low: Column,
    close: Column,
    volume: Option<Column>,
    /// The median distance of two bars, once somebody asked.
    median_step: OnceLock<Option<i64>>,
}

impl Bars {
    /// Checks columns and takes them.
    ///
    /// # Errors
    /// `BAD_DATA` with the first ten faults, each naming its bar and date.
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

    /// Takes columns that were checked, and the median distance of two bars if it is known.
    pub(super) fn sound(
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
                    format!("bars.{name} has {len} values for {expected} timestamps"),
                )
            })
            .collect();
        if issues.is_empty() { Ok(()) } else { Err(Error::with_issues(Code::BadData, issues)) }
    }

    fn check_values(&self) -> Result<()> {
        if self.are_sound() {
            return Ok(());
        }
        let mut faults = Vec::new();
        let mut faulty = 0_usize;
        for bar in 0..self.len() {
            let Some((field, what)) = self.fault(bar) else { continue };
            faulty += 1;
            if faults.len() < LISTED_FAULTS {
                let date = self
                    .timestamps
                    .get(bar)
                    .map_or_else(String::new, |&timestamp| time::short(timestamp));
                faults.push(Issue::new(
                    format!("bars.{field}[{bar}]"),
                    "bad_bar",
                    format!("bar {bar} ({date}): {what}"),
                ));
            }
        }
        let mut error = Error::with_issues(Code::BadData, faults);
        if faulty > LISTED_FAULTS {
            error.message = format!("{faulty} faulty bars, the first {}", error.message);
        }
        Err(error)
    }

    /// The checks of [`Self::fault`] in a form that the compiler turns into vector instructions.
    fn are_sound(&self) -> bool {
        let in_range = |timestamp: Option<&i64>| {
            timestamp.is_none_or(|timestamp| timestamp.abs() <= time::LIMIT)
        };
        rise(&self.timestamps)
            && in_range(self.timestamps.first())
            && in_range(self.timestamps.last())
            && prices_are_sound(&self.open, &self.high, &self.low, &self.close)
            && self.volume.as_ref().is_none_or(|volume| volumes_are_sound(volume))
    }

    fn fault(&self, bar: usize) -> Option<(&'static str, String)> {
        let timestamp = *self.timestamps.get(bar)?;
        if timestamp.abs() > time::LIMIT {
            return Some((
                "timestamps",
                format!("timestamp {timestamp} is no timestamp that a Date can hold"),
            ));
        }
        if let Some(&before) = bar.checked_sub(1).and_then(|before| self.timestamps.get(before)) {
            if timestamp == before {
                return Some((
                    "timestamps",
                    "the timestamp is that of the bar before (duplicate)".into(),
                ));
            }
            if timestamp < before {
                return Some((
                    "timestamps",
                    format!(
                        "the timestamp is before that of the bar before ({})",
                        time::short(before)
                    ),
                ));
            }
        }
        for (name, column) in self.prices() {
            let price = *column.get(bar)?;
            if !price.is_finite() || price <= 0.0 {
                return Some((
                    name,
                    format!("{name} must be a finite price above 0, was {}", shown(price)),
                ));
            }
        }
        let (open, high, low, close) =
            (self.open.get(bar)?, self.high.get(bar)?, self.low.get(bar)?, self.close.get(bar)?);
        if low > high {
            return Some(("low", format!("low {} is above high {}", shown(*low), shown(*high))));
        }
        for (name, price) in [("open", open), ("close", close)] {
            if low > price {
                let (low, price) = (shown(*low), shown(*price));
                return Some(("low", format!("low {low} is above {name} {price}")));
            }
            if price > high {
                let (high, price) = (shown(*high), shown(*price));
                return Some(("high", format!("high {high} is below {name} {price}")));
            }
        }
        let volume = *self.volume.as_ref()?.get(bar)?;
        let sound = volume >= 0.0 && volume.is_finite();
        (!sound).then(|| {
            ("volume", format!("volume must be finite and not negative, was {}", shown(volume)))
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

    /// Returns the openings of the bars in UTC milliseconds.
    pub fn timestamps(&self) -> &[i64] {
        &self.timestamps
    }

    /// Returns the openings of the bars as a column that shares their memory.
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

    /// Returns the traded volumes, where they are known.
    pub fn volume(&self) -> Option<&Column> {
        self.volume.as_ref()
    }

    /// Returns the bars with these positions, sharing their memory. Bounds beyond the end are cut off.
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

    /// Returns the bars that open in a range of timestamps, both ends included.
    #[must_use]
    pub fn between(&self, start: i64, end: i64) -> Self {
        let first = self.timestamps.partition_point(|&timestamp| timestamp < start);
        let last = self.timestamps.partition_point(|&timestamp| timestamp <= end);
        self.slice(first..last.max(first))
    }

    /// Returns the median distance between two bars in milliseconds; nothing for fewer than two bars.
    pub fn median_step(&self) -> Option<i64> {
        *self.median_step.get_or_init(|| median_step(&self.timestamps))
    }

    /// Returns the timeframe that the median distance of two bars is exactly, if there is one.
    pub fn inferred_timeframe(&self) -> Option<Timeframe> {
        self.median_step().and_then(Timeframe::from_milliseconds)
    }
}

/// Writes a number for a message: those of hundreds of digits with an exponent.
fn shown(value: f64) -> String {
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
    /// Returns whether each timestamp comes after the one before.
    fn rise(timestamps: &[i64]) -> bool {
        let later = timestamps.get(1..).unwrap_or(&[]);
        later.iter().zip(timestamps).fold(true, |rise, (later, earlier)| rise & (earlier < later))
    }
}

multiversion! {
    fn prices_are_sound(open: &[f64], high: &[f64], low: &[f64], close: &[f64]) -> bool {
        validated_copy::prices_are_sound(open, high, low, close)
    }
}

multiversion! {
    fn volumes_are_sound(volume: &[f64]) -> bool {
        validated_copy::volumes_are_sound(volume)
    }
}

multiversion! {
    /// Counts the timestamps that come this long after the one before.
    fn steps_of(timestamps: &[i64], step: i64) -> usize {
        let later = timestamps.get(1..).unwrap_or(&[]);
        let pairs = later.iter().zip(timestamps);
        pairs.map(|(later, earlier)| usize::from(later - earlier == step)).sum()
    }
}

/// Returns the median distance between two consecutive timestamps, the lower of the two middle ones; nothing for fewer than
/// two timestamps.
pub fn median_step(timestamps: &[i64]) -> Option<i64> {
    let (first, second) = (timestamps.first()?, timestamps.get(1)?);
    // Nearly always most bars are one step apart, and what more than half of them are is the median.
    if steps_of(timestamps, second - first) > timestamps.len() / 2 {
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

    const SOUND: [f64; 4] = [10.0, 12.0, 9.0, 11.0];

    #[test]
    fn sound_bars_pass_and_none_are_sound() {
        assert_eq!(bars(&[0, time::DAY], &[SOUND, SOUND]).unwrap().len(), 2);
        assert!(bars(&[], &[]).unwrap().is_empty());
    }

    #[test]
    fn each_fault_is_named_with_its_date() {
        let cases: [(&[i64], [f64; 4], &str); 9] = [
            (&[0, 1], [1e-300, 12.0, 9.0, 11.0], "low 9 is above open 1e-300"),
            (
                &[time::DAY, 0],
                SOUND,
                "bar 1 (1970-01-01): the timestamp is before that of the bar before (1970-01-02)",
            ),
            (
                &[0, 0],
                SOUND,
                "bar 1 (1970-01-01): the timestamp is that of the bar before (duplicate)",
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
            let error = bars(timestamps, &[SOUND, second]).unwrap_err();
            assert_eq!(error.code, Code::BadData);
            assert!(
                error.message.contains(expected),
                "{} should contain {expected}",
                error.message
            );
        }
    }

    #[test]
    fn faults_are_counted_and_lengths_compared() {
        let rows = vec![[f64::NAN; 4]; 25];
        let error = bars(&(0..25).collect::<Vec<_>>(), &rows).unwrap_err();
        assert_eq!(error.issues.len(), 10);
        assert!(error.message.starts_with("25 faulty bars"), "{}", error.message);
        assert!(
            bars(&[0], &[SOUND, SOUND])
                .unwrap_err()
                .message
                .contains("bars.open has 2 values for 1 timestamps")
        );
    }

    #[test]
    fn between_includes_both_ends() {
        let bars = bars(&[0, 10, 20, 30], &[SOUND; 4]).unwrap();
        assert_eq!(bars.between(10, 20).timestamps(), [10, 20]);
        assert_eq!(bars.between(11, 19).len(), 0);
        assert_eq!(bars.between(40, 20).len(), 0);
        assert_eq!(bars.median_step(), Some(10));
    }
}
