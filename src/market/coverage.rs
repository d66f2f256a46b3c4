//! What bars cover of a range, and holes in them.
//!
//! Markets close at night, at weekends and on holidays, so only the rest of the bars can tell whether some are missing. The days on
//! which a series has bars give its weekdays, and its usual holidays. A hole is longer than those.

use super::time::DAY;
use super::{Interval, Timeframe, time};
use crate::note::{Note, NoteCode};
use crate::quote::counted;

/// With bars on fewer days, the weekdays of a series are unknown: Monday to Friday are assumed, and those that occur.
const MIN_DAYS: usize = 15;

/// The longest usual holidays, trading days: the golden weeks of Asia.
const LONGEST_HOLIDAYS: i64 = 6;

/// How many more trading days than its usual holidays a series may lack: exchanges that close at weekends were closed for four
/// days in September 2001, others do not close.
const TOLERATED_DAYS: i64 = 3;
const TOLERATED_DAYS_WITHOUT_WEEKENDS: i64 = 1;

/// A day with fewer than this share of the usual bars of its weekday lacks some. Half days have more.
const SHORT_DAY: f64 = 0.45;

/// Days that lack bars are mentioned if they are more than this number, and more than this share of all days.
const FEW_SHORT_DAYS: usize = 2;
const SHORT_DAYS: f64 = 0.02;

/// No exchange has holidays on more than this share of its weekdays.
const SCATTERED_DAYS: f64 = 0.12;

/// Fewer usual bars per day say nothing about a day with fewer.
const MIN_BARS_PER_DAY: usize = 4;

/// What bars cover of a range, and what is missing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Coverage {
    /// The unit of the counts: `trading day` or `week`.
    unit: &'static str,
    holes: Vec<Hole>,
    /// The trading days or weeks of the range before the first and after the last bar; 0 if usual holidays explain them.
    before: i64,
    after: i64,
    /// The number of trading days without bars and the number of all, if more are missing than holidays explain.
    scattered: Option<(i64, i64)>,
    /// The number of days that lack bars, and the first of them.
    short_days: Option<(usize, i64)>,
    /// The number of days with bars.
    days: usize,
    missing_bars: u64,
}

/// A hole between bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Hole {
    /// The last day before it, UTC milliseconds.
    before: i64,
    /// The first day after it, UTC milliseconds.
    after: i64,
    /// The number of trading days or weeks between.
    length: i64,
}

impl Coverage {
    /// Measures what ascending timestamps cover of a range, both ends included.
    pub fn new(timestamps: &[i64], interval: Interval, start: i64, end: i64) -> Self {
        let (Some(&first), Some(&last)) = (timestamps.first(), timestamps.last()) else {
            return Self::default();
        };
        if interval == Interval::Timeframe(Timeframe::W1) {
            return Self::of_weeks(timestamps, first, last, start, end);
        }
        Self::of_days(&TradingDays::of(timestamps), interval, (first, last), (start, end))
    }

    /// Does the same, given the days of the timestamps, of which there is at least one.
    pub fn with_days(
        days: &TradingDays,
        timestamps: &[i64],
        interval: Interval,
        start: i64,
        end: i64,
    ) -> Self {
        match timestamps.first().zip(timestamps.last()) {
            Some((&first, &last)) if interval != Interval::Timeframe(Timeframe::W1) => {
                Self::of_days(days, interval, (first, last), (start, end))
            }
            _ => Self::new(timestamps, interval, start, end),
        }
    }

    fn of_days(
        TradingDays(days): &TradingDays,
        interval: Interval,
        (first, last): (i64, i64),
        (start, end): (i64, i64),
    ) -> Self {
        let (calendar, gaps) = Calendar::of(days);
        let all_missing: i64 = gaps.iter().map(|gap| gap.length).sum();
        let expected = calendar.days_between(day_of(first) - 1, day_of(last) + 1);
        #[expect(clippy::cast_precision_loss, reason = "numbers of days are compared roughly")]
        let are_scattered =
            all_missing as f64 > expected as f64 * SCATTERED_DAYS && days.len() >= MIN_DAYS;
        let holes: Vec<Hole> =
            gaps.into_iter().filter(|hole| hole.length > calendar.tolerated_days).collect();
        let unexplained = |days: i64| if days > calendar.tolerated_days { days } else { 0 };
        let before = unexplained(calendar.days_between(day_of(start) - 1, day_of(first)));
        let after = unexplained(calendar.days_between(day_of(last), day_of(end) + 1));
        let is_intraday = interval.timeframe().is_some_and(|timeframe| timeframe < Timeframe::D1);
        let usual =
            if is_intraday { usual_bars(days.iter().map(|day| day.bars).collect()) } else { 1 };
        let (short_days, short_bars) =
            if is_intraday && usual >= MIN_BARS_PER_DAY { short_days(days) } else { (None, 0) };
        let in_holes: i64 = holes.iter().map(|hole| hole.length).sum();
        let missing_days = if are_scattered { all_missing } else { in_holes } + before + after;
        let missing_days = usize::try_from(missing_days).unwrap_or(0);
        // A tick is no length of time that could be missing.
        let missing_bars = if interval == Interval::Tick {
            0
        } else {
            missing_days.saturating_mul(usual) + short_bars
        };
        Self {
            unit: "trading day",
            holes,
            before,
            after,
            scattered: are_scattered.then_some((all_missing, expected)),
            short_days,
            days: days.len(),
            missing_bars: missing_bars as u64,
        }
    }

    fn of_weeks(timestamps: &[i64], first: i64, last: i64, start: i64, end: i64) -> Self {
        let week = Timeframe::W1.milliseconds();
        // Bars of holidays are stamped a day or two later, so a single week is no hole.
        let unexplained = |weeks: i64| if weeks > 1 { weeks } else { 0 };
        let holes: Vec<Hole> = timestamps
            .windows(2)
            .map(|pair| Hole {
                before: pair[0],
                after: pair[1],
                length: (pair[1] - pair[0] + week / 2) / week - 1,
            })
            .filter(|hole| unexplained(hole.length) > 0)
            .collect();
        let before = unexplained((first.saturating_sub(start)).max(0) / week);
        let after = unexplained((end.saturating_sub(last)).max(0) / week);
        let missing = holes.iter().map(|hole| hole.length).sum::<i64>() + before + after;
        let missing_bars = u64::try_from(missing).unwrap_or(0);
        Self { unit: "week", holes, before, after, missing_bars, ..Self::default() }
    }

    /// Returns how many bars are missing: in holes, on days that lack bars, and at both ends of the range. This is an estimate
    /// from the bars that there are; 0 for ticks.
    pub fn missing_bars(&self) -> u64 {
        self.missing_bars
    }

    /// Returns notes about what is missing. `timestamps` and the range are those that were measured.
    pub fn notes(&self, timestamps: &[i64], start: i64, end: i64) -> Vec<Note> {
        let (Some(&first), Some(&last)) = (timestamps.first(), timestamps.last()) else {
            return Vec::new();
        };
        [
            self.range_note(first, last, start, end),
            self.hole_note(),
            self.scattered_note(),
            self.short_days_note(),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn range_note(&self, first: i64, last: i64, start: i64, end: i64) -> Option<Note> {
        let part = |count: i64, place: &str| {
            (count > 0).then(|| format!("{} at the {place}", self.counted(count)))
        };
        let parts: Vec<String> =
            [part(self.before, "start"), part(self.after, "end")].into_iter().flatten().collect();
        if parts.is_empty() {
            return None;
        }
        let are = if self.before + self.after == 1 { "is" } else { "are" };
        let text = format!(
            "the bars do not cover the range: {} to {} was requested, the bars are from {} to {}; {} {are} missing",
            date(start),
            date(end),
            date(first),
            date(last),
            parts.join(" and ")
        );
        let note = Note::new(NoteCode::RangeNotCovered, text);
        Some(note.with("missingAtStart", self.before).with("missingAtEnd", self.after))
    }

    fn hole_note(&self) -> Option<Note> {
        let longest = self.holes.iter().max_by_key(|hole| hole.length)?;
        let total: i64 = self.holes.iter().map(|hole| hole.length).sum();
        let between = format!("between {} and {}", date(longest.before), date(longest.after));
        let text = match self.holes.len() {
            1 => {
                let are = if total == 1 { "is" } else { "are" };
                format!("the bars have a hole: {} {are} missing {between}", self.counted(total))
            }
            count => format!(
                "the bars have {count} holes, in which {} are missing; the longest is {between}",
                self.counted(total)
            ),
        };
        let note = Note::new(NoteCode::BarsMissing, text).with("holes", self.holes.len());
        Some(note.with("missing", total))
    }

    fn scattered_note(&self) -> Option<Note> {
        let (missing, expected) = self.scattered?;
        let have = if missing == 1 { "has" } else { "have" };
        let text = format!("{missing} of {expected} trading days {have} no bars");
        Some(Note::new(NoteCode::BarsMissing, text).with("missing", missing))
    }

    fn short_days_note(&self) -> Option<Note> {
        let (count, first) = self.short_days?;
        let have = if count == 1 { "has" } else { "have" };
        let text = format!(
            "{count} of {} {have} less than half of the usual bars of their weekday, the first is {}",
            counted(self.days, "day"),
            date(first)
        );
        Some(Note::new(NoteCode::BarsMissing, text).with("days", count))
    }

    fn counted(&self, count: i64) -> String {
        counted(usize::try_from(count).unwrap_or(0), self.unit)
    }
}

/// A day with bars.
#[derive(Debug, Clone, Copy)]
pub(super) struct TradingDay {
    /// The number of the day since the epoch.
    day: i64,
    /// The number of bars.
    pub(super) bars: usize,
}

/// The days on which bars lie, with their numbers of bars.
#[derive(Debug, Clone)]
pub struct TradingDays(pub(super) Vec<TradingDay>);

impl TradingDays {
    /// Finds the days of ascending timestamps.
    pub fn of(timestamps: &[i64]) -> Self {
        let mut days = Vec::new();
        let mut rest = timestamps;
        let mut usual = 1;
        while let Some(first) = rest.first() {
            let day = day_of(*first);
            let next_day = day.saturating_add(1).saturating_mul(DAY);
            let is_same_day = |timestamp: &i64| *timestamp < next_day;
            let is_beyond = |bars: usize| !rest.get(bars).is_some_and(is_same_day);
            // Most days have as many bars as the day before. The others are near it: in a long series, a search through all that
            // is left would read from all over the memory.
            let bars = if is_beyond(usual) && !is_beyond(usual - 1) {
                usual
            } else {
                let mut most = usual;
                while !is_beyond(most) {
                    most = most.saturating_mul(2);
                }
                rest.get(..most).unwrap_or(rest).partition_point(is_same_day)
            };
            days.push(TradingDay { day, bars });
            usual = bars.max(1);
            rest = rest.get(bars.max(1)..).unwrap_or(&[]);
        }
        Self(days)
    }
}

/// The weekdays on which a series has bars, and its usual holidays.
#[derive(Debug)]
struct Calendar {
    /// From Monday.
    is_open: [bool; 7],
    /// The longest gap that usual holidays explain, trading days.
    tolerated_days: i64,
}

impl Calendar {
    /// Returns the calendar of days, and the gaps between them that lack trading days.
    fn of(days: &[TradingDay]) -> (Self, Vec<Hole>) {
        let mut is_open = open_weekdays(days);
        if days.len() < MIN_DAYS {
            for (weekday, is_open) in is_open.iter_mut().enumerate() {
                *is_open |= weekday < 5 || days.iter().any(|day| self::weekday(day.day) == weekday);
            }
        }
        let mut calendar = Self { is_open, tolerated_days: 0 };
        let gaps: Vec<Hole> = calendar.gaps(days).collect();
        let usual = usual_holidays(&gaps, days);
        calendar.tolerated_days = if is_open == [true; 7] {
            usual + TOLERATED_DAYS_WITHOUT_WEEKENDS
        } else {
            (usual + TOLERATED_DAYS).max(LONGEST_HOLIDAYS)
        };
        (calendar, gaps)
    }

    /// Returns the gaps between consecutive days that lack trading days.
    fn gaps<'a>(&'a self, days: &'a [TradingDay]) -> impl Iterator<Item = Hole> + use<'a> {
        days.windows(2).filter(|pair| pair[1].day - pair[0].day > 1).filter_map(|pair| {
            let length = self.days_between(pair[0].day, pair[1].day);
            (length > 0).then(|| Hole {
                before: pair[0].day * DAY,
                after: pair[1].day * DAY,
                length,
            })
        })
    }

    /// Returns the number of trading days after one day and before another.
    fn days_between(&self, after: i64, before: i64) -> i64 {
        let between = (before - after - 1).max(0);
        let (weeks, rest) = (between / 7, between % 7);
        let open = |day: i64| i64::from(self.is_open.get(weekday(day)).copied().unwrap_or(false));
        let per_week: i64 = (0..7).map(open).sum();
        weeks * per_week + (1..=rest).map(|day| open(after + day)).sum::<i64>()
    }
}

/// Returns the weekdays, from Monday, on which there are bars at least half as often as on the most frequent one: exchanges
/// may have a session on a single Saturday.
pub(super) fn open_weekdays(days: &[TradingDay]) -> [bool; 7] {
    let mut counts = [0_usize; 7];
    for day in days {
        if let Some(count) = counts.get_mut(weekday(day.day)) {
            *count += 1;
        }
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    counts.map(|count| count > 0 && count * 2 >= most)
}

/// Returns the length of gaps that occur every year, trading days.
fn usual_holidays(gaps: &[Hole], days: &[TradingDay]) -> i64 {
    let mut lengths: Vec<i64> = gaps.iter().map(|gap| gap.length).collect();
    lengths.sort_unstable_by(|a, b| b.cmp(a));
    let span = days.first().zip(days.last()).map_or(0, |(first, last)| last.day - first.day);
    let years = usize::try_from(span / 365).unwrap_or(0);
    lengths.get(years.max(1)).copied().unwrap_or(0).min(LONGEST_HOLIDAYS)
}

/// Returns the number of days that lack bars and the first of them, if they are many, and how many bars they all lack.
fn short_days(days: &[TradingDay]) -> (Option<(usize, i64)>, usize) {
    let usual: [usize; 7] = std::array::from_fn(|day| {
        usual_bars(
            days.iter().filter(|other| weekday(other.day) == day).map(|day| day.bars).collect(),
        )
    });
    let usual_of = |day: &TradingDay| usual.get(weekday(day.day)).copied().unwrap_or(0);
    // The range may begin and end within a day.
    let inner = days.get(1..days.len().saturating_sub(1)).unwrap_or(&[]);
    #[expect(clippy::cast_precision_loss, reason = "numbers of bars are compared roughly")]
    let is_short = |day: &&TradingDay| (day.bars as f64) < usual_of(day) as f64 * SHORT_DAY;
    let (mut count, mut first, mut missing) = (0, None, 0);
    for day in inner.iter().filter(is_short) {
        count += 1;
        first.get_or_insert(day.day * DAY);
        missing += usual_of(day).saturating_sub(day.bars);
    }
    #[expect(clippy::cast_precision_loss, reason = "numbers of days are compared roughly")]
    let are_many = count > FEW_SHORT_DAYS && count as f64 > days.len() as f64 * SHORT_DAYS;
    (first.filter(|_| are_many).map(|first| (count, first)), missing)
}

/// Returns the number of bars that a quarter of the days reach: bars may be missing on most days.
fn usual_bars(mut values: Vec<usize>) -> usize {
    let Some(last) = values.len().checked_sub(1) else { return 0 };
    *values.select_nth_unstable(last - last / 4).1
}

fn day_of(timestamp: i64) -> i64 {
    timestamp.div_euclid(DAY)
}

/// Returns the weekday of a day since the epoch: 0 is Monday.
fn weekday(day: i64) -> usize {
    time::weekday(day.saturating_mul(DAY))
}

fn date(timestamp: i64) -> String {
    time::short(timestamp - timestamp.rem_euclid(DAY))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        time::parse(text).unwrap()
    }

    /// Weekdays of a range, without some days.
    fn weekdays(from: &str, to: &str, without: &[(&str, &str)]) -> Vec<i64> {
        let is_out = |day: i64| {
            without.iter().any(|(first, last)| (at(first)..=at(last)).contains(&(day * DAY)))
        };
        (day_of(at(from))..=day_of(at(to)))
            .filter(|day| weekday(*day) < 5 && !is_out(*day))
            .map(|day| day * DAY)
            .collect()
    }

    #[test]
    fn days_have_all_bars_that_lie_on_them() {
        // Days with as many bars as the day before, with fewer, with many more, and with hundreds of days after them.
        for counts in [
            vec![1_i64, 1, 1],
            vec![3, 3, 1, 2, 3],
            vec![1, 2, 5, 100, 1, 7, 99],
            vec![24, 24, 23, 25],
            vec![5; 700],
            vec![1],
            vec![],
        ] {
            // From before the epoch, with the last bar of each day at its last millisecond.
            let timestamps: Vec<i64> = counts
                .iter()
                .zip(-2_i64..)
                .flat_map(|(count, day)| {
                    (1..=*count).map(move |bar| (day + 1) * DAY - 1 - (count - bar))
                })
                .collect();
            let TradingDays(days) = TradingDays::of(&timestamps);
            let found: Vec<(i64, i64)> =
                days.iter().map(|day| (day.day, i64::try_from(day.bars).unwrap())).collect();
            assert_eq!(found, (-2_i64..).zip(counts).collect::<Vec<_>>());
        }
    }

    fn texts(timestamps: &[i64], timeframe: Timeframe, from: &str, to: &str) -> Vec<String> {
        let coverage = Coverage::new(timestamps, timeframe.into(), at(from), at(to));
        coverage.notes(timestamps, at(from), at(to)).into_iter().map(|note| note.text).collect()
    }

    #[test]
    fn a_range_that_is_not_covered_is_reported_with_dates_and_counts() {
        let days = weekdays("2019-07-01", "2019-10-08", &[]);
        assert_eq!(
            texts(&days, Timeframe::D1, "2018-01-01", "2020-12-31"),
            [
                "the bars do not cover the range: 2018-01-01 to 2020-12-31 was requested, the bars are from 2019-07-01 to 2019-10-08; \
              390 trading days at the start and 322 trading days at the end are missing"
            ]
        );
        // A range may begin and end on a weekend or a holiday.
        let days = weekdays("2019-01-02", "2019-12-31", &[]);
        assert_eq!(texts(&days, Timeframe::D1, "2019-01-01", "2020-01-05"), [""; 0]);
    }

    #[test]
    fn holidays_are_no_holes_and_missing_weeks_are() {
        let closed = [
            // The attacks of September 2001, and two usual holidays a year.
            ("2001-09-11", "2001-09-14"),
            ("2001-12-25", "2001-12-25"),
            ("2001-01-01", "2001-01-01"),
            ("2002-12-25", "2002-12-25"),
            ("2002-01-01", "2002-01-01"),
        ];
        let days = weekdays("2001-01-02", "2002-12-31", &closed);
        assert_eq!(texts(&days, Timeframe::D1, "2001-01-01", "2002-12-31"), [""; 0]);
        let mut closed = closed.to_vec();
        closed.push(("2002-06-03", "2002-06-14"));
        let days = weekdays("2001-01-02", "2002-12-31", &closed);
        assert_eq!(
            texts(&days, Timeframe::D1, "2001-01-01", "2002-12-31"),
            ["the bars have a hole: 10 trading days are missing between 2002-05-31 and 2002-06-17"]
        );
    }

    #[test]
    fn a_market_without_weekends_has_smaller_holes() {
        let hours = |day: i64| (0..24).map(move |hour| day * DAY + hour * 3_600_000);
        let first = day_of(at("2024-01-01"));
        let all: Vec<i64> = (first..first + 100).flat_map(hours).collect();
        assert_eq!(texts(&all, Timeframe::H1, "2024-01-01", "2024-04-09"), [""; 0]);
        let holed: Vec<i64> = (first..first + 100)
            .filter(|day| !(30..32).contains(&(day - first)))
            .flat_map(hours)
            .collect();
        let coverage =
            Coverage::new(&holed, Timeframe::H1.into(), at("2024-01-01"), at("2024-04-09"));
        assert_eq!(coverage.missing_bars(), 48);
        let thin: Vec<i64> = all
            .iter()
            .copied()
            .filter(|timestamp| day_of(*timestamp) % 10 != 0 || timestamp.rem_euclid(DAY) < DAY / 4)
            .collect();
        let found = texts(&thin, Timeframe::H1, "2024-01-01", "2024-04-09");
        assert_eq!(
            found,
            [
                "10 of 100 days have less than half of the usual bars of their weekday, the first is 2024-01-08"
            ]
        );
    }

    #[test]
    fn weeks_are_counted_in_weeks() {
        let weeks: Vec<i64> = (0..50)
            .filter(|week| !(20..25).contains(week))
            .map(|week| at("2024-01-01") + week * 7 * DAY)
            .collect();
        assert_eq!(
            texts(&weeks, Timeframe::W1, "2023-12-01", "2025-01-31"),
            [
                "the bars do not cover the range: 2023-12-01 to 2025-01-31 was requested, the bars are from 2024-01-01 to 2024-12-09; \
                 4 weeks at the start and 7 weeks at the end are missing",
                "the bars have a hole: 5 weeks are missing between 2024-05-13 and 2024-06-24",
            ]
        );
    }
}
