//! Comparisons of 64 values at a time, whose results are the bits of a word. The first value is the lowest bit.
//!
//! Most comparisons are made with ranks: 16-bit numbers in the order of the values. Equal ranks say nothing about the values,
//! different ones are in the same order as the values. A comparison of 64 ranks takes a dozen instructions for AVX2.

use super::simd::Scalar;

/// Number of values in a block: the bits of a word.
pub const BLOCK: usize = 64;

/// A block of values.
pub type Values = [f64; BLOCK];
/// A block of ranks.
pub type Ranks = [i16; BLOCK];

/// The greatest rank, counted from 0.
pub const GREATEST_RANK: f64 = 65_533.0;
/// What is subtracted from a rank that is counted from 0.
const RANK_OFFSET: i32 = 32_767;

/// Comparisons of blocks.
pub trait Words: Copy {
    /// Returns where the first rank is greater, and where both are equal.
    fn compare_ranks(self, a: &Ranks, b: &Ranks) -> (u64, u64);

    /// Returns where the first value is greater, and where it is smaller. Neither is the case if one is NaN.
    fn compare_values(self, a: &Values, b: &Values) -> (u64, u64);

    /// Computes the ranks of values: (value − low) × scale, between 0 and [`GREATEST_RANK`], without the fraction. A NaN there
    /// becomes the lowest rank.
    fn rank(self, values: &Values, low: &Values, scale: &Values, ranks: &mut Ranks);
}

/// Packs 64 bytes that are 0 or 1 into the bits of a word.
#[inline(always)]
fn pack(flags: &[u8; BLOCK]) -> u64 {
    // The product moves the low bit of byte i to bit 56 + i; no two partial products meet there.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let (bytes, _) = flags.as_chunks::<8>();
    bytes.iter().enumerate().fold(0, |word, (index, eight)| {
        word | (u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56) << (8 * index)
    })
}

#[inline(always)]
fn each<T: Copy>(a: &[T; BLOCK], b: &[T; BLOCK], holds: impl Fn(T, T) -> bool) -> u64 {
    let mut flags = [0_u8; BLOCK];
    for index in 0..BLOCK {
        flags[index] = u8::from(holds(a[index], b[index]));
    }
    pack(&flags)
}

impl Words for Scalar {
    #[inline(always)]
    fn compare_ranks(self, a: &Ranks, b: &Ranks) -> (u64, u64) {
        (each(a, b, |a, b| a > b), each(a, b, |a, b| a == b))
    }

    #[inline(always)]
    fn compare_values(self, a: &Values, b: &Values) -> (u64, u64) {
        (each(a, b, |a, b| a > b), each(a, b, |a, b| a < b))
    }

    #[inline(always)]
    fn rank(self, values: &Values, low: &Values, scale: &Values, ranks: &mut Ranks) {
        for index in 0..BLOCK {
            let rank = (values[index] - low[index]) * scale[index];
            let rank = if rank > 0.0 { rank } else { 0.0 };
            let rank = if rank < GREATEST_RANK { rank } else { GREATEST_RANK };
            #[expect(clippy::cast_possible_truncation, reason = "it is within these bounds")]
            let rank = (rank as i32 - RANK_OFFSET) as i16;
            ranks[index] = rank;
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{__m128i, __m256d, __m256i, _CMP_GT_OQ, _CMP_LT_OQ};

    use pulp::cast;
    use pulp::x86::V3;

    use super::{BLOCK, GREATEST_RANK, RANK_OFFSET, Ranks, Values, Words};

    /// The order of the quarters of a register in which packing has interleaved two registers.
    const DEINTERLEAVE: i32 = 0b11_01_10_00;

    /// Returns one bit for the sign of each byte of two packed registers.
    #[inline(always)]
    fn signs(simd: V3, first: __m256i, second: __m256i) -> u64 {
        let avx2 = simd.avx2;
        let first = avx2._mm256_permute4x64_epi64::<DEINTERLEAVE>(first);
        let second = avx2._mm256_permute4x64_epi64::<DEINTERLEAVE>(second);
        let first = avx2._mm256_movemask_epi8(first).cast_unsigned();
        let second = avx2._mm256_movemask_epi8(second).cast_unsigned();
        u64::from(first) | u64::from(second) << 32
    }

    #[inline(always)]
    fn compare_four<const COMPARISON: i32>(simd: V3, a: __m256d, b: __m256d) -> u64 {
        let lanes = simd.avx._mm256_cmp_pd::<COMPARISON>(a, b);
        u64::from(simd.avx._mm256_movemask_pd(lanes).cast_unsigned())
    }

    #[inline(always)]
    fn rank_four(simd: V3, value: __m256d, low: __m256d, scale: __m256d) -> __m128i {
        let avx = simd.avx;
        let rank = avx._mm256_mul_pd(avx._mm256_sub_pd(value, low), scale);
        // The second operand if either is NaN.
        let rank = avx._mm256_max_pd(rank, avx._mm256_setzero_pd());
        let rank = avx._mm256_min_pd(rank, avx._mm256_set1_pd(GREATEST_RANK));
        let offset = simd.sse2._mm_set1_epi32(RANK_OFFSET);
        simd.sse2._mm_sub_epi32(avx._mm256_cvttpd_epi32(rank), offset)
    }

    impl Words for V3 {
        #[inline(always)]
        fn compare_ranks(self, a: &Ranks, b: &Ranks) -> (u64, u64) {
            let avx2 = self.avx2;
            let a: [__m256i; 4] = cast(*a);
            let b: [__m256i; 4] = cast(*b);
            // Saturating, so that the sign is right. Packing saturates too, and keeps what is 0 and what is negative.
            let first = avx2._mm256_packs_epi16(
                avx2._mm256_subs_epi16(b[0], a[0]),
                avx2._mm256_subs_epi16(b[1], a[1]),
            );
            let second = avx2._mm256_packs_epi16(
                avx2._mm256_subs_epi16(b[2], a[2]),
                avx2._mm256_subs_epi16(b[3], a[3]),
            );
            let zero = self.avx._mm256_setzero_si256();
            // The smaller of two bytes is 0 if one of them is.
            let either = avx2._mm256_cmpeq_epi8(avx2._mm256_min_epu8(first, second), zero);
            let equal = if self.avx._mm256_testz_si256(either, either) == 1 {
                0
            } else {
                signs(
                    self,
                    avx2._mm256_cmpeq_epi8(first, zero),
                    avx2._mm256_cmpeq_epi8(second, zero),
                )
            };
            (signs(self, first, second), equal)
        }

        #[inline(always)]
        fn compare_values(self, a: &Values, b: &Values) -> (u64, u64) {
            let ((a, _), (b, _)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
            let (mut greater, mut smaller) = (0_u64, 0_u64);
            for group in 0..BLOCK / 4 {
                let x: __m256d = cast(a[group]);
                let y: __m256d = cast(b[group]);
                greater |= compare_four::<_CMP_GT_OQ>(self, x, y) << (4 * group);
                smaller |= compare_four::<_CMP_LT_OQ>(self, x, y) << (4 * group);
            }
            (greater, smaller)
        }

        #[inline(always)]
        fn rank(self, values: &Values, low: &Values, scale: &Values, ranks: &mut Ranks) {
            let ((values, _), (low, _), (scale, _)) =
                (values.as_chunks::<4>(), low.as_chunks::<4>(), scale.as_chunks::<4>());
            let (ranks, _) = ranks.as_chunks_mut::<8>();
            for (index, eight) in ranks.iter_mut().enumerate() {
                let (i, j) = (2 * index, 2 * index + 1);
                let first = rank_four(self, cast(values[i]), cast(low[i]), cast(scale[i]));
                let second = rank_four(self, cast(values[j]), cast(low[j]), cast(scale[j]));
                *eight = cast(self.sse2._mm_packs_epi32(first, second));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Noise(u64);

    impl Noise {
        fn below(&mut self, limit: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
            (self.0 >> 33) % limit
        }

        fn value(&mut self) -> f64 {
            let special = [
                0.0,
                -0.0,
                1.0,
                1.5,
                -2.5,
                1e300,
                -1e300,
                1e-310,
                f64::NAN,
                f64::INFINITY,
                f64::NEG_INFINITY,
            ];
            match usize::try_from(self.below(40)).unwrap() {
                at if at < special.len() => special[at],
                _ => f64::from(u32::try_from(self.below(1000)).unwrap()) / 7.0,
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn avx2_and_scalar_words_are_the_same() {
        let Some(avx2) = pulp::x86::V3::try_new() else { return };
        let mut noise = Noise(1);
        for round in 0..5_000 {
            let (a, b): (Values, Values) =
                (std::array::from_fn(|_| noise.value()), std::array::from_fn(|_| noise.value()));
            assert_eq!(avx2.compare_values(&a, &b), Scalar.compare_values(&a, &b));
            let (low, scale): (Values, Values) = (
                std::array::from_fn(|_| noise.value()),
                std::array::from_fn(|_| noise.value().abs()),
            );
            let (mut one, mut other) = ([0; BLOCK], [0; BLOCK]);
            avx2.rank(&a, &low, &scale, &mut one);
            Scalar.rank(&a, &low, &scale, &mut other);
            assert_eq!(one, other, "{a:?} {low:?} {scale:?}");
            let spread = if round % 2 == 0 { 4 } else { 65_536 };
            let mut rank = |_| u16::try_from(noise.below(spread)).unwrap().cast_signed();
            let (a, b): (Ranks, Ranks) =
                (std::array::from_fn(&mut rank), std::array::from_fn(&mut rank));
            assert_eq!(avx2.compare_ranks(&a, &b), Scalar.compare_ranks(&a, &b));
        }
    }

    #[test]
    fn words_follow_the_order_of_values() {
        let mut noise = Noise(2);
        for _ in 0..200 {
            let a: Values = std::array::from_fn(|_| noise.value());
            let b: Values = std::array::from_fn(|_| noise.value());
            let (greater, smaller) = Scalar.compare_values(&a, &b);
            for bar in 0..BLOCK {
                assert_eq!(greater >> bar & 1 == 1, a[bar] > b[bar]);
                assert_eq!(smaller >> bar & 1 == 1, a[bar] < b[bar]);
            }
        }
    }
}
