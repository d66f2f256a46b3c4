//! Bars of a higher timeframe, and the fine bars on which each is visible.
//!
//! A coarse bar is visible from the first fine bar that opens at or after its end. It is not visible on its own last fine bar,
//! because only the next opening time shows that no further fine bar belongs to it.

use crate::error::Result;
use crate::market::resample::check_volume;
use crate::market::{Bars, Column, Timeframe};
use crate::signals::Bits;

/// Coarse bars, and for each fine bar the number of completed coarse bars.
#[derive(Debug)]
pub struct HigherTimeframe {
    /// The coarse bars. The last one is visible on no fine bar, because it may be incomplete.
    pub bars: Bars,
    completed: Vec<usize>,
}

impl HigherTimeframe {
    /// Resamples fine bars. The coarse bars open at multiples of the timeframe.
    ///
    /// # Errors
    /// `BAD_DATA` if a sum of volumes overflows, or a coarse bar opens before the earliest valid `Date`.
    pub fn new(fine: &Bars, timeframe: Timeframe) -> Result<Self> {
        let mut opening_times: Vec<i64> = Vec::new();
        let mut completed = Vec::with_capacity(fine.len());
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
            let opening_time = timeframe.opening(timestamp);
            if opening_times.last() == Some(&opening_time) {
                if let (Some(high), Some(low), Some(close), Some(volume)) =
                    (high.last_mut(), low.last_mut(), close.last_mut(), volume.last_mut())
                {
                    *high = f64::max(*high, h);
                    *low = f64::min(*low, l);
                    *close = c;
                    *volume += v;
                }
            } else {
                opening_times.push(opening_time);
                open.push(o);
                high.push(h);
                low.push(l);
                close.push(c);
                volume.push(v);
            }
            // All coarse bars except the one that contains this bar have ended.
            completed.push(opening_times.len() - 1);
        }
        let volume = volumes.map(|_| Column::from(volume));
        check_volume(volume.as_deref(), &opening_times, timeframe)?;
        let bars =
            Bars::new(opening_times, open.into(), high.into(), low.into(), close.into(), volume)?;
        Ok(Self { bars, completed })
    }

    /// Returns for each fine bar the value of the last completed coarse bar, or NaN before the first one.
    pub fn map_numbers(&self, values: &[f64]) -> Vec<f64> {
        self.completed
            .iter()
            .map(|completed| {
                completed
                    .checked_sub(1)
                    .and_then(|last_completed| values.get(last_completed))
                    .copied()
                    .unwrap_or(f64::NAN)
            })
            .collect()
    }

    /// Returns for each fine bar whether a condition held on the last completed coarse bar.
    pub fn map_condition(&self, condition: &Bits) -> Bits {
        Bits::from_fn(self.completed.len(), |bar| {
            self.completed
                .get(bar)
                .and_then(|completed| completed.checked_sub(1))
                .is_some_and(|last_completed| condition.get(last_completed))
        })
    }
}
