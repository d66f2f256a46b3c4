//! Sums of the same few numbers with many patterns of signs.
//!
//! Four numbers have 16 signed sums. They are tabulated as 16-bit integers, and a shuffle of bytes looks 32 of them up at a time:
//! nine instructions for 128 signed numbers.

use super::simd::Scalar;

/// Numbers whose signs are one pattern.
pub const GROUP: usize = 4;

/// Patterns that are looked up at a time.
pub const LANES: usize = 32;

/// Groups whose sums are added as 16-bit integers.
const RUN: usize = 16;

/// Numbers whose sums, with any signs, must fit into 16 bits.
pub const SPAN: usize = RUN * GROUP;

/// One pattern of signs for each lane: bit i is set if number i of the group is subtracted.
pub type Patterns = [u8; LANES];

/// The signed sums of one group by pattern: their low and their high bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Table {
    low: [u8; PATTERNS],
    high: [u8; PATTERNS],
}

/// The number of patterns of a group.
const PATTERNS: usize = 1 << GROUP;

/// The signs of the numbers of a group by pattern.
const SIGNS: [[i16; PATTERNS]; GROUP] = {
    let mut signs = [[1; PATTERNS]; GROUP];
    let mut place = 0;
    while place < GROUP {
        let mut pattern = 0;
        while pattern < PATTERNS {
            if pattern >> place & 1 == 1 {
                signs[place][pattern] = -1;
            }
            pattern += 1;
        }
        place += 1;
    }
    signs
};

impl Table {
    /// Tabulates the signed sums of the numbers of a group. They wrap beyond 16 bits.
    #[inline(always)]
    pub fn new(numbers: [i16; GROUP]) -> Self {
        let mut sums = [0_i16; PATTERNS];
        for (number, signs) in numbers.iter().zip(&SIGNS) {
            for (sum, sign) in sums.iter_mut().zip(signs) {
                *sum = sum.wrapping_add(number.wrapping_mul(*sign));
            }
        }
        let mut table = Self::default();
        for ((low, high), sum) in table.low.iter_mut().zip(&mut table.high).zip(sums) {
            [*low, *high] = sum.to_le_bytes();
        }
        table
    }
}

/// Signed sums of many numbers.
pub trait SignedSums: Copy {
    /// Returns for each lane the sum of all groups, with the signs of the patterns of each. The sums of [`SPAN`] numbers in a row
    /// wrap beyond 16 bits.
    fn signed_sums(self, tables: &[Table], patterns: &[Patterns]) -> [i32; LANES];
}

impl SignedSums for Scalar {
    #[inline(always)]
    fn signed_sums(self, tables: &[Table], patterns: &[Patterns]) -> [i32; LANES] {
        let mut sums = [0_i32; LANES];
        for (tables, patterns) in tables.chunks(RUN).zip(patterns.chunks(RUN)) {
            let mut run = [0_i16; LANES];
            for (table, patterns) in tables.iter().zip(patterns) {
                for lane in 0..LANES {
                    let pattern = usize::from(patterns[lane] & 15);
                    let bytes = [table.low[pattern], table.high[pattern]];
                    run[lane] = run[lane].wrapping_add(i16::from_le_bytes(bytes));
                }
            }
            for lane in 0..LANES {
                sums[lane] = sums[lane].wrapping_add(i32::from(run[lane]));
            }
        }
        sums
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::__m256i;

    use pulp::cast;
    use pulp::x86::V3;

    use super::{LANES, Patterns, RUN, SignedSums, Table};

    impl SignedSums for V3 {
        #[inline(always)]
        fn signed_sums(self, tables: &[Table], patterns: &[Patterns]) -> [i32; LANES] {
            let avx2 = self.avx2;
            let mut sums = [0_i32; LANES];
            for (tables, patterns) in tables.chunks(RUN).zip(patterns.chunks(RUN)) {
                let zero: __m256i = cast([0_i16; 16]);
                let (mut first, mut second) = (zero, zero);
                for (table, patterns) in tables.iter().zip(patterns) {
                    let patterns: __m256i = cast(*patterns);
                    let low = avx2._mm256_broadcastsi128_si256(cast(table.low));
                    let high = avx2._mm256_broadcastsi128_si256(cast(table.high));
                    let low = avx2._mm256_shuffle_epi8(low, patterns);
                    let high = avx2._mm256_shuffle_epi8(high, patterns);
                    first = avx2._mm256_add_epi16(first, avx2._mm256_unpacklo_epi8(low, high));
                    second = avx2._mm256_add_epi16(second, avx2._mm256_unpackhi_epi8(low, high));
                }
                // Unpacking leaves the lanes 0 to 7 and 16 to 23 in the first register.
                let front: [i16; 16] = cast(avx2._mm256_permute2x128_si256::<0x20>(first, second));
                let back: [i16; 16] = cast(avx2._mm256_permute2x128_si256::<0x31>(first, second));
                for lane in 0..16 {
                    sums[lane] = sums[lane].wrapping_add(i32::from(front[lane]));
                    sums[lane + 16] = sums[lane + 16].wrapping_add(i32::from(back[lane]));
                }
            }
            sums
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix64;

    fn small(random: &mut SplitMix64) -> i16 {
        i16::try_from(random.below(1001)).unwrap() - 500
    }

    #[test]
    fn tables_have_all_signed_sums() {
        let table = Table::new([1, 10, 100, 1000]);
        for pattern in 0..16_usize {
            let expected: i16 = (0..4)
                .map(|place| 10_i16.pow(place) * if pattern >> place & 1 == 1 { -1 } else { 1 })
                .sum();
            assert_eq!(i16::from_le_bytes([table.low[pattern], table.high[pattern]]), expected);
        }
    }

    #[test]
    fn sums_are_those_of_the_numbers() {
        let mut random = SplitMix64::new(3);
        for groups in [0, 1, 7, 16, 17, 50] {
            let numbers: Vec<[i16; GROUP]> =
                (0..groups).map(|_| std::array::from_fn(|_| small(&mut random))).collect();
            let tables: Vec<Table> = numbers.iter().copied().map(Table::new).collect();
            let patterns: Vec<Patterns> = (0..groups)
                .map(|_| std::array::from_fn(|_| u8::try_from(random.below(16)).unwrap()))
                .collect();
            let expected: [i32; LANES] = std::array::from_fn(|lane| {
                let of_group = |(numbers, patterns): (&[i16; GROUP], &Patterns)| -> i32 {
                    let signed = numbers.iter().enumerate().map(|(place, number)| {
                        let sign = if patterns[lane] >> place & 1 == 1 { -1 } else { 1 };
                        sign * i32::from(*number)
                    });
                    signed.sum()
                };
                numbers.iter().zip(&patterns).map(of_group).sum()
            });
            assert_eq!(Scalar.signed_sums(&tables, &patterns), expected);
            #[cfg(target_arch = "x86_64")]
            if let Some(avx2) = pulp::x86::V3::try_new() {
                assert_eq!(avx2.signed_sums(&tables, &patterns), expected);
            }
        }
    }
}
