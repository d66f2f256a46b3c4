//! The signs of block-sign randomization: a function of the number of a chunk of calendar time alone.
//!
//! Draw r turns chunk c if bit r mod 64 of word(c, r ÷ 64) is set, with
//!
//! ```text
//! word(c, w) = mix(c·0x9E3779B97F4A7C15 + (w + 1)·0xD1B54A32D192ED03)      modulo 2⁶⁴
//! mix(z)     = z ^ z>>30, ·0xBF58476D1CE4E5B9, z ^ z>>27, ·0x94D049BB133111EB, z ^ z>>31
//! ```
//!
//! They are the same on every machine, for every asset, range and search, so that sketches of any two searches can be merged.
//! Reference: the mixing function of `SplitMix64` (Steele, Lea and Flood 2014).

use super::missing::{Known, Missing};
use crate::compute::multiversion::multiversion;
use crate::compute::reserve;
use crate::compute::signed_sums::{GROUP, LANES, Patterns};
use crate::error::Result;

/// The number of draws, R. It never changes, so that any two sketches merge.
pub const DRAWS: usize = 1024;

/// The number of words with the signs of a chunk.
const WORDS: usize = DRAWS / 64;

/// With fewer chunks than this, the randomization is skipped.
pub const LEAST_CHUNKS: usize = 12;

/// Returns 64 signs of a chunk; a set bit turns it.
#[must_use]
pub fn word(chunk: i64, index: usize) -> u64 {
    let index = u64::try_from(index).unwrap_or(u64::MAX).wrapping_add(1);
    let seed = chunk.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = seed.wrapping_add(index.wrapping_mul(0xd1b5_4a32_d192_ed03));
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The signs of the chunks of a range of bars.
#[derive(Debug, Clone, Default)]
pub struct Signs {
    chunks: usize,
    /// For each 64 chunks, and in it for each draw, one bit for each of these chunks: whether it is turned.
    turned: Vec<u64>,
    /// For each [`LANES`] draws, and in it for each [`GROUP`] chunks, the signs of these chunks.
    patterns: Vec<Patterns>,
}

impl Signs {
    /// Computes the signs of chunks with these numbers.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if the memory cannot be allocated.
    pub fn new(chunks: impl IntoIterator<Item = i64>) -> Result<Self> {
        let mut words = Vec::new();
        for chunk in chunks {
            reserve::push(&mut words, std::array::from_fn(|index| word(chunk, index)), "chunks")?;
        }
        Self::of_words(&words)
    }

    pub(super) fn of_words(words: &[[u64; WORDS]]) -> Result<Self> {
        let mut turned = reserve::with_capacity(words.len().div_ceil(64) * DRAWS, "signs")?;
        for span in words.chunks(64) {
            turned.extend((0..DRAWS).map(|draw| bits(span, draw)));
        }
        let groups = words.len().div_ceil(GROUP);
        let mut patterns = reserve::with_capacity(groups * (DRAWS / LANES), "signs")?;
        for from in (0..DRAWS).step_by(LANES) {
            patterns.extend(words.chunks(GROUP).map(|group| -> Patterns {
                std::array::from_fn(|lane| u8::try_from(bits(group, from + lane)).unwrap_or(0))
            }));
        }
        Ok(Self { chunks: words.len(), turned, patterns })
    }

    /// Returns the number of chunks.
    #[must_use]
    pub fn chunks(&self) -> usize {
        self.chunks
    }

    /// Returns whether there are enough chunks to judge by.
    ///
    /// # Errors
    /// [`Missing::TooFewChunks`].
    pub fn check(&self) -> Known<()> {
        if self.chunks < LEAST_CHUNKS { Err(Missing::TooFewChunks) } else { Ok(()) }
    }

    pub(super) fn patterns(&self) -> &[Patterns] {
        &self.patterns
    }

    /// Returns the sum of numbers, one for each chunk, with the signs of a draw, in the order of the chunks.
    pub(super) fn sum(&self, draw: usize, values: &[f64]) -> f64 {
        let [sum, ..] = self.sums([draw; TOGETHER], values);
        sum
    }

    /// Returns the sums of some draws. Each is the sum of its draw alone: together they do not wait for each other's additions.
    pub(super) fn sums(&self, draws: [usize; TOGETHER], values: &[f64]) -> [f64; TOGETHER] {
        sums(&self.turned, draws, values)
    }
}

/// Draws whose sums are computed together.
pub(super) const TOGETHER: usize = 8;

/// Returns the bits of a draw of up to 64 chunks.
fn bits(words: &[[u64; WORDS]], draw: usize) -> u64 {
    words.iter().enumerate().fold(0, |bits, (place, words)| {
        let word = words.get(draw / 64).copied().unwrap_or(0);
        bits | (word >> (draw % 64) & 1) << place
    })
}

multiversion! {
    fn sums(turned: &[u64], draws: [usize; TOGETHER], values: &[f64]) -> [f64; TOGETHER] {
        let mut sums = [0.0; TOGETHER];
        for (turned, values) in turned.chunks(DRAWS).zip(values.chunks(64)) {
            let mut bits = draws.map(|draw| turned.get(draw).copied().unwrap_or(0));
            for value in values {
                for lane in 0..TOGETHER {
                    // A turned sign is the opposite highest bit.
                    sums[lane] += f64::from_bits(value.to_bits() ^ bits[lane] << 63);
                    bits[lane] >>= 1;
                }
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_equal_the_reference() {
        for (chunk, index, expected) in [
            (0, 0, 0x8209_b480_faed_1b10),
            (1, 0, 0x2d0f_28c7_e7e7_86b2),
            (650, 0, 0x7ef8_22e6_8cbf_0158),
            (650, 15, 0xa7e3_6a99_ec75_5fe8),
            (718, 3, 0x3331_baa8_ea01_ef69),
        ] {
            assert_eq!(word(chunk, index), expected, "{chunk} {index}");
        }
        assert_ne!(word(-1, 0), word(1, 0));
    }

    #[test]
    fn half_of_the_signs_are_turned_and_chunks_are_independent() {
        let mut both = [[0_u32; 2]; 2];
        for chunk in -200..299 {
            for draw in 0..DRAWS {
                let turned = |chunk| usize::from(word(chunk, draw / 64) >> (draw % 64) & 1 == 1);
                both[turned(chunk)][turned(chunk + 1)] += 1;
            }
        }
        // Five standard deviations of a quarter of 510,976.
        let expected = f64::from(499 * 1024) / 4.0;
        for count in both.as_flattened() {
            assert!(
                (f64::from(*count) - expected).abs() < 5.0 * (expected * 0.75).sqrt(),
                "{both:?}"
            );
        }
    }

    #[test]
    fn sums_have_the_signs_of_their_words() {
        let signs = Signs::new(650..664).unwrap();
        assert_eq!(signs.chunks(), 14);
        assert_eq!(signs.check(), Ok(()));
        assert_eq!(Signs::new(0..11).unwrap().check(), Err(Missing::TooFewChunks));
        let values: Vec<f64> = (0..14).map(|power| f64::from(1 << power)).collect();
        for draw in [0, 63, 64, 500, 1023] {
            let expected: f64 = (0..14)
                .map(|place| {
                    let bit = word(650 + place, draw / 64) >> (draw % 64) & 1;
                    if bit == 0 { values[place as usize] } else { -values[place as usize] }
                })
                .sum();
            assert_eq!(signs.sum(draw, &values), expected);
        }
    }
}
