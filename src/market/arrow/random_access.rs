//! Random access to bytes, so that a large file need not be in memory as a whole.

use arrow::buffer::{Buffer, MutableBuffer};

use crate::compute::reserve;
use crate::error::{Code, Error, Result};

/// Bytes with random access.
pub trait RandomAccess {
    /// Returns the number of bytes.
    fn size(&self) -> u64;

    /// Fills a slice with the bytes at `offset`. Only called for ranges within the input.
    ///
    /// # Errors
    /// `BAD_DATA` if they cannot be read.
    fn fill(&mut self, offset: u64, bytes: &mut [u8]) -> Result<()>;
}

impl RandomAccess for &[u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn fill(&mut self, offset: u64, bytes: &mut [u8]) -> Result<()> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let found = self.get(start..).and_then(|rest| rest.get(..bytes.len()));
        bytes.copy_from_slice(found.ok_or_else(|| truncated(offset))?);
        Ok(())
    }
}

/// Reads a range of bytes.
///
/// # Errors
/// `BAD_DATA` if it extends beyond the end, `LIMIT_EXCEEDED` if the memory cannot be allocated.
pub(super) fn read_range(input: &mut dyn RandomAccess, offset: u64, length: u64) -> Result<Buffer> {
    let is_inside = offset.checked_add(length).is_some_and(|end| end <= input.size());
    let Some(length) = usize::try_from(length).ok().filter(|_| is_inside) else {
        return Err(truncated(offset));
    };
    let mut bytes = zeroed(length)?;
    input.fill(offset, &mut bytes)?;
    Ok(bytes.into())
}

/// Allocates zeroed memory.
///
/// # Errors
/// `LIMIT_EXCEEDED` if it cannot be allocated.
pub(super) fn zeroed(length: usize) -> Result<MutableBuffer> {
    MutableBuffer::try_from_len_zeroed(length)
        .map_err(|_| reserve::refused::<u8>(length, "bytes of a column"))
}

fn truncated(offset: u64) -> Error {
    Error::new(
        Code::BadData,
        format!("broken Arrow IPC: a range at byte {offset} extends beyond the end"),
    )
}
