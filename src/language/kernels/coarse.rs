//! Bars of a coarser timeframe, and which of them is known when.
//!
//! A coarse bar is known from the first bar that opens at or after its end: then all that it is made of has closed. Its
//! last fine bar does not see it yet, because nothing but the next opening tells that no other fine bar belongs to it.

use crate::error::Result;
use crate::market::resample::check_volume;
use crate::market::{Bars, Column, Timeframe};
use crate::signals::Bits;

/// Coarse bars, and for each fine bar how many of them were known.
#[derive(Debug)]
pub struct Coarse {
    /// The coarse bars; the last may be unfinished and is then known to no fine bar.
    pub bars: Bars,
    known: Vec<usize>,
}

impl Coarse {
    /// Makes coarse bars from fine ones; they open at multiples of the timeframe.
    ///
    /// # Errors
    /// `BAD_DATA` where volumes add up to more than a number holds, or a coarse bar opens before the first Date.
    pub fn new(fine: &Bars, timeframe: Timeframe) -> Result<Self> {
        let mut openings: Vec<i64> = Vec::new();
        let mut known = Vec::with_capacity(fine.len());
        let (mut open, mut high, mut low, mut close, mut volume) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let volumes = fine.volume();
        let prices = fine
            .open()
            .iter()
            .zip(fine.high().iter())
            .zip(fine.low().iter())
            .zip(fine.close().iter());
        for (bar, (&timestamp, (((&o, &h), &l), &c))) in
            fine.timestamps().iter().zip(prices).enumerate()
        {
            let v = volumes.and_then(|volumes| volumes.get(bar)).copied().unwrap_or(0.0);
            let opening = timeframe.opening(timestamp);
            if openings.last() == Some(&opening) {
                if let (Some(high), Some(low), Some(close), Some(volume)) =
                    (high.last_mut(), low.last_mut(), close.last_mut(), volume.last_mut())
                {
                    *high = f64::max(*high, h);
                    *low = f64::min(*low, l);
                    *close = c;
                    *volume += v;
                }
            } else {
                openings.push(opening);
                open.push(o);
                high.push(h);
                low.push(l);
                close.push(c);
                volume.push(v);
            }
            // All but the one that this bar belongs to have ended.
            known.push(openings.len() - 1);
        }
        let volume = volumes.map(|_| Column::from(volume));
        check_volume(volume.as_deref(), &openings, timeframe)?;
        let bars = Bars::new(openings, open.into(), high.into(), low.into(), close.into(), volume)?;
        Ok(Self { bars, known })
    }

    /// Returns for each fine bar the value of the newest coarse bar that was known; none before there was one.
    pub fn numbers(&self, values: &[f64]) -> Vec<f64> {
        self.known
            .iter()
            .map(|known| {
                known
                    .checked_sub(1)
                    .and_then(|newest| values.get(newest))
                    .copied()
                    .unwrap_or(f64::NAN)
            })
            .collect()
    }

    /// Returns for each fine bar whether a condition held on the newest coarse bar that was known.
    pub fn condition(&self, condition: &Bits) -> Bits {
        Bits::from_fn(self.known.len(), |bar| {
            self.known
                .get(bar)
                .and_then(|known| known.checked_sub(1))
                .is_some_and(|newest| condition.get(newest))
        })
    }
}
