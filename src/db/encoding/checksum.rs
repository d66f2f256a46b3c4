//! Checksums over stored columns. They detect torn writes and flipped bits, not deliberate changes.

use xxhash_rust::xxh3::Xxh3;

/// Returns the checksum of new data: XXH3-64 over the length and the bytes of each blob.
///
/// The lengths make the boundaries between blobs count.
pub fn checksum<'a>(blobs: impl IntoIterator<Item = &'a [u8]>) -> i64 {
    let mut hasher = Xxh3::new();
    for blob in blobs {
        hasher.update(&(blob.len() as u64).to_le_bytes());
        hasher.update(blob);
    }
    hasher.digest().cast_signed()
}

/// Returns the checksum of data that was stored before XXH3, by early builds of version 0.1.0.
///
/// Four lanes of 64-bit words; the length of each blob goes in too. Only read to verify existing data.
pub fn legacy_checksum<'a>(blobs: impl IntoIterator<Item = &'a [u8]>) -> i64 {
    const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
    let step = |lane: u64, word: u64| (lane ^ word).wrapping_mul(MULTIPLIER).rotate_left(29);
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

#[cfg(test)]
mod tests {
    use super::*;

    type Checksum = fn(&[&[u8]]) -> i64;

    const BOTH: [Checksum; 2] =
        [|blobs| checksum(blobs.iter().copied()), |blobs| legacy_checksum(blobs.iter().copied())];

    #[test]
    fn every_bit_and_every_boundary_counts() {
        let bytes: Vec<u8> = (0..=99).collect();
        for checksum in BOTH {
            let whole = checksum(&[&bytes]);
            for bit in 0..bytes.len() * 8 {
                let mut flipped = bytes.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert_ne!(checksum(&[&flipped]), whole, "bit {bit}");
            }
            assert_ne!(checksum(&[&bytes[..50], &bytes[50..]]), whole);
            let (first, second) = (&bytes[..32], &bytes[32..64]);
            assert_ne!(checksum(&[first, second]), checksum(&[second, first]));
        }
    }

    #[test]
    fn the_values_are_those_in_existing_stores() {
        let bytes: Vec<u8> = (0..=255).collect();
        for (blobs, current, legacy) in [
            (&[] as &[&[u8]], CURRENT[0], LEGACY[0]),
            (&[&bytes, &[], &bytes[..33]], CURRENT[1], LEGACY[1]),
        ] {
            assert_eq!(checksum(blobs.iter().copied()), current);
            assert_eq!(legacy_checksum(blobs.iter().copied()), legacy);
        }
    }

    const CURRENT: [i64; 2] = [3_244_421_341_483_603_138, -2_390_343_809_756_302_851];
    const LEGACY: [i64; 2] = [-2_690_167_604_323_336_193, 6_651_996_974_497_552_114];
}
