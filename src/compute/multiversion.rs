//! Functions for wider vector instructions where the processor has them.

/// Defines a function that is compiled twice: for any processor of the target, and for those with AVX2; which of the two
/// runs is decided when it is called.
///
/// Both give the same bits: nothing is reordered, and no multiplication and addition become one. Only functions that
/// are inlined into the body are compiled twice with it.
macro_rules! multiversion {
    ($(#[$meta:meta])* $visibility:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block) => {
        $(#[$meta])*
        $visibility fn $name($($argument: $type),*) $(-> $result)? {
            #[inline(always)]
            fn plain($($argument: $type),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            if std::arch::is_x86_feature_detected!("avx2") {
                #[target_feature(enable = "avx2")]
                fn with_avx2($($argument: $type),*) $(-> $result)? {
                    plain($($argument),*)
                }
                #[expect(unsafe_code, reason = "the compiler cannot know the simd")]
                // SAFETY: the processor was just asked whether it has these instructions.
                return unsafe { with_avx2($($argument),*) };
            }
            plain($($argument),*)
        }
    };
}
pub(crate) use multiversion;

#[cfg(target_arch = "x86_64")]
pub use crate::compute::simd::Avx2;
pub use crate::compute::simd::{F64x4, Lanes, Scalar, Simd};

/// The same for a function that computes with four numbers at once: its first argument, without a type, is how
/// ([`Simd`]).
macro_rules! simd_multiversion {
    ($(#[$meta:meta])* $visibility:vis fn $name:ident($simd:ident, $($argument:ident: $type:ty),* $(,)?) -> $result:ty $body:block) => {
        $(#[$meta])*
        $visibility fn $name($($argument: $type),*) -> $result {
            #[inline(always)]
            fn on<P: $crate::compute::multiversion::Simd>($simd: P, $($argument: $type),*) -> $result $body

            #[cfg(target_arch = "x86_64")]
            if let Some(simd) = $crate::compute::multiversion::Avx2::found() {
                #[target_feature(enable = "avx2")]
                fn with_avx2(simd: $crate::compute::multiversion::Avx2, $($argument: $type),*) -> $result {
                    on(simd, $($argument),*)
                }
                #[expect(unsafe_code, reason = "the compiler cannot know the simd")]
                // SAFETY: the processor was just asked whether it has these instructions.
                return unsafe { with_avx2(simd, $($argument),*) };
            }
            on($crate::compute::multiversion::Scalar, $($argument),*)
        }
    };
}
pub(crate) use simd_multiversion;
