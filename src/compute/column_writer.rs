//! Writers for the values of a column that is made in sections, possibly by several threads.
//!
//! A column of 8 MB costs as much to clear as to write, so sections are written into uninitialized memory. This module
//! makes that safe:
//!
//! - Only [`write_columns`](super::parallel::write_columns) creates writers. A worker borrows them for a lifetime that it
//!   cannot name, so that it can neither keep one nor replace it by a writer of another section.
//! - [`ColumnWriter::finish`] consumes the writer, fills what is left with zeros, and returns the values as a slice. The
//!   slice itself proves that the section is initialized.
//! - The length of a column is set only after every section has returned such a slice and the slices cover the column
//!   from its first to its last value ([`Sections`](super::parallel::Sections) are compared by address).

use std::mem::MaybeUninit;

/// A 64-bit number: `f64` or `i64`.
pub trait Element: Copy + Default + Send + sealed::Sealed {}

impl Element for f64 {}
impl Element for i64 {}

mod sealed {
    pub trait Sealed {}

    impl Sealed for f64 {}
    impl Sealed for i64 {}
}

/// A writer for the values of one section of a column.
///
/// Other code cannot create writers:
///
/// ```compile_fail
/// use aitradepro_backtesting::compute::column_writer::ColumnWriter;
///
/// let mut memory = Vec::with_capacity(8);
/// let writer = ColumnWriter::<f64>::new(memory.spare_capacity_mut());
/// ```
///
/// A worker cannot keep its writer:
///
/// ```compile_fail
/// use aitradepro_backtesting::compute::parallel::{Sections, Sequential, write_column};
/// use std::sync::Mutex;
///
/// let kept = Mutex::new(None);
/// write_column(&Sequential, Sections::new(8, 4), |_, writer| {
///     *kept.lock().unwrap() = Some(writer);
/// });
/// ```
///
/// A worker cannot replace it by the writer of another column:
///
/// ```compile_fail
/// use aitradepro_backtesting::compute::parallel::{Sections, Sequential, write_column};
/// use std::sync::Mutex;
///
/// write_column(&Sequential, Sections::new(8, 4), |_, outer| {
///     let outer = Mutex::new(outer);
///     write_column(&Sequential, Sections::new(4, 4), |_, inner| {
///         std::mem::swap(*outer.lock().unwrap(), inner);
///     });
/// });
/// ```
///
/// It can only append values:
///
/// ```
/// use aitradepro_backtesting::compute::parallel::{Sections, Sequential, write_column};
///
/// let (column, _) = write_column(&Sequential, Sections::new(5, 2), |_, writer| {
///     writer.extend_from_slice(&[1.0]);
/// });
/// assert_eq!(column, [1.0, 0.0, 1.0, 0.0, 1.0]);
/// ```
#[derive(Debug)]
pub struct ColumnWriter<'a, V: Element = f64> {
    slots: &'a mut [MaybeUninit<V>],
    /// Slots that hold a value; never more than there are.
    filled: usize,
}

impl<'a, V: Element> ColumnWriter<'a, V> {
    /// Creates a writer for the memory of a section.
    pub(super) fn new(slots: &'a mut [MaybeUninit<V>]) -> Self {
        Self { slots, filled: 0 }
    }

    /// Appends values. Those beyond the end of the section are dropped.
    #[inline(always)]
    pub fn extend_from_slice(&mut self, values: &[V]) {
        let free = self.slots.get_mut(self.filled..).unwrap_or(&mut []);
        self.filled += free.len().min(values.len());
        for (slot, &value) in free.iter_mut().zip(values) {
            slot.write(value);
        }
    }

    /// Fills the rest of the section with zeros and returns its values.
    pub(super) fn finish(self) -> &'a mut [V] {
        for slot in self.slots.get_mut(self.filled..).unwrap_or(&mut []) {
            slot.write(V::default());
        }
        #[expect(unsafe_code, reason = "the compiler does not know which slots were written")]
        // SAFETY: `extend_from_slice` wrote the slots before `filled` in order, the loop above wrote all others.
        unsafe {
            std::slice::from_raw_parts_mut(self.slots.as_mut_ptr().cast::<V>(), self.slots.len())
        }
    }
}
