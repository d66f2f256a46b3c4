//! The position of a row in its table.

use std::error::Error as StdError;

use tokio_postgres::types::{FromSql, Type, accepts};

/// A `ctid`. Only the order matters: of two rows, the one written later usually has the greater position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct RowPosition(u64);

impl<'a> FromSql<'a> for RowPosition {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        // Block (4 bytes) and offset (2 bytes), big-endian.
        Ok(Self(raw.iter().take(8).fold(0, |position, byte| position << 8 | u64::from(*byte))))
    }

    accepts!(TID);
}
