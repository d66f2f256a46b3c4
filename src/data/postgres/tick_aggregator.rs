//! Aggregates ticks into bars: first, highest, lowest and last price, sum of the volumes.

use crate::data::ohlcv_columns::OhlcvColumns;
use crate::db::postgres::RowPosition;
use crate::error::Result;
use crate::market::{Bars, Column, Timeframe, time};

/// A price at a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tick {
    /// The time, UTC microseconds.
    pub micros: i64,
    pub price: f64,
    /// NaN if unknown.
    pub volume: f64,
    /// The position of its row.
    pub position: RowPosition,
}

impl Tick {
    fn milliseconds(&self) -> i64 {
        self.micros.div_euclid(1000)
    }
}

/// How often a fault occurred, and when first.
#[derive(Debug, Default)]
struct FaultCount {
    count: u64,
    first: i64,
}

impl FaultCount {
    fn add(&mut self, milliseconds: i64) {
        if self.count == 0 {
            self.first = milliseconds;
        }
        self.count += 1;
    }

    fn warning(&self, one: &str, many: &str) -> Option<String> {
        let what = if self.count == 1 { one } else { many };
        let first = time::short(self.first);
        (self.count > 0).then(|| format!("{} {what}, the first at {first}", self.count))
    }
}

/// Aggregates ticks that are sorted by time. An interval without ticks makes no bar.
#[derive(Debug)]
pub(super) struct TickAggregator {
    /// `None` if each tick is a bar.
    timeframe: Option<Timeframe>,
    columns: OhlcvColumns,
    /// The last tick. The next one replaces it if it has the same time.
    pending: Option<Tick>,
    has_volume: bool,
    invalid_prices: FaultCount,
    replaced: FaultCount,
    invalid_volumes: FaultCount,
}

impl TickAggregator {
    /// Creates an aggregator. Without a timeframe, each tick is a bar.
    pub fn new(timeframe: Option<Timeframe>) -> Self {
        Self {
            timeframe,
            columns: OhlcvColumns::default(),
            pending: None,
            has_volume: false,
            invalid_prices: FaultCount::default(),
            replaced: FaultCount::default(),
            invalid_volumes: FaultCount::default(),
        }
    }

    /// Adds a tick.
    pub fn push(&mut self, mut tick: Tick) {
        let now = tick.milliseconds();
        if !(tick.price > 0.0 && tick.price.is_finite()) {
            self.invalid_prices.add(now);
            return;
        }
        if tick.volume < 0.0 || tick.volume.is_infinite() {
            self.invalid_volumes.add(now);
            tick.volume = f64::NAN;
        }
        match &mut self.pending {
            // Opening times are milliseconds, so there can be one bar per millisecond.
            Some(last)
                if last.micros == tick.micros
                    || (self.timeframe.is_none() && last.milliseconds() == now) =>
            {
                self.replaced.add(now);
                if tick.position >= last.position || last.micros != tick.micros {
                    *last = tick;
                }
            }
            _ => {
                self.flush();
                self.pending = Some(tick);
            }
        }
    }

    /// Returns the number of bars so far, without the last tick.
    pub fn bars(&self) -> usize {
        self.columns.len()
    }

    /// Adds the last tick to its bar.
    fn flush(&mut self) {
        let Some(tick) = self.pending.take() else { return };
        let is_known = !tick.volume.is_nan();
        self.has_volume |= is_known;
        let added = if is_known { tick.volume } else { 0.0 };
        let now = tick.milliseconds();
        let opening = self.timeframe.map_or(now, |timeframe| timeframe.opening(now));
        let [open, high, low, close, volume] = &mut self.columns.values;
        if self.columns.timestamps.last() == Some(&opening)
            && let (Some(high), Some(low), Some(close), Some(volume)) =
                (high.last_mut(), low.last_mut(), close.last_mut(), volume.last_mut())
        {
            *high = high.max(tick.price);
            *low = low.min(tick.price);
            *close = tick.price;
            *volume += added;
            return;
        }
        self.columns.timestamps.push(opening);
        for column in [open, high, low, close] {
            column.push(tick.price);
        }
        volume.push(added);
    }

    /// Returns the bars and warnings about faulty ticks.
    pub fn finish(mut self) -> Result<(Bars, Vec<String>)> {
        self.flush();
        let warnings = [
            self.invalid_prices.warning(
                "tick without a price above 0 was skipped",
                "ticks without a price above 0 were skipped",
            ),
            self.replaced.warning(
                "tick was replaced by a later one with the same time",
                "ticks were replaced by later ones with the same time",
            ),
            self.invalid_volumes.warning(
                "tick had a volume below 0, which was ignored",
                "ticks had volumes below 0, which were ignored",
            ),
        ];
        let OhlcvColumns { timestamps, values: [open, high, low, close, volume] } = self.columns;
        let volume = self.has_volume.then(|| Column::from(volume));
        let bars =
            Bars::new(timestamps, open.into(), high.into(), low.into(), close.into(), volume)?;
        Ok((bars, warnings.into_iter().flatten().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aggregate(timeframe: Option<Timeframe>, ticks: &[(i64, f64, f64)]) -> (Bars, Vec<String>) {
        let mut aggregator = TickAggregator::new(timeframe);
        for (micros, price, volume) in ticks {
            aggregator.push(Tick {
                micros: *micros,
                price: *price,
                volume: *volume,
                position: RowPosition::default(),
            });
        }
        aggregator.finish().unwrap()
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
        let (bars, warnings) = aggregate(Some(Timeframe::M1), &ticks);
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
        let (bars, _) = aggregate(None, &[(1000, 10.0, f64::NAN), (2000, 12.0, f64::NAN)]);
        assert_eq!(
            (bars.timestamps(), &**bars.open(), &**bars.low()),
            (&[1, 2][..], &[10.0, 12.0][..], &[10.0, 12.0][..])
        );
        assert_eq!(bars.volume(), None);
        // Two ticks within a millisecond make one bar.
        let (bars, warnings) = aggregate(None, &[(1000, 10.0, 1.0), (1999, 12.0, 2.0)]);
        assert_eq!((bars.timestamps(), &**bars.close()), (&[1][..], &[12.0][..]));
        assert_eq!(warnings.len(), 1);
    }

    #[test]
    fn warnings_count_the_faults_and_name_the_first() {
        let ticks = [
            (0, 0.0, 1.0),
            (1, f64::NAN, 1.0),
            (2, 5.0, -1.0),
            (3, 6.0, 1.0),
            (3, 7.0, 2.0),
            (4, f64::INFINITY, 0.0),
        ];
        let (bars, warnings) = aggregate(Some(Timeframe::M1), &ticks);
        assert_eq!((bars.open()[0], bars.close()[0], bars.volume().unwrap()[0]), (5.0, 7.0, 2.0));
        assert_eq!(
            warnings,
            [
                "3 ticks without a price above 0 were skipped, the first at 1970-01-01",
                "1 tick was replaced by a later one with the same time, the first at 1970-01-01",
                "1 tick had a volume below 0, which was ignored, the first at 1970-01-01",
            ]
        );
    }
}
