//! Four `f64` lanes, on processors with AVX2 and on all others.
//!
//! Compilers vectorize simple loops over columns, but pack the wrong values together where a loop carries many sums. The
//! loops that use [`Simd`] state the packing themselves. There are always four lanes, and each operation rounds as its
//! scalar counterpart does, so that both implementations return the same bits.

use std::ops::{Add, Div, Mul, Sub};

/// An implementation of four-lane arithmetic. A value of such a type proves that the processor supports it.
pub trait Simd: Copy {
    /// Four lanes.
    type F64x4: F64x4;

    /// Returns the same value in all lanes.
    fn splat(self, value: f64) -> Self::F64x4;

    /// Loads four values.
    fn load(self, values: &[f64; 4]) -> Self::F64x4;
}

/// Arithmetic that loops share between four lanes and single values, which are left over at the end of a column.
pub trait Lanes:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// Returns the smaller value, and `other` if either is NaN.
    #[must_use]
    fn pmin(self, other: Self) -> Self;

    /// Returns the larger value, and `other` if either is NaN.
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

/// Four lanes of `f64`. Operations work lane by lane.
pub trait F64x4: Lanes {
    /// Returns the lanes.
    fn to_array(self) -> [f64; 4];

    /// Writes the lanes that are at most those of `bound` to the front of `kept`, in order, and returns their number. The
    /// rest of `kept` is unspecified.
    fn compress_le(self, bound: Self, kept: &mut [f64; 4]) -> usize;

    /// Does the same for the lanes that are at least those of `bound`.
    fn compress_ge(self, bound: Self, kept: &mut [f64; 4]) -> usize;

    /// Returns one bit for each lane, set if it is greater than that of `other`. The first lane is the lowest bit.
    fn gt_mask(self, other: Self) -> u64;

    /// Adds the lanes from the first to the last.
    #[inline(always)]
    fn sum(self) -> f64 {
        let [a, b, c, d] = self.to_array();
        a + b + c + d
    }

    /// Returns the smallest lane, ignoring NaN.
    #[inline(always)]
    fn reduce_min(self) -> f64 {
        self.to_array()
            .into_iter()
            .fold(f64::INFINITY, |least, value| if value < least { value } else { least })
    }

    /// Returns the largest lane, ignoring NaN.
    #[inline(always)]
    fn reduce_max(self) -> f64 {
        self.to_array()
            .into_iter()
            .fold(f64::NEG_INFINITY, |most, value| if value > most { value } else { most })
    }
}

/// Lane-by-lane scalar code, for processors without AVX2.
#[derive(Debug, Clone, Copy)]
pub struct Scalar;

/// The lanes of [`Scalar`].
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
    fn zip_with(self, other: Self, operation: impl Fn(f64, f64) -> f64) -> Self {
        let (a, b) = (self.0, other.0);
        Self([
            operation(a[0], b[0]),
            operation(a[1], b[1]),
            operation(a[2], b[2]),
            operation(a[3], b[3]),
        ])
    }

    #[inline(always)]
    fn compress(
        self,
        bound: Self,
        kept: &mut [f64; 4],
        is_kept: impl Fn(f64, f64) -> bool,
    ) -> usize {
        let mut count = 0;
        for (value, bound) in self.0.into_iter().zip(bound.0) {
            // Without a branch: each value is written, and overwritten by the next unless it is kept. The mask only removes
            // the bounds check.
            kept[count & 3] = value;
            count += usize::from(is_kept(value, bound));
        }
        count
    }
}

impl Add for ScalarF64x4 {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip_with(other, |a, b| a + b)
    }
}

impl Sub for ScalarF64x4 {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip_with(other, |a, b| a - b)
    }
}

impl Mul for ScalarF64x4 {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip_with(other, |a, b| a * b)
    }
}

impl Div for ScalarF64x4 {
    type Output = Self;

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        self.zip_with(other, |a, b| a / b)
    }
}

impl Lanes for ScalarF64x4 {
    #[inline(always)]
    fn pmin(self, other: Self) -> Self {
        self.zip_with(other, f64::pmin)
    }

    #[inline(always)]
    fn pmax(self, other: Self) -> Self {
        self.zip_with(other, f64::pmax)
    }
}

impl F64x4 for ScalarF64x4 {
    #[inline(always)]
    fn to_array(self) -> [f64; 4] {
        self.0
    }

    #[inline(always)]
    fn compress_le(self, bound: Self, kept: &mut [f64; 4]) -> usize {
        self.compress(bound, kept, |value, bound| value <= bound)
    }

    #[inline(always)]
    fn compress_ge(self, bound: Self, kept: &mut [f64; 4]) -> usize {
        self.compress(bound, kept, |value, bound| value >= bound)
    }

    #[inline(always)]
    fn gt_mask(self, other: Self) -> u64 {
        let pairs = self.0.into_iter().zip(other.0).enumerate();
        pairs.fold(0, |bits, (lane, (value, other))| bits | u64::from(value > other) << lane)
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{__m256d, __m256i, _CMP_GE_OQ, _CMP_GT_OQ, _CMP_LE_OQ};
    use std::ops::{Add, Div, Mul, Sub};

    use pulp::cast;
    use pulp::x86::V3;

    use super::{F64x4, Lanes, Simd};

    /// One AVX2 register, with the proof that the processor has such registers.
    #[derive(Debug, Clone, Copy)]
    pub struct Avx2F64x4 {
        simd: V3,
        lanes: __m256d,
    }

    impl Simd for V3 {
        type F64x4 = Avx2F64x4;

        #[inline(always)]
        fn splat(self, value: f64) -> Avx2F64x4 {
            Avx2F64x4 { simd: self, lanes: self.avx._mm256_set1_pd(value) }
        }

        #[inline(always)]
        fn load(self, values: &[f64; 4]) -> Avx2F64x4 {
            Avx2F64x4 { simd: self, lanes: cast(*values) }
        }
    }

    macro_rules! operations {
        ($($trait:ident $method:ident $instruction:ident),*) => {$(
            impl $trait for Avx2F64x4 {
                type Output = Self;

                #[inline(always)]
                fn $method(self, other: Self) -> Self {
                    Self { lanes: self.simd.avx.$instruction(self.lanes, other.lanes), ..self }
                }
            }
        )*};
    }
    operations!(Add add _mm256_add_pd, Sub sub _mm256_sub_pd, Mul mul _mm256_mul_pd, Div div _mm256_div_pd);

    /// For each mask of four lanes: the permutation that moves the lanes of the mask to the front, in halves of lanes.
    static PERMUTATIONS: [[u32; 8]; 16] = permutations();

    const fn permutations() -> [[u32; 8]; 16] {
        let mut permutations = [[0; 8]; 16];
        let mut mask = 0;
        while mask < 16 {
            let (mut from, mut to) = (0, 0);
            while from < 4 {
                if mask >> from & 1 == 1 {
                    permutations[mask][2 * to] = 2 * from;
                    permutations[mask][2 * to + 1] = 2 * from + 1;
                    to += 1;
                }
                from += 1;
            }
            mask += 1;
        }
        permutations
    }

    impl Avx2F64x4 {
        #[inline(always)]
        fn compare<const COMPARISON: i32>(self, other: Self) -> u32 {
            let avx = self.simd.avx;
            let lanes = avx._mm256_cmp_pd::<COMPARISON>(self.lanes, other.lanes);
            // Four bits; the other 28 are 0.
            avx._mm256_movemask_pd(lanes).cast_unsigned()
        }

        #[inline(always)]
        fn compress<const COMPARISON: i32>(self, bound: Self, kept: &mut [f64; 4]) -> usize {
            let mask = self.compare::<COMPARISON>(bound);
            let permutation: __m256i = cast(PERMUTATIONS[(mask & 15) as usize]);
            let lanes: __m256i = cast(self.lanes);
            *kept = cast(self.simd.avx2._mm256_permutevar8x32_epi32(lanes, permutation));
            mask.count_ones() as usize
        }
    }

    impl Lanes for Avx2F64x4 {
        #[inline(always)]
        fn pmin(self, other: Self) -> Self {
            Self { lanes: self.simd.avx._mm256_min_pd(self.lanes, other.lanes), ..self }
        }

        #[inline(always)]
        fn pmax(self, other: Self) -> Self {
            Self { lanes: self.simd.avx._mm256_max_pd(self.lanes, other.lanes), ..self }
        }
    }

    impl F64x4 for Avx2F64x4 {
        #[inline(always)]
        fn to_array(self) -> [f64; 4] {
            cast(self.lanes)
        }

        #[inline(always)]
        fn compress_le(self, bound: Self, kept: &mut [f64; 4]) -> usize {
            self.compress::<_CMP_LE_OQ>(bound, kept)
        }

        #[inline(always)]
        fn compress_ge(self, bound: Self, kept: &mut [f64; 4]) -> usize {
            self.compress::<_CMP_GE_OQ>(bound, kept)
        }

        #[inline(always)]
        fn gt_mask(self, other: Self) -> u64 {
            self.compare::<_CMP_GT_OQ>(other).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the results of all operations on two rows, as bits.
    fn results(simd: impl Simd, a: &[f64; 4], b: &[f64; 4]) -> Vec<u64> {
        let (x, y) = (simd.load(a), simd.load(b));
        let mut found: Vec<f64> =
            [x + y, x - y, x * y, x / y, x.pmin(y), x.pmax(y), simd.splat(a[1])]
                .into_iter()
                .flat_map(F64x4::to_array)
                .collect();
        found.extend([x.sum(), x.reduce_min(), x.reduce_max()]);
        let mut kept = [0.0; 4];
        for most in [true, false] {
            let count =
                if most { x.compress_le(y, &mut kept) } else { x.compress_ge(y, &mut kept) };
            found.extend(&kept[..count]);
        }
        found.push(f64::from(u8::try_from(x.gt_mask(y)).unwrap()));
        // The sign and the payload of a NaN depend on the processor.
        found.iter().map(|value| if value.is_nan() { u64::MAX } else { value.to_bits() }).collect()
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn avx2_and_scalar_lanes_return_the_same_bits() {
        let Some(avx2) = pulp::x86::V3::try_new() else { return };
        let values =
            [0.0, -0.0, 1.0, -2.5, 1e300, -1e-300, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 7.0];
        let mut state = 1_u64;
        let mut pick = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            values[usize::try_from(state >> 33).unwrap() % values.len()]
        };
        for _ in 0..20_000 {
            let (a, b) = (std::array::from_fn(|_| pick()), std::array::from_fn(|_| pick()));
            assert_eq!(results(avx2, &a, &b), results(Scalar, &a, &b), "{a:?} {b:?}");
        }
    }

    #[test]
    fn compressed_lanes_come_first_and_in_order() {
        let mut kept = [0.0; 4];
        let row = Scalar.load(&[3.0, 1.0, 2.0, 5.0]);
        assert_eq!(row.compress_le(Scalar.splat(2.0), &mut kept), 2);
        assert_eq!(&kept[..2], &[1.0, 2.0]);
        assert_eq!(row.compress_ge(Scalar.splat(2.0), &mut kept), 3);
        assert_eq!(&kept[..3], &[3.0, 2.0, 5.0]);
        assert_eq!((row.sum(), row.reduce_min(), row.reduce_max()), (11.0, 1.0, 5.0));
        assert_eq!(row.gt_mask(Scalar.splat(2.0)), 0b1001);
    }
}
