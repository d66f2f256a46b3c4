//! Columns of somebody else, copied and checked in one pass.
//!
//! Memory is what this costs: a block is checked while it is near, not read a second time. What is wrong with columns
//! that are refused is found by whoever tells of it.

use super::{Bars, Column, time};
use crate::wide::wide;

/// Values a block.
const BLOCK: usize = 512;

/// Bars that stay their owner's.
#[derive(Debug, Clone, Copy)]
pub struct Lent<'a> {
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

/// Moments that are whole milliseconds, each after the one before.
#[derive(Debug, Default)]
pub struct Moments {
    /// UTC milliseconds.
    pub whole: Vec<i64>,
    /// The distance of the first two.
    pub step: i64,
    /// How many come this long after the one before.
    pub regular: usize,
}

impl Moments {
    /// Copies moments; nothing where one is not whole, far away, or not after the one before.
    pub fn of(milliseconds: &[f64]) -> Option<Self> {
        let mut moments = Self::with_room(milliseconds);
        read_moments(milliseconds, &mut moments).then_some(moments)
    }

    fn with_room(milliseconds: &[f64]) -> Self {
        let step = match milliseconds {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "if it is not whole, all are refused"
            )]
            [first, second, ..] => (second - first) as i64,
            _ => 0,
        };
        Self { whole: Vec::with_capacity(milliseconds.len()), step, regular: 0 }
    }

    /// Returns the median distance of two moments, if more than half of them are of the first one's.
    pub fn median_step(&self) -> Option<i64> {
        (self.regular > self.whole.len() / 2).then_some(self.step)
    }

    #[inline(always)]
    fn take(&mut self, block: &[f64]) -> bool {
        let mut whole = [0; BLOCK];
        let Some(whole) = whole.get_mut(..block.len()) else { return false };
        if !time::to_whole(block, whole) {
            return false;
        }
        let (mut rise, mut regular) = (true, 0);
        if let (Some(before), Some(first)) = (self.whole.last(), whole.first()) {
            rise &= before < first;
            regular += usize::from(first - before == self.step);
        }
        for (earlier, later) in whole.iter().zip(whole.get(1..).unwrap_or(&[])) {
            rise &= earlier < later;
            regular += usize::from(later - earlier == self.step);
        }
        self.regular += regular;
        self.whole.extend_from_slice(whole);
        rise
    }
}

wide! {
    fn read_moments(milliseconds: &[f64], moments: &mut Moments) -> bool {
        for block in milliseconds.chunks(BLOCK) {
            if !moments.take(block) {
                return false;
            }
        }
        true
    }
}

impl Bars {
    /// Copies bars; nothing where they break an invariant, of which [`Bars::new`] tells more.
    pub fn copied(lent: &Lent<'_>) -> Option<Self> {
        let bars = lent.timestamps.len();
        let columns = [lent.open, lent.high, lent.low, lent.close];
        let lengths = columns.iter().chain(&lent.volume).map(|column| column.len());
        if lengths.into_iter().any(|length| length != bars) {
            return None;
        }
        let moments = Moments::of(lent.timestamps)?;
        let prices = copied_prices([lent.open, lent.high, lent.low, lent.close])?;
        let volume = match lent.volume {
            Some(volume) => Some(copied_volumes(volume)?),
            None => None,
        };
        let step = moments.median_step();
        let volume = volume.map(Column::from);
        Some(Self::sound(moments.whole.into(), prices.map(Column::from), volume, step))
    }
}

wide! {
    /// Copies opens, highs, lows and closes; nothing where they break an invariant.
    fn copied_prices(prices: [&[f64]; 4]) -> Option<[Vec<f64>; 4]> {
        let [open, high, low, close] = prices;
        let bars = open.len();
        let mut copies = [open, high, low, close].map(|column| Vec::with_capacity(column.len()));
        let [to_open, to_high, to_low, to_close] = copies.each_mut().map(Vec::spare_capacity_mut);
        let from = open.iter().zip(high).zip(low).zip(close);
        let to = to_open.iter_mut().zip(to_high).zip(to_low).zip(to_close);
        let (mut sound, mut written) = (true, 0);
        // All four at once: memory is read once, and written once.
        for ((((&open, &high), &low), &close), (((to_open, to_high), to_low), to_close)) in
            from.zip(to)
        {
            sound &= is_sound(open, high, low, close);
            to_open.write(open);
            to_high.write(high);
            to_low.write(low);
            to_close.write(close);
            written += 1;
        }
        if !sound || written != bars {
            return None;
        }
        for copy in &mut copies {
            #[expect(unsafe_code, reason = "clearing the columns first would write all memory twice")]
            // SAFETY: all columns have room for that many values, and that many were written to each.
            unsafe {
                copy.set_len(written);
            }
        }
        Some(copies)
    }
}

wide! {
    fn copied_volumes(volume: &[f64]) -> Option<Vec<f64>> {
        let mut copy = Vec::with_capacity(volume.len());
        for block in volume.chunks(BLOCK) {
            copy.extend_from_slice(block);
            if !volumes_are_sound(block) {
                return None;
            }
        }
        Some(copy)
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
    use crate::market::bars::median_step;
    use proptest::prelude::*;

    fn copied(timestamps: &[f64], rows: &[[f64; 4]], volume: Option<&[f64]>) -> Option<Bars> {
        let column = |index: usize| rows.iter().map(|row| row[index]).collect::<Vec<f64>>();
        let (open, high, low, close) = (column(0), column(1), column(2), column(3));
        Bars::copied(&Lent {
            timestamps,
            open: &open,
            high: &high,
            low: &low,
            close: &close,
            volume,
        })
    }

    /// The same bars by the way that names every fault.
    fn checked(timestamps: &[f64], rows: &[[f64; 4]], volume: Option<&[f64]>) -> Option<Bars> {
        let column = |index: usize| rows.iter().map(|row| row[index]).collect::<Column>();
        #[expect(clippy::cast_possible_truncation, reason = "compared right here")]
        let whole: Vec<i64> = timestamps.iter().map(|moment| *moment as i64).collect();
        #[expect(
            clippy::cast_precision_loss,
            clippy::float_cmp,
            reason = "whole numbers are equal"
        )]
        let same = whole.iter().zip(timestamps).all(|(whole, moment)| *whole as f64 == *moment);
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
            let found = copied(&timestamps, &rows, Some(&volume)).unwrap();
            assert_eq!(Some(&found), checked(&timestamps, &rows, Some(&volume)).as_ref());
            assert_eq!(found.median_step(), median_step(found.timestamps()));
            for bar in 0..timestamps.len() {
                let mut late = timestamps.clone();
                late[bar] = late[bar.saturating_sub(1)] - f64::from(u8::from(bar == 0)) * 0.5;
                assert!(copied(&late, &rows, None).is_none(), "bar {bar} of {bars}");
                let mut faulty = rows.clone();
                faulty[bar][3] = 12.5;
                assert!(copied(&timestamps, &faulty, None).is_none(), "bar {bar} of {bars}");
                let mut negative = volume.clone();
                negative[bar] = -1.0;
                assert!(copied(&timestamps, &rows, Some(&negative)).is_none());
            }
        }
    }

    #[test]
    fn a_step_of_one_millisecond_is_counted_right() {
        for moments in [[0.0, 1.0, 2.0, 5.0], [0.0, 1.0, 5.0, 9.0]] {
            let read = Moments::of(&moments).unwrap();
            let steps = read.whole.windows(2).filter(|pair| pair[1] - pair[0] == read.step).count();
            assert_eq!(read.regular, steps);
        }
        assert!(Moments::of(&[0.0, 0.0]).is_none() && Moments::of(&[0.5]).is_none());
        assert_eq!(Moments::of(&[]).unwrap().median_step(), None);
    }

    proptest! {
        #[test]
        fn what_is_sound_is_what_bars_take(
            rows in prop::collection::vec((0_u8..6, prop::array::uniform4(prop::sample::select(vec![
                1.0, 1.5, 2.0, 2.5, 0.0, -1.0, f64::NAN, f64::INFINITY, 5e-324])), any::<bool>()), 0..6),
        ) {
            let mut moment = 0.0;
            let timestamps: Vec<f64> = rows.iter().map(|(step, ..)| { moment += f64::from(*step) / 2.0 + 0.5; moment }).collect();
            let prices: Vec<[f64; 4]> = rows.iter().map(|(_, [a, b, c, d], sorted)| {
                let mut row = [*a, *b, *c, *d];
                if *sorted { row.sort_by(f64::total_cmp); row = [row[1], row[3], row[0], row[2]]; }
                row
            }).collect();
            prop_assert_eq!(copied(&timestamps, &prices, None), checked(&timestamps, &prices, None));
        }
    }
}
