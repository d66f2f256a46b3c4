//! Columns of numbers as compact little-endian blobs.

use super::damage::{Damage, damaged};
use crate::error::{Error, Result};

/// The bytes that a step may take; 0 if all steps are the same.
const WIDTHS: [usize; 5] = [0, 1, 2, 4, 8];
/// The header: first timestamp, unit, width and number of timestamps.
const HEADER_LEN: usize = 8 + 8 + 1 + 4;

/// Encodes numbers as `float64`.
pub fn encode_floats(values: &[f64]) -> Vec<u8> {
    let mut bytes = vec![0; values.len() * 8];
    for (to, value) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(values) {
        *to = value.to_le_bytes();
    }
    bytes
}

/// Decodes numbers and appends them to `out`.
///
/// # Errors
/// If the blob does not hold exactly `expected` numbers.
pub fn decode_floats(out: &mut Vec<f64>, bytes: &[u8], expected: usize) -> Result<(), Damage> {
    let (chunks, rest) = bytes.as_chunks::<8>();
    if chunks.len() != expected || !rest.is_empty() {
        return Err(damaged(format!("a column has {} bytes for {expected} values", bytes.len())));
    }
    out.extend(chunks.iter().map(|chunk| f64::from_le_bytes(*chunk)));
    Ok(())
}

/// Encodes increasing timestamps as steps. A column of regular bars takes 21 bytes, daily bars without weekends take one
/// byte per bar.
///
/// # Errors
/// `INTERNAL` if the timestamps do not increase or if there are 2³² or more.
pub fn encode_timestamps(times: &[i64]) -> Result<Vec<u8>> {
    let count = u32::try_from(times.len())
        .map_err(|_| Error::internal("a column holds 2^32 timestamps or more"))?;
    let pairs = || times.iter().zip(times.iter().skip(1));
    let steps = || pairs().map(|(before, after)| after.wrapping_sub(*before).cast_unsigned());
    let (mut unit, mut longest, mut shortest) = (0, 0, u64::MAX);
    for step in steps() {
        if step == 0 || step > i64::MAX.cast_unsigned() {
            return Err(Error::internal("the timestamps of a column do not increase"));
        }
        unit = greatest_common_divisor(unit, step);
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
    let mut bytes = Vec::with_capacity(HEADER_LEN + width * times.len());
    bytes.extend(times.first().unwrap_or(&0).to_le_bytes());
    bytes.extend(unit.to_le_bytes());
    bytes.push(u8::try_from(width).unwrap_or(8));
    bytes.extend(count.to_le_bytes());
    for step in steps() {
        bytes.extend((step / unit).to_le_bytes().iter().take(width));
    }
    Ok(bytes)
}

/// Decodes timestamps and appends them to `out`.
///
/// # Errors
/// If the blob is damaged or does not hold exactly `expected` timestamps.
pub fn decode_timestamps(out: &mut Vec<i64>, bytes: &[u8], expected: usize) -> Result<(), Damage> {
    let (first, unit, width, count, steps) =
        header(bytes).ok_or_else(|| damaged("a column of timestamps has no header"))?;
    let distances = count.saturating_sub(1);
    // A damaged count could request any amount of memory, so it must match the other columns of the row.
    if count != expected || !WIDTHS.contains(&width) || unit < 0 || steps.len() != distances * width
    {
        return Err(damaged("the header of a column of timestamps does not match its length"));
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

/// Returns the number of timestamps in the header of a blob; `None` if it has no header.
pub fn timestamp_count(bytes: &[u8]) -> Option<usize> {
    header(bytes).map(|(_, _, _, count, _)| count)
}

fn header(bytes: &[u8]) -> Option<(i64, i64, usize, usize, &[u8])> {
    let (first, rest) = bytes.split_first_chunk::<8>()?;
    let (unit, rest) = rest.split_first_chunk::<8>()?;
    let (width, rest) = rest.split_first()?;
    let (count, steps) = rest.split_first_chunk::<4>()?;
    let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
    Some((i64::from_le_bytes(*first), i64::from_le_bytes(*unit), usize::from(*width), count, steps))
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn decoded(bytes: &[u8]) -> Vec<i64> {
        let mut out = Vec::new();
        decode_timestamps(&mut out, bytes, timestamp_count(bytes).unwrap()).unwrap();
        out
    }

    #[test]
    fn encoded_timestamps_are_small_and_decode_to_the_same() {
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
            let bytes = encode_timestamps(&column).unwrap();
            assert_eq!((decoded(&bytes), bytes.len()), (column, size));
        }
        for unordered in [[1, 1], [2, 1]] {
            assert_eq!(encode_timestamps(&unordered).unwrap_err().code, Code::Internal);
        }
    }

    #[test]
    fn damaged_columns_are_errors() {
        let bytes = encode_timestamps(&[0, 1, 5, 6]).unwrap();
        let fault = |bytes: &[u8], expected| {
            let Damage(what) = decode_timestamps(&mut Vec::new(), bytes, expected).unwrap_err();
            what
        };
        for len in 0..bytes.len() {
            let expected = if len < HEADER_LEN { "has no header" } else { "does not match" };
            let found = fault(&bytes[..len], 4);
            assert!(found.contains(expected), "{len} bytes: {found}");
        }
        assert!(fault(&bytes, 3).contains("does not match"));
        for (len, values) in [(15, 2), (16, 1)] {
            let Damage(what) = decode_floats(&mut Vec::new(), &[0; 16][..len], values).unwrap_err();
            assert!(what.contains(&format!("{len} bytes for {values} values")), "{what}");
        }
    }

    #[test]
    fn the_bytes_are_those_in_existing_stores() {
        let timestamps = encode_timestamps(&[0, 60_000, 120_000, 300_000]).unwrap();
        let expected = [
            &[0; 8][..],               // first timestamp
            &60_000_u64.to_le_bytes(), // unit
            &[1],                      // width
            &[4, 0, 0, 0],             // count
            &[1, 1, 3],                // steps
        ];
        assert_eq!(timestamps, expected.concat());
        assert_eq!(
            encode_floats(&[10.0, -0.5]),
            [0, 0, 0, 0, 0, 0, 36, 64, 0, 0, 0, 0, 0, 0, 224, 191]
        );
    }
}
