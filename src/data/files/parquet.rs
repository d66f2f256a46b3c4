//! Bars from Parquet.

use std::fs::File;

use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::error::{Code, Error, Result};
use crate::market::Bars;
use crate::market::arrow::{Batches, guarded};
use crate::watch::Watch;

/// Rows read at once: enough to be quick, few enough to hear a cancellation.
const BATCH: usize = 1 << 16;

/// Reads the bars of a Parquet file; only the columns that bars need are decoded.
pub(super) fn read(file: File, watch: &dyn Watch) -> Result<Bars> {
    // The decoder checks most of what it is given, but broken pages have made it panic before.
    guarded("Parquet", || {
        let broken = |error| Error::new(Code::BadData, format!("broken Parquet: {error}"));
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(broken)?;
        let needed = Batches::new(builder.schema())?.needed();
        let mask = ProjectionMask::roots(builder.parquet_schema(), needed);
        let reader =
            builder.with_projection(mask).with_batch_size(BATCH).build().map_err(broken)?;
        let schema = arrow::record_batch::RecordBatchReader::schema(&reader);
        Batches::collect(&schema, reader, watch)
    })
}
