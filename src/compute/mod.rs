//! How loops are computed: SIMD, parallel execution, column writers, prefetching, allocation. The only room with
//! `unsafe` code, but for what Node-API demands in `node/`.

#[cfg(feature = "node")]
pub(crate) mod allocator;
pub mod column_writer;
pub mod multiversion;
pub mod parallel;
pub mod prefetch;
pub mod reserve;
pub mod simd;
