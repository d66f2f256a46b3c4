//! The values of each cell, and what it shows of them.

use super::swept::Aggregate;
use crate::chart::{Cell, Spread};
use crate::compute::reserve;
use crate::error::{Error, Result};
use crate::numbers::count_to_f64;

/// What a combination adds to its cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Entry {
    /// A value at a cell.
    Value(usize, f64),
    /// A combination that does not compete, or that has no value, at a cell.
    NotCompeting(usize),
    /// Nothing: the combination is not shown.
    Hidden,
}

/// The values of all cells, cell by cell.
#[derive(Debug)]
pub(super) struct CellValues {
    /// Where the values of each cell end.
    ends: Vec<u32>,
    values: Vec<f64>,
    /// Whether each cell has any combination.
    has_combinations: Vec<bool>,
}

impl CellValues {
    /// Sorts combinations into cells. `entry` is asked twice about each.
    pub(super) fn sort(
        cells: usize,
        combinations: usize,
        entry: impl Fn(usize) -> Entry,
    ) -> Result<Self> {
        if u32::try_from(combinations).is_err() {
            return Err(reserve::refused::<f64>(combinations, "combinations of a heat map"));
        }
        let mut ends: Vec<u32> = reserve::with_capacity(cells, "cells")?;
        ends.resize(cells, 0);
        let mut has_combinations = reserve::with_capacity(cells, "cells")?;
        has_combinations.resize(cells, false);
        for combination in 0..combinations {
            let (cell, has_value) = match entry(combination) {
                Entry::Value(cell, _) => (cell, 1),
                Entry::NotCompeting(cell) => (cell, 0),
                Entry::Hidden => continue,
            };
            if let (Some(end), Some(has)) = (ends.get_mut(cell), has_combinations.get_mut(cell)) {
                *end += has_value;
                *has = true;
            }
        }
        // First where each cell begins; placing its values moves that to where it ends.
        let mut begin = 0;
        for end in &mut ends {
            (begin, *end) = (begin + *end, begin);
        }
        let total = usize::try_from(begin).unwrap_or(usize::MAX);
        let mut values: Vec<f64> = reserve::with_capacity(total, "values of a heat map")?;
        values.resize(total, 0.0);
        for combination in 0..combinations {
            let Entry::Value(cell, value) = entry(combination) else { continue };
            let Some(end) = ends.get_mut(cell) else { continue };
            let at = usize::try_from(*end).unwrap_or(usize::MAX);
            if let Some(place) = values.get_mut(at) {
                *place = value;
                *end += 1;
            }
        }
        Ok(Self { ends, values, has_combinations })
    }

    /// Makes cells of the values.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if there is not enough memory.
    pub(super) fn cells<T>(self, show: impl Fn(&mut [f64]) -> Option<T>) -> Result<Vec<Cell<T>>> {
        let Self { ends, mut values, has_combinations } = self;
        let mut cells = reserve::with_capacity(ends.len(), "cells")?;
        let mut rest = values.as_mut_slice();
        let mut begin = 0;
        for (end, has_combinations) in ends.into_iter().zip(has_combinations) {
            let count = usize::try_from(end - begin).unwrap_or(usize::MAX);
            let (own, other) = rest
                .split_at_mut_checked(count)
                .ok_or_else(|| Error::internal("the cells have more values than there are"))?;
            (rest, begin) = (other, end);
            cells.push(match show(own) {
                Some(value) => Cell::Value(value),
                None if has_combinations => Cell::NotCompeting,
                None => Cell::Missing,
            });
        }
        Ok(cells)
    }
}

/// Returns what a cell shows of its values. `None` without values. Reorders them.
pub(super) fn aggregate(values: &mut [f64], aggregate: Aggregate) -> Option<f64> {
    match aggregate {
        _ if values.len() < 2 => values.first().copied(),
        Aggregate::Max => values.iter().copied().reduce(f64::max),
        Aggregate::Mean => Some(mean(values)),
        Aggregate::Median => {
            let middle = values.len() / 2;
            let is_even = values.len().is_multiple_of(2);
            let (lower, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
            let lower = lower.iter().copied().reduce(f64::max).filter(|_| is_even);
            Some(lower.map_or(upper, |lower| lower.midpoint(upper)))
        }
    }
}

/// Returns the spread of values. `None` without values. Sorts them.
pub(super) fn spread(values: &mut [f64], kind: Aggregate) -> Option<Spread> {
    let value = aggregate(values, kind)?;
    values.sort_unstable_by(f64::total_cmp);
    Some(Spread {
        value,
        low: quantile(values, 0.0)?,
        lower_quartile: quantile(values, 0.25)?,
        upper_quartile: quantile(values, 0.75)?,
        high: quantile(values, 1.0)?,
    })
}

fn mean(values: &[f64]) -> f64 {
    let count = count_to_f64(values.len());
    let sum: f64 = values.iter().sum();
    // A sum may overflow where the mean does not.
    if sum.is_finite() { sum / count } else { values.iter().map(|value| value / count).sum() }
}

/// Returns a quantile of sorted values, interpolated linearly between the two nearest.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let position = count_to_f64(sorted.len().checked_sub(1)?) * share;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the number of values"
    )]
    let index = position as usize;
    let lower = *sorted.get(index)?;
    let upper = sorted.get(index + 1).copied().unwrap_or(lower);
    let part = position.fract();
    Some(lower * (1.0 - part) + upper * part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aggregates_are_those_of_statistics() {
        let all = |values: &[f64]| {
            [Aggregate::Max, Aggregate::Mean, Aggregate::Median]
                .map(|kind| aggregate(&mut values.to_vec(), kind))
        };
        assert_eq!(all(&[]), [None; 3]);
        assert_eq!(all(&[-2.0]), [Some(-2.0); 3]);
        assert_eq!(all(&[4.0, -1.0, 0.0]), [Some(4.0), Some(1.0), Some(0.0)]);
        assert_eq!(all(&[9.0, -1.0, 3.0, 1.0]), [Some(9.0), Some(3.0), Some(2.0)]);
        assert_eq!(all(&[f64::MAX, f64::MAX])[1], Some(f64::MAX));
        assert_eq!(all(&[f64::MAX, f64::MAX])[2], Some(f64::MAX));
    }

    #[test]
    fn quartiles_are_interpolated() {
        // NumPy: percentile([1, 2, 4, 8, 16, 32], [25, 75]) = 2.5, 14.
        let found = spread(&mut [16.0, 1.0, 32.0, 2.0, 8.0, 4.0], Aggregate::Median).unwrap();
        let expected =
            Spread { value: 6.0, low: 1.0, lower_quartile: 2.5, upper_quartile: 14.0, high: 32.0 };
        assert_eq!(found, expected);
        let one = spread(&mut [3.0], Aggregate::Max).unwrap();
        assert_eq!((one.low, one.lower_quartile, one.high, one.value), (3.0, 3.0, 3.0, 3.0));
        assert_eq!(spread(&mut [], Aggregate::Mean), None);
    }

    #[test]
    fn combinations_are_sorted_into_cells() {
        let entries = [
            Entry::Value(2, 5.0),
            Entry::NotCompeting(0),
            Entry::Value(2, 7.0),
            Entry::Hidden,
            Entry::Value(3, 1.0),
            Entry::NotCompeting(3),
        ];
        let values = CellValues::sort(5, entries.len(), |index| entries[index]).unwrap();
        let cells = values.cells(|values| aggregate(values, Aggregate::Mean)).unwrap();
        let expected =
            [Cell::NotCompeting, Cell::Missing, Cell::Value(6.0), Cell::Value(1.0), Cell::Missing];
        assert_eq!(cells, expected);
    }
}
