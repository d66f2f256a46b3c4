//! Functions that are compiled twice: for every processor of the target, and for x86-64 processors with AVX2.
//!
//! Which version runs is decided at run time. Both return the same bits: the compiler neither reorders floating-point
//! operations nor fuses multiplications and additions. Only functions that are inlined into the body are compiled for
//! AVX2 with it, so that helpers need `#[inline(always)]`.

use crate::compute::averages::Average;
use crate::compute::signed_sums::SignedSums;
pub use crate::compute::simd::{F64x4, Lanes, Scalar, Simd};
use crate::compute::words::Words;

/// All operations that functions can use which are compiled twice.
pub trait Lanewise: Simd + Words + Average + SignedSums {}

impl<S: Simd + Words + Average + SignedSums> Lanewise for S {}

/// Returns the instructions of x86-64-v3 (AVX2 and its companions) if the processor has them.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn detect() -> Option<pulp::x86::V3> {
    #[cfg(test)]
    if scalar::is_forced() {
        return None;
    }
    pulp::x86::V3::try_new()
}

/// Makes a closure that takes it one that can be called only once.
///
/// Any other closure is called through a shim, which is not always inlined. A large function was compiled without AVX2 in it,
/// and called each of its instructions.
#[cfg(target_arch = "x86_64")]
#[derive(Debug)]
pub(crate) struct Once;

/// Defines a function that is compiled twice.
macro_rules! multiversion {
    ($(#[$meta:meta])* $visibility:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block) => {
        $(#[$meta])*
        $visibility fn $name($($argument: $type),*) $(-> $result)? {
            #[inline(always)]
            fn run($($argument: $type),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            if let Some(simd) = $crate::compute::multiversion::detect() {
                let once = $crate::compute::multiversion::Once;
                return simd.vectorize(#[inline(always)] move || {
                    let _once = once;
                    run($($argument),*)
                });
            }
            run($($argument),*)
        }
    };
}
pub(crate) use multiversion;

/// Does the same for a function that computes with four lanes: its first argument, without a type, is their
/// implementation ([`Simd`]).
macro_rules! simd_multiversion {
    ($(#[$meta:meta])* $visibility:vis fn $name:ident($simd:ident, $($argument:ident: $type:ty),* $(,)?) -> $result:ty $body:block) => {
        $(#[$meta])*
        $visibility fn $name($($argument: $type),*) -> $result {
            #[inline(always)]
            fn run<S: $crate::compute::multiversion::Lanewise>($simd: S, $($argument: $type),*) -> $result $body

            #[cfg(target_arch = "x86_64")]
            if let Some(simd) = $crate::compute::multiversion::detect() {
                let once = $crate::compute::multiversion::Once;
                return simd.vectorize(#[inline(always)] move || {
                    let _once = once;
                    run(simd, $($argument),*)
                });
            }
            run($crate::compute::multiversion::Scalar, $($argument),*)
        }
    };
}
pub(crate) use simd_multiversion;

/// Forces the scalar version, so that tests can compare both on one processor.
#[cfg(all(test, target_arch = "x86_64"))]
pub(crate) mod scalar {
    use std::cell::Cell;

    thread_local! {
        static IS_FORCED: Cell<bool> = const { Cell::new(false) };
    }

    pub(super) fn is_forced() -> bool {
        IS_FORCED.get()
    }

    /// Runs work with the scalar version of everything that this thread calls.
    pub(crate) fn forced<T>(work: impl FnOnce() -> T) -> T {
        /// Ends the force even if the work panics.
        struct Reset;

        impl Drop for Reset {
            fn drop(&mut self) {
                IS_FORCED.set(false);
            }
        }

        let _reset = Reset;
        IS_FORCED.set(true);
        work()
    }
}
