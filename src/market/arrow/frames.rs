//! The messages of an IPC stream or file. They are verified before anything is allocated for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::buffer::Buffer;
use arrow::compute::concat;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::ipc;
use arrow::record_batch::RecordBatch;
use flatbuffers::VerifierOptions;

use super::codec::Codec;
use super::columns::{BodyReader, locate};
use super::random_access::{RandomAccess, read_range};
use super::{Batches, FILE_MAGIC, broken, invalid_ipc};
use crate::error::{Error, Result};
use crate::market::Limit;
use crate::market::raw::{NotedBars, ReadOptions};
use crate::observer::ProgressObserver;

/// The longest metadata of a message and the longest footer of a file, bytes.
const MAX_METADATA: u64 = 1 << 24;
/// The most tables in metadata. A column takes two or three.
const MAX_TABLES: usize = 100_000;
/// The deepest nesting in metadata, which bounds that of a schema.
const MAX_DEPTH: usize = 64;
/// The most bytes that all buffers may decompress to, and the bytes that are added for each row of the limit.
const BUDGET: u64 = 1 << 26;
const BUDGET_PER_ROW: u64 = 160;

const CONTINUATION: [u8; 4] = [0xFF; 4];

/// Returns the options for verifying metadata. Tables may be shared, so that a few bytes can describe many of them.
pub fn verifier(bytes: usize) -> VerifierOptions {
    VerifierOptions {
        max_depth: MAX_DEPTH,
        max_tables: MAX_TABLES,
        max_apparent_size: bytes.saturating_mul(16).saturating_add(1 << 16),
        ..VerifierOptions::default()
    }
}

/// Reads the bars of a stream.
pub(super) fn stream(
    input: &mut dyn RandomAccess,
    limit: Limit,
    options: &ReadOptions,
    observer: &dyn ProgressObserver,
) -> Result<NotedBars> {
    let mut decoder: Option<Decoder<'_>> = None;
    let mut at = 0;
    while at < input.size() {
        if observer.is_cancelled() {
            return Err(Error::cancelled());
        }
        let mut length = [0; 4];
        let mut prefix = 4;
        fill(input, at, &mut length)?;
        if length == CONTINUATION {
            fill(input, at + 4, &mut length)?;
            prefix = 8;
        }
        let length = u32::from_le_bytes(length);
        if length == 0 {
            break;
        }
        let metadata = metadata(input, at + prefix, u64::from(length))?;
        let message = message(&metadata)?;
        let start = at + prefix + u64::from(length);
        let body =
            u64::try_from(message.bodyLength()).ok().and_then(|body| start.checked_add(body));
        let Some(end) = body.filter(|end| *end <= input.size()) else {
            return Err(invalid_ipc("a message extends beyond the end"));
        };
        match (&mut decoder, message.header_as_schema()) {
            (None, Some(schema)) => decoder = Some(Decoder::new(schema, limit, options, observer)?),
            (None, None) => return Err(invalid_ipc("the stream does not begin with a schema")),
            (Some(_), Some(_)) => return Err(invalid_ipc("the stream has a second schema")),
            (Some(decoder), None) => decoder.message(input, &message, start, end - start)?,
        }
        at = end;
    }
    decoder.ok_or_else(|| invalid_ipc("the stream has no schema"))?.batches.finish()
}

/// Reads the bars of a file.
pub(super) fn file(
    input: &mut dyn RandomAccess,
    limit: Limit,
    options: &ReadOptions,
    observer: &dyn ProgressObserver,
) -> Result<NotedBars> {
    let size = input.size();
    let mut tail = [0; 10];
    let tail_at =
        size.checked_sub(18).map(|_| size - 10).ok_or_else(|| invalid_ipc("too short"))?;
    input.fill(tail_at, &mut tail)?;
    let (length, magic) = tail.split_at(4);
    let length = length.first_chunk().map_or(0, |length| u32::from_le_bytes(*length));
    if magic != FILE_MAGIC || u64::from(length) > tail_at {
        return Err(invalid_ipc("the file has no footer; it may have been cut off"));
    }
    let bytes = metadata(input, tail_at - u64::from(length), u64::from(length))?;
    let footer = ipc::root_as_footer_with_opts(&verifier(bytes.len()), &bytes)
        .map_err(|error| invalid_ipc(format!("the footer: {error}")))?;
    let schema = footer.schema().ok_or_else(|| invalid_ipc("the footer has no schema"))?;
    let mut decoder = Decoder::new(schema, limit, options, observer)?;
    // Overlapping blocks would turn a few bytes into many rows.
    let mut left = size;
    let blocks = footer.dictionaries().into_iter().flatten();
    for block in blocks.chain(footer.recordBatches().into_iter().flatten()) {
        if observer.is_cancelled() {
            return Err(Error::cancelled());
        }
        let number = |value: i64| u64::try_from(value).ok().filter(|value| *value <= size);
        let known = number(block.offset())
            .zip(number(block.metaDataLength().into()).filter(|length| *length >= 8))
            .zip(number(block.bodyLength()));
        let Some(((offset, head), body)) = known else {
            return Err(invalid_ipc("the footer refers to a block outside of the file"));
        };
        left = left.checked_sub(head + body).ok_or_else(|| invalid_ipc("blocks overlap"))?;
        let bytes = metadata(input, offset, head)?;
        let prefix = if bytes.starts_with(&CONTINUATION) { 8 } else { 4 };
        let message = message(bytes.get(prefix..).unwrap_or(&[]))?;
        if offset + head + body > size {
            return Err(invalid_ipc("a block extends beyond the end"));
        }
        decoder.message(input, &message, offset + head, body)?;
    }
    decoder.batches.finish()
}

fn fill(input: &mut dyn RandomAccess, at: u64, bytes: &mut [u8]) -> Result<()> {
    if at.saturating_add(bytes.len() as u64) > input.size() {
        return Err(invalid_ipc("the stream ends in the middle of a message"));
    }
    input.fill(at, bytes)
}

fn metadata(input: &mut dyn RandomAccess, at: u64, length: u64) -> Result<Buffer> {
    if length > MAX_METADATA {
        return Err(invalid_ipc(format!(
            "metadata of {length} bytes, at most {MAX_METADATA} are read: is it Arrow IPC?"
        )));
    }
    read_range(input, at, length)
}

fn message(bytes: &[u8]) -> Result<ipc::Message<'_>> {
    ipc::root_as_message_with_opts(&verifier(bytes.len()), bytes)
        .map_err(|error| invalid_ipc(format!("a message: {error}")))
}

/// Decodes the messages of one stream or file.
struct Decoder<'a> {
    schema: Schema,
    /// The columns that bars need, and the ids of their dictionaries.
    needed: Vec<usize>,
    ids: BTreeMap<usize, i64>,
    projected: Arc<Schema>,
    dictionaries: BTreeMap<i64, ArrayRef>,
    batches: Batches,
    budget: u64,
    limit: Limit,
    observer: &'a dyn ProgressObserver,
}

impl<'a> Decoder<'a> {
    fn new(
        schema: ipc::Schema<'_>,
        limit: Limit,
        options: &ReadOptions,
        observer: &'a dyn ProgressObserver,
    ) -> Result<Self> {
        if !schema.endianness().equals_to_target_endianness() {
            return Err(invalid_ipc("big-endian data is not supported"));
        }
        let ids = schema.fields().into_iter().flatten().enumerate();
        let ids =
            ids.filter_map(|(place, field)| Some((place, field.dictionary()?.id()))).collect();
        let schema = ipc::convert::try_fb_to_schema(schema).map_err(|error| broken(&error))?;
        let needed = Batches::new(&schema, limit, options)?.needed();
        let projected = Arc::new(schema.project(&needed).map_err(|error| broken(&error))?);
        let batches = Batches::new(&projected, limit, options)?;
        let budget = limit.rows.saturating_mul(BUDGET_PER_ROW).saturating_add(BUDGET);
        let dictionaries = BTreeMap::new();
        Ok(Self { schema, needed, ids, projected, dictionaries, batches, budget, limit, observer })
    }

    fn message(
        &mut self,
        input: &mut dyn RandomAccess,
        message: &ipc::Message<'_>,
        offset: u64,
        length: u64,
    ) -> Result<()> {
        let version = message.version();
        if let Some(batch) = message.header_as_record_batch() {
            let rows = rows_of(&batch)?;
            self.limit.check(self.batches.rows().saturating_add(rows) as u64)?;
            let locations = locate(self.schema.fields(), &self.needed, &batch, version)?;
            let mut columns = Vec::with_capacity(self.needed.len());
            for column in &self.needed {
                if self.observer.is_cancelled() {
                    return Err(Error::cancelled());
                }
                let Some(location) = locations.iter().find(|location| location.column == *column)
                else {
                    return Err(invalid_ipc("a record batch lacks a column"));
                };
                let codec = codec(&batch)?;
                let mut body = BodyReader {
                    input: &mut *input,
                    offset,
                    length,
                    codec,
                    budget: &mut self.budget,
                };
                let dictionary = self.ids.get(column).and_then(|id| self.dictionaries.get(id));
                let kind = self.schema.field(*column).data_type();
                columns.push(body.column(&batch, location, kind, rows, dictionary)?);
            }
            let batch = RecordBatch::try_new(Arc::clone(&self.projected), columns)
                .map_err(|error| broken(&error))?;
            #[expect(clippy::cast_precision_loss, reason = "a share of the work, for people")]
            let share = (offset + length) as f64 / input.size().max(1) as f64;
            self.batches.push(&batch)?;
            self.observer.on_read(share, self.batches.rows());
            return Ok(());
        }
        let Some(dictionary) = message.header_as_dictionary_batch() else {
            return Err(invalid_ipc(format!("unexpected message {:?}", message.header_type())));
        };
        let id = dictionary.id();
        // Dictionaries that no column of bars uses are skipped.
        let user = self.needed.iter().find(|place| self.ids.get(place) == Some(&id));
        let kind = user.map(|place| self.schema.field(*place).data_type());
        let (Some(DataType::Dictionary(_, kind)), Some(batch)) = (kind, dictionary.data()) else {
            return Ok(());
        };
        let rows = rows_of(&batch)?;
        self.limit.check(rows as u64)?;
        let field = Arc::new(Field::new("", kind.as_ref().clone(), true));
        let locations = locate(&[field], &[0], &batch, version)?;
        let location =
            locations.first().ok_or_else(|| invalid_ipc("a dictionary has no values"))?;
        let codec = codec(&batch)?;
        let mut body = BodyReader { input, offset, length, codec, budget: &mut self.budget };
        let mut values = body.column(&batch, location, kind, rows, None)?;
        if dictionary.isDelta() {
            let before = self.dictionaries.get(&id);
            let before =
                before.ok_or_else(|| invalid_ipc("a delta extends an unknown dictionary"))?;
            self.limit.check((before.len() + rows) as u64)?;
            let copied = before.get_buffer_memory_size() + values.get_buffer_memory_size();
            self.budget = self.budget.saturating_sub(copied as u64);
            if self.budget == 0 {
                return Err(invalid_ipc("a dictionary is extended too often"));
            }
            values = concat(&[before, &values]).map_err(|error| broken(&error))?;
        }
        self.dictionaries.insert(id, values);
        Ok(())
    }
}

/// Returns the declared number of rows.
fn rows_of(batch: &ipc::RecordBatch<'_>) -> Result<usize> {
    usize::try_from(batch.length()).map_err(|_| invalid_ipc("a record batch has a negative length"))
}

fn codec(batch: &ipc::RecordBatch<'_>) -> Result<Option<Codec>> {
    batch.compression().map(|compression| Codec::of(compression.codec())).transpose()
}
