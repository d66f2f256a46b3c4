//! Timeframes, the lengths of bars.

use std::fmt;

use super::time::DAY;

/// The length of a bar, from one minute to one week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timeframe {
    /// One minute.
    M1,
    /// Three minutes.
    M3,
    /// Five minutes.
    M5,
    /// Fifteen minutes.
    M15,
    /// Thirty minutes.
    M30,
    /// One hour.
    H1,
    /// Two hours.
    H2,
    /// Four hours.
    H4,
    /// Six hours.
    H6,
    /// Eight hours.
    H8,
    /// Twelve hours.
    H12,
    /// One day.
    D1,
    /// One week, from Monday.
    W1,
}

impl Timeframe {
    /// All timeframes with their names, the finest first.
    pub const ALL: [(&'static str, Self); 13] = [
        ("1m", Self::M1),
        ("3m", Self::M3),
        ("5m", Self::M5),
        ("15m", Self::M15),
        ("30m", Self::M30),
        ("1h", Self::H1),
        ("2h", Self::H2),
        ("4h", Self::H4),
        ("6h", Self::H6),
        ("8h", Self::H8),
        ("12h", Self::H12),
        ("1d", Self::D1),
        ("1w", Self::W1),
    ];

    /// Returns the name: `1d`.
    pub const fn as_str(self) -> &'static str {
        Self::ALL[self as usize].0
    }

    /// Finds a timeframe by its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, timeframe)| *timeframe)
    }

    /// Returns the length in milliseconds.
    pub const fn milliseconds(self) -> i64 {
        const MINUTE: i64 = 60_000;
        match self {
            Self::M1 => MINUTE,
            Self::M3 => 3 * MINUTE,
            Self::M5 => 5 * MINUTE,
            Self::M15 => 15 * MINUTE,
            Self::M30 => 30 * MINUTE,
            Self::H1 => 60 * MINUTE,
            Self::H2 => 120 * MINUTE,
            Self::H4 => 240 * MINUTE,
            Self::H6 => 360 * MINUTE,
            Self::H8 => 480 * MINUTE,
            Self::H12 => 720 * MINUTE,
            Self::D1 => DAY,
            Self::W1 => 7 * DAY,
        }
    }

    /// Returns the timeframe with exactly this length.
    pub fn from_milliseconds(milliseconds: i64) -> Option<Self> {
        Self::ALL
            .iter()
            .map(|(_, timeframe)| *timeframe)
            .find(|timeframe| timeframe.milliseconds() == milliseconds)
    }

    /// Returns the opening time of the bar that contains a timestamp: a multiple of the length since the epoch, or a Monday for
    /// weeks.
    pub const fn opening(self, milliseconds: i64) -> i64 {
        // The epoch was a Thursday; the Monday before it is three days earlier.
        let anchor = if matches!(self, Self::W1) { -3 * DAY } else { 0 };
        milliseconds - (milliseconds - anchor).rem_euclid(self.milliseconds())
    }
}

impl fmt::Display for Timeframe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::time;

    #[test]
    fn names_and_lengths_convert_both_ways() {
        for (name, timeframe) in Timeframe::ALL {
            assert_eq!(timeframe.as_str(), name);
            assert_eq!(Timeframe::parse(name), Some(timeframe));
            assert_eq!(Timeframe::from_milliseconds(timeframe.milliseconds()), Some(timeframe));
        }
    }

    #[test]
    fn weeks_open_on_monday() {
        let opening = Timeframe::W1.opening(time::parse("2020-04-17T15:00").unwrap());
        assert_eq!(time::short(opening), "2020-04-13");
        assert_eq!(time::short(Timeframe::W1.opening(0)), "1969-12-29");
    }
}
