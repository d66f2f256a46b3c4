//! Work that is divided into independent parts, which several threads may execute. Results do not depend on their number.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::compute::column_writer::{ColumnWriter, Element};

/// Executes the parts of a piece of work.
///
/// This is a trait, and not a rayon iterator, for two reasons. The core can be built without threads. And a rayon thread
/// that waits for its parts begins other jobs of its pool, which would put a long backtest inside a short one; executors
/// decide themselves which threads take part (see `docs/architecture.md`, "Threads").
pub trait Executor: Sync {
    /// Calls `work` once for each part from 0 to `parts` (exclusive), in any order and possibly at once. Returns when all
    /// calls have returned.
    fn execute(&self, parts: usize, work: &(dyn Fn(usize) + Sync));

    /// Runs two tasks, each once, the first on the calling thread and the second perhaps on another one at the same time.
    fn join(&self, first: &mut (dyn FnMut() + Send), second: &mut (dyn FnMut() + Send)) {
        first();
        second();
    }
}

/// Computes two values that do not depend on each other, perhaps at once. The first is computed on the calling thread.
pub fn join<A: Send, B: Send>(
    executor: &dyn Executor,
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    let (mut first, mut second) = (Task::Waiting(first), Task::Waiting(second));
    executor.join(&mut || first.run(), &mut || second.run());
    (first.finish(), second.finish())
}

/// A computation that runs at most once.
enum Task<T, F: FnOnce() -> T> {
    Waiting(F),
    Running,
    Done(T),
}

impl<T, F: FnOnce() -> T> Task<T, F> {
    fn run(&mut self) {
        match std::mem::replace(self, Self::Running) {
            Self::Waiting(work) => *self = Self::Done(work()),
            done => *self = done,
        }
    }

    /// Returns the value, which an executor that left the task out did not compute.
    fn finish(mut self) -> T {
        self.run();
        match self {
            Self::Done(value) => value,
            Self::Waiting(_) | Self::Running => unreachable!("the task has run"),
        }
    }
}

/// Executes all parts on the calling thread.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sequential;

impl Executor for Sequential {
    fn execute(&self, parts: usize, work: &(dyn Fn(usize) + Sync)) {
        (0..parts).for_each(work);
    }
}

/// Returns the results of all parts in order. Parts that the executor leaves out are missing.
pub fn map_parts<T: Send>(
    executor: &dyn Executor,
    parts: usize,
    work: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    if parts == 1 {
        return vec![work(0)];
    }
    let results: Vec<Mutex<Option<T>>> = (0..parts).map(|_| Mutex::new(None)).collect();
    executor.execute(parts, &|part| {
        if let Some(result) = results.get(part) {
            let mut result = result.lock().unwrap_or_else(PoisonError::into_inner);
            if result.is_none() {
                *result = Some(work(part));
            }
        }
    });
    let result = |slot: Mutex<Option<T>>| slot.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.into_iter().filter_map(result).collect()
}

/// A column of `len` values, divided into sections of `section_len` values each. The last section may be shorter.
#[derive(Debug, Clone, Copy)]
pub struct Sections {
    len: usize,
    section_len: usize,
}

impl Sections {
    /// Divides a column.
    pub fn new(len: usize, section_len: usize) -> Self {
        Self { len, section_len: section_len.max(1) }
    }

    fn count(self) -> usize {
        self.len.div_ceil(self.section_len)
    }

    fn range(self, section: usize) -> Range<usize> {
        let start = section * self.section_len;
        start..self.len.min(start + self.section_len)
    }
}

/// Builds a column section by section. `work` gets the range of a section and the writer for its values; values that it
/// does not write are zero. The results of all sections are returned too, in order.
pub fn write_column<T: Send>(
    executor: &dyn Executor,
    sections: Sections,
    work: impl Fn(Range<usize>, &mut ColumnWriter<'_>) -> T + Sync,
) -> (Vec<f64>, Vec<T>) {
    write_column_into(Vec::new(), executor, sections, work)
}

/// Does the same as [`write_column`] and reuses the memory of a buffer, whose contents are dropped.
pub fn write_column_into<T: Send>(
    buffer: Vec<f64>,
    executor: &dyn Executor,
    sections: Sections,
    work: impl Fn(Range<usize>, &mut ColumnWriter<'_>) -> T + Sync,
) -> (Vec<f64>, Vec<T>) {
    let ([column], results) =
        write_columns_into([buffer], executor, sections, |range, [writer]| work(range, writer));
    (column, results)
}

/// Builds several columns of the same length together.
///
/// If the executor leaves out a section, all columns are empty.
pub fn write_columns<const N: usize, V: Element, T: Send>(
    executor: &dyn Executor,
    sections: Sections,
    work: impl Fn(Range<usize>, [&mut ColumnWriter<'_, V>; N]) -> T + Sync,
) -> ([Vec<V>; N], Vec<T>) {
    write_columns_into(std::array::from_fn(|_| Vec::new()), executor, sections, work)
}

fn write_columns_into<const N: usize, V: Element, T: Send>(
    buffers: [Vec<V>; N],
    executor: &dyn Executor,
    sections: Sections,
    work: impl Fn(Range<usize>, [&mut ColumnWriter<'_, V>; N]) -> T + Sync,
) -> ([Vec<V>; N], Vec<T>) {
    let mut columns = buffers.map(|mut buffer| {
        buffer.clear();
        buffer.reserve_exact(sections.len);
        buffer
    });
    let mut slots = columns.each_mut().map(|column| {
        let slots = column.spare_capacity_mut();
        slots.get_mut(..sections.len).unwrap_or(&mut []).chunks_mut(sections.section_len)
    });
    let writers: Vec<Mutex<Option<[ColumnWriter<'_, V>; N]>>> = (0..sections.count())
        .map(|_| slots.each_mut().map(|slots| ColumnWriter::new(slots.next().unwrap_or(&mut []))))
        .map(|writers| Mutex::new(Some(writers)))
        .collect();
    let finished = map_parts(executor, sections.count(), |section| {
        let mut writers = writers.get(section)?.lock().ok()?.take()?;
        let result = work(sections.range(section), writers.each_mut());
        Some((writers.map(ColumnWriter::finish), result))
    });
    drop(writers);
    let (values, results): (Vec<[&mut [V]; N]>, Vec<T>) = finished.into_iter().flatten().unzip();
    // From here on the addresses stand for the slices, which borrow the columns.
    let written: Vec<[Range<*const V>; N]> =
        values.iter().map(|values| values.each_ref().map(|values| values.as_ptr_range())).collect();
    drop(values);
    for (index, column) in columns.iter_mut().enumerate() {
        let start = column.as_ptr();
        let end = start.wrapping_add(sections.len);
        let written = written.iter().filter_map(|ranges| ranges.get(index));
        let is_complete = column.capacity() >= sections.len && are_adjacent(start..end, written);
        if is_complete {
            #[expect(
                unsafe_code,
                reason = "clearing a column before it is written takes as long as writing it"
            )]
            // SAFETY: the column has this capacity. The ranges are those of slices of initialized values, which
            // `ColumnWriter::finish` returned, and they cover it from its start to this length without a gap. Nothing has
            // written to it since.
            unsafe {
                column.set_len(sections.len);
            }
        }
    }
    (columns, results)
}

/// Returns whether ranges follow each other from the start of `whole` to its end.
fn are_adjacent<'a, V: 'a>(
    whole: Range<*const V>,
    parts: impl IntoIterator<Item = &'a Range<*const V>>,
) -> bool {
    let mut end = whole.start;
    for part in parts {
        if part.start != end {
            return false;
        }
        end = part.end;
    }
    end == whole.end
}

/// Executes each part on a thread of its own, the last one first.
#[cfg(test)]
#[derive(Debug, Clone, Copy)]
pub struct ThreadPerPart;

#[cfg(test)]
impl Executor for ThreadPerPart {
    fn execute(&self, parts: usize, work: &(dyn Fn(usize) + Sync)) {
        std::thread::scope(|scope| {
            for part in (0..parts).rev() {
                scope.spawn(move || work(part));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    /// Calls these parts, whatever it is asked for.
    struct Only(&'static [usize]);

    impl Executor for Only {
        fn execute(&self, _: usize, work: &(dyn Fn(usize) + Sync)) {
            self.0.iter().copied().for_each(work);
        }
    }

    fn squares(range: Range<usize>, writer: &mut ColumnWriter<'_>) -> usize {
        for index in range.clone().filter(|index| index % 10 != 9) {
            writer.extend_from_slice(&[(index * index) as f64]);
        }
        range.len()
    }

    #[test]
    fn a_buffer_is_reused_and_its_values_are_not() {
        let buffer = vec![7.0; 100];
        let start = buffer.as_ptr();
        let sections = Sections::new(25, 10);
        let (column, _) = write_column_into(buffer, &Sequential, sections, squares);
        assert_eq!(column, write_column(&Sequential, sections, squares).0);
        assert_eq!(column.as_ptr(), start);
        let (column, _) = write_column_into(column, &Only(&[1]), sections, squares);
        assert!(column.is_empty());
    }

    #[test]
    fn results_come_in_the_order_of_their_parts() {
        assert_eq!(map_parts(&ThreadPerPart, 5, |part| part * 10), [0, 10, 20, 30, 40]);
        assert_eq!(map_parts(&Sequential, 1, |part| part), [0]);
        assert!(map_parts(&Sequential, 0, |part| part).is_empty());
    }

    #[test]
    fn values_that_are_not_written_are_zero_and_values_beyond_the_section_are_dropped() {
        let (column, lengths) = write_column(&Sequential, Sections::new(25, 10), squares);
        assert_eq!(lengths, [10, 10, 5]);
        assert_eq!((column.len(), column[8], column[9], column[10]), (25, 64.0, 0.0, 100.0));
        assert_eq!(write_column(&ThreadPerPart, Sections::new(25, 10), squares).0, column);
        assert_eq!(write_column(&Sequential, Sections::new(0, 10), squares), (vec![], vec![]));
        let (more, _) = write_column(&Sequential, Sections::new(3, 2), |_, writer| {
            writer.extend_from_slice(&[1.0, 2.0, 3.0]);
        });
        assert_eq!(more, [1.0, 2.0, 1.0]);
        let ([few, many], _) =
            write_columns(&ThreadPerPart, Sections::new(50, 3), |range, [few, many]| {
                few.extend_from_slice(&[7_i64]);
                many.extend_from_slice(&[range.start.cast_signed() as i64; 8]);
            });
        for index in 0..50 {
            assert_eq!(few[index], if index % 3 == 0 { 7 } else { 0 });
            assert_eq!(many[index] as usize, index - index % 3);
        }
    }

    #[test]
    fn values_keep_their_places_whatever_the_lengths_of_pieces_and_sections() {
        let value = |index: usize| 1.0 + index as f64;
        for len in [1, 1_000, 100_003] {
            let (column, _) =
                write_column(&ThreadPerPart, Sections::new(len, 40_961), |range, writer| {
                    let (mut index, mut length) = (range.start, 0);
                    while index < range.end {
                        length = length % 9 + 1;
                        let piece: Vec<f64> =
                            (index..range.end.min(index + length)).map(value).collect();
                        writer.extend_from_slice(&piece);
                        index += piece.len();
                    }
                });
            assert_eq!(column, (0..len).map(value).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_column_without_one_of_its_sections_is_empty() {
        for parts in [&[1, 2][..], &[0, 2], &[0, 1], &[], &[0, 1, 1, 0], &[0, 1, 7]] {
            let (column, lengths) = write_column(&Only(parts), Sections::new(25, 10), squares);
            assert!(column.is_empty() && lengths.len() < 3, "{parts:?}");
        }
    }

    #[test]
    fn a_section_that_is_executed_twice_is_written_once() {
        let expected = write_column(&Sequential, Sections::new(25, 10), squares);
        let parts = &[2, 0, 2, 1, 1, 0, 99];
        assert_eq!(write_column(&Only(parts), Sections::new(25, 10), squares), expected);
    }

    #[test]
    fn a_worker_that_swaps_its_writers_leaves_nothing_uninitialized() {
        let ([first, second], _) =
            write_columns(&Sequential, Sections::new(7, 3), |range, [first, second]| {
                std::mem::swap(first, second);
                first.extend_from_slice(&range.map(|index| index as f64).collect::<Vec<_>>());
            });
        // The slices no longer belong to the columns in whose places they are, so neither column is complete.
        assert!(first.is_empty() && second.is_empty());
    }

    #[test]
    fn a_worker_that_panics_leaves_no_column() {
        let run = |executor: &dyn Executor| {
            write_column(executor, Sections::new(25, 10), |range, writer| {
                writer.extend_from_slice(&[1.0; 4]);
                assert!(range.start != 10, "the second section");
            })
        };
        assert!(catch_unwind(AssertUnwindSafe(|| run(&Sequential))).is_err());
        assert!(catch_unwind(AssertUnwindSafe(|| run(&ThreadPerPart))).is_err());
    }

    #[test]
    fn ranges_are_adjacent_only_from_start_to_end() {
        let column = [0.0; 9];
        let of = |range: Range<usize>| column[range].as_ptr_range();
        assert!(are_adjacent(of(0..9), &[of(0..4), of(4..9)]));
        assert!(are_adjacent(of(0..0), &[]));
        for wrong in [vec![of(4..9), of(0..4)], vec![of(0..4)], vec![of(0..4), of(5..9)]] {
            assert!(!are_adjacent(of(0..9), &wrong));
        }
    }
}
