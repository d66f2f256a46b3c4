//! The footer of a Parquet file: checked by itself before the decoder reads it, which trusts its depth and its counts.

use arrow::datatypes::Schema;
use arrow::ipc;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use super::super::Opened;
use super::thrift::{LIST, STRUCT, Thrift};
use super::{broken, failed};
use crate::compute::reserve;
use crate::error::{Code, Error, Result};
use crate::market::arrow::verifier;

/// The longest footer, bytes.
const LONGEST: u64 = 1 << 24;
/// The most items of lists in a footer: columns, row groups, and the parts of either.
const MOST_ITEMS: usize = 500_000;
/// The deepest nesting of columns.
const DEEPEST: usize = 64;
/// The most columns, nested ones included.
const MOST_COLUMNS: usize = 20_000;

const MAGIC: &[u8; 4] = b"PAR1";
const ENCRYPTED: &[u8; 4] = b"PARE";
const ARROW_SCHEMA: &str = "ARROW:schema";

/// Reads the footer of a file.
pub(super) fn read(file: &mut Opened) -> Result<ParquetMetaData> {
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
        return Err(broken("the file does not begin and end with PAR1; it may have been cut off"));
    }
    let length = length.first_chunk().map_or(0, |length| u64::from(u32::from_le_bytes(*length)));
    if length > tail_at - 4 {
        return Err(broken("the footer reaches beyond the file"));
    }
    if length > LONGEST {
        return Err(Error::new(
            Code::LimitExceeded,
            format!("the footer has {length} bytes, at most {LONGEST} are read"),
        ));
    }
    let mut bytes = reserve::zeros(usize::try_from(length).unwrap_or(0), "bytes of metadata")?;
    file.fill_at(tail_at - length, &mut bytes)?;
    check(&bytes)?;
    ParquetMetaDataReader::decode_metadata(&bytes).map_err(|error| failed(&error))
}

/// Checks the counts of all lists, and the depth of the schema.
fn check(bytes: &[u8]) -> Result<()> {
    let mut thrift = Thrift::new(bytes, MOST_ITEMS.min(bytes.len() / 2));
    let mut number = 0;
    while let Some((found, kind)) = thrift.field(number)? {
        number = found;
        if (number, kind) == (2, LIST) {
            check_schema(&mut thrift)?;
        } else {
            thrift.skip(kind)?;
        }
    }
    Ok(())
}

/// Checks the schema, which is a tree in a list: each item says how many of those behind it are its children.
fn check_schema(thrift: &mut Thrift<'_>) -> Result<()> {
    let (count, kind) = thrift.list()?;
    if count > MOST_COLUMNS {
        return Err(Error::new(
            Code::LimitExceeded,
            format!("the file has {count} columns, at most {MOST_COLUMNS} are read"),
        ));
    }
    if kind != STRUCT {
        return Err(broken("the schema is no list of columns"));
    }
    // How many children are still to come at each depth.
    let mut open: Vec<i64> = Vec::new();
    for _ in 0..count {
        let mut children = 0;
        let mut number = 0;
        while let Some((found, kind)) = thrift.field(number)? {
            number = found;
            if (number, kind) == (5, 5) {
                children = thrift.integer()?;
            } else {
                thrift.skip(kind)?;
            }
        }
        while open.last() == Some(&0) {
            open.pop();
        }
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        if children > 0 {
            open.push(children);
        }
        if open.len() > DEEPEST {
            return Err(broken(&format!("columns are nested more than {DEEPEST} deep")));
        }
    }
    Ok(())
}

/// Returns the Arrow schema that the writer kept beside Parquet's, where there is one; it tells more about times.
pub(super) fn arrow_schema(metadata: &ParquetMetaData) -> Result<Option<Schema>> {
    let entries = metadata.file_metadata().key_value_metadata().into_iter().flatten();
    let mut texts = entries.filter(|entry| entry.key == ARROW_SCHEMA);
    let Some(text) = texts.next().and_then(|entry| entry.value.as_deref()) else { return Ok(None) };
    let bytes =
        BASE64_STANDARD.decode(text).map_err(|_| broken("the Arrow schema is no Base64"))?;
    let message = match bytes.strip_prefix(&[0xFF; 4]) {
        Some(rest) => rest.get(4..).unwrap_or(&[]),
        None => &bytes,
    };
    let message = ipc::root_as_message_with_opts(&verifier(message.len()), message)
        .map_err(|error| broken(&format!("the Arrow schema: {error}")))?;
    let schema = message.header_as_schema().ok_or_else(|| broken("the Arrow schema is none"))?;
    ipc::convert::try_fb_to_schema(schema)
        .map(Some)
        .map_err(|error| broken(&format!("the Arrow schema: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A schema of items with so many children each.
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
        assert!(error.message.contains("nested more than 64 deep"), "{}", error.message);
        // Wide is not deep.
        let wide: Vec<u8> =
            std::iter::once(50).chain(std::iter::repeat_n([1, 0], 50).flatten()).collect();
        assert!(check(&schema(&wide)).is_ok());
    }

    #[test]
    fn counts_that_cannot_be_are_refused() {
        let mut hostile = vec![0x29, 0xFC, 0xFF, 0xFF, 0xFF, 0xFF, 0x07];
        assert_eq!(check(&hostile).unwrap_err().code, Code::BadData);
        hostile.resize(2_000_000, 0);
        assert!(check(&hostile).is_err());
        // Lists in lists without end.
        assert_eq!(check(&[0x99_u8; 5000]).unwrap_err().code, Code::BadData);
    }
}
