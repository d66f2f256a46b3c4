//! Bars from and to Arrow: IPC streams and files (Feather), and the record batches that Parquet yields too.

pub mod batches;
mod codec;
mod columns;
mod frames;
mod input;

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, TimestampMillisecondArray};
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;

pub use batches::Batches;
pub use frames::verifier;
pub use input::Input;

use super::{Bars, Limit};
use crate::error::{Code, Error, Result};
use crate::observer::ProgressObserver;

/// What a file of the IPC format starts and ends with; a stream does not.
const FILE_MAGIC: &[u8] = b"ARROW1";
/// What a file of the first Feather version starts with.
const FEATHER_1_MAGIC: &[u8] = b"FEA1";

/// Reads bars from an Arrow IPC stream or file (Feather version 2), compressed or not.
///
/// Columns are found by their names ([`super::names`]): a time (a timestamp of any unit, a date, an ISO
/// 8601 text, or UTC milliseconds as numbers), open, high, low, close and perhaps volume (integers, floats or decimals).
/// Other columns are not read. What the bytes declare is checked before memory is made for it.
///
/// # Errors
/// `BAD_DATA` where the bytes are not Arrow IPC or broken, a column is missing, of another type or has a null (named with
/// its row), or the bars break an invariant; `LIMIT_EXCEEDED` for more rows than allowed; the error of cancelled work.
pub fn from_ipc(mut bytes: &[u8], limit: Limit, observer: &dyn ProgressObserver) -> Result<Bars> {
    from_input(&mut bytes, limit, observer)
}

/// Reads bars as [`from_ipc`] does, from bytes that need not be in memory.
///
/// # Errors
/// As [`from_ipc`], and those of the input.
pub fn from_input(
    input: &mut dyn Input,
    limit: Limit,
    observer: &dyn ProgressObserver,
) -> Result<Bars> {
    let mut head = [0; 6];
    let size = usize::try_from(input.size()).unwrap_or(usize::MAX).min(head.len());
    input.fill(0, head.get_mut(..size).unwrap_or(&mut []))?;
    if head.starts_with(FEATHER_1_MAGIC) {
        return Err(Error::new(
            Code::BadData,
            "Feather version 1 is not supported, write version 2 (Arrow IPC)",
        ));
    }
    // Arrow checks most of what it is given, but a broken buffer has made it panic before.
    guarded("Arrow IPC", || {
        if head.starts_with(FILE_MAGIC) {
            frames::file(input, limit, observer)
        } else {
            frames::stream(input, limit, observer)
        }
    })
}

/// Writes bars as an Arrow IPC stream: `timestamps` (milliseconds, UTC), `open`, `high`, `low`, `close` and perhaps
/// `volume`, in one record batch.
///
/// # Errors
/// `INTERNAL`, should Arrow refuse the columns.
pub fn to_ipc(bars: &Bars) -> Result<Vec<u8>> {
    let failed =
        |error: ArrowError| Error::internal(format!("cannot write bars as Arrow IPC: {error}"));
    let timestamps =
        TimestampMillisecondArray::from(bars.timestamps().to_vec()).with_timezone("UTC");
    let mut columns: Vec<(&str, ArrayRef)> = vec![("timestamps", Arc::new(timestamps))];
    let prices = [
        ("open", bars.open()),
        ("high", bars.high()),
        ("low", bars.low()),
        ("close", bars.close()),
    ];
    for (name, column) in prices.into_iter().chain(bars.volume().map(|volume| ("volume", volume))) {
        columns.push((name, Arc::new(Float64Array::from(column.to_vec()))));
    }
    let batch = RecordBatch::try_from_iter(columns).map_err(failed)?;
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).map_err(failed)?;
    writer.write(&batch).map_err(failed)?;
    writer.into_inner().map_err(failed)
}

/// Runs a foreign decoder and turns a panic of it into `BAD_DATA`: a broken file must not end the process.
///
/// # Errors
/// Those of `decode`; `BAD_DATA` where it panicked.
pub fn guarded<T>(format: &str, decode: impl FnOnce() -> Result<T>) -> Result<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(decode)).unwrap_or_else(|_| {
        Err(Error::new(Code::BadData, format!("broken {format}: its decoder gave up")))
    })
}

fn broken(error: &ArrowError) -> Error {
    ipc(error.to_string())
}

fn ipc(what: impl AsRef<str>) -> Error {
    Error::new(Code::BadData, format!("broken Arrow IPC: {}", report(what.as_ref())))
}

/// Returns a decoder's report as one line that is not too long: it may quote what it was given.
pub fn report(text: &str) -> String {
    let clean = text.chars().map(|char| if char.is_control() { ' ' } else { char });
    let line: String = clean.take(LONGEST_REPORT).collect();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The longest report of a decoder that is passed on, characters.
const LONGEST_REPORT: usize = 300;

#[cfg(test)]
mod tests;
