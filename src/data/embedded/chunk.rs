//! A chunk of bars as a row.

use std::ops::Range;

use rusqlite::types::ValueRef;
use rusqlite::{Row, Transaction, params};

use super::catalog::count;
use crate::data::ohlcv_columns::OhlcvColumns;
use crate::db::encoding::{
    Damage, checksum, damaged, decode_floats, decode_timestamps, encode_floats, encode_timestamps,
    legacy_checksum,
};
use crate::db::sqlite::Failure;
use crate::market::time;

/// The maximum number of bars of a chunk: 64 KiB per column.
pub(super) const MAX_BARS: usize = 8192;

/// Selects the columns that [`append`] reads: those to decode, then the range.
pub(super) const SELECT: &str =
    "SELECT bars, checksum, timestamps, open, high, low, close, volume, first, last FROM bars";

/// Reads the chunk of a row and appends its bars. The error of a damaged chunk says which bars to delete and import again.
pub(super) fn append(columns: &mut OhlcvColumns, row: &Row) -> Result<(), Failure> {
    decode(columns, row).map_err(|failure| match failure {
        Failure::Damaged(Damage(what)) => {
            let (Ok(first), Ok(last)) = (row.get(8), row.get(9)) else { return damaged(what).into() };
            let (first, last) = (time::format(first), time::format(last));
            damaged(format!(
                "{what} in the bars from {first} to {last}; delete these bars with deleteBars and import them again"
            ))
            .into()
        }
        other => other,
    })
}

fn decode(columns: &mut OhlcvColumns, row: &Row) -> Result<(), Failure> {
    let bars: usize = count(row.get(0)?)?;
    let mut blobs: [&[u8]; 6] = [&[]; 6];
    for (blob, column) in blobs.iter_mut().zip(2..) {
        *blob = match row.get_ref(column)? {
            ValueRef::Blob(bytes) => bytes,
            // Only the volume may be missing.
            ValueRef::Null if column == 7 => &[],
            _ => return Err(damaged("a column is missing").into()),
        };
    }
    // The row does not say which checksum it has: a column for that would be a migration, and older versions of this library
    // could not open the store any more.
    let stored: i64 = row.get(1)?;
    if checksum(blobs) != stored && legacy_checksum(blobs) != stored {
        return Err(damaged("the checksum is wrong").into());
    }
    let [timestamps, prices @ .., volume] = blobs;
    decode_timestamps(&mut columns.timestamps, timestamps, bars)?;
    let [open, high, low, close, volumes] = &mut columns.values;
    for (column, bytes) in [open, high, low, close].into_iter().zip(prices) {
        decode_floats(column, bytes, bars)?;
    }
    if volume.is_empty() {
        volumes.resize(volumes.len() + bars, f64::NAN);
    } else {
        decode_floats(volumes, volume, bars)?;
    }
    Ok(())
}

/// Writes a range of bars as a chunk. An empty range writes nothing.
pub(super) fn insert(
    columns: &OhlcvColumns,
    transaction: &Transaction,
    series: i64,
    range: Range<usize>,
) -> Result<(), Failure> {
    let timestamps = columns.timestamps.get(range.clone()).unwrap_or(&[]);
    let (Some(first), Some(last)) = (timestamps.first(), timestamps.last()) else { return Ok(()) };
    let encoded = encode_timestamps(timestamps)?;
    let values = columns.values.each_ref().map(|column| column.get(range.clone()).unwrap_or(&[]));
    let [open, high, low, close, volume] = values.map(encode_floats);
    let has_volume = values[4].iter().any(|volume| !volume.is_nan());
    let volume = if has_volume { volume } else { Vec::new() };
    let checksum = checksum([&encoded, &open, &high, &low, &close, &volume].map(Vec::as_slice));
    let sql = "
        INSERT INTO bars (series, first, last, bars, checksum, timestamps, open, high, low, close, volume)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    let volume = has_volume.then_some(volume);
    transaction.prepare_cached(sql)?.execute(params![
        series,
        first,
        last,
        i64::try_from(timestamps.len()).unwrap_or(i64::MAX),
        checksum,
        encoded,
        open,
        high,
        low,
        close,
        volume
    ])?;
    Ok(())
}
