//! The footer of a Parquet file. It is checked before the decoder reads it, because the decoder trusts its depth and counts.

use arrow::datatypes::Schema;
use arrow::ipc;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use super::errors::{broken, decoder_error};
use super::thrift::{LIST, STRUCT, Thrift};
use crate::compute::reserve;
use crate::data::files::open_file::OpenFile;
use crate::error::{Code, Error, Result};
use crate::market::arrow::verifier;

/// The maximum length of a footer, bytes.
const MAX_LEN: u64 = 1 << 24;
/// The maximum number of list items in a footer: columns, row groups, and parts of both.
const MAX_ITEMS: usize = 500_000;
/// The maximum nesting depth of columns.
const MAX_DEPTH: usize = 64;
/// The maximum number of columns, including nested ones.
const MAX_COLUMNS: usize = 20_000;

const MAGIC: &[u8; 4] = b"PAR1";
const ENCRYPTED: &[u8; 4] = b"PARE";
const ARROW_SCHEMA: &str = "ARROW:schema";

/// Reads the footer of a file.
pub(super) fn read(file: &mut OpenFile) -> Result<ParquetMetaData> {
    let size = file.size;
    let mut ends = [0; 12];
    let (head, tail) = ends.split_at_mut(4);
    let Some(tail_at) = size.checked_sub(12).map(|_| size - 8) else {
        return Err(broken("the file is too short"));
    };
    file.fill_at(0, head)?;
    file.fill_at(tail_at, tail)?;
    let (length, magic) = tail.split_at(4);
    if magic == ENCRYPTED {
        return Err(broken("the file is encrypted"));
    }
    if head != MAGIC || magic != MAGIC {
        return Err(broken("the file does not start and end with PAR1; it may be truncated"));
    }
    let length = length.first_chunk().map_or(0, |length| u64::from(u32::from_le_bytes(*length)));
    if length > tail_at - 4 {
        return Err(broken("the footer is longer than the file"));
    }
    if length > MAX_LEN {
        return Err(Error::new(
            Code::LimitExceeded,
            format!("the footer has {length} bytes, more than the maximum of {MAX_LEN}"),
        ));
    }
    let mut bytes = reserve::zeros(usize::try_from(length).unwrap_or(0), "bytes of metadata")?;
    file.fill_at(tail_at - length, &mut bytes)?;
    check(&bytes)?;
    ParquetMetaDataReader::decode_metadata(&bytes).map_err(|error| decoder_error(&error))
}

/// Checks the counts of all lists, and the depth of the schema.
fn check(bytes: &[u8]) -> Result<()> {
    let mut thrift = Thrift::new(bytes, MAX_ITEMS.min(bytes.len() / 2));
    let mut number = 0;
    while let Some((found, type_code)) = thrift.field(number)? {
        number = found;
        if (number, type_code) == (2, LIST) {
            check_schema(&mut thrift)?;
        } else {
            thrift.skip(type_code)?;
        }
    }
    Ok(())
}

/// Checks the schema, a tree as a list in depth-first order: each item contains the number of its children.
fn check_schema(thrift: &mut Thrift<'_>) -> Result<()> {
    let (count, type_code) = thrift.list()?;
    if count > MAX_COLUMNS {
        return Err(Error::new(
            Code::LimitExceeded,
            format!("the file has {count} columns, more than the maximum of {MAX_COLUMNS}"),
        ));
    }
    if type_code != STRUCT {
        return Err(broken("the schema is not a list of columns"));
    }
    // The number of children that are still missing, at each depth.
    let mut missing: Vec<i64> = Vec::new();
    for _ in 0..count {
        let mut children = 0;
        let mut number = 0;
        while let Some((found, type_code)) = thrift.field(number)? {
            number = found;
            if (number, type_code) == (5, 5) {
                children = thrift.integer()?;
            } else {
                thrift.skip(type_code)?;
            }
        }
        while missing.last() == Some(&0) {
            missing.pop();
        }
        if let Some(left) = missing.last_mut() {
            *left -= 1;
        }
        if children > 0 {
            missing.push(children);
        }
        if missing.len() > MAX_DEPTH {
            return Err(broken(&format!("columns are nested more than {MAX_DEPTH} levels deep")));
        }
    }
    Ok(())
}

/// Returns the Arrow schema in the metadata, if there is one. It describes times better than the Parquet schema.
pub(super) fn arrow_schema(metadata: &ParquetMetaData) -> Result<Option<Schema>> {
    let entries = metadata.file_metadata().key_value_metadata().into_iter().flatten();
    let mut texts = entries.filter(|entry| entry.key == ARROW_SCHEMA);
    let Some(text) = texts.next().and_then(|entry| entry.value.as_deref()) else { return Ok(None) };
    let bytes =
        BASE64_STANDARD.decode(text).map_err(|_| broken("the Arrow schema is not valid Base64"))?;
    let message = match bytes.strip_prefix(&[0xFF; 4]) {
        Some(rest) => rest.get(4..).unwrap_or(&[]),
        None => &bytes,
    };
    let message = ipc::root_as_message_with_opts(&verifier(message.len()), message)
        .map_err(|error| broken(&format!("the Arrow schema: {error}")))?;
    let schema =
        message.header_as_schema().ok_or_else(|| broken("the Arrow schema is not a schema"))?;
    ipc::convert::try_fb_to_schema(schema)
        .map(Some)
        .map_err(|error| broken(&format!("the Arrow schema: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Encodes a schema whose items have these numbers of children.
    fn schema(children: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x29, 0xFC];
        let mut count = children.len();
        while count >= 0x80 {
            bytes.push(u8::try_from(count & 0x7F).unwrap() | 0x80);
            count >>= 7;
        }
        bytes.push(u8::try_from(count).unwrap());
        for &children in children {
            bytes.extend([0x55, children * 2, 0]);
        }
        bytes.push(0);
        bytes
    }

    #[test]
    fn the_depth_of_a_schema_is_bounded() {
        assert!(check(&schema(&[2, 0, 2, 0, 0])).is_ok());
        assert!(check(&schema(&[1; 64])).is_ok());
        let error = check(&schema(&[1; 65])).unwrap_err();
        assert!(error.message.contains("nested more than 64 levels deep"), "{}", error.message);
        // Many columns are not a deep schema.
        let wide: Vec<u8> =
            std::iter::once(50).chain(std::iter::repeat_n([1, 0], 50).flatten()).collect();
        assert!(check(&schema(&wide)).is_ok());
    }

    #[test]
    fn impossible_counts_are_rejected() {
        let mut hostile = vec![0x29, 0xFC, 0xFF, 0xFF, 0xFF, 0xFF, 0x07];
        assert_eq!(check(&hostile).unwrap_err().code, Code::BadData);
        hostile.resize(2_000_000, 0);
        assert_eq!(check(&hostile).unwrap_err().code, Code::BadData);
        // Endlessly nested lists.
        assert_eq!(check(&[0x99_u8; 5000]).unwrap_err().code, Code::BadData);
    }
}
