//! Tables as Arrow IPC streams, which apache-arrow, pandas, Polars and `DuckDB` read.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, StringArray, TimestampMillisecondArray, UInt32Array};
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;

use crate::error::{Error, Result};

use super::{Table, Values, whole, word};

/// Writes a table as an Arrow IPC stream of one record batch: numbers as `float64`, counts as `uint32`, times as
/// `timestamp(ms, UTC)`, words as `utf8`. Missing values are null.
///
/// # Errors
/// `INTERNAL` if Arrow cannot write the columns.
pub fn write_arrow(table: &Table) -> Result<Vec<u8>> {
    let failed = |error: ArrowError| {
        Error::internal(format!("the table cannot be written as Arrow IPC: {error}"))
    };
    let columns = table.columns.iter().map(|(name, values)| (name, array(values), true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).map_err(failed)?;
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).map_err(failed)?;
    writer.write(&batch).map_err(failed)?;
    writer.into_inner().map_err(failed)
}

fn array(values: &Values) -> ArrayRef {
    let numbers = values.numbers().iter().copied();
    match values {
        Values::Numbers(_) => {
            let present = |value: f64| (!value.is_nan()).then_some(value);
            Arc::new(numbers.map(present).collect::<Float64Array>())
        }
        Values::Counts(_) => {
            let count = |value| whole(value).and_then(|whole| u32::try_from(whole).ok());
            Arc::new(numbers.map(count).collect::<UInt32Array>())
        }
        Values::Times(_) => {
            Arc::new(numbers.map(whole).collect::<TimestampMillisecondArray>().with_timezone("UTC"))
        }
        Values::Words(_, words) => {
            Arc::new(numbers.map(|value| word(words, value)).collect::<StringArray>())
        }
    }
}
