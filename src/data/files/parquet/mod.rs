//! Bars from Parquet.
//!
//! The decoder trusts what a file declares: the depth of its schema, the sizes of its pages, the counts of its values. So
//! footer and pages are read and checked here, and the decoder receives only pages that match what they declare.

mod codec;
mod delta;
mod errors;
mod footer;
mod pages;
mod thrift;

use std::sync::Arc;

use arrow::datatypes::Schema;
use arrow::record_batch::RecordBatchReader;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, RowGroups};
use parquet::arrow::{ProjectionMask, parquet_to_arrow_field_levels};
use parquet::basic::{Repetition, Type};
use parquet::column::page::PageIterator;
use parquet::errors::Result as ParquetResult;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::schema::types::Type as SchemaType;

use self::errors::{broken, decoder_error};
use super::open_file::OpenFile;
use crate::error::{Code, Error, Issue, Result};
use crate::market::Limit;
use crate::market::arrow::{Batches, guarded};
use crate::market::column_names::ColumnPositions;
use crate::market::raw::{NotedBars, ReadOptions};
use crate::observer::ProgressObserver;

/// Rows per batch: enough to be fast, few enough to react to a cancellation.
const BATCH_ROWS: usize = 1 << 15;

/// Reads the bars of a Parquet file; only the columns that bars need are read.
pub(super) fn read(
    mut file: OpenFile,
    limit: Limit,
    options: &ReadOptions,
    observer: &dyn ProgressObserver,
) -> Result<NotedBars> {
    // The decoder has panicked over broken pages before.
    guarded("Parquet", || {
        let size = file.size;
        let metadata = Arc::new(footer::read(&mut file)?);
        let rows = count_rows(&metadata, limit)?;
        let columns = columns_of_bars(&metadata, options)?;
        let hint = footer::arrow_schema(&metadata)?;
        let schema = metadata.file_metadata().schema_descr();
        let levels = parquet_to_arrow_field_levels(
            schema,
            ProjectionMask::roots(schema, columns),
            hint.as_ref().map(Schema::fields),
        )
        .map_err(|error| decoder_error(&error))?;
        let shared = pages::SharedFile::new(file);
        let groups =
            FileRowGroups { file: shared.clone(), size, metadata: Arc::clone(&metadata), rows };
        let reader =
            ParquetRecordBatchReader::try_new_with_row_groups(&levels, &groups, BATCH_ROWS, None)
                .map_err(|error| decoder_error(&error))?;
        let batches = Batches::new(&reader.schema(), limit, options)?;
        batches.collect(reader, rows, observer).map_err(|error| shared.error().unwrap_or(error))
    })
}

/// Returns the number of rows.
fn count_rows(metadata: &ParquetMetaData, limit: Limit) -> Result<usize> {
    let mut rows = 0_u64;
    for group in metadata.row_groups() {
        let more = u64::try_from(group.num_rows());
        rows = rows.saturating_add(more.map_err(|_| broken("a negative number of rows"))?);
    }
    limit.check(rows)?;
    usize::try_from(rows).map_err(|_| broken("too many rows"))
}

/// Returns the indices of the columns of bars. None of those that bars need may be nested; others are skipped if they are.
fn columns_of_bars(metadata: &ParquetMetaData, options: &ReadOptions) -> Result<Vec<usize>> {
    let fields = metadata.file_metadata().schema().get_fields();
    let names: Vec<&str> = fields.iter().map(|field| field.name()).collect();
    let found = ColumnPositions::find(&names, &options.columns)?;
    let mut columns = vec![found.time];
    columns.extend(found.prices().map(|(_, index)| index));
    columns.extend(found.volume);
    for field in columns.iter().filter_map(|index| fields.get(*index)) {
        if !is_flat(field) {
            let name = field.name();
            let message = format!("column {name:?} must have one number or time per row");
            let issue = Issue::new(name, "type", message);
            return Err(Error::with_issues(Code::BadData, vec![issue]));
        }
    }
    let optional = [found.tick_volume, found.adjusted_close, found.symbol];
    let is_readable = |index: &usize| fields.get(*index).is_some_and(|field| is_flat(field));
    columns.extend(optional.into_iter().flatten().filter(is_readable));
    Ok(columns)
}

/// Returns whether a column has one value of limited width per row.
fn is_flat(field: &SchemaType) -> bool {
    let info = field.get_basic_info();
    let is_single = !info.has_repetition() || info.repetition() != Repetition::REPEATED;
    let is_narrow = match field {
        SchemaType::PrimitiveType { physical_type, type_length, .. } => {
            *physical_type != Type::FIXED_LEN_BYTE_ARRAY
                || (1..=pages::MAX_FIXED_WIDTH).contains(type_length)
        }
        SchemaType::GroupType { .. } => false,
    };
    is_single && is_narrow
}

/// The row groups of a file, for the decoder.
struct FileRowGroups {
    file: pages::SharedFile,
    size: u64,
    metadata: Arc<ParquetMetaData>,
    rows: usize,
}

impl RowGroups for FileRowGroups {
    fn num_rows(&self) -> usize {
        self.rows
    }

    fn column_chunks(&self, column: usize) -> ParquetResult<Box<dyn PageIterator>> {
        let metadata = Arc::clone(&self.metadata);
        Ok(Box::new(pages::ColumnChunks::new(self.file.clone(), self.size, metadata, column)))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(self.metadata.row_groups().iter())
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }
}
