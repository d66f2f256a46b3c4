//! Arrow bytes for tests.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, TimestampMillisecondArray};
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;

use crate::error::{Error, Result};
use crate::market::Bars;

/// Writes bars as an Arrow IPC stream of one record batch with the columns `timestamps` (UTC milliseconds), `open`, `high`,
/// `low`, `close` and, if known, `volume`.
///
/// # Errors
/// `INTERNAL` if Arrow cannot write the columns.
pub(crate) fn to_ipc(bars: &Bars) -> Result<Vec<u8>> {
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
