//! Checks delta-encoded values: their number, and the total length of delta-encoded texts.
//!
//! The decoder allocates memory for as many values as the header declares.

use super::errors::broken;
use crate::error::Result;

/// The maximum number of values of a block.
const MAX_BLOCK: u64 = 1 << 16;

/// Reads delta-encoded integers.
struct DeltaReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl DeltaReader<'_> {
    fn unsigned(&mut self) -> Result<u64> {
        let mut value = 0;
        for shift in (0..70).step_by(7) {
            let byte = self.bytes.get(self.at).copied().ok_or_else(truncated)?;
            self.at += 1;
            value |= u64::from(byte & 0x7F).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(truncated())
    }

    fn signed(&mut self) -> Result<i64> {
        let value = self.unsigned()?;
        Ok((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
    }

    /// Reads the header: the values per block, the miniblocks per block, the number of values, and the first value.
    fn header(&mut self, max_values: usize) -> Result<(u64, u64, usize, i64)> {
        let block = self.unsigned()?;
        let miniblocks = self.unsigned()?;
        let count = self.unsigned()?;
        let first = self.signed()?;
        let is_valid =
            (1..=MAX_BLOCK).contains(&block) && miniblocks > 0 && block.is_multiple_of(miniblocks);
        let count = usize::try_from(count).ok().filter(|count| is_valid && *count <= max_values);
        let count = count.ok_or_else(|| broken("a page declares more values than it has"))?;
        Ok((block, miniblocks, count, first))
    }

    /// Skips the values. Returns their number and the sum of their absolute values.
    fn skip(&mut self, max_values: usize) -> Result<(usize, u64)> {
        let (block, miniblocks, count, first) = self.header(max_values)?;
        if count == 0 {
            return Ok((0, 0));
        }
        let each = usize::try_from(block / miniblocks).unwrap_or(usize::MAX);
        let miniblocks = usize::try_from(miniblocks).unwrap_or(usize::MAX);
        let (mut value, mut sum, mut remaining) = (first, first.unsigned_abs(), count - 1);
        while remaining > 0 {
            let min_delta = self.signed()?;
            let widths = self.at..self.at.saturating_add(miniblocks);
            self.at = widths.end;
            for at in widths {
                let width = usize::from(self.bytes.get(at).copied().ok_or_else(truncated)?);
                if remaining == 0 {
                    break;
                }
                if width > 64 {
                    return Err(broken("a page has numbers of more than 64 bits"));
                }
                let start = self.at;
                for index in 0..each.min(remaining) {
                    let delta = self.bits(start, index * width, width)?;
                    value = value.wrapping_add(min_delta).wrapping_add(delta.cast_signed());
                    sum = sum.saturating_add(value.unsigned_abs());
                }
                remaining -= each.min(remaining);
                self.at = start.saturating_add(each.saturating_mul(width).div_ceil(8));
            }
        }
        Ok((count, sum))
    }

    /// Reads `width` bits, the lowest first, `offset` bits after the byte at `start`.
    fn bits(&self, start: usize, offset: usize, width: usize) -> Result<u64> {
        let mut value = 0;
        let mut read = 0;
        let mut at = offset;
        while read < width {
            let byte = self.bytes.get(start + at / 8).copied().ok_or_else(truncated)?;
            let (shift, count) = (at % 8, (8 - at % 8).min(width - read));
            let part = (u64::from(byte) >> shift) & ((1 << count) - 1);
            value |= part << read;
            read += count;
            at += count;
        }
        Ok(value)
    }
}

/// Fails if there are more than `max_values` numbers.
pub(super) fn check_numbers(bytes: &[u8], max_values: usize) -> Result<()> {
    DeltaReader { bytes, at: 0 }.header(max_values).map(drop)
}

/// Fails if there are more than `max_values` texts, stored after their lengths, or if they have more than `max_bytes` bytes in
/// total.
pub(super) fn check_lengths(bytes: &[u8], max_values: usize, max_bytes: u64) -> Result<()> {
    let (_, total) = DeltaReader { bytes, at: 0 }.skip(max_values)?;
    if total > max_bytes { Err(too_long()) } else { Ok(()) }
}

/// Fails if there are more than `max_values` texts, stored as suffixes of the text before, or if they have more than
/// `max_bytes` bytes in total.
pub(super) fn check_texts(bytes: &[u8], max_values: usize, max_bytes: u64) -> Result<()> {
    let mut lengths = DeltaReader { bytes, at: 0 };
    let (prefixes, shared) = lengths.skip(max_values)?;
    let (suffixes, own) = lengths.skip(max_values)?;
    if prefixes != suffixes {
        return Err(broken("a page has different numbers of prefixes and suffixes"));
    }
    if shared.saturating_add(own) > max_bytes { Err(too_long()) } else { Ok(()) }
}

fn too_long() -> crate::error::Error {
    broken("a column has texts that are too long for times")
}

fn truncated() -> crate::error::Error {
    broken("a page ends within its values")
}
