//! ColumnWriter for the values of a column that is made in sections.

use std::mem::MaybeUninit;

/// A number of 64 bits. There are no others than these two: what is written past the caches rests on their size.
pub trait Element: Copy + Default + Send + sealed::Sealed {}

impl Element for f64 {}
impl Element for i64 {}

mod sealed {
    pub trait Sealed {}

    impl Sealed for f64 {}
    impl Sealed for i64 {}
}

/// ColumnWriter for the values of one section of a column.
#[derive(Debug)]
pub struct ColumnWriter<'a, V: Element = f64> {
    slots: &'a mut [MaybeUninit<V>],
    used: usize,
    non_temporal: bool,
}

impl<'a, V: Element> ColumnWriter<'a, V> {
    /// Opens writer; `non_temporal` if nobody reads it soon. A line that is written through a cache is read from memory first.
    pub fn new(slots: &'a mut [MaybeUninit<V>], non_temporal: bool) -> Self {
        Self { slots, used: 0, non_temporal }
    }

    /// Adds the next values; those for which there is no writer are dropped.
    #[inline(always)]
    pub fn extend_from_slice(&mut self, values: &[V]) {
        let free = self.slots.get_mut(self.used..).unwrap_or(&mut []);
        self.used += free.len().min(values.len());
        if self.non_temporal {
            write_past_caches(free, values);
        } else {
            write(free, values);
        }
    }

    /// Fills what is left with zeros, and makes all of it visible to others.
    pub fn finish(&mut self) {
        write_all(self.slots.get_mut(self.used..).unwrap_or(&mut []), V::default());
        self.used = self.slots.len();
        if self.non_temporal {
            settle();
        }
    }
}

#[inline(always)]
fn write<V: Element>(slots: &mut [MaybeUninit<V>], values: &[V]) {
    for (slot, &value) in slots.iter_mut().zip(values) {
        slot.write(value);
    }
}

fn write_all<V: Element>(slots: &mut [MaybeUninit<V>], value: V) {
    for slot in slots {
        slot.write(value);
    }
}

/// Writes values to memory without reading into a cache what was there before, where the processor can do it.
fn write_past_caches<V: Element>(slots: &mut [MaybeUninit<V>], values: &[V]) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx") {
        #[expect(unsafe_code, reason = "the compiler cannot know the processor")]
        // SAFETY: the processor was just asked whether it has these instructions.
        return unsafe { stream(slots, values) };
    }
    write(slots, values);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx")]
fn stream<V: Element>(slots: &mut [MaybeUninit<V>], values: &[V]) {
    use std::arch::x86_64::{__m256i, _mm256_loadu_si256, _mm256_stream_si256};

    let count = slots.len().min(values.len());
    let ahead = slots.as_ptr().align_offset(size_of::<__m256i>()).min(count);
    let (first_slots, slots) = slots.split_at_mut(ahead);
    let (first, values) = values.split_at(ahead);
    let (slots, _) = slots.split_at_mut(count - ahead);
    let (values, _) = values.split_at(count - ahead);
    write(first_slots, first);
    let ((slots, last_slots), (values, last)) =
        (slots.as_chunks_mut::<4>(), values.as_chunks::<4>());
    for (slots, values) in slots.iter_mut().zip(values) {
        #[expect(unsafe_code, reason = "there is no other way to write past the caches")]
        // SAFETY: a `Element` is 8 bytes without padding, so that both sides are 32 bytes, and the slots begin on a multiple
        // of 32, as `ahead` brought them there.
        unsafe {
            let values = _mm256_loadu_si256(values.as_ptr().cast());
            _mm256_stream_si256(slots.as_mut_ptr().cast(), values);
        }
    }
    write(last_slots, last);
}

/// Orders what was written past the caches before all that follows: without it, a lock would not.
fn settle() {
    #[cfg(target_arch = "x86_64")]
    {
        #[expect(unsafe_code, reason = "there is no other way to wait for such writes")]
        // SAFETY: every x86-64 has this instruction.
        unsafe {
            std::arch::x86_64::_mm_sfence();
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::compute::parallel::{
        Sections, Sequential, ThreadPerPart, write_column, write_columns,
    };

    const LARGE: usize = 1 << 19;

    #[test]
    fn values_come_where_they_belong_from_any_place_and_in_any_number() {
        let value = |bar: usize| 1.0 + bar as f64;
        for bars in [1_000, LARGE - 1, LARGE, LARGE + 777] {
            // Of odd lengths, so that most begin between two multiples of 32 bytes; and so do the pieces.
            let (column, _) = write_column(
                &ThreadPerPart,
                Sections::new(bars, 40_961).non_temporal(),
                |section, writer| {
                    let (mut bar, mut length) = (section.start, 0);
                    while bar < section.end {
                        length = length % 9 + 1;
                        let piece: Vec<f64> =
                            (bar..section.end.min(bar + length)).map(value).collect();
                        writer.extend_from_slice(&piece);
                        bar += piece.len();
                    }
                },
            );
            assert_eq!(column.len(), bars);
            assert!(column.iter().enumerate().all(|(bar, found)| *found == value(bar)), "{bars}");
        }
    }

    #[test]
    fn what_is_too_much_is_dropped_and_what_is_missing_is_zero() {
        for bars in [4, LARGE] {
            let ([few, many], _) = write_columns(
                &Sequential,
                Sections::new(bars, 3).non_temporal(),
                |section, [few, many]| {
                    few.extend_from_slice(&[7_i64]);
                    many.extend_from_slice(&[section.start.cast_signed() as i64; 8]);
                },
            );
            for bar in 0..bars {
                assert_eq!(few[bar], if bar % 3 == 0 { 7 } else { 0 });
                assert_eq!(many[bar] as usize, bar - bar % 3);
            }
        }
    }
}
