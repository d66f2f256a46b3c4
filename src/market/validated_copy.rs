//! Copies of borrowed columns that are checked on the way.
//!
//! Memory bandwidth limits this, so each block is checked while it is in the nearest cache, and sections are copied by
//! several threads. Columns that are refused are only reported as such: [`Bars::new`] finds their faults.

use std::ops::Range;

use super::{Bars, Column, time};
use crate::compute::column_writer::ColumnWriter;
use crate::compute::multiversion::multiversion;
use crate::compute::parallel::{Executor, Sections, write_column, write_columns};

/// Values per block.
const BLOCK: usize = 512;

/// Values per section.
const SECTION: usize = 1 << 15;

/// Bars in columns that belong to the caller.
#[derive(Debug, Clone, Copy)]
pub struct BorrowedBars<'a> {
    /// Opening times of the bars, UTC milliseconds.
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

/// Copies numbers and returns whether all of them are finite and above 0, as prices are.
pub fn copied(values: &[f64], executor: &dyn Executor) -> (Column, bool) {
    let (copy, are_prices) =
        write_column(executor, Sections::new(values.len(), SECTION), |section, writer| {
            copy_numbers(values.get(section).unwrap_or(&[]), writer)
        });
    (copy.into(), !are_prices.contains(&false))
}

multiversion! {
    fn copy_numbers(values: &[f64], writer: &mut ColumnWriter<'_>) -> bool {
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

/// Strictly increasing timestamps in whole milliseconds.
#[derive(Debug, Clone, Default)]
pub struct Timestamps {
    /// UTC milliseconds.
    pub values: Column<i64>,
    /// The step between the first two.
    pub step: i64,
    /// The number of timestamps that are one step later than the previous one.
    pub regular: usize,
}

impl Timestamps {
    /// Copies timestamps. Returns `None` if one is not whole, not below 2^51, or not later than the previous one.
    pub fn of(milliseconds: &[f64], executor: &dyn Executor) -> Option<Self> {
        let step = match milliseconds {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "timestamps that are not whole are refused below"
            )]
            [first, second, ..] => (second - first) as i64,
            _ => 0,
        };
        let sections = Sections::new(milliseconds.len(), SECTION);
        let ([values], regular) = write_columns(executor, sections, |section, [writer]| {
            copy_timestamps(milliseconds, section, step, writer)
        });
        let regular = regular.into_iter().sum::<Option<usize>>()?;
        (values.len() == milliseconds.len()).then(|| Self { values: values.into(), step, regular })
    }

    /// Returns the median step if it is that of the first two timestamps and more than half of all.
    pub fn median_step(&self) -> Option<i64> {
        (self.regular > self.values.len() / 2).then_some(self.step)
    }
}

multiversion! {
    /// Copies the timestamps of a section and returns how many are one step later than the previous one, which includes the
    /// last one before the section. Returns `None` if they are invalid.
    fn copy_timestamps(
        milliseconds: &[f64],
        section: Range<usize>,
        step: i64,
        writer: &mut ColumnWriter<'_, i64>,
    ) -> Option<usize> {
        let mut previous = None;
        if let Some(bar) = section.start.checked_sub(1) {
            let mut timestamp = [0];
            if !time::to_integers(milliseconds.get(bar..=bar)?, &mut timestamp) {
                return None;
            }
            previous = Some(timestamp[0]);
        }
        let (mut is_increasing, mut regular) = (true, 0);
        let mut timestamps = [0; BLOCK];
        for block in milliseconds.get(section)?.chunks(BLOCK) {
            let timestamps = timestamps.get_mut(..block.len())?;
            if !time::to_integers(block, timestamps) {
                return None;
            }
            if step > 0 && previous.is_some_and(|previous| is_regular(previous, step, timestamps)) {
                regular += timestamps.len();
                writer.extend_from_slice(timestamps);
                previous = timestamps.last().copied();
                continue;
            }
            if let (Some(previous), Some(&first)) = (previous, timestamps.first()) {
                is_increasing &= previous < first;
                regular += usize::from(first - previous == step);
            }
            for (earlier, later) in timestamps.iter().zip(timestamps.get(1..)?) {
                is_increasing &= earlier < later;
                regular += usize::from(later - earlier == step);
            }
            writer.extend_from_slice(timestamps);
            previous = timestamps.last().copied();
        }
        is_increasing.then_some(regular)
    }
}

/// Returns whether each timestamp is one step later than the previous one. This is vectorized, unlike counting.
#[inline(always)]
fn is_regular(previous: i64, step: i64, timestamps: &[i64]) -> bool {
    let mut is_regular = timestamps.first().is_some_and(|first| first - previous == step);
    let later = timestamps.get(1..).unwrap_or(&[]);
    for (earlier, later) in timestamps.iter().zip(later) {
        is_regular &= later - earlier == step;
    }
    is_regular
}

impl Bars {
    /// Copies bars. Returns `None` if they break an invariant; [`Bars::new`] reports which.
    pub fn copied(borrowed: &BorrowedBars<'_>, executor: &dyn Executor) -> Option<Self> {
        let bars = borrowed.timestamps.len();
        let borrowed_prices = [borrowed.open, borrowed.high, borrowed.low, borrowed.close];
        let lengths = borrowed_prices.iter().chain(&borrowed.volume);
        if lengths.into_iter().any(|column| column.len() != bars) {
            return None;
        }
        let timestamps = Timestamps::of(borrowed.timestamps, executor)?;
        let sections = Sections::new(bars, SECTION);
        let (prices, is_valid) = write_columns(executor, sections, |section, writers| {
            copy_prices(borrowed_prices, section, writers)
        });
        if prices[0].len() != bars || is_valid.contains(&false) {
            return None;
        }
        let volume = match borrowed.volume {
            Some(volume) => Some(copy_volumes(volume, executor)?),
            None => None,
        };
        let step = timestamps.median_step();
        let volume = volume.map(Column::from);
        Some(Self::from_checked(timestamps.values, prices.map(Column::from), volume, step))
    }
}

multiversion! {
    /// Copies the prices of a section and returns whether they are valid.
    fn copy_prices(
        prices: [&[f64]; 4],
        section: Range<usize>,
        writers: [&mut ColumnWriter<'_>; 4],
    ) -> bool {
        let (mut writers, mut is_valid) = (writers, true);
        for start in section.clone().step_by(BLOCK) {
            let bars = start..section.end.min(start + BLOCK);
            let blocks = prices.map(|column| column.get(bars.clone()).unwrap_or(&[]));
            is_valid &= has_valid_prices(blocks[0], blocks[1], blocks[2], blocks[3]);
            for (writer, block) in writers.iter_mut().zip(blocks) {
                writer.extend_from_slice(block);
            }
        }
        is_valid
    }
}

fn copy_volumes(volume: &[f64], executor: &dyn Executor) -> Option<Vec<f64>> {
    let (copy, is_valid) =
        write_column(executor, Sections::new(volume.len(), SECTION), |section, writer| {
            copy_section_of_volumes(volume.get(section).unwrap_or(&[]), writer)
        });
    (copy.len() == volume.len() && !is_valid.contains(&false)).then_some(copy)
}

multiversion! {
    fn copy_section_of_volumes(volume: &[f64], writer: &mut ColumnWriter<'_>) -> bool {
        let mut is_valid = true;
        for block in volume.chunks(BLOCK) {
            is_valid &= has_valid_volumes(block);
            writer.extend_from_slice(block);
        }
        is_valid
    }
}

/// Returns whether prices satisfy the invariants of [`Bars`].
#[inline(always)]
pub(super) fn has_valid_prices(open: &[f64], high: &[f64], low: &[f64], close: &[f64]) -> bool {
    let mut is_valid = true;
    for (((&open, &high), &low), &close) in open.iter().zip(high).zip(low).zip(close) {
        is_valid &= is_valid_bar(open, high, low, close);
    }
    is_valid
}

#[inline(always)]
fn is_valid_bar(open: f64, high: f64, low: f64, close: f64) -> bool {
    // A NaN fails each of these comparisons.
    (low > 0.0)
        & (high < f64::INFINITY)
        & (low <= open)
        & (low <= close)
        & (open <= high)
        & (close <= high)
}

/// Returns whether volumes satisfy the invariants of [`Bars`].
#[inline(always)]
pub(super) fn has_valid_volumes(volume: &[f64]) -> bool {
    let mut is_valid = true;
    for volume in volume {
        // A missing volume is NaN.
        is_valid &= !((*volume < 0.0) | (*volume == f64::INFINITY));
    }
    is_valid
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

    /// Creates the same bars with the constructor that reports every fault.
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
    fn all_bars_of_all_blocks_are_checked() {
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
    fn bars_at_the_borders_of_sections_are_checked() {
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
            other[bar] = -1.0;
            assert!(copy(&timestamps, &prices, &other).is_none(), "bar {bar}");
            other[bar] = f64::NAN;
            assert!(copy(&timestamps, &prices, &other).is_some(), "a missing volume on bar {bar}");
        }
    }

    #[test]
    fn a_gap_is_counted_on_any_bar() {
        let bars = 2 * BLOCK + 100;
        for gap in 1..bars {
            let timestamp = |bar: usize| (bar + usize::from(bar >= gap)) as f64 * 60_000.0;
            let read =
                Timestamps::of(&(0..bars).map(timestamp).collect::<Vec<_>>(), &Sequential).unwrap();
            // A gap after the first bar becomes the step, which no other bar has.
            let expected = if gap == 1 { 1 } else { bars - 2 };
            assert_eq!(read.regular, expected, "a gap before bar {gap}");
        }
    }

    #[test]
    fn small_and_irregular_steps_are_counted() {
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
        fn copies_accept_the_same_bars_as_the_constructor(
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
