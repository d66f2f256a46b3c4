//! Bars from and to Arrow: IPC streams and files (Feather), and the record batches that Parquet yields too.

pub mod batches;

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, TimestampMillisecondArray};
use arrow::error::ArrowError;
use arrow::ipc::reader::{FileReader, StreamReader};
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;

pub use batches::Batches;

use super::Bars;
use crate::error::{Code, Error, Result};
use crate::watch::{Unwatched, Watch};

/// What a file of the IPC format starts with; a stream does not.
const FILE_MAGIC: &[u8] = b"ARROW1";
/// What a file of the first Feather version starts with.
const FEATHER_1_MAGIC: &[u8] = b"FEA1";

/// Reads bars from an Arrow IPC stream or file (Feather version 2), compressed or not.
///
/// Columns are found by their names ([`super::names`]): a time (a timestamp of any unit, a date, an ISO
/// 8601 text, or UTC milliseconds as numbers), open, high, low, close and perhaps volume (integers, floats or decimals).
///
/// # Errors
/// `BAD_DATA` where the bytes are not Arrow IPC or broken, a column is missing, of another type or has a null (named with
/// its row), or the bars break an invariant.
pub fn from_ipc(bytes: &[u8]) -> Result<Bars> {
    from_ipc_watched(bytes, &Unwatched)
}

/// Reads bars as [`from_ipc`] does, polling `watch` after each record batch.
///
/// # Errors
/// As [`from_ipc`], and the error of cancelled work.
pub fn from_ipc_watched(bytes: &[u8], watch: &dyn Watch) -> Result<Bars> {
    if bytes.starts_with(FEATHER_1_MAGIC) {
        return Err(Error::new(
            Code::BadData,
            "Feather version 1 is not supported, write version 2 (Arrow IPC)",
        ));
    }
    // Arrow's readers check most of what they are given, but a broken buffer has made them panic before.
    guarded("Arrow IPC", || {
        if bytes.starts_with(FILE_MAGIC) {
            let reader =
                FileReader::try_new(Cursor::new(bytes), None).map_err(|error| broken(&error))?;
            Batches::collect(&reader.schema(), reader, watch)
        } else {
            let reader =
                StreamReader::try_new(Cursor::new(bytes), None).map_err(|error| broken(&error))?;
            Batches::collect(&reader.schema(), reader, watch)
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
    Error::new(Code::BadData, format!("broken Arrow IPC: {error}"))
}

#[cfg(test)]
mod tests;
