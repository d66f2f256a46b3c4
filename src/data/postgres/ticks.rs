//! Ticks to bars: open first, high highest, low lowest, close last, volume summed.

use super::imported::Columns;
use crate::error::Result;
use crate::market::{Bars, Column, Timeframe, time};
use crate::store::postgres::values::Place;

/// One price.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tick {
    /// UTC microseconds.
    pub micros: i64,
    pub price: f64,
    /// NaN where it is not known.
    pub volume: f64,
    /// Where its row is.
    pub place: Place,
}

impl Tick {
    fn milliseconds(&self) -> i64 {
        self.micros.div_euclid(1000)
    }
}

/// How often something was found, and where first.
#[derive(Debug, Default)]
struct Found {
    count: u64,
    first: i64,
}

impl Found {
    fn note(&mut self, milliseconds: i64) {
        if self.count == 0 {
            self.first = milliseconds;
        }
        self.count += 1;
    }

    fn say(&self, one: &str, many: &str) -> Option<String> {
        let what = if self.count == 1 { one } else { many };
        let first = time::short(self.first);
        (self.count > 0).then(|| format!("{} {what}, the first at {first}", self.count))
    }
}

/// Takes ticks in the order of their times and makes bars of them; an interval without ticks makes none.
#[derive(Debug)]
pub(super) struct Gatherer {
    /// Nothing where each tick is a bar of its own.
    timeframe: Option<Timeframe>,
    columns: Columns,
    /// The last tick, which another of the same time may yet replace.
    pending: Option<Tick>,
    any_volume: bool,
    unusable: Found,
    replaced: Found,
    bad_volumes: Found,
}

impl Gatherer {
    /// Begins.
    pub fn new(timeframe: Option<Timeframe>) -> Self {
        Self {
            timeframe,
            columns: Columns::default(),
            pending: None,
            any_volume: false,
            unusable: Found::default(),
            replaced: Found::default(),
            bad_volumes: Found::default(),
        }
    }

    /// Takes a tick.
    pub fn push(&mut self, mut tick: Tick) {
        let now = tick.milliseconds();
        if !(tick.price > 0.0 && tick.price.is_finite()) {
            self.unusable.note(now);
            return;
        }
        if tick.volume < 0.0 || tick.volume.is_infinite() {
            self.bad_volumes.note(now);
            tick.volume = f64::NAN;
        }
        match &mut self.pending {
            // A bar opens at a whole millisecond, so of ticks that are bars there is one a millisecond.
            Some(last)
                if last.micros == tick.micros
                    || (self.timeframe.is_none() && last.milliseconds() == now) =>
            {
                self.replaced.note(now);
                if tick.place >= last.place || last.micros != tick.micros {
                    *last = tick;
                }
            }
            _ => {
                self.flush();
                self.pending = Some(tick);
            }
        }
    }

    /// Returns how many bars there are so far.
    pub fn bars(&self) -> usize {
        self.columns.times.len()
    }

    /// Adds the last tick to its bar.
    fn flush(&mut self) {
        let Some(tick) = self.pending.take() else { return };
        let known = !tick.volume.is_nan();
        self.any_volume |= known;
        let added = if known { tick.volume } else { 0.0 };
        let now = tick.milliseconds();
        let opening = self.timeframe.map_or(now, |timeframe| timeframe.opening(now));
        let [open, high, low, close, volume] = &mut self.columns.values;
        if self.columns.times.last() == Some(&opening)
            && let (Some(high), Some(low), Some(close), Some(volume)) =
                (high.last_mut(), low.last_mut(), close.last_mut(), volume.last_mut())
        {
            *high = high.max(tick.price);
            *low = low.min(tick.price);
            *close = tick.price;
            *volume += added;
            return;
        }
        self.columns.times.push(opening);
        for column in [open, high, low, close] {
            column.push(tick.price);
        }
        volume.push(added);
    }

    /// Returns the bars and what was wrong with the ticks.
    pub fn finish(mut self) -> Result<(Bars, Vec<String>)> {
        self.flush();
        let warnings = [
            self.unusable.say(
                "tick without a price above 0 was left out",
                "ticks without a price above 0 were left out",
            ),
            self.replaced.say(
                "tick was replaced by a later one of the same time",
                "ticks were replaced by later ones of the same time",
            ),
            self.bad_volumes.say(
                "tick had a volume below 0, which was ignored",
                "ticks had volumes below 0, which were ignored",
            ),
        ];
        let Columns { times, values: [open, high, low, close, volume] } = self.columns;
        let volume = self.any_volume.then(|| Column::from(volume));
        let bars = Bars::new(times, open.into(), high.into(), low.into(), close.into(), volume)?;
        Ok((bars, warnings.into_iter().flatten().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map_parts(timeframe: Option<Timeframe>, ticks: &[(i64, f64, f64)]) -> (Bars, Vec<String>) {
        let mut gatherer = Gatherer::new(timeframe);
        for (micros, price, volume) in ticks {
            gatherer.push(Tick {
                micros: *micros,
                price: *price,
                volume: *volume,
                place: Place::default(),
            });
        }
        gatherer.finish().unwrap()
    }

    const MINUTE: i64 = 60_000_000;

    #[test]
    fn ticks_become_bars_and_gaps_stay_gaps() {
        let ticks = [
            (1, 10.0, 1.0),
            (2, 12.0, 2.0),
            (3, 9.0, f64::NAN),
            (MINUTE - 1, 11.0, 4.0),
            (5 * MINUTE, 20.0, 8.0),
        ];
        let (bars, warnings) = map_parts(Some(Timeframe::M1), &ticks);
        assert_eq!(bars.timestamps(), [0, 5 * MINUTE / 1000]);
        let first = [
            bars.open()[0],
            bars.high()[0],
            bars.low()[0],
            bars.close()[0],
            bars.volume().unwrap()[0],
        ];
        assert_eq!(first, [10.0, 12.0, 9.0, 11.0, 7.0]);
        assert_eq!(warnings, [""; 0]);
    }

    #[test]
    fn without_a_timeframe_each_tick_is_a_bar() {
        let (bars, _) = map_parts(None, &[(1000, 10.0, f64::NAN), (2000, 12.0, f64::NAN)]);
        assert_eq!(
            (bars.timestamps(), &**bars.open(), &**bars.low()),
            (&[1, 2][..], &[10.0, 12.0][..], &[10.0, 12.0][..])
        );
        assert_eq!(bars.volume(), None);
        // Two within a millisecond cannot both be one.
        let (bars, warnings) = map_parts(None, &[(1000, 10.0, 1.0), (1999, 12.0, 2.0)]);
        assert_eq!((bars.timestamps(), &**bars.close()), (&[1][..], &[12.0][..]));
        assert_eq!(warnings.len(), 1);
    }

    #[test]
    fn faults_are_counted_and_dated() {
        let ticks = [
            (0, 0.0, 1.0),
            (1, f64::NAN, 1.0),
            (2, 5.0, -1.0),
            (3, 6.0, 1.0),
            (3, 7.0, 2.0),
            (4, f64::INFINITY, 0.0),
        ];
        let (bars, warnings) = map_parts(Some(Timeframe::M1), &ticks);
        assert_eq!((bars.open()[0], bars.close()[0], bars.volume().unwrap()[0]), (5.0, 7.0, 2.0));
        assert_eq!(
            warnings,
            [
                "3 ticks without a price above 0 were left out, the first at 1970-01-01",
                "1 tick was replaced by a later one of the same time, the first at 1970-01-01",
                "1 tick had a volume below 0, which was ignored, the first at 1970-01-01",
            ]
        );
    }
}
