//! The pages of a column, read one by one.
//!
//! The page reader of the decoder allocates what a page declares. Here, each page is first checked against the number of rows
//! of its row group.

use std::sync::{Arc, Mutex, PoisonError};

use parquet::basic::{Compression, Encoding, Type};
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};

use super::errors::broken;
use super::thrift::{STRUCT, TRUE, Thrift};
use super::{codec, delta};
use crate::compute::reserve;
use crate::data::files::open_file::OpenFile;
use crate::error::{Error, Result};

/// How many bytes the pages of a column chunk may have: a constant and an amount per row.
const BUDGET: u64 = 1 << 16;
const BUDGET_PER_ROW: u64 = 96;
/// The maximum length of a time as text, bytes.
const MAX_TEXT_LEN: u64 = 1024;
/// How many bytes are read for the header of a page at first, and at most.
const HEADER_LEN: u64 = 1 << 10;
const MAX_HEADER_LEN: u64 = 1 << 20;
/// The maximum width of a value of fixed length, bytes: that of a decimal.
pub(super) const MAX_FIXED_WIDTH: i32 = 32;

/// A file that several columns read from, and the first error of any of them: the decoder keeps only the text of an error.
#[derive(Debug, Clone)]
pub(super) struct SharedFile(Arc<Mutex<(OpenFile, Option<Error>)>>);

impl SharedFile {
    pub(super) fn new(file: OpenFile) -> Self {
        Self(Arc::new(Mutex::new((file, None))))
    }

    /// Returns the first error.
    pub(super) fn error(&self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.take()
    }

    /// Keeps the first error and converts it for the decoder.
    fn keep(&self, error: Error) -> ParquetError {
        let for_decoder = ParquetError::General(error.message.clone());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.get_or_insert(error);
        for_decoder
    }

    fn read(&self, at: u64, length: u64) -> Result<Vec<u8>> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let mut bytes = reserve::zeros(length, "bytes of a page")?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.fill_at(at, &mut bytes)?;
        Ok(bytes)
    }
}

/// The chunks of one column, one per row group.
pub(super) struct ColumnChunks {
    file: SharedFile,
    size: u64,
    metadata: Arc<ParquetMetaData>,
    column: usize,
    group: usize,
}

impl ColumnChunks {
    pub(super) fn new(
        file: SharedFile,
        size: u64,
        metadata: Arc<ParquetMetaData>,
        column: usize,
    ) -> Self {
        Self { file, size, metadata, column, group: 0 }
    }
}

impl Iterator for ColumnChunks {
    type Item = ParquetResult<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        let group = self.metadata.row_groups().get(self.group)?;
        self.group += 1;
        let pages = group
            .columns()
            .get(self.column)
            .ok_or_else(|| broken("a row group lacks a column"))
            .and_then(|chunk| Pages::new(self.file.clone(), self.size, chunk, group.num_rows()));
        Some(pages.map(|pages| Box::new(pages) as _).map_err(|error| self.file.keep(error)))
    }
}

impl PageIterator for ColumnChunks {}

/// The pages of a column chunk.
struct Pages {
    file: SharedFile,
    at: u64,
    end: u64,
    physical_type: Type,
    width: usize,
    codec: Compression,
    has_levels: bool,
    /// How many rows the remaining pages may have.
    rows: usize,
    /// How many bytes the remaining pages may have.
    budget: u64,
    has_dictionary: bool,
}

/// The header of a page.
#[derive(Debug, Default)]
struct PageHeader {
    page_type: i64,
    length: u64,
    compressed: u64,
    /// The fields of the structure for this type of page.
    fields: Vec<(i16, i64)>,
}

impl PageHeader {
    /// Reads a header. Returns its length too, bytes.
    fn read(bytes: &[u8]) -> Result<(Self, u64)> {
        let mut thrift = Thrift::new(bytes, 1000);
        let mut header = Self { page_type: -1, ..Self::default() };
        let (mut length, mut compressed) = (-1, -1);
        let mut number = 0;
        while let Some((found, type_code)) = thrift.field(number)? {
            number = found;
            match (number, type_code) {
                (1, 5) => header.page_type = thrift.integer()?,
                (2, 5) => length = thrift.integer()?,
                (3, 5) => compressed = thrift.integer()?,
                (5 | 7 | 8, STRUCT) => header.fields = integer_fields(&mut thrift)?,
                (_, type_code) => thrift.skip(type_code)?,
            }
        }
        match (u64::try_from(length), u64::try_from(compressed)) {
            (Ok(length), Ok(compressed)) => {
                (header.length, header.compressed) = (length, compressed);
                Ok((header, thrift.position() as u64))
            }
            _ => Err(broken("a page has no length")),
        }
    }

    /// Returns an integer field.
    fn number(&self, field: i16) -> Result<u32> {
        let found = self.fields.iter().find(|(number, _)| *number == field);
        found
            .and_then(|(_, value)| u32::try_from(*value).ok())
            .ok_or_else(|| broken("the header of a page lacks a number"))
    }

    fn flag(&self, field: i16, default: bool) -> bool {
        let found = self.fields.iter().find(|(number, _)| *number == field);
        found.map_or(default, |(_, value)| *value != 0)
    }

    fn encoding(&self, field: i16) -> Result<Encoding> {
        Ok(match self.number(field)? {
            0 => Encoding::PLAIN,
            2 => Encoding::PLAIN_DICTIONARY,
            3 => Encoding::RLE,
            #[expect(deprecated, reason = "old files have it")]
            4 => Encoding::BIT_PACKED,
            5 => Encoding::DELTA_BINARY_PACKED,
            6 => Encoding::DELTA_LENGTH_BYTE_ARRAY,
            7 => Encoding::DELTA_BYTE_ARRAY,
            8 => Encoding::RLE_DICTIONARY,
            9 => Encoding::BYTE_STREAM_SPLIT,
            other => return Err(broken(&format!("a page has the unknown encoding {other}"))),
        })
    }
}

/// Reads the integers and booleans of a structure.
fn integer_fields(thrift: &mut Thrift<'_>) -> Result<Vec<(i16, i64)>> {
    let mut found = Vec::new();
    let mut number = 0;
    while let Some((field, type_code)) = thrift.field(number)? {
        number = field;
        match type_code {
            1 | 2 => found.push((number, i64::from(type_code == TRUE))),
            4..=6 => found.push((number, thrift.integer()?)),
            type_code => thrift.skip(type_code)?,
        }
    }
    Ok(found)
}

impl Pages {
    fn new(file: SharedFile, size: u64, chunk: &ColumnChunkMetaData, rows: i64) -> Result<Self> {
        let start = chunk.dictionary_page_offset().filter(|offset| *offset > 0);
        let start = u64::try_from(start.unwrap_or(chunk.data_page_offset())).ok();
        let length = u64::try_from(chunk.compressed_size()).ok();
        let end = start.zip(length).and_then(|(start, length)| start.checked_add(length));
        let (Some(at), Some(end)) = (start, end.filter(|end| *end <= size)) else {
            return Err(broken("a column extends past the end of the file"));
        };
        let rows = usize::try_from(rows).map_err(|_| broken("a negative number of rows"))?;
        let column = chunk.column_descr();
        let physical_type = chunk.column_type();
        let width = match physical_type {
            Type::BOOLEAN => 1,
            Type::INT32 | Type::FLOAT | Type::BYTE_ARRAY => 4,
            Type::INT64 | Type::DOUBLE => 8,
            Type::INT96 => 12,
            Type::FIXED_LEN_BYTE_ARRAY => usize::try_from(column.type_length()).unwrap_or(1).max(1),
        };
        Ok(Self {
            file,
            at,
            end,
            physical_type,
            width,
            codec: chunk.compression(),
            has_levels: column.max_def_level() > 0,
            rows,
            budget: BUDGET.saturating_add((rows as u64).saturating_mul(BUDGET_PER_ROW)),
            has_dictionary: false,
        })
    }

    fn header(&mut self) -> Result<PageHeader> {
        let mut length = HEADER_LEN;
        loop {
            let available = self.end - self.at;
            let bytes = self.file.read(self.at, length.min(available))?;
            match PageHeader::read(&bytes) {
                Ok((header, read)) => {
                    self.at += read;
                    return Ok(header);
                }
                Err(error) if length >= available || length >= MAX_HEADER_LEN => return Err(error),
                // Statistics can make a header longer.
                Err(_) => length = MAX_HEADER_LEN,
            }
        }
    }

    fn page(&mut self) -> Result<Option<Page>> {
        while self.at < self.end && self.rows > 0 {
            let header = self.header()?;
            if header.compressed > self.end - self.at {
                return Err(broken("a page extends past the end of its column"));
            }
            let start = self.at;
            self.at += header.compressed;
            let page = match header.page_type {
                0 | 3 => self.data(&header, start)?,
                2 => self.dictionary(&header, start)?,
                // An index page, or a type that is newer than this code.
                _ => continue,
            };
            return Ok(Some(page));
        }
        Ok(None)
    }

    fn dictionary(&mut self, header: &PageHeader, start: u64) -> Result<Page> {
        if std::mem::replace(&mut self.has_dictionary, true) {
            return Err(broken("a column has two dictionaries"));
        }
        let values = header.number(1)?;
        let min_length = (values as usize).saturating_mul(self.width) as u64;
        if min_length > header.length && self.physical_type != Type::BOOLEAN {
            return Err(broken("a dictionary declares more values than it has bytes"));
        }
        let bytes = self.bytes(header, start, 0, true)?;
        if self.physical_type == Type::BYTE_ARRAY {
            check_plain_texts(&bytes, values as usize)?;
        }
        let encoding = header.encoding(2)?;
        let is_sorted = header.flag(3, false);
        Ok(Page::DictionaryPage { buf: bytes.into(), num_values: values, encoding, is_sorted })
    }

    fn data(&mut self, header: &PageHeader, start: u64) -> Result<Page> {
        let num_values = header.number(1)?;
        let values = num_values as usize;
        let rows = self.rows.checked_sub(values);
        self.rows = rows.ok_or_else(|| broken("a page declares more values than its row group"))?;
        if header.page_type == 0 {
            let encoding = header.encoding(2)?;
            let bytes = self.bytes(header, start, 0, true)?;
            let levels = match self.has_levels.then(|| header.encoding(3)).transpose()? {
                None => 0,
                Some(Encoding::RLE) => {
                    let length =
                        bytes.first_chunk().map_or(0, |length| u32::from_le_bytes(*length));
                    4 + length as usize
                }
                Some(_) => values.div_ceil(8),
            };
            self.check(encoding, bytes.get(levels..).unwrap_or(&[]), values)?;
            return Ok(Page::DataPage {
                buf: bytes.into(),
                num_values,
                encoding,
                def_level_encoding: header.encoding(3)?,
                rep_level_encoding: header.encoding(4)?,
                statistics: None,
            });
        }
        let encoding = header.encoding(4)?;
        let (definitions, repetitions) = (header.number(5)?, header.number(6)?);
        let levels = u64::from(definitions) + u64::from(repetitions);
        let bytes = self.bytes(header, start, levels, header.flag(7, true))?;
        let after = usize::try_from(levels).unwrap_or(usize::MAX);
        self.check(encoding, bytes.get(after..).unwrap_or(&[]), values)?;
        Ok(Page::DataPageV2 {
            buf: bytes.into(),
            num_values,
            encoding,
            num_nulls: header.number(2)?,
            num_rows: header.number(3)?,
            def_levels_byte_len: definitions,
            rep_levels_byte_len: repetitions,
            is_compressed: false,
            statistics: None,
        })
    }

    /// Reads the bytes of a page. The first `levels` bytes are never compressed.
    fn bytes(
        &mut self,
        header: &PageHeader,
        start: u64,
        levels: u64,
        compressed: bool,
    ) -> Result<Vec<u8>> {
        let is_compressed = compressed && self.codec != Compression::UNCOMPRESSED;
        let length = if is_compressed { header.length } else { header.compressed };
        let remaining = self.budget.checked_sub(length);
        // A page of nulls may be empty, and a compressed page may be longer than its content.
        let is_valid = levels <= length.min(header.compressed)
            && header.compressed <= length.saturating_mul(2).saturating_add(BUDGET);
        self.budget = remaining
            .filter(|_| is_valid)
            .ok_or_else(|| broken("a page declares more bytes than its rows need"))?;
        let bytes = self.file.read(start, header.compressed)?;
        if !is_compressed {
            return Ok(bytes);
        }
        let mut out =
            reserve::zeros(usize::try_from(length).unwrap_or(usize::MAX), "bytes of a page")?;
        let split = usize::try_from(levels).unwrap_or(usize::MAX);
        let (plain, compressed) = bytes.split_at_checked(split).unwrap_or((&bytes, &[]));
        let (start, rest) = out.split_at_mut_checked(split).unwrap_or((&mut [], &mut []));
        start.copy_from_slice(plain);
        if !rest.is_empty() {
            codec::decompress(self.codec, compressed, rest)?;
        }
        Ok(out)
    }

    /// Checks values of encodings whose decoder trusts the declared counts.
    fn check(&self, encoding: Encoding, bytes: &[u8], values: usize) -> Result<()> {
        let max_bytes = (values as u64).saturating_mul(MAX_TEXT_LEN);
        match (encoding, self.physical_type) {
            (Encoding::DELTA_BINARY_PACKED, _) => delta::check_numbers(bytes, values),
            (Encoding::DELTA_LENGTH_BYTE_ARRAY, _) => {
                delta::check_lengths(bytes, values, max_bytes)
            }
            (Encoding::DELTA_BYTE_ARRAY, _) => delta::check_texts(bytes, values, max_bytes),
            _ => Ok(()),
        }
    }
}

/// Checks the texts of a dictionary, where many rows may refer to a long text.
fn check_plain_texts(mut bytes: &[u8], values: usize) -> Result<()> {
    for _ in 0..values {
        let Some((length, rest)) = bytes.split_first_chunk::<4>() else {
            return Err(broken("a dictionary is truncated"));
        };
        let length = u32::from_le_bytes(*length);
        if u64::from(length) > MAX_TEXT_LEN {
            return Err(broken("a column has texts that are too long for times"));
        }
        bytes = rest
            .get(length as usize..)
            .ok_or_else(|| broken("a dictionary is truncated within a text"))?;
    }
    Ok(())
}

impl Iterator for Pages {
    type Item = ParquetResult<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> ParquetResult<Option<Page>> {
        self.page().map_err(|error| self.file.keep(error))
    }

    fn peek_next_page(&mut self) -> ParquetResult<Option<PageMetadata>> {
        Err(ParquetError::NYI("pages are read in order".into()))
    }

    fn skip_next_page(&mut self) -> ParquetResult<()> {
        Err(ParquetError::NYI("pages are read in order".into()))
    }

    fn at_record_boundary(&mut self) -> ParquetResult<bool> {
        Ok(true)
    }
}
