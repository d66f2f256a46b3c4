//! The columns of a record batch. Only those that bars need are read and decompressed.
//!
//! Arrow's own reader allocates whatever size a buffer declares and reads all columns of a batch. Here the size of each
//! buffer is first compared with the number of rows.

use std::ops::Range;

use arrow::array::{ArrayData, ArrayRef, make_array, new_empty_array};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, UnionMode};
use arrow::error::ArrowError;
use arrow::ipc;

use super::codec::Codec;
use super::random_access::{RandomAccess, read_range};
use super::{broken, invalid_ipc};
use crate::error::{Code, Error, Result};

/// The longest string of a time, bytes. It also bounds the mean length of the strings of a column.
const MAX_STRING_LENGTH: usize = 1024;
/// Bytes that a buffer may have beyond those of its rows: writers pad buffers, and some write their whole capacity.
const SLACK: usize = 1 << 16;

/// Reads columns from the body of a message.
pub(super) struct BodyReader<'a> {
    pub(super) input: &'a mut dyn RandomAccess,
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) codec: Option<Codec>,
    /// The number of bytes that buffers may still decompress to.
    pub(super) budget: &'a mut u64,
}

/// The node and the buffers of a column within its batch.
#[derive(Debug)]
pub(super) struct ColumnLocation {
    /// The index of the column in the schema.
    pub(super) column: usize,
    node: usize,
    buffers: Range<usize>,
}

/// Finds columns among the nodes and buffers of a batch.
pub(super) fn locate(
    fields: &[impl AsRef<Field>],
    needed: &[usize],
    batch: &ipc::RecordBatch<'_>,
    version: ipc::MetadataVersion,
) -> Result<Vec<ColumnLocation>> {
    let variadic = batch.variadicBufferCounts().into_iter().flatten().collect();
    let mut cursor = LayoutCursor { nodes: 0, buffers: 0, variadic, next_variadic: 0, version };
    let nodes = batch.nodes().map_or(0, |nodes| nodes.len());
    let buffers = batch.buffers().map_or(0, |buffers| buffers.len());
    let mut found = Vec::new();
    for (column, field) in fields.iter().enumerate() {
        let (node, first) = (cursor.nodes, cursor.buffers);
        cursor.skip(field.as_ref().data_type())?;
        if cursor.nodes > nodes || cursor.buffers > buffers {
            return Err(invalid_ipc("a record batch has fewer buffers than its schema"));
        }
        if needed.contains(&column) {
            found.push(ColumnLocation { column, node, buffers: first..cursor.buffers });
        }
        if found.len() == needed.len() {
            break;
        }
    }
    Ok(found)
}

/// Counts the nodes and buffers of the columns of a batch, in the order of its schema.
struct LayoutCursor {
    nodes: usize,
    buffers: usize,
    /// The numbers of buffers of the columns of views.
    variadic: Vec<i64>,
    next_variadic: usize,
    version: ipc::MetadataVersion,
}

impl LayoutCursor {
    /// Skips a column. The verifier has bounded the depth of the schema.
    fn skip(&mut self, kind: &DataType) -> Result<()> {
        self.nodes = self.nodes.saturating_add(1);
        let own = match kind {
            DataType::Null | DataType::RunEndEncoded(..) => 0,
            DataType::Struct(_) | DataType::FixedSizeList(..) => 1,
            DataType::Union(_, mode) => {
                let validity = usize::from(self.version < ipc::MetadataVersion::V5);
                1 + validity + usize::from(*mode == UnionMode::Dense)
            }
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary | DataType::LargeBinary => 3,
            DataType::ListView(_) | DataType::LargeListView(_) => 3,
            DataType::Utf8View | DataType::BinaryView => {
                let count = self.variadic.get(self.next_variadic).copied();
                self.next_variadic += 1;
                let count = count.and_then(|count| usize::try_from(count).ok());
                count
                    .ok_or_else(|| invalid_ipc("the number of a column's buffers is missing"))?
                    .saturating_add(2)
            }
            _ => 2,
        };
        self.buffers = self.buffers.saturating_add(own);
        match kind {
            DataType::List(item)
            | DataType::LargeList(item)
            | DataType::ListView(item)
            | DataType::LargeListView(item)
            | DataType::FixedSizeList(item, _)
            | DataType::Map(item, _) => self.skip(item.data_type()),
            DataType::Struct(fields) => {
                fields.iter().try_for_each(|field| self.skip(field.data_type()))
            }
            DataType::RunEndEncoded(ends, values) => {
                self.skip(ends.data_type())?;
                self.skip(values.data_type())
            }
            DataType::Union(fields, _) => {
                fields.iter().try_for_each(|(_, field)| self.skip(field.data_type()))
            }
            _ => Ok(()),
        }
    }
}

impl BodyReader<'_> {
    /// Reads a column of `rows` rows; `dictionary` has the values of its dictionary, if it has one and it was sent.
    pub(super) fn column(
        &mut self,
        batch: &ipc::RecordBatch<'_>,
        location: &ColumnLocation,
        kind: &DataType,
        rows: usize,
        dictionary: Option<&ArrayRef>,
    ) -> Result<ArrayRef> {
        let nodes = batch.nodes().filter(|nodes| location.node < nodes.len());
        let all = batch.buffers().filter(|buffers| location.buffers.end <= buffers.len());
        let (Some(nodes), Some(all)) = (nodes, all) else {
            return Err(invalid_ipc("a record batch lacks a column"));
        };
        let node = nodes.get(location.node);
        let nulls = usize::try_from(node.null_count()).ok().filter(|nulls| *nulls <= rows);
        let (Some(nulls), true) = (nulls, usize::try_from(node.length()) == Ok(rows)) else {
            return Err(invalid_ipc(
                "a column and its record batch have different numbers of rows",
            ));
        };
        if rows == 0 {
            return Ok(new_empty_array(kind));
        }
        let buffers: Vec<ipc::Buffer> =
            location.buffers.clone().map(|index| *all.get(index)).collect();
        let [validity, values, rest @ ..] = buffers.as_slice() else {
            return Err(invalid_ipc("a column lacks a buffer"));
        };
        let bits = (nulls > 0).then(|| self.buffer(validity, rows.div_ceil(8))).transpose()?;
        let mut data = ArrayData::builder(kind.clone())
            .len(rows)
            .null_count(nulls)
            .null_bit_buffer(bits)
            .align_buffers(true);
        match kind {
            DataType::Utf8 => data = data.buffers(self.strings::<4>(values, rest, rows)?),
            DataType::LargeUtf8 => data = data.buffers(self.strings::<8>(values, rest, rows)?),
            DataType::Utf8View => data = data.buffers(self.views(values, rest, rows)?),
            DataType::Dictionary(keys, of) => {
                // A dictionary may be missing if every key is null.
                let of = dictionary.map_or_else(|| new_empty_array(of), ArrayRef::clone);
                data =
                    data.add_buffer(self.fixed(values, keys, rows)?).add_child_data(of.to_data());
            }
            kind => data = data.add_buffer(self.fixed(values, kind, rows)?),
        }
        data.build().map(make_array).map_err(|error: ArrowError| broken(&error))
    }

    /// Reads values of a fixed width.
    fn fixed(&mut self, buffer: &ipc::Buffer, kind: &DataType, rows: usize) -> Result<Buffer> {
        let width = kind
            .primitive_width()
            .ok_or_else(|| invalid_ipc(format!("unsupported column type {kind}")))?;
        self.buffer(buffer, rows.saturating_mul(width))
    }

    /// Reads the offsets and bytes of strings.
    fn strings<const WIDTH: usize>(
        &mut self,
        offsets: &ipc::Buffer,
        rest: &[ipc::Buffer],
        rows: usize,
    ) -> Result<Vec<Buffer>> {
        let offsets = self.buffer(offsets, rows.saturating_add(1).saturating_mul(WIDTH))?;
        let mut last = [0; 8];
        if let (Some(from), Some(to)) = (offsets.last_chunk::<WIDTH>(), last.get_mut(..WIDTH)) {
            to.copy_from_slice(from);
        }
        let length = usize::try_from(u64::from_le_bytes(last)).unwrap_or(usize::MAX);
        let bytes =
            rest.first().ok_or_else(|| invalid_ipc("a column of strings lacks a buffer"))?;
        let bytes = self.buffer(bytes, bounded(length, rows)?)?;
        Ok(vec![offsets, bytes])
    }

    /// Reads the views and buffers of strings. Views may overlap, so that a few bytes can stand for many long strings.
    fn views(
        &mut self,
        views: &ipc::Buffer,
        rest: &[ipc::Buffer],
        rows: usize,
    ) -> Result<Vec<Buffer>> {
        let views = self.buffer(views, rows.saturating_mul(16))?;
        let (entries, _) = views.as_chunks::<16>();
        let lengths =
            entries.iter().map(|view| u32::from_le_bytes([view[0], view[1], view[2], view[3]]));
        if lengths.max().is_some_and(|longest| longest as usize > MAX_STRING_LENGTH) {
            return Err(too_long());
        }
        let mut buffers = vec![views];
        let mut total = 0;
        for buffer in rest {
            let bytes =
                self.whole(buffer, bounded(total, rows)?.abs_diff(max_string_bytes(rows)))?;
            total += bytes.len();
            buffers.push(bytes);
        }
        Ok(buffers)
    }

    /// Reads the first `needed` bytes of a buffer.
    fn buffer(&mut self, buffer: &ipc::Buffer, needed: usize) -> Result<Buffer> {
        let bytes = self.read(buffer, needed, needed)?;
        if bytes.len() < needed {
            return Err(invalid_ipc(format!(
                "a buffer of a column has {} bytes, its rows need {needed}",
                bytes.len()
            )));
        }
        Ok(bytes)
    }

    /// Reads a whole buffer of at most `most` bytes.
    fn whole(&mut self, buffer: &ipc::Buffer, most: usize) -> Result<Buffer> {
        let bytes = self.read(buffer, most.saturating_add(1), most)?;
        if bytes.len() > most { Err(too_long()) } else { Ok(bytes) }
    }

    /// Reads up to `wanted` bytes of a buffer. A compressed buffer may declare about twice `most`, because writers compress
    /// their padding too.
    fn read(&mut self, buffer: &ipc::Buffer, wanted: usize, most: usize) -> Result<Buffer> {
        let (start, length) =
            (u64::try_from(buffer.offset()).ok(), u64::try_from(buffer.length()).ok());
        let inside = |start: u64, length: u64| {
            start.checked_add(length).is_some_and(|end| end <= self.length)
        };
        let (start, length) = match start.zip(length) {
            Some((start, length)) if inside(start, length) => (self.offset + start, length),
            _ => return Err(invalid_ipc("a buffer extends beyond its message")),
        };
        let raw = |input: &mut dyn RandomAccess, start, length: u64| {
            read_range(input, start, length.min(wanted as u64))
        };
        let Some(codec) = self.codec.filter(|_| length > 0) else {
            return raw(self.input, start, length);
        };
        let Some(compressed) = length.checked_sub(8) else {
            return Err(invalid_ipc("a compressed buffer lacks its length"));
        };
        let mut declared = [0; 8];
        self.input.fill(start, &mut declared)?;
        let declared = match i64::from_le_bytes(declared) {
            -1 => return raw(self.input, start + 8, compressed),
            declared => usize::try_from(declared).ok(),
        };
        let allowed = most.saturating_mul(2).saturating_add(SLACK);
        let Some(declared) = declared.filter(|declared| *declared <= allowed) else {
            return Err(invalid_ipc("a compressed buffer declares more bytes than its rows need"));
        };
        if compressed > declared as u64 * 2 + SLACK as u64 {
            return Err(invalid_ipc("a compressed buffer is longer than what it declares"));
        }
        *self.budget = self.budget.checked_sub(declared as u64).ok_or_else(|| {
            Error::new(
                Code::LimitExceeded,
                "the compressed buffers of the Arrow data are too large in total",
            )
        })?;
        codec.decompress(&read_range(self.input, start + 8, compressed)?, declared)
    }
}

/// Returns the most bytes that the strings of `rows` rows may take.
fn max_string_bytes(rows: usize) -> usize {
    rows.saturating_mul(MAX_STRING_LENGTH).saturating_add(SLACK)
}

fn bounded(length: usize, rows: usize) -> Result<usize> {
    if length <= max_string_bytes(rows) { Ok(length) } else { Err(too_long()) }
}

fn too_long() -> Error {
    Error::new(Code::BadData, "a column contains strings that are too long for times")
}
