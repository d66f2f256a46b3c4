//! The combinations of a sweep in grid order.

use std::ops::Range;

use super::axis::Axis;
use super::grid::Grid;
use crate::compute::reserve;
use crate::error::{Code, Error, Result};

/// The combinations of a sweep: the points of a grid, without those that constraints or a sample leave out.
///
/// Combinations are numbered in grid order: the last axis runs fastest.
#[derive(Debug, Clone)]
pub struct Space {
    axes: Vec<Axis>,
    grid: Grid,
    points: Points,
    len: usize,
}

/// The points of the grid that are combinations, ascending.
#[derive(Debug, Clone)]
pub(super) enum Points {
    /// All of them.
    All,
    /// These, of a grid whose points fit into 32 bits.
    Narrow(Vec<u32>),
    /// These.
    Wide(Vec<u64>),
}

/// The values on one axis of ascending points. Consecutive points have the same value, or mostly the next one, which saves the
/// divisions.
struct Runs<'a> {
    values: &'a [f64],
    /// The number of consecutive points with the same value.
    stride: u64,
    /// The index of the current value, and the point after the last one that has it.
    index: usize,
    end: u64,
    value: f64,
}

impl<'a> Runs<'a> {
    fn new(grid: &Grid, axis: usize, values: &'a [f64]) -> Self {
        Self { values, stride: grid.stride(axis), index: 0, end: 0, value: f64::NAN }
    }

    /// Returns the value of a point, which must not be less than the point before.
    #[inline]
    fn value(&mut self, point: u64) -> f64 {
        if point >= self.end {
            self.advance(point);
        }
        self.value
    }

    #[inline]
    fn advance(&mut self, point: u64) {
        if self.end > 0 && point - self.end < self.stride {
            self.index = if self.index + 1 < self.values.len() { self.index + 1 } else { 0 };
            self.end += self.stride;
        } else {
            let run = point / self.stride;
            let index = run % (self.values.len() as u64).max(1);
            self.index = usize::try_from(index).unwrap_or(usize::MAX);
            self.end = (run + 1) * self.stride;
        }
        self.value = self.values.get(self.index).copied().unwrap_or(f64::NAN);
    }
}

impl Points {
    /// Returns whether there are no points.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::All => false,
            Self::Narrow(points) => points.is_empty(),
            Self::Wide(points) => points.is_empty(),
        }
    }
}

impl Space {
    /// Creates the space of every combination of the values.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if there are more combinations than can be numbered.
    pub fn full(axes: Vec<Axis>) -> Result<Self> {
        Self::of_points(axes, Points::All)
    }

    /// Creates the space of the combinations whose indices are kept.
    ///
    /// # Errors
    /// As [`Self::full`].
    #[cfg(test)]
    pub fn keeping(axes: Vec<Axis>, is_kept: impl Fn(&[u32]) -> bool) -> Result<Self> {
        let grid = Self::full(axes)?;
        let mut indices = vec![0; grid.axes.len()];
        let points = (0..grid.grid_size()).filter(|point| {
            grid.grid.indices(*point, &mut indices);
            is_kept(&indices)
        });
        let points = Points::Wide(points.collect());
        Self::of_points(grid.axes, points)
    }

    /// Creates a space of some points of the grid, which must be ascending.
    pub(super) fn of_points(axes: Vec<Axis>, points: Points) -> Result<Self> {
        let too_large = || {
            let message = "parameters make a grid of more than 9.2e18 points; use fewer values";
            Error::new(Code::LimitExceeded, message)
        };
        let lengths: Result<Vec<u32>, _> =
            axes.iter().map(|axis| u32::try_from(axis.values.len())).collect();
        let grid = lengths.ok().and_then(Grid::new).ok_or_else(too_large)?;
        let len = match &points {
            Points::All => usize::try_from(grid.size()).map_err(|_| too_large())?,
            Points::Narrow(points) => points.len(),
            Points::Wide(points) => points.len(),
        };
        Ok(Self { axes, grid, points, len })
    }

    /// Returns the axes, the slowest first.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// Returns the number of combinations.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether there are no combinations.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the number of points of the grid, of which constraints and samples leave some out.
    pub fn grid_size(&self) -> u64 {
        self.grid.size()
    }

    /// Returns the point of the grid; 0 for what is no combination.
    #[inline]
    fn point(&self, combination: usize) -> u64 {
        match &self.points {
            Points::All => combination as u64,
            Points::Narrow(points) => points.get(combination).copied().map_or(0, u64::from),
            Points::Wide(points) => points.get(combination).copied().unwrap_or(0),
        }
    }

    /// Writes the index of the value on each axis.
    #[inline]
    pub fn indices(&self, combination: usize, into: &mut [u32]) {
        self.grid.indices(self.point(combination), into);
    }

    /// Returns the index of the value on one axis.
    pub fn index(&self, combination: usize, axis: usize) -> u32 {
        self.grid.index(self.point(combination), axis)
    }

    /// Returns the value on one axis; NaN if there is no such axis.
    pub fn value(&self, combination: usize, axis: usize) -> f64 {
        let index = self.index(combination, axis) as usize;
        self.axes.get(axis).and_then(|axis| axis.values.get(index)).copied().unwrap_or(f64::NAN)
    }

    /// Appends the values on one axis of a range of combinations.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if the memory cannot be allocated.
    pub fn column(&self, axis: usize, range: Range<usize>, into: &mut Vec<f64>) -> Result<()> {
        let range = range.start.min(self.len)..range.end.min(self.len);
        reserve::additional(into, range.len(), "values of a parameter")?;
        let values = self.axes.get(axis).map_or(&[][..], |axis| &axis.values);
        let mut runs = Runs::new(&self.grid, axis, values);
        match &self.points {
            Points::All => into.extend(range.map(|point| runs.value(point as u64))),
            Points::Narrow(points) => {
                let points = points.get(range).unwrap_or(&[]);
                into.extend(points.iter().map(|point| runs.value(u64::from(*point))));
            }
            Points::Wide(points) => {
                let points = points.get(range).unwrap_or(&[]);
                into.extend(points.iter().map(|point| runs.value(*point)));
            }
        }
        Ok(())
    }

    /// Returns the combination at a point of the grid, given by the index of the value on each axis; `None` if a constraint or
    /// the sample left it out, or the grid has no such point.
    pub fn position(&self, indices: &[u32]) -> Option<usize> {
        let point = self.grid.point(indices)?;
        match &self.points {
            Points::All => usize::try_from(point).ok(),
            Points::Narrow(points) => points.binary_search(&u32::try_from(point).ok()?).ok(),
            Points::Wide(points) => points.binary_search(&point).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::space::Target;
    use proptest::prelude::*;

    fn axes(lengths: &[u32]) -> Vec<Axis> {
        let axis = |(index, length): (usize, &u32)| Axis {
            name: format!("p{index}"),
            target: Target::Parameter(index),
            values: (0..*length).map(|value| f64::from(value) * 1.5).collect(),
        };
        lengths.iter().enumerate().map(axis).collect()
    }

    #[test]
    fn the_last_axis_runs_fastest() {
        let space = Space::full(axes(&[2, 3])).unwrap();
        let mut found = Vec::new();
        for combination in 0..space.len() {
            let mut indices = [0; 2];
            space.indices(combination, &mut indices);
            found.push(indices);
        }
        assert_eq!(found, [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]);
        let mut column = vec![-1.0];
        space.column(1, 2..5, &mut column).unwrap();
        assert_eq!(column, [-1.0, 3.0, 0.0, 1.5]);
    }

    #[test]
    fn no_axis_is_one_combination() {
        let space = Space::full(Vec::new()).unwrap();
        assert_eq!((space.len(), space.position(&[])), (1, Some(0)));
    }

    #[test]
    fn a_grid_that_cannot_be_numbered_is_an_error() {
        let error = Space::full(axes(&[1000; 7])).unwrap_err();
        assert_eq!(error.code, Code::LimitExceeded);
        assert_eq!(Space::full(axes(&[1000; 6])).unwrap().len(), 1_000_000_000_000_000_000);
    }

    proptest! {
        #[test]
        fn position_is_the_inverse_of_indices(
            lengths in prop::collection::vec(1_u32..7, 0..5),
            kept in prop::collection::vec(any::<bool>(), 1296),
            kind in 0..3,
        ) {
            let axes = axes(&lengths);
            let size: u64 = lengths.iter().map(|length| u64::from(*length)).product();
            let some = || (0..size).filter(|point| kept[*point as usize % kept.len()]);
            let points = match kind {
                0 => Points::All,
                1 => Points::Narrow(some().map(|point| point as u32).collect()),
                _ => Points::Wide(some().collect()),
            };
            let space = Space::of_points(axes, points).unwrap();
            let mut indices = vec![0; lengths.len()];
            let mut before: Option<Vec<u32>> = None;
            for combination in 0..space.len() {
                space.indices(combination, &mut indices);
                prop_assert_eq!(space.position(&indices), Some(combination));
                prop_assert!(before.as_ref().is_none_or(|before| *before < indices));
                for (axis, index) in indices.iter().enumerate() {
                    let mut column = Vec::new();
                    space.column(axis, combination / 2..space.len().min(combination + 9), &mut column).unwrap();
                    prop_assert!(column.len() >= combination - combination / 2);
                    for (row, value) in column.iter().enumerate() {
                        prop_assert_eq!(*value, space.value(combination / 2 + row, axis));
                    }
                    prop_assert_eq!(space.index(combination, axis), *index);
                    prop_assert_eq!(space.value(combination, axis), f64::from(*index) * 1.5);
                }
                before = Some(indices.clone());
            }
            let mut count = 0;
            let grid = Space::full(space.axes().to_vec()).unwrap();
            for point in 0..grid.len() {
                grid.indices(point, &mut indices);
                count += usize::from(space.position(&indices).is_some());
            }
            prop_assert_eq!(count, space.len());
            prop_assert_eq!(space.position(&vec![9; lengths.len() + 1]), None);
        }
    }
}
