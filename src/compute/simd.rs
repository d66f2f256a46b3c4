//! F64x4 numbers side by side, on processors that compute with four at once and on those that do not.
//!
//! A compiler turns loops over columns into vector instructions by itself, but not loops with many sums: it packs the
//! wrong numbers together. Here the packing is written down. Both ways give the same bits.

use std::ops::{Add, Div, Mul, Sub};

/// How a simd computes with four numbers; whoever holds one may rely on the simd being of that kind.
pub trait Simd: Copy {
    /// F64x4 numbers.
    type F64x4: F64x4;

    /// Returns the same number four times.
    fn splat(self, value: f64) -> Self::F64x4;

    /// Reads four numbers.
    fn load(self, values: &[f64; 4]) -> Self::F64x4;
}

/// What loops compute with: four numbers at once, or one for what is left over.
pub trait Lanes:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// Returns the smaller one; the other where either is NaN.
    #[must_use]
    fn pmin(self, other: Self) -> Self;

    /// Returns the larger one; the other where either is NaN.
    #[must_use]
    fn pmax(self, other: Self) -> Self;
}

impl Lanes for f64 {
    #[inline(always)]
    fn pmin(self, other: Self) -> Self {
        if self < other { self } else { other }
    }

    #[inline(always)]
    fn pmax(self, other: Self) -> Self {
        if self > other { self } else { other }
    }
}

/// F64x4 numbers; operations are of each with its counterpart.
pub trait F64x4: Lanes {
    /// Returns the four.
    fn to_array(self) -> [f64; 4];

    /// Writes the numbers that are at most those of `bound` to the front of `room`, and returns how many they are; what
    /// is behind them in `room` is of no use.
    fn compress_le(self, bound: Self, room: &mut [f64; 4]) -> usize;

    /// The same for those that are at least those of `bound`.
    fn compress_ge(self, bound: Self, room: &mut [f64; 4]) -> usize;

    /// Returns a bit for each that is above its counterpart, the first in the lowest.
    fn gt_mask(self, other: Self) -> u64;

    /// Adds the four up, from the first to the last.
    #[inline(always)]
    fn sum(self) -> f64 {
        let [a, b, c, d] = self.to_array();
        a + b + c + d
    }

    /// Returns the smallest; a NaN is passed over.
    #[inline(always)]
    fn reduce_min(self) -> f64 {
        self.to_array()
            .into_iter()
            .fold(f64::INFINITY, |least, value| if value < least { value } else { least })
    }

    /// Returns the largest; a NaN is passed over.
    #[inline(always)]
    fn reduce_max(self) -> f64 {
        self.to_array()
            .into_iter()
            .fold(f64::NEG_INFINITY, |most, value| if value > most { value } else { most })
    }
}

/// Scalar simd.
#[derive(Debug, Clone, Copy)]
pub struct Scalar;

/// F64x4 numbers, computed with one after the other.
#[derive(Debug, Clone, Copy)]
pub struct ScalarF64x4([f64; 4]);

impl Simd for Scalar {
    type F64x4 = ScalarF64x4;

    #[inline(always)]
    fn splat(self, value: f64) -> ScalarF64x4 {
        ScalarF64x4([value; 4])
    }

    #[inline(always)]
    fn load(self, values: &[f64; 4]) -> ScalarF64x4 {
        ScalarF64x4(*values)
    }
}

impl ScalarF64x4 {
    #[inline(always)]
    fn with(self, other: Self, operation: impl Fn(f64, f64) -> f64) -> Self {
        let (a, b) = (self.0, other.0);
        Self([
            operation(a[0], b[0]),
            operation(a[1], b[1]),
            operation(a[2], b[2]),
            operation(a[3], b[3]),
        ])
    }

    #[inline(always)]
    fn keep(self, bound: Self, room: &mut [f64; 4], wanted: impl Fn(f64, f64) -> bool) -> usize {
        let mut kept = 0;
        for (value, bound) in self.0.into_iter().zip(bound.0) {
            // Every value is written, and the next one over it unless it was wanted. The mask changes nothing: it tells
            // the compiler that the place is inside.
            room[kept & 3] = value;
            kept += usize::from(wanted(value, bound));
        }
        kept
    }
}

impl Add for ScalarF64x4 {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.with(other, |a, b| a + b)
    }
}

impl Sub for ScalarF64x4 {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.with(other, |a, b| a - b)
    }
}

impl Mul for ScalarF64x4 {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.with(other, |a, b| a * b)
    }
}

impl Div for ScalarF64x4 {
    type Output = Self;

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        self.with(other, |a, b| a / b)
    }
}

impl Lanes for ScalarF64x4 {
    #[inline(always)]
    fn pmin(self, other: Self) -> Self {
        self.with(other, f64::pmin)
    }

    #[inline(always)]
    fn pmax(self, other: Self) -> Self {
        self.with(other, f64::pmax)
    }
}

impl F64x4 for ScalarF64x4 {
    #[inline(always)]
    fn to_array(self) -> [f64; 4] {
        self.0
    }

    #[inline(always)]
    fn compress_le(self, bound: Self, room: &mut [f64; 4]) -> usize {
        self.keep(bound, room, |value, bound| value <= bound)
    }

    #[inline(always)]
    fn compress_ge(self, bound: Self, room: &mut [f64; 4]) -> usize {
        self.keep(bound, room, |value, bound| value >= bound)
    }

    #[inline(always)]
    fn gt_mask(self, other: Self) -> u64 {
        let pairs = self.0.into_iter().zip(other.0).enumerate();
        pairs.fold(0, |bits, (at, (value, other))| bits | u64::from(value > other) << at)
    }
}

#[cfg(target_arch = "x86_64")]
pub use x86_64::Avx2;

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    #![expect(unsafe_code, reason = "the compiler cannot know the simd")]

    use std::arch::x86_64::{
        __m256d, __m256i, _CMP_GE_OQ, _CMP_GT_OQ, _CMP_LE_OQ, _mm256_add_pd, _mm256_castpd_si256,
        _mm256_castsi256_pd, _mm256_cmp_pd, _mm256_div_pd, _mm256_loadu_pd, _mm256_loadu_si256,
        _mm256_max_pd, _mm256_min_pd, _mm256_movemask_pd, _mm256_mul_pd,
        _mm256_permutevar8x32_epi32, _mm256_set1_pd, _mm256_storeu_pd, _mm256_sub_pd,
    };
    use std::ops::{Add, Div, Mul, Sub};

    use super::{F64x4, Lanes, Simd};

    /// A processor with AVX2; there is one of these only where it was found.
    #[derive(Debug, Clone, Copy)]
    pub struct Avx2(());

    /// F64x4 numbers in one register; there are some only where there is an [`Avx2`].
    #[derive(Debug, Clone, Copy)]
    pub struct Avx2F64x4(__m256d);

    impl Avx2 {
        /// Returns whether this is such a simd.
        #[inline]
        pub fn found() -> Option<Self> {
            std::arch::is_x86_feature_detected!("avx2").then_some(Self(()))
        }
    }

    impl Simd for Avx2 {
        type F64x4 = Avx2F64x4;

        #[inline(always)]
        fn splat(self, value: f64) -> Avx2F64x4 {
            // SAFETY: the processor has AVX2, as whoever holds `self` may rely on.
            Avx2F64x4(unsafe { _mm256_set1_pd(value) })
        }

        #[inline(always)]
        fn load(self, values: &[f64; 4]) -> Avx2F64x4 {
            // SAFETY: as above; four numbers are read, and that many are there.
            Avx2F64x4(unsafe { _mm256_loadu_pd(values.as_ptr()) })
        }
    }

    macro_rules! operations {
        ($($trait:ident $method:ident $instruction:ident),*) => {$(
            impl $trait for Avx2F64x4 {
                type Output = Self;

                #[inline(always)]
                fn $method(self, other: Self) -> Self {
                    // SAFETY: registers are made by an `Avx2` only.
                    Self(unsafe { $instruction(self.0, other.0) })
                }
            }
        )*};
    }
    operations!(Add add _mm256_add_pd, Sub sub _mm256_sub_pd, Mul mul _mm256_mul_pd, Div div _mm256_div_pd);

    /// For each set of four numbers, as a mask, the places of its numbers one after the other, in halves of numbers.
    static PLACES: [[u32; 8]; 16] = places();

    const fn places() -> [[u32; 8]; 16] {
        let mut places = [[0; 8]; 16];
        let mut mask = 0;
        while mask < 16 {
            let (mut from, mut to) = (0, 0);
            while from < 4 {
                if mask >> from & 1 == 1 {
                    places[mask][2 * to] = 2 * from;
                    places[mask][2 * to + 1] = 2 * from + 1;
                    to += 1;
                }
                from += 1;
            }
            mask += 1;
        }
        places
    }

    impl Avx2F64x4 {
        #[inline(always)]
        #[expect(clippy::cast_ptr_alignment, reason = "read by an instruction for any alignment")]
        fn keep<const COMPARISON: i32>(self, bound: Self, room: &mut [f64; 4]) -> usize {
            // SAFETY: registers are made by an `Avx2` only; 8 halves are read and 4 numbers written, and that many are
            // there.
            unsafe {
                let wanted = _mm256_cmp_pd::<COMPARISON>(self.0, bound.0);
                // A mask of four bits; the other 28 are 0.
                let mask = _mm256_movemask_pd(wanted).cast_unsigned();
                let places = &raw const PLACES[(mask & 15) as usize];
                let places = _mm256_loadu_si256(places.cast::<__m256i>());
                let kept = _mm256_permutevar8x32_epi32(_mm256_castpd_si256(self.0), places);
                _mm256_storeu_pd(room.as_mut_ptr(), _mm256_castsi256_pd(kept));
                mask.count_ones() as usize
            }
        }
    }

    impl Lanes for Avx2F64x4 {
        #[inline(always)]
        fn pmin(self, other: Self) -> Self {
            // SAFETY: registers are made by an `Avx2` only.
            Self(unsafe { _mm256_min_pd(self.0, other.0) })
        }

        #[inline(always)]
        fn pmax(self, other: Self) -> Self {
            // SAFETY: registers are made by an `Avx2` only.
            Self(unsafe { _mm256_max_pd(self.0, other.0) })
        }
    }

    impl F64x4 for Avx2F64x4 {
        #[inline(always)]
        fn to_array(self) -> [f64; 4] {
            let mut numbers = [0.0; 4];
            // SAFETY: registers are made by an `Avx2` only; four numbers are written, and that many are there.
            unsafe { _mm256_storeu_pd(numbers.as_mut_ptr(), self.0) };
            numbers
        }

        #[inline(always)]
        fn compress_le(self, bound: Self, room: &mut [f64; 4]) -> usize {
            self.keep::<_CMP_LE_OQ>(bound, room)
        }

        #[inline(always)]
        fn compress_ge(self, bound: Self, room: &mut [f64; 4]) -> usize {
            self.keep::<_CMP_GE_OQ>(bound, room)
        }

        #[inline(always)]
        fn gt_mask(self, other: Self) -> u64 {
            // SAFETY: registers are made by an `Avx2` only.
            let bits = unsafe { _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_GT_OQ>(self.0, other.0)) };
            u64::from(bits.cast_unsigned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that one simd makes of two rows, as bits.
    fn all_of(simd: impl Simd, a: &[f64; 4], b: &[f64; 4]) -> Vec<u64> {
        let (x, y) = (simd.load(a), simd.load(b));
        let mut found: Vec<f64> =
            [x + y, x - y, x * y, x / y, x.pmin(y), x.pmax(y), simd.splat(a[1])]
                .into_iter()
                .flat_map(F64x4::to_array)
                .collect();
        found.extend([x.sum(), x.reduce_min(), x.reduce_max()]);
        let mut room = [0.0; 4];
        for most in [true, false] {
            let kept = if most { x.compress_le(y, &mut room) } else { x.compress_ge(y, &mut room) };
            found.extend(&room[..kept]);
        }
        found.push(f64::from(u8::try_from(x.gt_mask(y)).unwrap()));
        // Which NaN comes out is the processor's affair.
        found.iter().map(|value| if value.is_nan() { u64::MAX } else { value.to_bits() }).collect()
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn both_ways_give_the_same_bits() {
        let Some(avx2) = Avx2::found() else { return };
        let values =
            [0.0, -0.0, 1.0, -2.5, 1e300, -1e-300, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 7.0];
        let mut state = 1_u64;
        let mut pick = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            values[usize::try_from(state >> 33).unwrap() % values.len()]
        };
        for _ in 0..20_000 {
            let (a, b) = (std::array::from_fn(|_| pick()), std::array::from_fn(|_| pick()));
            assert_eq!(all_of(avx2, &a, &b), all_of(Scalar, &a, &b), "{a:?} {b:?}");
        }
    }

    #[test]
    fn what_is_kept_comes_first_and_in_order() {
        let mut room = [0.0; 4];
        let row = Scalar.load(&[3.0, 1.0, 2.0, 5.0]);
        assert_eq!(row.compress_le(Scalar.splat(2.0), &mut room), 2);
        assert_eq!(&room[..2], &[1.0, 2.0]);
        assert_eq!(row.compress_ge(Scalar.splat(2.0), &mut room), 3);
        assert_eq!(&room[..3], &[3.0, 2.0, 5.0]);
        assert_eq!((row.sum(), row.reduce_min(), row.reduce_max()), (11.0, 1.0, 5.0));
        assert_eq!(row.gt_mask(Scalar.splat(2.0)), 0b1001);
    }
}
