//! How loops are computed: SIMD, parallel execution, column writers, prefetching, allocation.
//!
//! All `unsafe` code of the crate is here, except for two calls of Node-API in `node`.

#[cfg(feature = "node")]
pub(crate) mod allocator;
pub mod column_writer;
pub mod multiversion;
pub mod parallel;
pub mod prefetch;
pub mod reserve;
#[cfg(all(test, target_arch = "x86_64"))]
mod scalar_tests;
pub mod simd;
