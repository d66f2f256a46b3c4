//! Memory that is asked for before it is needed.
//!
//! Loops that go from event to event wait for memory at each of them, as no processor guesses where the next one is.

/// Asks for the values that are read soon; does not wait for them, and changes nothing but how long that takes.
#[inline]
pub fn prefetch<T>(values: &[T]) {
    let step = (LINE / size_of::<T>().max(1)).max(1);
    for value in values.iter().step_by(step) {
        ask(value);
    }
}

/// Asks for one value; nothing happens where there is none.
#[inline]
pub fn prefetch_at<T>(values: &[T], place: usize) {
    if let Some(value) = values.get(place) {
        ask(value);
    }
}

/// How many events ahead their values are asked for: some hundreds of nanoseconds, as long as memory takes.
pub const PREFETCH_DISTANCE: usize = 16;

/// Bytes that come together.
const LINE: usize = 64;

#[cfg(target_arch = "x86_64")]
#[inline]
fn ask<T>(value: &T) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    #[expect(unsafe_code, reason = "there is no other way to ask for memory")]
    // SAFETY: every x86-64 has this instruction, and it reads nothing: any address will do.
    unsafe {
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast());
    }
}

/// Elsewhere loops wait.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn ask<T>(value: &T) {
    let _ = value;
}
