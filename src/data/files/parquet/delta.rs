//! The heads of values that are stored as differences: how many there are, and how long the texts of them become.
//!
//! The decoder makes memory for as many values as such a head declares.

use super::broken;
use crate::error::Result;

/// The most values of a block, and the most parts of one.
const LARGEST_BLOCK: u64 = 1 << 16;

/// Whole numbers that are stored as differences.
struct Differences<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Differences<'_> {
    fn unsigned(&mut self) -> Result<u64> {
        let mut value = 0;
        for shift in (0..70).step_by(7) {
            let byte = self.bytes.get(self.at).copied().ok_or_else(cut)?;
            self.at += 1;
            value |= u64::from(byte & 0x7F).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(cut())
    }

    fn signed(&mut self) -> Result<i64> {
        let value = self.unsigned()?;
        Ok((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
    }

    /// Reads the head: the length of a block, how many parts it has, how many numbers there are, and the first of them.
    fn head(&mut self, most: usize) -> Result<(u64, u64, usize, i64)> {
        let block = self.unsigned()?;
        let parts = self.unsigned()?;
        let count = self.unsigned()?;
        let first = self.signed()?;
        let is_sound =
            (1..=LARGEST_BLOCK).contains(&block) && parts > 0 && block.is_multiple_of(parts);
        let count = usize::try_from(count).ok().filter(|count| is_sound && *count <= most);
        let count = count.ok_or_else(|| broken("a page declares more values than it has"))?;
        Ok((block, parts, count, first))
    }

    /// Passes over the numbers; returns how many there are and the sum of their absolute values.
    fn pass(&mut self, most: usize) -> Result<(usize, u64)> {
        let (block, parts, count, first) = self.head(most)?;
        if count == 0 {
            return Ok((0, 0));
        }
        let each = usize::try_from(block / parts).unwrap_or(usize::MAX);
        let parts = usize::try_from(parts).unwrap_or(usize::MAX);
        let (mut value, mut sum, mut left) = (first, first.unsigned_abs(), count - 1);
        while left > 0 {
            let least = self.signed()?;
            let widths = self.at..self.at.saturating_add(parts);
            self.at = widths.end;
            for at in widths {
                let width = usize::from(self.bytes.get(at).copied().ok_or_else(cut)?);
                if left == 0 {
                    break;
                }
                if width > 64 {
                    return Err(broken("a page has numbers of more than 64 bits"));
                }
                let start = self.at;
                for index in 0..each.min(left) {
                    let more = self.bits(start, index * width, width)?;
                    value = value.wrapping_add(least).wrapping_add(more.cast_signed());
                    sum = sum.saturating_add(value.unsigned_abs());
                }
                left -= each.min(left);
                self.at = start.saturating_add(each.saturating_mul(width).div_ceil(8));
            }
        }
        Ok((count, sum))
    }

    /// Reads so many bits, the lowest first.
    fn bits(&self, start: usize, from: usize, width: usize) -> Result<u64> {
        let mut value = 0;
        let mut have = 0;
        let mut at = from;
        while have < width {
            let byte = self.bytes.get(start + at / 8).copied().ok_or_else(cut)?;
            let (offset, take) = (at % 8, (8 - at % 8).min(width - have));
            let part = (u64::from(byte) >> offset) & ((1 << take) - 1);
            value |= part << have;
            have += take;
            at += take;
        }
        Ok(value)
    }
}

/// Checks numbers: at most so many.
pub(super) fn check_numbers(bytes: &[u8], most: usize) -> Result<()> {
    Differences { bytes, at: 0 }.head(most).map(drop)
}

/// Checks texts that follow their lengths: at most so many, of so many bytes in all.
pub(super) fn check_lengths(bytes: &[u8], most: usize, longest: u64) -> Result<()> {
    let (_, total) = Differences { bytes, at: 0 }.pass(most)?;
    if total > longest { Err(too_long()) } else { Ok(()) }
}

/// Checks texts that begin as the text before: at most so many, of so many bytes in all.
pub(super) fn check_texts(bytes: &[u8], most: usize, longest: u64) -> Result<()> {
    let mut numbers = Differences { bytes, at: 0 };
    let (prefixes, shared) = numbers.pass(most)?;
    let (suffixes, own) = numbers.pass(most)?;
    if prefixes != suffixes {
        return Err(broken("a page has texts without a beginning or an end"));
    }
    if shared.saturating_add(own) > longest { Err(too_long()) } else { Ok(()) }
}

fn too_long() -> crate::error::Error {
    broken("a column holds texts that are too long for times")
}

fn cut() -> crate::error::Error {
    broken("a page ends within its values")
}
