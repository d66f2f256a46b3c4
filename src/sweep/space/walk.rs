//! Walks the points of a grid that meet the constraints, in grid order.

use std::ops::Range;

use super::axis::Axis;
use super::constraint::Constraint;
use crate::error::{Error, Result};
use crate::observer::ProgressObserver;

/// The constraints of a grid, by the axis that decides them.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    axes: &'a [Axis],
    /// The constraints that need no axis, then those that the first axis decides, and so on.
    levels: Vec<Vec<Constraint<'a>>>,
    values: Vec<f64>,
}

/// What a walk found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Walked {
    /// The number of points that meet the constraints.
    pub(super) points: u64,
    /// Whether the whole grid was walked.
    pub(super) is_complete: bool,
}

/// The observer is asked after this many steps.
const STEPS_BETWEEN_CHECKS: u64 = 1 << 16;

impl<'a> Walk<'a> {
    pub(super) fn new(axes: &'a [Axis], constraints: Vec<Constraint<'a>>) -> Self {
        let mut levels: Vec<Vec<Constraint<'a>>> = Vec::new();
        levels.resize_with(axes.len() + 1, Vec::new);
        for constraint in constraints {
            if let Some(level) = levels.get_mut(constraint.axes) {
                level.push(constraint);
            }
        }
        Self { axes, levels, values: vec![f64::NAN; axes.len()] }
    }

    /// Returns the texts of the expressions that excluded points.
    pub(super) fn excluding(&self) -> impl Iterator<Item = &str> {
        let all = self.levels.iter().flatten();
        all.filter(|constraint| constraint.excludes).filter_map(Constraint::text)
    }

    /// Returns whether every point is a combination.
    pub(super) fn is_unconstrained(&self) -> bool {
        self.levels.iter().all(Vec::is_empty)
    }

    /// Returns whether the point with these indices meets all constraints.
    pub(super) fn holds(&mut self, indices: &[u32]) -> bool {
        for ((axis, index), value) in self.axes.iter().zip(indices).zip(&mut self.values) {
            *value = axis.values.get(*index as usize).copied().unwrap_or(f64::NAN);
        }
        let values = &self.values;
        self.levels.iter_mut().flatten().all(|constraint| constraint.holds(values))
    }

    /// Passes the points that meet the constraints to `take` in ascending ranges. A step looks at one value of one axis; the
    /// walk ends after `max_steps` of them. Values that constraints exclude take with them all points that they begin.
    ///
    /// # Errors
    /// `ABORT_ERR` if the observer is cancelled; those of `take`.
    pub(super) fn run(
        &mut self,
        max_steps: u64,
        observer: &dyn ProgressObserver,
        mut take: impl FnMut(Range<u64>) -> Result<()>,
    ) -> Result<Walked> {
        let Self { axes, levels, values } = self;
        let mut found = Walked { points: 0, is_complete: true };
        // The number of points below one value of each axis.
        let mut strides = vec![1_u64; axes.len()];
        let mut stride = 1_u64;
        for (axis, below) in axes.iter().zip(&mut strides).rev() {
            *below = stride;
            stride = stride.saturating_mul(axis.values.len() as u64);
        }
        let holds = |level: &mut Vec<Constraint<'_>>, values: &[f64]| {
            level.iter_mut().all(|constraint| constraint.holds(values))
        };
        let Some((root, levels)) = levels.split_first_mut() else { return Ok(found) };
        if !holds(root, values) {
            return Ok(found);
        }
        // Below this many axes, every point meets the constraints.
        let depth = levels.iter().rposition(|level| !level.is_empty()).map_or(0, |last| last + 1);
        if depth == 0 {
            found.points = stride;
            take(0..stride)?;
            return Ok(found);
        }
        let mut next = vec![0_usize; depth];
        let mut starts = vec![0_u64; depth + 1];
        let mut level = 0;
        let mut steps = 0;
        while let (Some(axis), Some(index), Some(constraints), Some(below), Some(start)) = (
            axes.get(level),
            next.get_mut(level),
            levels.get_mut(level),
            strides.get(level).copied(),
            starts.get(level).copied(),
        ) {
            let Some(value) = axis.values.get(*index) else {
                *index = 0;
                let Some(above) = level.checked_sub(1) else { break };
                level = above;
                continue;
            };
            steps += 1;
            if steps > max_steps {
                found.is_complete = false;
                break;
            }
            if steps.is_multiple_of(STEPS_BETWEEN_CHECKS) && observer.is_cancelled() {
                return Err(Error::cancelled());
            }
            let start = start + *index as u64 * below;
            *index += 1;
            if let Some(current) = values.get_mut(level) {
                *current = *value;
            }
            if !holds(constraints, values) {
                continue;
            }
            if level + 1 == depth {
                found.points += below;
                take(start..start + below)?;
            } else {
                level += 1;
                if let Some(begin) = starts.get_mut(level) {
                    *begin = start;
                }
            }
        }
        Ok(found)
    }
}
