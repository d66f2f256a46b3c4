//! Exponential averages in four lanes.
//!
//! An average is a chain of dependent operations, so a processor computes four of them, or eight, in the time of one. Each
//! operation rounds as its scalar counterpart does: rest × value + weight × new, the sum rounded once.

use super::simd::Scalar;
use super::words::{BLOCK, Values};

/// Four values on each bar of a block.
pub type Rows = [[f64; 4]; BLOCK];

/// Four exponential averages.
#[derive(Debug, Clone, Copy, Default)]
pub struct Averages {
    /// Their values on the last bar.
    pub values: [f64; 4],
    /// The weight of a new value.
    pub weights: [f64; 4],
    /// What is kept of the value before.
    pub rests: [f64; 4],
}

/// Advances exponential averages by blocks.
pub trait Average: Copy {
    /// Advances two times four averages of the same values, and writes the differences: the first minus the second.
    fn subtract(self, values: &Values, averages: &mut [Averages; 2], differences: &mut Rows);

    /// Advances two times four averages, both of the same four values. Writes on which bars each value is above its average, one
    /// word for each, and returns whether a value equals its average on any bar.
    fn follow(self, values: &Rows, averages: &mut [Averages; 2], above: &mut [[u64; 4]; 2])
    -> bool;
}

impl Averages {
    /// Advances one average.
    #[inline(always)]
    pub fn advance(&mut self, lane: usize, value: f64) -> f64 {
        let lane = lane & 3;
        let next = self.rests[lane].mul_add(self.values[lane], self.weights[lane] * value);
        self.values[lane] = next;
        next
    }
}

impl Average for Scalar {
    #[inline(always)]
    fn subtract(self, values: &Values, averages: &mut [Averages; 2], differences: &mut Rows) {
        let [first, second] = averages;
        for (value, differences) in values.iter().zip(differences) {
            for (lane, difference) in differences.iter_mut().enumerate() {
                *difference = first.advance(lane, *value) - second.advance(lane, *value);
            }
        }
    }

    #[inline(always)]
    fn follow(
        self,
        values: &Rows,
        averages: &mut [Averages; 2],
        above: &mut [[u64; 4]; 2],
    ) -> bool {
        let mut has_equal = false;
        *above = [[0; 4]; 2];
        for (bar, row) in values.iter().enumerate() {
            for (averages, above) in averages.iter_mut().zip(above.iter_mut()) {
                for (lane, (value, above)) in row.iter().zip(above).enumerate() {
                    let distance = averages.advance(lane, *value) - *value;
                    *above |= u64::from(distance < 0.0) << bar;
                    has_equal |= distance == 0.0;
                }
            }
        }
        has_equal
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{__m256d, __m256i, _CMP_EQ_OQ};

    use pulp::cast;
    use pulp::x86::V3;

    use super::{Average, Averages, Rows, Values};

    /// Four averages in registers.
    #[derive(Clone, Copy)]
    struct Lanes {
        values: __m256d,
        weights: __m256d,
        rests: __m256d,
    }

    impl Lanes {
        #[inline(always)]
        fn load(averages: &Averages) -> Self {
            Self {
                values: cast(averages.values),
                weights: cast(averages.weights),
                rests: cast(averages.rests),
            }
        }

        #[inline(always)]
        fn advance(&mut self, simd: V3, value: __m256d) -> __m256d {
            let new = simd.avx._mm256_mul_pd(self.weights, value);
            self.values = simd.fma._mm256_fmadd_pd(self.rests, self.values, new);
            self.values
        }
    }

    /// Shifts a bit for each lane into words from above: whether the distance is negative.
    #[inline(always)]
    fn push_sign(simd: V3, words: __m256i, distance: __m256d) -> __m256i {
        let top = simd.avx._mm256_set1_epi64x(i64::MIN);
        let sign = simd.avx2._mm256_and_si256(cast(distance), top);
        simd.avx2._mm256_or_si256(simd.avx2._mm256_srli_epi64::<1>(words), sign)
    }

    #[inline(always)]
    fn or_equal(simd: V3, before: __m256d, distance: __m256d) -> __m256d {
        let zero = simd.avx._mm256_setzero_pd();
        simd.avx._mm256_or_pd(before, simd.avx._mm256_cmp_pd::<_CMP_EQ_OQ>(distance, zero))
    }

    impl Average for V3 {
        #[inline(always)]
        fn subtract(self, values: &Values, averages: &mut [Averages; 2], differences: &mut Rows) {
            let (mut first, mut second) = (Lanes::load(&averages[0]), Lanes::load(&averages[1]));
            for (value, difference) in values.iter().zip(differences) {
                let value = self.avx._mm256_set1_pd(*value);
                let (a, b) = (first.advance(self, value), second.advance(self, value));
                *difference = cast(self.avx._mm256_sub_pd(a, b));
            }
            averages[0].values = cast(first.values);
            averages[1].values = cast(second.values);
        }

        #[inline(always)]
        fn follow(
            self,
            values: &Rows,
            averages: &mut [Averages; 2],
            above: &mut [[u64; 4]; 2],
        ) -> bool {
            let (mut first, mut second) = (Lanes::load(&averages[0]), Lanes::load(&averages[1]));
            let mut words: [__m256i; 2] = [self.avx._mm256_setzero_si256(); 2];
            let mut equal = [self.avx._mm256_setzero_pd(); 2];
            for row in values {
                let value: __m256d = cast(*row);
                let distance = self.avx._mm256_sub_pd(first.advance(self, value), value);
                words[0] = push_sign(self, words[0], distance);
                equal[0] = or_equal(self, equal[0], distance);
                let distance = self.avx._mm256_sub_pd(second.advance(self, value), value);
                words[1] = push_sign(self, words[1], distance);
                equal[1] = or_equal(self, equal[1], distance);
            }
            averages[0].values = cast(first.values);
            averages[1].values = cast(second.values);
            *above = [cast(words[0]), cast(words[1])];
            self.avx._mm256_movemask_pd(self.avx._mm256_or_pd(equal[0], equal[1])) != 0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn averages(state: &mut u64) -> Averages {
        let mut next = || {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
            f64::from(u32::try_from(*state >> 33).unwrap() % 1000) / 1000.0
        };
        let weights = std::array::from_fn(|_| next());
        let values = std::array::from_fn(|_| next().round());
        Averages { values, weights, rests: weights.map(|weight| 1.0 - weight) }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn avx2_and_scalar_averages_are_the_same() {
        let Some(avx2) = pulp::x86::V3::try_new() else { return };
        let mut state = 5;
        for round in 0..500 {
            let first = [averages(&mut state), averages(&mut state)];
            let values: Values = std::array::from_fn(|bar| {
                if round % 3 == 0 { 1.0 } else { (bar * 7919 % (round + 2)) as f64 }
            });
            let run = |is_avx2: bool| {
                let (mut slow, mut signals) = (first, first);
                let (mut rows, mut above) = ([[0.0; 4]; BLOCK], [[0; 4]; 2]);
                let has_equal = if is_avx2 {
                    avx2.subtract(&values, &mut slow, &mut rows);
                    avx2.follow(&rows, &mut signals, &mut above)
                } else {
                    Scalar.subtract(&values, &mut slow, &mut rows);
                    Scalar.follow(&rows, &mut signals, &mut above)
                };
                format!("{slow:?} {signals:?} {rows:?} {above:?} {has_equal}")
            };
            assert_eq!(run(true), run(false));
        }
    }
}
