//! A plan: the steps that compute one or more expressions, each distinct subexpression once.
//!
//! Each step reads only the results of earlier steps. [`PlanBuilder`](super::plan_builder::PlanBuilder) creates plans.

use super::binding::Binding;
use super::functions::{Operation, TimeField};
use crate::indicators::Series;
use crate::market::Timeframe;

/// The index of a step in its plan.
pub type StepId = usize;

/// The operation of a step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// A number, as its bits, which are totally ordered.
    Number(u64),
    Condition(bool),
    Series(Series),
    TimeField(TimeField),
    Apply(Operation),
    /// The value n bars ago.
    Shift(usize),
    /// The number of bars in a window on which a condition holds.
    Count(usize),
    /// Where the first input is above, below and equal to the second.
    ThreeWayCompare,
    /// Where the first input of a three-way comparison crosses above the second, or below it.
    Crossed {
        above: bool,
    },
    /// All outputs of the indicator at that index of the list, with the bits of its parameters.
    Indicator(usize, Vec<u64>),
    /// One of those outputs.
    Output(usize),
    /// A result on the bars of the frame at that index, mapped to the bars of this step's frame.
    Higher(usize),
}

/// A step with its inputs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PlannedStep {
    /// Index of the frame whose bars the step is computed on.
    pub(super) frame: usize,
    pub(super) step: Step,
    pub(super) inputs: Vec<StepId>,
}

/// Bars that steps are computed on: the input bars, or bars of a higher timeframe resampled from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) parent: usize,
    /// `None` for the input bars.
    pub(super) timeframe: Option<Timeframe>,
}

/// Steps in topological order, and the roots: the steps whose results are returned.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub(super) steps: Vec<PlannedStep>,
    pub(super) frames: Vec<Frame>,
    pub(super) roots: Vec<StepId>,
    /// For each step the first bar on which it can have a value or hold.
    pub(super) first_bars: Vec<usize>,
}

/// The first bar of a condition that never holds.
pub(super) const NEVER: usize = usize::MAX;

impl Plan {
    /// Returns the number of steps, all of them distinct.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Returns whether there are no steps.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Returns the value of a root that does not depend on bars.
    pub fn constant(&self, root: usize) -> Option<Binding> {
        self.roots
            .get(root)
            .and_then(|id| self.steps.get(*id))
            .and_then(|planned| planned.step.constant())
    }

    /// Returns whether two roots are the same step.
    pub fn is_same(&self, root: usize, other: usize) -> bool {
        self.roots.get(root).is_some_and(|id| self.roots.get(other) == Some(id))
    }

    /// Returns the number of bars before the first on which a root can have a value or, for a condition, can hold.
    ///
    /// For `higher` this counts one bar for each coarse bar and is therefore a lower bound.
    pub fn warm_up(&self, root: usize) -> usize {
        self.roots
            .get(root)
            .and_then(|id| self.first_bars.get(*id))
            .copied()
            .filter(|first| *first != NEVER)
            .unwrap_or(0)
    }

    /// Returns whether the plan reads volume.
    pub fn reads_volume(&self) -> bool {
        self.steps.iter().any(|planned| planned.step == Step::Series(Series::Volume))
    }
}

impl Step {
    /// Returns the value of a constant step.
    pub(super) fn constant(&self) -> Option<Binding> {
        match self {
            Self::Number(bits) => Some(Binding::Number(f64::from_bits(*bits))),
            Self::Condition(value) => Some(Binding::Condition(*value)),
            _ => None,
        }
    }
}
