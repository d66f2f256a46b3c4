//! Columns of bars that grow while rows are read.

use std::ops::Range;

use crate::error::Result;
use crate::market::raw::RawBars;
use crate::market::{Bars, Column};

/// The columns of bars. A missing volume is NaN.
#[derive(Debug, Default)]
pub(super) struct OhlcvColumns {
    /// The opening times, UTC milliseconds.
    pub timestamps: Vec<i64>,
    /// Open, high, low, close, volume.
    pub values: [Vec<f64>; 5],
}

impl OhlcvColumns {
    /// Creates columns with capacity for a number of bars.
    pub fn with_capacity(bars: usize) -> Self {
        Self {
            timestamps: Vec::with_capacity(bars),
            values: std::array::from_fn(|_| Vec::with_capacity(bars)),
        }
    }

    /// Returns the number of bars.
    pub fn len(&self) -> usize {
        self.timestamps.len()
    }

    /// Removes all bars and keeps the capacity.
    pub fn clear(&mut self) {
        self.timestamps.clear();
        self.values.iter_mut().for_each(Vec::clear);
    }

    /// Appends a range of bars.
    pub fn extend_from_bars(&mut self, bars: &Bars, range: Range<usize>) {
        let count = range.len();
        self.timestamps.extend_from_slice(bars.timestamps().get(range.clone()).unwrap_or(&[]));
        let [open, high, low, close, volume] = &mut self.values;
        let prices =
            [(open, bars.open()), (high, bars.high()), (low, bars.low()), (close, bars.close())];
        for (to, from) in prices {
            to.extend_from_slice(from.get(range.clone()).unwrap_or(&[]));
        }
        match bars.volume() {
            Some(from) => volume.extend_from_slice(from.get(range).unwrap_or(&[])),
            None => volume.resize(volume.len() + count, f64::NAN),
        }
    }

    /// Appends a range of other columns.
    pub fn extend_from_columns(&mut self, other: &Self, range: Range<usize>) {
        self.timestamps.extend_from_slice(other.timestamps.get(range.clone()).unwrap_or(&[]));
        for (to, from) in self.values.iter_mut().zip(&other.values) {
            to.extend_from_slice(from.get(range.clone()).unwrap_or(&[]));
        }
    }

    /// Validates the bars. If none of them has a volume, there is no column of volumes.
    ///
    /// # Errors
    /// `BAD_DATA` if the bars break an invariant.
    pub fn into_bars(self) -> Result<Bars> {
        let len = self.len();
        self.slice_into_bars(0..len)
    }

    /// Returns a range of the rows, which are not checked yet.
    pub fn into_raw(self, range: Range<usize>) -> RawBars {
        let Self { mut timestamps, values } = self;
        timestamps.truncate(range.end);
        timestamps.drain(..range.start.min(timestamps.len()));
        let [open, high, low, close, volume] =
            values.map(|column| Column::from(column).slice(range.clone()));
        RawBars {
            timestamps,
            prices: [open, high, low, close],
            volume: Some(volume),
            ..RawBars::default()
        }
    }

    /// Validates a range of the bars, as [`Self::into_bars`] does.
    ///
    /// # Errors
    /// `BAD_DATA` if the bars break an invariant.
    pub fn slice_into_bars(self, range: Range<usize>) -> Result<Bars> {
        let RawBars { timestamps, prices: [open, high, low, close], volume, .. } =
            self.into_raw(range);
        let volume = volume.filter(|volume| volume.iter().any(|volume| !volume.is_nan()));
        Bars::new(timestamps, open, high, low, close, volume)
    }
}
