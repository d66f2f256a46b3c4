//! How results per bar become results per year.
//!
//! Markets differ: stocks trade on about 252 days a year, six and a half hours a day, others never close. The bars show which
//! it is.

use std::borrow::Borrow;

use super::coverage::{TradingDays, open_weekdays};
use super::time::DAY;
use crate::numbers::{count_to_f64, millis_to_f64};

/// Trading days a year of markets that close at weekends, by convention.
const WORKDAYS: f64 = 252.0;

/// Days a year of markets that never close.
const CALENDAR_DAYS: f64 = 365.0;

/// Days between two dates that make a year: the average with leap years.
const DAYS_OF_GROWTH: f64 = 365.25;

/// The number of bars per year, and the number of years that the bars span.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Annualization {
    /// The number of bars per year; `None` for bars at irregular times, which have no annual figures.
    pub bars_per_year: Option<f64>,
    /// The years between the first and the last bar. `None` if the number of bars ÷ `bars_per_year` is to be taken.
    pub years: Option<f64>,
    basis: Basis,
}

/// Where the number of bars per year comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Basis {
    /// A setting: days per year, and the length of a bar in days.
    YearDays { year_days: f64, bar_days: f64 },
    /// The trading days of the bars.
    TradingDays { year_days: f64, weekdays: usize, bars_per_day: f64 },
    /// The length of bars that are longer than a day, in days.
    LongBars { bar_days: f64 },
    /// Nothing: bars without timestamps, of a length in days.
    NoTimestamps { bar_days: f64 },
    /// There is no number, because bars are at irregular times.
    Irregular,
}

impl Annualization {
    /// Annualizes with a number of days per year, as vectorbt does: days per year ÷ days per bar. `bar_milliseconds` is `None`
    /// for bars at irregular times.
    pub fn with_year_days(year_days: f64, bar_milliseconds: Option<i64>) -> Self {
        let Some(bar_days) = bar_milliseconds.map(days) else { return Self::IRREGULAR };
        Self {
            bars_per_year: Some(year_days / bar_days),
            years: None,
            basis: Basis::YearDays { year_days, bar_days },
        }
    }

    /// Annualizes by the days on which there are bars: 365 days if there are bars on all seven days of the week, else 252, times the
    /// median number of bars on a day with bars. Bars longer than a day are counted by their length. `timestamps` ascend; without
    /// any, 252 days are assumed.
    pub fn from_bars(timestamps: &[i64], bar_milliseconds: Option<i64>) -> Self {
        Self::from_days(|| TradingDays::of(timestamps), timestamps, bar_milliseconds)
    }

    /// Does the same, given the days of the timestamps.
    pub fn with_days(
        days: &TradingDays,
        timestamps: &[i64],
        bar_milliseconds: Option<i64>,
    ) -> Self {
        Self::from_days(|| days, timestamps, bar_milliseconds)
    }

    fn from_days<D: Borrow<TradingDays>>(
        trading_days: impl FnOnce() -> D,
        timestamps: &[i64],
        bar_milliseconds: Option<i64>,
    ) -> Self {
        let Some(bar_days) = bar_milliseconds.map(days) else { return Self::IRREGULAR };
        let years = years_between(timestamps);
        let (bars_per_year, basis) = if bar_days > 1.0 {
            (CALENDAR_DAYS / bar_days, Basis::LongBars { bar_days })
        } else if timestamps.is_empty() {
            (WORKDAYS / bar_days, Basis::NoTimestamps { bar_days })
        } else {
            let found = trading_days();
            let TradingDays(days) = found.borrow();
            let weekdays = open_weekdays(days).into_iter().filter(|is_open| *is_open).count();
            let year_days = if weekdays == 7 { CALENDAR_DAYS } else { WORKDAYS };
            let bars_per_day = median(days.iter().map(|day| day.bars).collect());
            (year_days * bars_per_day, Basis::TradingDays { year_days, weekdays, bars_per_day })
        };
        Self { bars_per_year: Some(bars_per_year), years, basis }
    }

    /// Returns the annualization of a part of the bars: with as many bars per year, and the years that the part spans.
    #[must_use]
    pub fn of_part(self, timestamps: &[i64]) -> Self {
        let years = self.years.and_then(|_| years_between(timestamps));
        Self { years, ..self }
    }

    const IRREGULAR: Self = Self { bars_per_year: None, years: None, basis: Basis::Irregular };

    /// Describes where the number of bars per year comes from.
    pub fn describe(&self) -> String {
        let per_day = |bars: f64| format!("{bars} {} a day", plural(bars, "bar"));
        match self.basis {
            Basis::YearDays { year_days, bar_days } => {
                format!("yearDays {year_days} ÷ {bar_days} {} a bar", plural(bar_days, "day"))
            }
            Basis::TradingDays { year_days, weekdays: 7, bars_per_day } => format!(
                "{year_days} days a year, because there are bars on all 7 days of the week, × {}",
                per_day(bars_per_day)
            ),
            Basis::TradingDays { year_days, weekdays, bars_per_day } => format!(
                "{year_days} days a year, because there are bars on {weekdays} of the 7 days of the week, × {}",
                per_day(bars_per_day)
            ),
            Basis::LongBars { bar_days } => {
                format!("{CALENDAR_DAYS} days a year ÷ {bar_days} days a bar")
            }
            Basis::NoTimestamps { bar_days } => format!(
                "{WORKDAYS} days a year ÷ {bar_days} {} a bar: an assumption, because there are no timestamps",
                plural(bar_days, "day")
            ),
            Basis::Irregular => "the bars are at irregular times".to_owned(),
        }
    }
}

/// Returns the years between the first and the last of ascending timestamps; `None` for fewer than two.
fn years_between(timestamps: &[i64]) -> Option<f64> {
    let (first, last) = timestamps.first().zip(timestamps.last())?;
    let years = days(last.saturating_sub(*first)) / DAYS_OF_GROWTH;
    (years > 0.0).then_some(years)
}

fn plural(count: f64, noun: &str) -> String {
    if count.to_bits() == 1.0_f64.to_bits() { noun.to_owned() } else { format!("{noun}s") }
}

fn days(milliseconds: i64) -> f64 {
    millis_to_f64(milliseconds) / millis_to_f64(DAY)
}

/// Returns the median; the mean of the two in the middle for an even number of values.
fn median(mut values: Vec<usize>) -> f64 {
    values.sort_unstable();
    let at = |index: usize| values.get(index).copied().map_or(0.0, count_to_f64);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        at(middle)
    } else {
        f64::midpoint(at(middle.saturating_sub(1)), at(middle))
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the results are exact")]
mod tests {
    use super::*;
    use crate::market::time;

    const HOUR: i64 = 3_600_000;

    /// The days from a Monday on that `is_open` keeps, with bars at these hours.
    fn bars(days: i64, hours: &[i64], is_open: impl Fn(i64) -> bool) -> Vec<i64> {
        let monday = time::parse("2020-01-06").unwrap();
        (0..days)
            .filter(|day| is_open(*day))
            .flat_map(|day| hours.iter().map(move |hour| monday + day * DAY + hour * HOUR))
            .collect()
    }

    fn weekday(day: i64) -> bool {
        day % 7 < 5
    }

    #[test]
    fn the_days_and_bars_per_day_of_a_market_are_found() {
        let per_year = |timestamps: &[i64], length: i64| {
            Annualization::from_bars(timestamps, Some(length)).bars_per_year.unwrap()
        };
        assert_eq!(per_year(&bars(100, &[0], weekday), DAY), 252.0);
        assert_eq!(per_year(&bars(100, &[0], |_| true), DAY), 365.0);
        let session: Vec<i64> = (14..21).collect();
        assert_eq!(per_year(&bars(100, &session, weekday), HOUR), 252.0 * 7.0);
        let day: Vec<i64> = (0..24).collect();
        assert_eq!(per_year(&bars(10, &day, |_| true), HOUR), 365.0 * 24.0);
        // Foreign exchange: two hours on Sunday evening, none on Saturday.
        let mut forex = bars(100, &day, weekday);
        forex.extend(bars(100, &[22, 23], |day| day % 7 == 6));
        forex.sort_unstable();
        assert_eq!(per_year(&forex, HOUR), 252.0 * 24.0);
        // Half days, a holiday, and a session on one Saturday change nothing.
        let mut stocks = bars(100, &session, |day| weekday(day) && day != 9 && day != 17);
        stocks.extend(bars(100, &[14, 15], |day| day == 17 || day == 19));
        stocks.sort_unstable();
        assert_eq!(per_year(&stocks, HOUR), 252.0 * 7.0);
        // Longer bars.
        let weeks = bars(700, &[0], |day| day % 7 == 0);
        assert_eq!(per_year(&weeks, 7 * DAY), 365.0 / 7.0);
        assert_eq!(per_year(&[], DAY), 252.0);
    }

    #[test]
    fn years_are_those_between_the_first_and_the_last_bar() {
        let timestamps = [time::parse("2008-01-02").unwrap(), time::parse("2012-12-31").unwrap()];
        let found = Annualization::from_bars(&timestamps, Some(DAY));
        assert_eq!(found.years, Some(1825.0 / 365.25));
        assert_eq!(Annualization::from_bars(&timestamps[..1], Some(DAY)).years, None);
        assert_eq!(Annualization::with_year_days(252.0, Some(DAY)).years, None);
    }

    #[test]
    fn the_source_is_described() {
        let text = |found: Annualization| found.describe();
        assert_eq!(
            text(Annualization::from_bars(&bars(100, &[0], weekday), Some(DAY))),
            "252 days a year, because there are bars on 5 of the 7 days of the week, × 1 bar a day"
        );
        assert_eq!(
            text(Annualization::from_bars(&bars(100, &[0, 12], |_| true), Some(DAY / 2))),
            "365 days a year, because there are bars on all 7 days of the week, × 2 bars a day"
        );
        assert_eq!(
            text(Annualization::with_year_days(365.0, Some(DAY))),
            "yearDays 365 ÷ 1 day a bar"
        );
        assert_eq!(text(Annualization::from_bars(&[], None)), "the bars are at irregular times");
        assert_eq!(Annualization::with_year_days(365.0, None).bars_per_year, None);
    }
}
