//! Columns of bars, and one chunk of them as a row.

use std::ops::Range;

use rusqlite::types::ValueRef;
use rusqlite::{Row, Transaction, params};

use crate::market::Bars;
use crate::store::sqlite::{Failure, blob, damaged};

/// The most bars of a chunk: 64 KiB a column.
pub(super) const SIZE: usize = 8192;

/// The columns of a chunk, as they are selected for [`Columns::extend`].
pub(super) const SELECT: &str =
    "SELECT bars, checksum, timestamps, open, high, low, close, volume, first, last FROM bars";

/// Columns that grow; a volume that is not known is NaN here.
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub times: Vec<i64>,
    /// Open, high, low, close, volume.
    pub values: [Vec<f64>; 5],
}

impl Columns {
    /// Reserves room.
    pub fn with_capacity(bars: usize) -> Self {
        Self {
            times: Vec::with_capacity(bars),
            values: std::array::from_fn(|_| Vec::with_capacity(bars)),
        }
    }

    /// Returns the number of bars.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Forgets all bars and keeps the room for them.
    pub fn clear(&mut self) {
        self.times.clear();
        self.values.iter_mut().for_each(Vec::clear);
    }

    /// Appends some bars.
    pub fn extend_from(&mut self, bars: &Bars, range: Range<usize>) {
        let count = range.len();
        self.times.extend_from_slice(bars.timestamps().get(range.clone()).unwrap_or(&[]));
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

    /// Appends some bars of other columns.
    pub fn extend_from_columns(&mut self, other: &Self, range: Range<usize>) {
        self.times.extend_from_slice(other.times.get(range.clone()).unwrap_or(&[]));
        for (to, from) in self.values.iter_mut().zip(&other.values) {
            to.extend_from_slice(from.get(range.clone()).unwrap_or(&[]));
        }
    }

    /// Appends the chunk of a row.
    pub fn extend(&mut self, row: &Row) -> Result<(), Failure> {
        let bars: usize = super::count(row.get(0)?)?;
        let mut blobs: [&[u8]; 6] = [&[]; 6];
        for (blob, column) in blobs.iter_mut().zip(2..) {
            *blob = match row.get_ref(column)? {
                ValueRef::Blob(bytes) => bytes,
                // Only the volume may be missing.
                ValueRef::Null if column == 7 => &[],
                _ => return Err(damaged("a column of bars is missing").into()),
            };
        }
        if blob::checksum(blobs) != row.get::<_, i64>(1)? {
            let first: i64 = row.get(8)?;
            let first = crate::market::time::short(first);
            return Err(damaged(format!(
                "the checksum of the bars from {first} on is wrong; import them again"
            ))
            .into());
        }
        let [times, prices @ .., volume] = blobs;
        blob::extend_times(&mut self.times, times, bars)?;
        let [open, high, low, close, volumes] = &mut self.values;
        for (column, bytes) in [open, high, low, close].into_iter().zip(prices) {
            blob::extend_floats(column, bytes, bars)?;
        }
        if volume.is_empty() {
            volumes.resize(volumes.len() + bars, f64::NAN);
        } else {
            blob::extend_floats(volumes, volume, bars)?;
        }
        Ok(())
    }

    /// Writes some of the bars as a chunk.
    pub fn insert(
        &self,
        transaction: &Transaction,
        series: i64,
        range: Range<usize>,
    ) -> Result<(), Failure> {
        let times = self.times.get(range.clone()).unwrap_or(&[]);
        let (Some(first), Some(last)) = (times.first(), times.last()) else { return Ok(()) };
        let packed = blob::from_times(times)?;
        let columns = self.values.each_ref().map(|column| column.get(range.clone()).unwrap_or(&[]));
        let [open, high, low, close, volume] = columns.map(blob::from_floats);
        let known = columns[4].iter().any(|volume| !volume.is_nan());
        let volume = if known { volume } else { Vec::new() };
        let checksum =
            blob::checksum([&packed, &open, &high, &low, &close, &volume].map(Vec::as_slice));
        let sql = "
            INSERT INTO bars (series, first, last, bars, checksum, timestamps, open, high, low, close, volume)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        let volume = known.then_some(volume);
        transaction.prepare_cached(sql)?.execute(params![
            series,
            first,
            last,
            i64::try_from(times.len()).unwrap_or(i64::MAX),
            checksum,
            packed,
            open,
            high,
            low,
            close,
            volume
        ])?;
        Ok(())
    }
}
