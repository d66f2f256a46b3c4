//! Work in parts that do not see each other: several hands may do them at once, and nothing depends on how many do.

use std::mem::MaybeUninit;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::compute::column_writer::{ColumnWriter, Element};

/// Who does the parts of a work.
pub trait Executor: Sync {
    /// Does the parts from 0 up to `parts`, each once, in any order and perhaps at once; returns when all are done.
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

/// The thread that asks, and no other.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sequential;

impl Executor for Sequential {
    fn execute(&self, parts: usize, work: &(dyn Fn(usize) + Sync)) {
        (0..parts).for_each(work);
    }
}

/// Returns what the parts gave, in their order.
pub fn map_parts<T: Send>(
    executor: &dyn Executor,
    parts: usize,
    work: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    if parts == 1 {
        return vec![work(0)];
    }
    let slots: Vec<Mutex<Option<T>>> = (0..parts).map(|_| Mutex::new(None)).collect();
    executor.execute(parts, &|part| {
        if let Some(slot) = slots.get(part) {
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(work(part));
        }
    });
    let given = |slot: Mutex<Option<T>>| slot.into_inner().unwrap_or_else(PoisonError::into_inner);
    slots.into_iter().filter_map(given).collect()
}

/// Columns of fewer bytes than this stay in the caches until somebody reads them.
const LARGE: usize = 4 << 20;

/// How a column is cut into sections.
#[derive(Debug, Clone, Copy)]
pub struct Sections {
    bars: usize,
    section: usize,
    non_temporal: bool,
}

impl Sections {
    /// Sections of so many bars each, the last one perhaps of fewer.
    pub fn new(bars: usize, section: usize) -> Self {
        Self { bars, section: section.max(1), non_temporal: false }
    }

    /// The same for a column that nobody reads soon: if it is large, it is written past the caches.
    #[must_use]
    pub fn non_temporal(self) -> Self {
        Self { non_temporal: true, ..self }
    }
}

/// Makes a column in sections: `work` gets the bars of one and the writer for their values.
///
/// ColumnWriter that is left empty holds zeros.
pub fn write_column<T: Send>(
    executor: &dyn Executor,
    cut: Sections,
    work: impl Fn(Range<usize>, &mut ColumnWriter<'_>) -> T + Sync,
) -> (Vec<f64>, Vec<T>) {
    let ([column], given) = write_columns(executor, cut, |bars, [writer]| work(bars, writer));
    (column, given)
}

/// The same for columns that are made together.
pub fn write_columns<const N: usize, V: Element, T: Send>(
    executor: &dyn Executor,
    cut: Sections,
    work: impl Fn(Range<usize>, [&mut ColumnWriter<'_, V>; N]) -> T + Sync,
) -> ([Vec<V>; N], Vec<T>) {
    let Sections { bars, section, non_temporal } = cut;
    let non_temporal = non_temporal && bars.saturating_mul(size_of::<V>()) >= LARGE;
    let mut columns = std::array::from_fn(|_| Vec::with_capacity(bars));
    let parts = bars.div_ceil(section);
    let mut writers: Vec<Mutex<[ColumnWriter<'_, V>; N]>> = Vec::with_capacity(parts);
    let mut slots = columns.each_mut().map(|column| {
        let slots: &mut [MaybeUninit<V>] = column.spare_capacity_mut();
        slots.get_mut(..bars).unwrap_or(&mut []).chunks_mut(section)
    });
    for _ in 0..parts {
        let next = slots.each_mut().map(|slots| slots.next().unwrap_or(&mut []));
        writers.push(Mutex::new(next.map(|slots| ColumnWriter::new(slots, non_temporal))));
    }
    let given = map_parts(executor, parts, |part| {
        let start = part * section;
        let mut writers = writers.get(part)?.lock().unwrap_or_else(PoisonError::into_inner);
        let given = work(start..bars.min(start + section), writers.each_mut());
        writers.each_mut().into_iter().for_each(ColumnWriter::finish);
        Some(given)
    });
    drop(writers);
    let given: Vec<T> = given.into_iter().flatten().collect();
    if given.len() == parts {
        for column in &mut columns {
            #[expect(
                unsafe_code,
                reason = "clearing a column before it is written takes as long as writing it"
            )]
            // SAFETY: the writers are the whole of the column up to `bars`, each part has come to its end, and at its end
            // `finish` had written what was left of its writers.
            unsafe {
                column.set_len(bars);
            }
        }
    }
    (columns, given)
}

/// Does the parts on threads of their own, the last first.
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

    /// Leaves the first part out.
    struct Lazy;

    impl Executor for Lazy {
        fn execute(&self, parts: usize, work: &(dyn Fn(usize) + Sync)) {
            (1..parts).for_each(work);
        }
    }

    #[test]
    fn what_the_parts_give_comes_in_their_order() {
        assert_eq!(map_parts(&ThreadPerPart, 5, |part| part * 10), [0, 10, 20, 30, 40]);
        assert_eq!(map_parts(&Sequential, 1, |part| part), [0]);
        assert!(map_parts(&Sequential, 0, |part| part).is_empty());
    }

    #[test]
    fn columns_are_whole_whoever_makes_them_and_whatever_is_left_out() {
        let squares = |bars: Range<usize>, writer: &mut ColumnWriter<'_>| {
            for bar in bars.clone().filter(|bar| bar % 10 != 9) {
                writer.extend_from_slice(&[(bar * bar) as f64]);
            }
            bars.len()
        };
        let (alone, lengths) = write_column(&Sequential, Sections::new(25, 10), squares);
        assert_eq!(lengths, [10, 10, 5]);
        assert_eq!((alone.len(), alone[8], alone[9], alone[10]), (25, 64.0, 0.0, 100.0));
        assert_eq!(write_column(&ThreadPerPart, Sections::new(25, 10), squares).0, alone);
        assert_eq!(write_column(&Lazy, Sections::new(25, 10), squares), (vec![], vec![10, 5]));
        assert_eq!(write_column(&Sequential, Sections::new(0, 10), squares), (vec![], vec![]));
        let (more, _) = write_column(&Sequential, Sections::new(3, 2), |_, writer| {
            writer.extend_from_slice(&[1.0, 2.0, 3.0])
        });
        assert_eq!(more, [1.0, 2.0, 1.0]);
        let ([bars, twice], _) =
            write_columns(&ThreadPerPart, Sections::new(5, 2), |section, [bars, twice]| {
                for bar in section {
                    bars.extend_from_slice(&[bar as f64]);
                    twice.extend_from_slice(&[2.0 * bar as f64]);
                }
            });
        assert_eq!((bars, twice), (vec![0.0, 1.0, 2.0, 3.0, 4.0], vec![0.0, 2.0, 4.0, 6.0, 8.0]));
    }
}
