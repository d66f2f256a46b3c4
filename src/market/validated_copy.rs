//! Columns of somebody else, copied and checked in one pass.
//!
//! Memory is what this costs: a block is checked while it is near, not read a second time, and several hands carry more
//! than one. What is wrong with columns that are refused is found by whoever tells of it.

use std::ops::Range;

use super::{Bars, Column, time};
use crate::compute::column_writer::ColumnWriter;
use crate::compute::multiversion::multiversion;
use crate::compute::parallel::{Executor, Sections, write_column, write_columns};

/// Values a block.
const BLOCK: usize = 512;

/// Values that one hand takes at a time.
const SECTION: usize = 1 << 15;

/// Bars that stay their owner's.
#[derive(Debug, Clone, Copy)]
pub struct BorrowedBars<'a> {
    /// Openings of the bars, UTC milliseconds.
    pub timestamps: &'a [f64],
    /// Opening prices.
    pub open: &'a [f64],
    /// Highest prices.
    pub high: &'a [f64],
    /// Lowest prices.
    pub low: &'a [f64],
    /// Closing prices.
    pub close: &'a [f64],
    /// Traded volumes.
    pub volume: Option<&'a [f64]>,
}

/// Copies numbers that are read soon, and tells whether all of them are finite and above 0, as prices are.
pub fn copied(values: &[f64], executor: &dyn Executor) -> (Column, bool) {
    let (copy, are_prices) =
        write_column(executor, Sections::new(values.len(), SECTION), |section, writer| {
            copied_numbers(values.get(section).unwrap_or(&[]), writer)
        });
    (copy.into(), !are_prices.contains(&false))
}

multiversion! {
    fn copied_numbers(values: &[f64], writer: &mut ColumnWriter<'_>) -> bool {
        let mut are_prices = true;
        for block in values.chunks(BLOCK) {
            for value in block {
                are_prices &= (*value > 0.0) & (*value < f64::INFINITY);
            }
            writer.extend_from_slice(block);
        }
        are_prices
    }
}

/// Timestamps that are whole milliseconds, each after the one before.
#[derive(Debug, Clone, Default)]
pub struct Timestamps {
    /// UTC milliseconds.
    pub values: Column<i64>,
    /// The distance of the first two.
    pub step: i64,
    /// How many come this long after the one before.
    pub regular: usize,
}

impl Timestamps {
    /// Copies timestamps; nothing where one is not whole, far away, or not after the one before.
    pub fn of(milliseconds: &[f64], executor: &dyn Executor) -> Option<Self> {
        let step = match milliseconds {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "if it is not whole, all are refused"
            )]
            [first, second, ..] => (second - first) as i64,
            _ => 0,
        };
        let cut = Sections::new(milliseconds.len(), SECTION);
        let ([whole], sections) = write_columns(executor, cut, |section, [writer]| {
            read_moments(milliseconds, section, step, writer)
        });
        let regular = sections.into_iter().sum::<Option<usize>>()?;
        (whole.len() == milliseconds.len()).then(|| Self { values: whole.into(), step, regular })
    }

    /// Returns the median distance of two timestamps, if more than half of them are of the first one's.
    pub fn median_step(&self) -> Option<i64> {
        (self.regular > self.values.len() / 2).then_some(self.step)
    }
}

multiversion! {
    /// Copies the timestamps of a section; returns how many come a step after the one before, nothing where they are not
    /// sound. The timestamp before the section is looked at too.
    fn read_moments(
        milliseconds: &[f64],
        section: Range<usize>,
        step: i64,
        writer: &mut ColumnWriter<'_, i64>,
    ) -> Option<usize> {
        let mut before = None;
        if let Some(bar) = section.start.checked_sub(1) {
            let mut whole = [0];
            if !time::to_whole(milliseconds.get(bar..=bar)?, &mut whole) {
                return None;
            }
            before = Some(whole[0]);
        }
        let (mut rise, mut regular) = (true, 0);
        let mut whole = [0; BLOCK];
        for block in milliseconds.get(section)?.chunks(BLOCK) {
            let whole = whole.get_mut(..block.len())?;
            if !time::to_whole(block, whole) {
                return None;
            }
            if step > 0 && before.is_some_and(|before| are_regular(before, step, whole)) {
                regular += whole.len();
                writer.extend_from_slice(whole);
                before = whole.last().copied();
                continue;
            }
            if let (Some(before), Some(&first)) = (before, whole.first()) {
                rise &= before < first;
                regular += usize::from(first - before == step);
            }
            for (earlier, later) in whole.iter().zip(whole.get(1..)?) {
                rise &= earlier < later;
                regular += usize::from(later - earlier == step);
            }
            writer.extend_from_slice(whole);
            before = whole.last().copied();
        }
        rise.then_some(regular)
    }
}

/// Returns whether each timestamp comes a step after the one before: the comparison of numbers that need not be counted.
#[inline(always)]
fn are_regular(before: i64, step: i64, timestamps: &[i64]) -> bool {
    let mut same = timestamps.first().is_some_and(|first| first - before == step);
    let later = timestamps.get(1..).unwrap_or(&[]);
    for (earlier, later) in timestamps.iter().zip(later) {
        same &= later - earlier == step;
    }
    same
}

impl Bars {
    /// Copies bars; nothing where they break an invariant, of which [`Bars::new`] tells more.
    pub fn copied(borrowed: &BorrowedBars<'_>, executor: &dyn Executor) -> Option<Self> {
        let bars = borrowed.timestamps.len();
        let columns_of_prices = [borrowed.open, borrowed.high, borrowed.low, borrowed.close];
        let lengths = columns_of_prices.iter().chain(&borrowed.volume);
        if lengths.into_iter().any(|column| column.len() != bars) {
            return None;
        }
        let timestamps = Timestamps::of(borrowed.timestamps, executor)?;
        let cut = Sections::new(bars, SECTION);
        let (prices, sound) = write_columns(executor, cut, |section, writers| {
            copied_prices(columns_of_prices, section, writers)
        });
        if prices[0].len() != bars || sound.contains(&false) {
            return None;
        }
        let volume = match borrowed.volume {
            Some(volume) => Some(copied_volumes(volume, executor)?),
            None => None,
        };
        let step = timestamps.median_step();
        let volume = volume.map(Column::from);
        Some(Self::sound(timestamps.values, prices.map(Column::from), volume, step))
    }
}

multiversion! {
    /// Copies opens, highs, lows and closes of a section; returns whether they keep the invariants.
    fn copied_prices(
        prices: [&[f64]; 4],
        section: Range<usize>,
        writers: [&mut ColumnWriter<'_>; 4],
    ) -> bool {
        let (mut writers, mut sound) = (writers, true);
        for start in section.clone().step_by(BLOCK) {
            let bars = start..section.end.min(start + BLOCK);
            let blocks = prices.map(|column| column.get(bars.clone()).unwrap_or(&[]));
            sound &= prices_are_sound(blocks[0], blocks[1], blocks[2], blocks[3]);
            for (writer, block) in writers.iter_mut().zip(blocks) {
                writer.extend_from_slice(block);
            }
        }
        sound
    }
}

fn copied_volumes(volume: &[f64], executor: &dyn Executor) -> Option<Vec<f64>> {
    let (copy, sound) =
        write_column(executor, Sections::new(volume.len(), SECTION), |section, writer| {
            copied_volume(volume.get(section).unwrap_or(&[]), writer)
        });
    (copy.len() == volume.len() && !sound.contains(&false)).then_some(copy)
}

multiversion! {
    fn copied_volume(volume: &[f64], writer: &mut ColumnWriter<'_>) -> bool {
        let mut sound = true;
        for block in volume.chunks(BLOCK) {
            sound &= volumes_are_sound(block);
            writer.extend_from_slice(block);
        }
        sound
    }
}

/// Returns whether prices keep the invariants of [`Bars`].
#[inline(always)]
pub(super) fn prices_are_sound(open: &[f64], high: &[f64], low: &[f64], close: &[f64]) -> bool {
    let mut sound = true;
    for (((&open, &high), &low), &close) in open.iter().zip(high).zip(low).zip(close) {
        sound &= is_sound(open, high, low, close);
    }
    sound
}

#[inline(always)]
fn is_sound(open: f64, high: f64, low: f64, close: f64) -> bool {
    // A NaN fails each of these comparisons.
    (low > 0.0)
        & (high < f64::INFINITY)
        & (low <= open)
        & (low <= close)
        & (open <= high)
        & (close <= high)
}

/// Returns whether volumes keep the invariants of [`Bars`].
#[inline(always)]
pub(super) fn volumes_are_sound(volume: &[f64]) -> bool {
    let mut sound = true;
    for volume in volume {
        sound &= (0.0..f64::INFINITY).contains(volume);
    }
    sound
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::parallel::Sequential;
    use crate::market::bars::median_step;
    use proptest::prelude::*;

    fn copied_rows(timestamps: &[f64], rows: &[[f64; 4]], volume: Option<&[f64]>) -> Option<Bars> {
        let column = |index: usize| rows.iter().map(|row| row[index]).collect::<Vec<f64>>();
        let (open, high, low, close) = (column(0), column(1), column(2), column(3));
        let borrowed =
            BorrowedBars { timestamps, open: &open, high: &high, low: &low, close: &close, volume };
        Bars::copied(&borrowed, &Sequential)
    }

    /// The same bars by the way that names every fault.
    fn checked(timestamps: &[f64], rows: &[[f64; 4]], volume: Option<&[f64]>) -> Option<Bars> {
        let column = |index: usize| rows.iter().map(|row| row[index]).collect::<Column>();
        #[expect(clippy::cast_possible_truncation, reason = "compared right here")]
        let whole: Vec<i64> = timestamps.iter().map(|timestamp| *timestamp as i64).collect();
        #[expect(
            clippy::cast_precision_loss,
            clippy::float_cmp,
            reason = "whole numbers are equal"
        )]
        let same =
            whole.iter().zip(timestamps).all(|(whole, timestamp)| *whole as f64 == *timestamp);
        let volume = volume.map(|volume| volume.to_vec().into());
        same.then(|| Bars::new(whole, column(0), column(1), column(2), column(3), volume).ok())?
    }

    #[test]
    fn blocks_and_their_seams_are_checked() {
        for bars in [0, 1, 2, 511, 512, 513, 1_025] {
            let timestamps: Vec<f64> =
                (0..bars).map(|bar| f64::from(bar) * 60_000.0 - 7.0).collect();
            let rows = vec![[10.0, 12.0, 9.0, 11.0]; timestamps.len()];
            let volume = vec![3.0; timestamps.len()];
            let found = copied_rows(&timestamps, &rows, Some(&volume)).unwrap();
            assert_eq!(Some(&found), checked(&timestamps, &rows, Some(&volume)).as_ref());
            assert_eq!(found.median_step(), median_step(found.timestamps()));
            for bar in 0..timestamps.len() {
                let mut late = timestamps.clone();
                late[bar] = late[bar.saturating_sub(1)] - f64::from(u8::from(bar == 0)) * 0.5;
                assert!(copied_rows(&late, &rows, None).is_none(), "bar {bar} of {bars}");
                let mut faulty = rows.clone();
                faulty[bar][3] = 12.5;
                assert!(copied_rows(&timestamps, &faulty, None).is_none(), "bar {bar} of {bars}");
                let mut negative = volume.clone();
                negative[bar] = -1.0;
                assert!(copied_rows(&timestamps, &rows, Some(&negative)).is_none());
            }
        }
    }

    #[test]
    fn sections_and_their_seams_are_checked() {
        let bars = 2 * SECTION + 3;
        let timestamps: Vec<f64> = (0..bars).map(|bar| bar as f64 * 60_000.0).collect();
        let prices: Vec<f64> = (0..bars).map(|bar| 1.0 + bar as f64).collect();
        let copy = |timestamps: &[f64], close: &[f64], volume: &[f64]| {
            let (open, high, low) = (&prices, &prices, &prices);
            let borrowed =
                BorrowedBars { timestamps, open, high, low, close, volume: Some(volume) };
            Bars::copied(&borrowed, &Sequential)
        };
        let found = copy(&timestamps, &prices, &prices).unwrap();
        let (column, are_prices) = copied(&prices, &Sequential);
        assert!(*column == prices[..] && are_prices);
        for fault in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            for bar in [0, SECTION, bars - 1] {
                let mut others = prices.clone();
                others[bar] = fault;
                assert!(!copied(&others, &Sequential).1, "{fault} on bar {bar}");
            }
        }
        assert!(**found.close() == prices[..] && **found.volume().unwrap() == prices[..]);
        assert_eq!(found.median_step(), Some(60_000));
        assert!(found.timestamps().iter().zip(&timestamps).all(|(a, b)| *a as f64 == *b));
        for bar in [SECTION - 1, SECTION, 2 * SECTION, bars - 1] {
            let mut late = timestamps.clone();
            late[bar] = late[bar - 1];
            assert!(copy(&late, &prices, &prices).is_none(), "bar {bar}");
            let mut other = prices.clone();
            other[bar] += 0.5;
            assert!(copy(&timestamps, &other, &prices).is_none(), "bar {bar}");
            other[bar] = f64::NAN;
            assert!(copy(&timestamps, &prices, &other).is_none(), "bar {bar}");
        }
    }

    #[test]
    fn gaps_are_counted_wherever_they_are() {
        let bars = 2 * BLOCK + 100;
        for gap in 1..bars {
            let timestamp = |bar: usize| (bar + usize::from(bar >= gap)) as f64 * 60_000.0;
            let read =
                Timestamps::of(&(0..bars).map(timestamp).collect::<Vec<_>>(), &Sequential).unwrap();
            // A gap after the first bar makes its length the step, which then none of the others has.
            let expected = if gap == 1 { 1 } else { bars - 2 };
            assert_eq!(read.regular, expected, "a gap before bar {gap}");
        }
    }

    #[test]
    fn a_step_of_one_millisecond_is_counted_right() {
        for timestamps in [[0.0, 1.0, 2.0, 5.0], [0.0, 1.0, 5.0, 9.0]] {
            let read = Timestamps::of(&timestamps, &Sequential).unwrap();
            let steps =
                read.values.windows(2).filter(|pair| pair[1] - pair[0] == read.step).count();
            assert_eq!(read.regular, steps);
        }
        assert!(
            Timestamps::of(&[0.0, 0.0], &Sequential).is_none()
                && Timestamps::of(&[0.5], &Sequential).is_none()
        );
        assert_eq!(Timestamps::of(&[], &Sequential).unwrap().median_step(), None);
    }

    proptest! {
        #[test]
        fn what_is_sound_is_what_bars_take(
            rows in prop::collection::vec((0_u8..6, prop::array::uniform4(prop::sample::select(vec![
                1.0, 1.5, 2.0, 2.5, 0.0, -1.0, f64::NAN, f64::INFINITY, 5e-324])), any::<bool>()), 0..6),
        ) {
            let mut timestamp = 0.0;
            let timestamps: Vec<f64> = rows.iter().map(|(step, ..)| { timestamp += f64::from(*step) / 2.0 + 0.5; timestamp }).collect();
            let prices: Vec<[f64; 4]> = rows.iter().map(|(_, [a, b, c, d], sorted)| {
                let mut row = [*a, *b, *c, *d];
                if *sorted { row.sort_by(f64::total_cmp); row = [row[1], row[3], row[0], row[2]]; }
                row
            }).collect();
            prop_assert_eq!(copied_rows(&timestamps, &prices, None), checked(&timestamps, &prices, None));
        }
    }
}
