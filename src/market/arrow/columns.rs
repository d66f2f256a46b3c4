//! The columns of a record batch, read one by one; those that bars do not need are neither read nor decompressed.
//!
//! Arrow's own reader allocates what a buffer declares, and reads all of a batch. Here each buffer is first held against
//! the number of rows.

use std::ops::Range;

use arrow::array::{ArrayData, ArrayRef, make_array, new_empty_array};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, UnionMode};
use arrow::error::ArrowError;
use arrow::ipc;

use super::codec::Codec;
use super::input::{Input, part};
use super::{broken, ipc as fault};
use crate::error::{Code, Error, Result};

/// The longest text of a time, bytes; also what a text takes at most on average.
const LONGEST_TEXT: usize = 1024;
/// What a buffer may have beyond what its rows need: writers pad, and some hand out what they had reserved.
const SLACK: usize = 1 << 16;

/// The body of a message and how to read it.
pub(super) struct Body<'a> {
    pub(super) input: &'a mut dyn Input,
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) codec: Option<Codec>,
    /// How many more bytes may come out of compressed buffers.
    pub(super) budget: &'a mut u64,
}

/// Where a column is among the nodes and buffers of its batch.
#[derive(Debug)]
pub(super) struct Location {
    pub(super) place: usize,
    node: usize,
    buffers: Range<usize>,
}

/// Finds columns among the nodes and buffers of a batch.
pub(super) fn locate(
    fields: &[impl AsRef<Field>],
    needed: &[usize],
    batch: &ipc::RecordBatch<'_>,
    version: ipc::MetadataVersion,
) -> Result<Vec<Location>> {
    let variadic = batch.variadicBufferCounts().into_iter().flatten().collect();
    let mut walk = Walk { nodes: 0, buffers: 0, variadic, next: 0, version };
    let nodes = batch.nodes().map_or(0, |nodes| nodes.len());
    let buffers = batch.buffers().map_or(0, |buffers| buffers.len());
    let mut found = Vec::new();
    for (place, field) in fields.iter().enumerate() {
        let (node, first) = (walk.nodes, walk.buffers);
        walk.pass(field.as_ref().data_type())?;
        if walk.nodes > nodes || walk.buffers > buffers {
            return Err(fault("a record batch has fewer buffers than its schema"));
        }
        if needed.contains(&place) {
            found.push(Location { place, node, buffers: first..walk.buffers });
        }
        if found.len() == needed.len() {
            break;
        }
    }
    Ok(found)
}

struct Walk {
    nodes: usize,
    buffers: usize,
    variadic: Vec<i64>,
    next: usize,
    version: ipc::MetadataVersion,
}

impl Walk {
    /// Counts the nodes and buffers of a column. The depth of a schema was bounded when it was verified.
    fn pass(&mut self, kind: &DataType) -> Result<()> {
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
                let count = self.variadic.get(self.next).copied();
                self.next += 1;
                let count = count.and_then(|count| usize::try_from(count).ok());
                count
                    .ok_or_else(|| fault("the number of a column's buffers is missing"))?
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
            | DataType::Map(item, _) => self.pass(item.data_type()),
            DataType::Struct(fields) => {
                fields.iter().try_for_each(|field| self.pass(field.data_type()))
            }
            DataType::RunEndEncoded(ends, values) => {
                self.pass(ends.data_type())?;
                self.pass(values.data_type())
            }
            DataType::Union(fields, _) => {
                fields.iter().try_for_each(|(_, field)| self.pass(field.data_type()))
            }
            _ => Ok(()),
        }
    }
}

impl Body<'_> {
    /// Reads a column of so many rows; `dictionary` has the values of its dictionary, if it uses one that is there.
    pub(super) fn column(
        &mut self,
        batch: &ipc::RecordBatch<'_>,
        at: &Location,
        kind: &DataType,
        rows: usize,
        dictionary: Option<&ArrayRef>,
    ) -> Result<ArrayRef> {
        let nodes = batch.nodes().filter(|nodes| at.node < nodes.len());
        let all = batch.buffers().filter(|buffers| at.buffers.end <= buffers.len());
        let (Some(nodes), Some(all)) = (nodes, all) else {
            return Err(fault("a record batch lacks a column"));
        };
        let node = nodes.get(at.node);
        let nulls = usize::try_from(node.null_count()).ok().filter(|nulls| *nulls <= rows);
        let (Some(nulls), true) = (nulls, usize::try_from(node.length()) == Ok(rows)) else {
            return Err(fault("a column and its record batch differ in the number of rows"));
        };
        if rows == 0 {
            return Ok(new_empty_array(kind));
        }
        let buffers: Vec<ipc::Buffer> = at.buffers.clone().map(|at| *all.get(at)).collect();
        let [validity, values, rest @ ..] = buffers.as_slice() else {
            return Err(fault("a column lacks a buffer"));
        };
        let bits = (nulls > 0).then(|| self.buffer(validity, rows.div_ceil(8))).transpose()?;
        let mut data = ArrayData::builder(kind.clone())
            .len(rows)
            .null_count(nulls)
            .null_bit_buffer(bits)
            .align_buffers(true);
        match kind {
            DataType::Utf8 => data = data.buffers(self.texts::<4>(values, rest, rows)?),
            DataType::LargeUtf8 => data = data.buffers(self.texts::<8>(values, rest, rows)?),
            DataType::Utf8View => data = data.buffers(self.views(values, rest, rows)?),
            DataType::Dictionary(keys, of) => {
                // The values may be left out where every key is null.
                let of = dictionary.map_or_else(|| new_empty_array(of), ArrayRef::clone);
                data =
                    data.add_buffer(self.fixed(values, keys, rows)?).add_child_data(of.to_data());
            }
            kind => data = data.add_buffer(self.fixed(values, kind, rows)?),
        }
        data.build().map(make_array).map_err(|error: ArrowError| broken(&error))
    }

    /// Reads values of a fixed width.
    fn fixed(&mut self, at: &ipc::Buffer, kind: &DataType, rows: usize) -> Result<Buffer> {
        let width = kind.primitive_width().ok_or_else(|| fault(format!("a column of {kind}")))?;
        self.buffer(at, rows.saturating_mul(width))
    }

    /// Reads the offsets and bytes of texts.
    fn texts<const WIDTH: usize>(
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
        let bytes = rest.first().ok_or_else(|| fault("a column of texts lacks a buffer"))?;
        let bytes = self.buffer(bytes, bounded(length, rows)?)?;
        Ok(vec![offsets, bytes])
    }

    /// Reads the views and buffers of texts. Views may overlap, so that few bytes make many long texts.
    fn views(
        &mut self,
        views: &ipc::Buffer,
        rest: &[ipc::Buffer],
        rows: usize,
    ) -> Result<Vec<Buffer>> {
        let views = self.buffer(views, rows.saturating_mul(16))?;
        let (each, _) = views.as_chunks::<16>();
        let longest =
            each.iter().map(|view| u32::from_le_bytes([view[0], view[1], view[2], view[3]]));
        if longest.max().is_some_and(|longest| longest as usize > LONGEST_TEXT) {
            return Err(too_long());
        }
        let mut buffers = vec![views];
        let mut total = 0;
        for at in rest {
            let bytes = self.whole(at, bounded(total, rows)?.abs_diff(most_text(rows)))?;
            total += bytes.len();
            buffers.push(bytes);
        }
        Ok(buffers)
    }

    /// Reads a buffer of which so many bytes are needed.
    fn buffer(&mut self, at: &ipc::Buffer, needed: usize) -> Result<Buffer> {
        let bytes = self.read(at, needed, needed)?;
        if bytes.len() < needed {
            return Err(fault(format!(
                "a column has {} bytes where its rows need {needed}",
                bytes.len()
            )));
        }
        Ok(bytes)
    }

    /// Reads all of a buffer, of at most so many bytes.
    fn whole(&mut self, at: &ipc::Buffer, most: usize) -> Result<Buffer> {
        let bytes = self.read(at, most.saturating_add(1), most)?;
        if bytes.len() > most { Err(too_long()) } else { Ok(bytes) }
    }

    /// Reads up to `wanted` bytes of a buffer; a compressed one may declare little more than `most`.
    fn read(&mut self, at: &ipc::Buffer, wanted: usize, most: usize) -> Result<Buffer> {
        let (start, length) = (u64::try_from(at.offset()).ok(), u64::try_from(at.length()).ok());
        let inside = |start: u64, length: u64| {
            start.checked_add(length).is_some_and(|end| end <= self.length)
        };
        let (start, length) = match start.zip(length) {
            Some((start, length)) if inside(start, length) => (self.offset + start, length),
            _ => return Err(fault("a buffer reaches beyond its message")),
        };
        let raw = |input: &mut dyn Input, start, length: u64| {
            part(input, start, length.min(wanted as u64))
        };
        let Some(codec) = self.codec.filter(|_| length > 0) else {
            return raw(self.input, start, length);
        };
        let Some(compressed) = length.checked_sub(8) else {
            return Err(fault("a compressed buffer lacks its length"));
        };
        let mut declared = [0; 8];
        self.input.fill(start, &mut declared)?;
        let declared = match i64::from_le_bytes(declared) {
            -1 => return raw(self.input, start + 8, compressed),
            declared => usize::try_from(declared).ok(),
        };
        let allowed = most.saturating_mul(2).saturating_add(SLACK);
        let Some(declared) = declared.filter(|declared| *declared <= allowed) else {
            return Err(fault("a compressed buffer declares more bytes than its rows need"));
        };
        if compressed > declared as u64 * 2 + SLACK as u64 {
            return Err(fault("a compressed buffer is longer than what it declares"));
        }
        *self.budget = self.budget.checked_sub(declared as u64).ok_or_else(|| {
            Error::new(Code::LimitExceeded, "the Arrow data have too many compressed parts")
        })?;
        codec.decompress(&part(self.input, start + 8, compressed)?, declared)
    }
}

/// The most bytes that the texts of so many rows may take.
fn most_text(rows: usize) -> usize {
    rows.saturating_mul(LONGEST_TEXT).saturating_add(SLACK)
}

fn bounded(length: usize, rows: usize) -> Result<usize> {
    if length <= most_text(rows) { Ok(length) } else { Err(too_long()) }
}

fn too_long() -> Error {
    Error::new(Code::BadData, "a column holds texts that are too long for times")
}
