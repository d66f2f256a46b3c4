//! How loops are computed: SIMD, parallel execution, column writers, prefetching, allocation.
//!
//! All `unsafe` code of the crate is here, except for calls of Node-API in `src/node/exception.rs` and
//! `src/node/input.rs`. The parts that no crate provides, and why they exist; their files have the details and measurements:
//!
//! - `allocator` caches large blocks, because the system clears and takes back the pages of every large column.
//! - [`column_writer`] fills one column from several threads without clearing it first.
//! - [`multiversion`] compiles a function for AVX2 and for all processors, and [`simd`] packs sums into four lanes, which
//!   compilers do badly. Both are based on the crate `pulp`.
//! - [`parallel`] divides work into parts for any executor, because the core has no threads of its own, and because a thread
//!   of rayon that waits for its parts begins other jobs.
//! - [`prefetch`] hides the latency of memory in loops that jump from event to event.
//! - [`words`] compares 64 values at a time, and [`averages`] advances four exponential averages at a time.
//! - [`signed_sums`] adds the same numbers with many patterns of signs.
//! - [`reserve`] turns a failed allocation of a size that a caller decides into an error.

#[cfg(feature = "node")]
pub(crate) mod allocator;
pub mod averages;
pub mod column_writer;
pub mod multiversion;
pub mod parallel;
pub mod prefetch;
pub mod reserve;
#[cfg(all(test, target_arch = "x86_64"))]
mod scalar_tests;
pub mod signed_sums;
pub mod simd;
pub mod words;
