//! Notes about the bars of a run: what they cover, and what looks wrong.

use crate::data::MeasuredBars;
use crate::market::coverage::{Coverage, TradingDays};
use crate::market::intervals::shared_interval;
use crate::market::price_jumps::price_jumps;
use crate::market::raw::unmoved_local_days;
use crate::market::{Annualization, Bars, Interval, Timeframe};
use crate::note::Note;

/// Measures bars that were loaded for a range. Returns notes about them, too, the most serious first.
pub(super) fn of_loaded(
    bars: &Bars,
    interval: Interval,
    start: i64,
    end: i64,
) -> (Vec<Note>, MeasuredBars) {
    let timestamps = bars.timestamps();
    let days = TradingDays::of(timestamps);
    let coverage = Coverage::with_days(&days, timestamps, interval, start, end);
    let bar_milliseconds = interval.timeframe().map(Timeframe::milliseconds);
    let annualization = Annualization::with_days(&days, timestamps, bar_milliseconds);
    let measured = MeasuredBars { missing: coverage.missing_bars(), annualization };
    let mut notes = coverage.notes(timestamps, start, end);
    notes.extend(price_jumps(Some(bars.open()), bars.close(), timestamps));
    notes.extend(
        interval.timeframe().and_then(|timeframe| unmoved_local_days(timestamps, timeframe)),
    );
    (notes, measured)
}

/// Returns notes about bars of a request, of which two may lie in one interval.
pub(super) fn of_request(bars: &Bars, interval: Interval) -> Vec<Note> {
    let timeframe = interval.timeframe();
    let shared = timeframe.and_then(|timeframe| shared_interval(bars.timestamps(), timeframe));
    shared.into_iter().collect()
}

/// Returns notes about prices with timestamps, which may be empty, `step` milliseconds apart.
pub(super) fn of_columns(
    open: Option<&[f64]>,
    close: &[f64],
    timestamps: &[i64],
    step: Option<i64>,
) -> Vec<Note> {
    let timeframe = step.and_then(Timeframe::from_milliseconds);
    let mut notes: Vec<Note> = Vec::new();
    if let (Some(timeframe), Some(&first), Some(&last)) =
        (timeframe, timestamps.first(), timestamps.last())
    {
        notes.extend(
            Coverage::new(timestamps, timeframe.into(), first, last).notes(timestamps, first, last),
        );
        notes.extend(shared_interval(timestamps, timeframe));
    }
    notes.extend(price_jumps(open, close, timestamps));
    notes
}
