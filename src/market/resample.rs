//! Resampling of bars to a coarser timeframe.
//!
//! A coarser bar has the open of its first bar, the highest high, the lowest low, the close of its last bar and the sum of
//! the volumes. [`Timeframe::opening`] defines its opening time. An interval without bars produces no bar.

use super::overflow::OVERFLOW;
use super::{Bars, Column, Timeframe, time, time::DAY};
use crate::error::{Code, Error, Issue, Result};
use crate::quote::counted;

/// Resamples bars to a coarser timeframe.
///
/// A bar belongs to the interval that contains its opening time. Bars that already have the timeframe keep their values,
/// and their timestamps move to the start of the interval: a daily bar stamped 14:30 moves to midnight.
///
/// # Errors
/// - `INVALID_ARGUMENT` if the timeframe is finer than the median step of the bars, or no multiple of it (4h to 6h).
/// - `BAD_DATA` if the volumes of an interval add up to infinity.
pub fn resample(bars: &Bars, to: Timeframe) -> Result<Bars> {
    check(bars, to)?;
    let timestamps = bars.timestamps();
    let (mut openings, mut starts) = (Vec::new(), Vec::new());
    for (bar, &timestamp) in timestamps.iter().enumerate() {
        let opening = to.opening(timestamp);
        if openings.last() != Some(&opening) {
            openings.push(opening);
            starts.push(bar);
        }
    }
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([bars.len()]).collect();
    let combine = |column: &Column, reduce: fn(&[f64]) -> Option<f64>| -> Column {
        starts
            .iter()
            .zip(&ends)
            .filter_map(|(&start, &end)| column.get(start..end).and_then(reduce))
            .collect()
    };
    let volume = bars.volume().map(|volume| combine(volume, |values| Some(values.iter().sum())));
    check_volume(volume.as_deref(), &openings, to)?;
    Bars::new(
        openings,
        combine(bars.open(), |values| values.first().copied()),
        combine(bars.high(), |values| values.iter().copied().reduce(f64::max)),
        combine(bars.low(), |values| values.iter().copied().reduce(f64::min)),
        combine(bars.close(), |values| values.last().copied()),
        volume,
    )
}

/// Checks the volumes of coarser bars. They are sums, so that finite volumes can overflow.
///
/// # Errors
/// `BAD_DATA` naming the first bar whose volume overflows.
pub fn check_volume(volume: Option<&[f64]>, openings: &[i64], to: Timeframe) -> Result<()> {
    let overflow = volume.and_then(|volume| volume.iter().position(|sum| sum.is_infinite()));
    let Some(bar) = overflow else { return Ok(()) };
    let date = openings.get(bar).map_or_else(String::new, |&opening| time::short(opening));
    let message = format!(
        "the volume of {to} bar {bar} ({date}) is outside the range of 64-bit floating-point numbers; scale the volumes"
    );
    let path = format!("bars.volume[{bar}]");
    Err(Error::with_issues(Code::BadData, vec![Issue::new(path, OVERFLOW, message)]))
}

fn check(bars: &Bars, to: Timeframe) -> Result<()> {
    let Some(step) = bars.median_step() else { return Ok(()) };
    let found = Timeframe::from_milliseconds(step)
        .map_or_else(|| duration(step), |timeframe| timeframe.as_str().to_owned());
    if step > to.milliseconds() {
        return Err(Error::invalid(
            "timeframe",
            "range",
            format!("timeframe {to} is finer than the bars, which are {found} apart"),
        ));
    }
    if Timeframe::from_milliseconds(step).is_some() && to.milliseconds() % step != 0 {
        return Err(Error::invalid(
            "timeframe",
            "range",
            format!("{found} bars cannot be resampled to {to}: choose a multiple of {found}"),
        ));
    }
    Ok(())
}

/// Formats a duration for a message.
fn duration(milliseconds: i64) -> String {
    let counted = |count: i64, unit: &str| counted(usize::try_from(count).unwrap_or(0), unit);
    match milliseconds {
        step if step % DAY == 0 => counted(step / DAY, "day"),
        step if step % 60_000 == 0 => counted(step / 60_000, "minute"),
        step if step % 1000 == 0 => counted(step / 1000, "second"),
        step => format!("{step} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bars that open at these times. The prices of bar `i` are 10 + i, 12 + i, 9 + i and 11 + i, its volume is i + 1.
    fn bars(times: &[&str]) -> Bars {
        let timestamps = times.iter().map(|time| time::parse(time).unwrap()).collect();
        let column = |base: f64| {
            (0..u32::try_from(times.len()).unwrap())
                .map(|bar| base + f64::from(bar))
                .collect::<Column>()
        };
        Bars::new(
            timestamps,
            column(10.0),
            column(12.0),
            column(9.0),
            column(11.0),
            Some(column(1.0)),
        )
        .unwrap()
    }

    fn openings(bars: &Bars) -> Vec<String> {
        bars.timestamps().iter().map(|&timestamp| time::short(timestamp)).collect()
    }

    #[test]
    fn days_become_weeks_from_monday() {
        // The expected values come from pandas 3.1.1: `resample('W-MON', label='left', closed='left')` on the same rows.
        let days = bars(&[
            "2020-01-02",
            "2020-01-03",
            "2020-01-06",
            "2020-01-07",
            "2020-01-10",
            "2020-01-20",
        ]);
        let weeks = resample(&days, Timeframe::W1).unwrap();
        assert_eq!(openings(&weeks), ["2019-12-30", "2020-01-06", "2020-01-20"]);
        assert_eq!(&**weeks.open(), [10.0, 12.0, 15.0]);
        assert_eq!(&**weeks.high(), [13.0, 16.0, 17.0]);
        assert_eq!(&**weeks.low(), [9.0, 11.0, 14.0]);
        assert_eq!(&**weeks.close(), [12.0, 15.0, 16.0]);
        assert_eq!(&**weeks.volume().unwrap(), [3.0, 12.0, 6.0]);
    }

    #[test]
    fn an_interval_without_bars_produces_no_bar() {
        let minutes =
            bars(&["2020-01-01T00:58", "2020-01-01T00:59", "2020-01-01T03:00", "2020-01-01T03:01"]);
        assert_eq!(
            openings(&resample(&minutes, Timeframe::H1).unwrap()),
            ["2020-01-01", "2020-01-01T03:00:00.000Z"]
        );
    }

    #[test]
    fn daily_bars_stamped_at_the_exchange_opening_move_to_midnight() {
        let days = bars(&["2020-01-02T14:30", "2020-01-03T14:30"]);
        assert_eq!(
            openings(&resample(&days, Timeframe::D1).unwrap()),
            ["2020-01-02", "2020-01-03"]
        );
    }

    #[test]
    fn a_finer_timeframe_and_one_that_is_no_multiple_are_refused() {
        let days = bars(&["2020-01-02", "2020-01-03", "2020-01-06"]);
        let error = resample(&days, Timeframe::H1).unwrap_err();
        assert_eq!(error.code, Code::InvalidArgument);
        assert_eq!(error.message, "timeframe 1h is finer than the bars, which are 1d apart");
        let four_hourly = bars(&["2020-01-02T00:00", "2020-01-02T04:00", "2020-01-02T08:00"]);
        assert!(
            resample(&four_hourly, Timeframe::H6)
                .unwrap_err()
                .message
                .contains("4h bars cannot be resampled to 6h: choose a multiple of 4h")
        );
        assert_eq!(resample(&four_hourly, Timeframe::H8).unwrap().len(), 2);
    }

    #[test]
    fn a_volume_that_overflows_is_reported_with_its_bar() {
        let days = bars(&["2020-01-06", "2020-01-07"]);
        let column = |value: f64| vec![value; 2].into();
        let days = Bars::new(
            days.timestamps().to_vec(),
            column(1.0),
            column(1.0),
            column(1.0),
            column(1.0),
            Some(column(1.5e308)),
        );
        let error = resample(&days.unwrap(), Timeframe::W1).unwrap_err();
        assert_eq!(error.code, Code::BadData);
        assert!(error.message.starts_with("the volume of 1w bar 0 (2020-01-06) is outside"));
    }

    #[test]
    fn one_bar_and_no_bars_are_resampled() {
        assert_eq!(resample(&bars(&[]), Timeframe::H1).unwrap().len(), 0);
        assert_eq!(
            openings(&resample(&bars(&["2020-01-01T00:58"]), Timeframe::H1).unwrap()),
            ["2020-01-01"]
        );
    }
}
