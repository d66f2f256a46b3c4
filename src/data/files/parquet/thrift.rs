//! Reads as much of Thrift's compact protocol as is needed to check metadata before it is decoded.

use crate::error::{Code, Error, Result};

/// The maximum nesting depth of values.
const MAX_DEPTH: u32 = 32;

/// The type codes of values.
pub(super) const TRUE: u8 = 1;
const FALSE: u8 = 2;
pub(super) const LIST: u8 = 9;
pub(super) const STRUCT: u8 = 12;

/// A reader of the compact protocol.
#[derive(Debug, Clone)]
pub(super) struct Thrift<'a> {
    bytes: &'a [u8],
    at: usize,
    /// How many list items may still follow. Each takes far more memory than bytes.
    items: usize,
}

impl<'a> Thrift<'a> {
    /// Creates a reader. All lists together may have `items` items.
    pub(super) fn new(bytes: &'a [u8], items: usize) -> Self {
        Self { bytes, at: 0, items }
    }

    /// Returns the number of bytes read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    fn byte(&mut self) -> Result<u8> {
        let byte = self.bytes.get(self.at).copied().ok_or_else(truncated)?;
        self.at += 1;
        Ok(byte)
    }

    fn skip_bytes(&mut self, count: u64) -> Result<()> {
        let available = self.bytes.len() - self.at;
        let count = usize::try_from(count)
            .ok()
            .filter(|count| *count <= available)
            .ok_or_else(truncated)?;
        self.at += count;
        Ok(())
    }

    fn unsigned(&mut self) -> Result<u64> {
        let mut value = 0;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(broken("a number has more than ten bytes"))
    }

    /// Reads an integer.
    pub(super) fn integer(&mut self) -> Result<i64> {
        let value = self.unsigned()?;
        Ok((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
    }

    /// Reads the header of a field: its number, relative to that of the field before, and its type code. Returns `None` at the
    /// end of the structure.
    pub(super) fn field(&mut self, before: i16) -> Result<Option<(i16, u8)>> {
        let header = self.byte()?;
        let (delta, type_code) = (header >> 4, header & 0xF);
        if type_code == 0 {
            return Ok(None);
        }
        let number = match delta {
            0 => i16::try_from(self.integer()?).ok(),
            delta => before.checked_add(i16::from(delta)),
        };
        Ok(Some((number.ok_or_else(|| broken("a field has an impossible number"))?, type_code)))
    }

    /// Reads the header of a list: the number of items and their type code.
    pub(super) fn list(&mut self) -> Result<(usize, u8)> {
        let header = self.byte()?;
        let count = match header >> 4 {
            15 => self.unsigned()?,
            count => u64::from(count),
        };
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        self.take(count)?;
        Ok((count, header & 0xF))
    }

    fn take(&mut self, count: usize) -> Result<()> {
        // An item has at least one byte.
        if count > self.bytes.len() - self.at {
            return Err(truncated());
        }
        self.items = self.items.checked_sub(count).ok_or_else(|| {
            Error::new(
                Code::LimitExceeded,
                "the metadata of the Parquet file has too many list items",
            )
        })?;
        Ok(())
    }

    /// Skips a value of a type.
    pub(super) fn skip(&mut self, type_code: u8) -> Result<()> {
        self.skip_nested(type_code, 0)
    }

    fn skip_nested(&mut self, type_code: u8, depth: u32) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(broken("the metadata is nested too deeply"));
        }
        match type_code {
            TRUE | FALSE => Ok(()),
            3 => self.skip_bytes(1),
            4..=6 => self.unsigned().map(drop),
            7 => self.skip_bytes(8),
            8 => {
                let length = self.unsigned()?;
                self.skip_bytes(length)
            }
            9 | 10 => {
                let (count, type_code) = self.list()?;
                // Within a list, a boolean has a byte.
                let type_code = if matches!(type_code, TRUE | FALSE) { 3 } else { type_code };
                (0..count).try_for_each(|_| self.skip_nested(type_code, depth + 1))
            }
            11 => {
                let count = usize::try_from(self.unsigned()?).unwrap_or(usize::MAX);
                if count == 0 {
                    return Ok(());
                }
                self.take(count)?;
                let type_codes = self.byte()?;
                for _ in 0..count {
                    for type_code in [type_codes >> 4, type_codes & 0xF] {
                        let type_code =
                            if matches!(type_code, TRUE | FALSE) { 3 } else { type_code };
                        self.skip_nested(type_code, depth + 1)?;
                    }
                }
                Ok(())
            }
            12 => {
                while let Some((_, type_code)) = self.field(0)? {
                    self.skip_nested(type_code, depth + 1)?;
                }
                Ok(())
            }
            13 => self.skip_bytes(16),
            type_code => Err(broken(&format!("a value has the unknown type {type_code}"))),
        }
    }
}

fn truncated() -> Error {
    broken("the metadata is truncated")
}

fn broken(what: &str) -> Error {
    Error::new(Code::BadData, format!("broken Parquet: {what}"))
}
