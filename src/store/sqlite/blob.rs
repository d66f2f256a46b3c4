//! Columns of numbers as compact little-endian blobs, and the checksum over them.

use crate::error::{Error, Result};

/// The widths that a step may have, in bytes; 0 where all steps are the same.
const WIDTHS: [usize; 5] = [0, 1, 2, 4, 8];
/// First time, unit, width and number of times.
const HEAD: usize = 8 + 8 + 1 + 4;

/// Writes numbers.
pub fn from_floats(values: &[f64]) -> Vec<u8> {
    let mut bytes = vec![0; values.len() * 8];
    for (to, value) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(values) {
        *to = value.to_le_bytes();
    }
    bytes
}

/// Appends the numbers of a blob.
///
/// # Errors
/// Where the blob does not hold exactly `expected` numbers.
pub fn extend_floats(out: &mut Vec<f64>, bytes: &[u8], expected: usize) -> Result<(), Damage> {
    let (chunks, rest) = bytes.as_chunks::<8>();
    if chunks.len() != expected || !rest.is_empty() {
        return Err(damaged(format!("a column of {} bytes for {expected} values", bytes.len())));
    }
    out.extend(chunks.iter().map(|chunk| f64::from_le_bytes(*chunk)));
    Ok(())
}

/// Writes increasing times as steps: a column of regular bars takes 21 bytes, daily bars with weekends a byte a bar.
///
/// # Errors
/// `INTERNAL` where the times do not increase or are more than 2³².
pub fn from_times(times: &[i64]) -> Result<Vec<u8>> {
    let count = u32::try_from(times.len())
        .map_err(|_| Error::internal("more than 2^32 times in one column"))?;
    let pairs = || times.iter().zip(times.iter().skip(1));
    let steps = || pairs().map(|(before, after)| after.wrapping_sub(*before).cast_unsigned());
    let (mut unit, mut longest, mut shortest) = (0, 0, u64::MAX);
    for step in steps() {
        if step == 0 || step > i64::MAX.cast_unsigned() {
            return Err(Error::internal("the times of a column do not increase"));
        }
        unit = common_divisor(unit, step);
        (longest, shortest) = (longest.max(step), shortest.min(step));
    }
    let unit = unit.max(1);
    let width = match longest / unit {
        _ if longest == shortest || times.len() < 2 => 0,
        ..0x100 => 1,
        0x100..0x1_0000 => 2,
        0x1_0000..0x1_0000_0000 => 4,
        _ => 8,
    };
    let mut bytes = Vec::with_capacity(HEAD + width * times.len());
    bytes.extend(times.first().unwrap_or(&0).to_le_bytes());
    bytes.extend(unit.to_le_bytes());
    bytes.push(u8::try_from(width).unwrap_or(8));
    bytes.extend(count.to_le_bytes());
    for step in steps() {
        bytes.extend((step / unit).to_le_bytes().iter().take(width));
    }
    Ok(bytes)
}

/// Appends the times of a blob.
///
/// # Errors
/// Where the blob is damaged or does not hold exactly `expected` times.
pub fn extend_times(out: &mut Vec<i64>, bytes: &[u8], expected: usize) -> Result<(), Damage> {
    let (first, unit, width, count, steps) =
        head(bytes).ok_or_else(|| damaged("a column of times without its head"))?;
    let distances = count.saturating_sub(1);
    // A damaged count could ask for any amount of memory, hence the check against the columns beside it.
    if count != expected || !WIDTHS.contains(&width) || unit < 0 || steps.len() != distances * width
    {
        return Err(damaged("a column of times whose length and head disagree"));
    }
    if count == 0 {
        return Ok(());
    }
    let mut time = first;
    out.push(time);
    let mut advance = |step: u64| {
        time = time.wrapping_add(unit.wrapping_mul(step.cast_signed()));
        time
    };
    match width {
        0 => out.extend((0..distances).map(|_| advance(1))),
        1 => out.extend(steps.iter().map(|step| advance(u64::from(*step)))),
        2 => out.extend(
            steps
                .as_chunks::<2>()
                .0
                .iter()
                .map(|step| advance(u64::from(u16::from_le_bytes(*step)))),
        ),
        4 => out.extend(
            steps
                .as_chunks::<4>()
                .0
                .iter()
                .map(|step| advance(u64::from(u32::from_le_bytes(*step)))),
        ),
        _ => out
            .extend(steps.as_chunks::<8>().0.iter().map(|step| advance(u64::from_le_bytes(*step)))),
    }
    Ok(())
}

/// Returns the number of times that a blob claims to hold.
pub fn count_times(bytes: &[u8]) -> Option<usize> {
    head(bytes).map(|(_, _, _, count, _)| count)
}

fn head(bytes: &[u8]) -> Option<(i64, i64, usize, usize, &[u8])> {
    let (first, rest) = bytes.split_first_chunk::<8>()?;
    let (unit, rest) = rest.split_first_chunk::<8>()?;
    let (width, rest) = rest.split_first()?;
    let (count, steps) = rest.split_first_chunk::<4>()?;
    let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
    Some((i64::from_le_bytes(*first), i64::from_le_bytes(*unit), usize::from(*width), count, steps))
}

fn common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Returns a checksum over blobs: it finds torn and flipped bytes, at memory speed; it is no defence against intent.
///
/// Four lanes of 64-bit words are mixed apart, so that the multiplications overlap; the length of each blob goes in too.
pub fn checksum<'a>(blobs: impl IntoIterator<Item = &'a [u8]>) -> i64 {
    const MIX: u64 = 0x9E37_79B9_7F4A_7C15;
    let step = |lane: u64, word: u64| (lane ^ word).wrapping_mul(MIX).rotate_left(29);
    let mut lanes = [1_u64, 2, 3, 4];
    for blob in blobs {
        let (blocks, rest) = blob.as_chunks::<32>();
        for block in blocks {
            for (lane, word) in lanes.iter_mut().zip(block.as_chunks::<8>().0) {
                *lane = step(*lane, u64::from_le_bytes(*word));
            }
        }
        let tail = rest.iter().fold(blob.len() as u64, |sum, byte| step(sum, u64::from(*byte)));
        for lane in &mut lanes {
            *lane = step(*lane, tail);
        }
    }
    lanes.into_iter().fold(0, step).cast_signed()
}

/// What is wrong with something that was read.
#[derive(Debug)]
pub struct Damage(pub String);

/// Says what is wrong with something that was read.
pub fn damaged(what: impl Into<String>) -> Damage {
    Damage(what.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(bytes: &[u8]) -> Vec<i64> {
        let mut out = Vec::new();
        extend_times(&mut out, bytes, count_times(bytes).unwrap()).unwrap();
        out
    }

    #[test]
    fn times_survive_packing_and_take_little() {
        let day = 86_400_000;
        let regular: Vec<i64> = (0..1000).map(|bar| 5 + bar * day).collect();
        let weekdays: Vec<i64> =
            regular.iter().copied().filter(|time| time / day % 7 < 5).collect();
        let cases = [
            (regular, 21),
            (weekdays.clone(), 21 + weekdays.len() - 1),
            (vec![], 21),
            (vec![-7], 21),
            (vec![-5, 0, 1000 * 5], 21 + 2 * 2),
            (vec![0, 1, 70_000], 21 + 2 * 4),
            (vec![-8_640_000_000_000_000, -1, 8_640_000_000_000_000], 21 + 2 * 8),
        ];
        for (column, size) in cases {
            let bytes = from_times(&column).unwrap();
            assert_eq!((times(&bytes), bytes.len()), (column, size));
        }
        assert!(from_times(&[1, 1]).is_err());
        assert!(from_times(&[2, 1]).is_err());
    }

    #[test]
    fn damaged_columns_are_errors() {
        let bytes = from_times(&[0, 1, 5, 6]).unwrap();
        for len in 0..bytes.len() {
            assert!(extend_times(&mut Vec::new(), &bytes[..len], 4).is_err(), "{len} bytes");
        }
        assert!(extend_times(&mut Vec::new(), &bytes, 3).is_err());
        assert!(extend_floats(&mut Vec::new(), &[0; 15], 2).is_err());
        assert!(extend_floats(&mut Vec::new(), &[0; 16], 1).is_err());
    }

    #[test]
    fn the_checksum_sees_every_bit_and_the_borders_of_blobs() {
        let bytes: Vec<u8> = (0..=99).collect();
        let whole = checksum([&bytes[..]]);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(checksum([&flipped[..]]), whole, "bit {bit}");
        }
        assert_ne!(checksum([&bytes[..50], &bytes[50..]]), whole);
        assert_ne!(
            checksum([&bytes[..32], &bytes[32..64]]),
            checksum([&bytes[32..64], &bytes[..32]])
        );
    }
}
