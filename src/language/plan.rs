//! From checked expressions to a plan: parameter values bound, constants folded, each distinct subexpression once.
//!
//! A plan is a list of steps, each of which reads the results of earlier ones. A step that was there before is found
//! again by what it computes, so that expressions added to the same [`Builder`] share all that they have in common, and
//! an indicator with several outputs is computed once for all of them.

use std::collections::BTreeMap;

use super::check::Checked;
use super::functions::{Clock, Operation};
use super::syntax::Problem;
use crate::indicators::{INDICATORS, Series};
use crate::market::Timeframe;

mod lowering;
use lowering::Lowering;

/// The value of a constant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Binding {
    /// A number; NaN for "no value".
    Number(f64),
    /// True or false.
    Condition(bool),
}

/// The position of a step in its plan.
pub type StepId = usize;

/// What a step computes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// A number, by its bits, which can be compared and ordered.
    Number(u64),
    Condition(bool),
    Series(Series),
    Clock(Clock),
    Apply(Operation),
    /// The value so many bars ago.
    Shift(usize),
    /// On how many of so many bars.
    Count(usize),
    /// Where one series is above, below and equal to another.
    Sides,
    /// Where the first series of sides crosses above the second, or below it.
    Crossed {
        above: bool,
    },
    /// All outputs of the indicator at that position of the list, with the bits of its parameters.
    Indicator(usize, Vec<u64>),
    /// One of those outputs.
    Output(usize),
    /// A result on the bars of the frame at that position, seen from the bars of this step's frame.
    Higher(usize),
}

/// A step with its inputs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Planned {
    /// On which bars: a position in the frames.
    pub frame: usize,
    pub step: Step,
    pub inputs: Vec<StepId>,
}

/// Bars that steps are computed on: those given, or coarser ones made from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub parent: usize,
    /// None for the bars as they are given.
    pub timeframe: Option<Timeframe>,
}

/// Steps in an order in which each comes after its inputs, and those that were asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub(super) steps: Vec<Planned>,
    pub(super) frames: Vec<Frame>,
    pub(super) roots: Vec<StepId>,
    ready: Vec<usize>,
}

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
            .and_then(|planned| constant(&planned.step))
    }

    /// Returns whether two roots compute the same.
    pub fn is_same(&self, root: usize, other: usize) -> bool {
        self.roots.get(root).is_some_and(|id| self.roots.get(other) == Some(id))
    }

    /// Returns the number of bars before the first on which a root can have a value or, for a condition, can hold.
    ///
    /// For `higher` this counts one bar for each coarse bar and so is the least number.
    pub fn warm_up(&self, root: usize) -> usize {
        self.roots
            .get(root)
            .and_then(|id| self.ready.get(*id))
            .copied()
            .filter(|ready| *ready != NEVER)
            .unwrap_or(0)
    }

    /// Returns whether bars without volume do not suffice.
    pub fn reads_volume(&self) -> bool {
        self.steps.iter().any(|planned| planned.step == Step::Series(Series::Volume))
    }
}

/// The first bar of what never holds.
const NEVER: usize = usize::MAX;

/// Makes a plan from expressions, one after the other.
#[derive(Debug)]
pub struct Builder {
    steps: Vec<Planned>,
    ready: Vec<usize>,
    known: BTreeMap<Planned, StepId>,
    frames: Vec<Frame>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            steps: Vec::new(),
            ready: Vec::new(),
            known: BTreeMap::new(),
            frames: vec![Frame { parent: 0, timeframe: None }],
        }
    }
}

impl Builder {
    /// Adds an expression with these values of its parameters, in the order of the scope it was checked in.
    ///
    /// # Errors
    /// Lengths that are out of range with these values.
    pub fn add(
        &mut self,
        expression: &Checked,
        values: &[Binding],
    ) -> Result<StepId, Vec<Problem>> {
        let mut lowering = Lowering { builder: self, values, frame: 0, problems: Vec::new() };
        let id = lowering.lower(expression);
        let problems = lowering.problems;
        if problems.is_empty() { Ok(id) } else { Err(problems) }
    }

    /// Finishes the plan; steps that no root needs are dropped.
    pub fn finish(self, roots: &[StepId]) -> Plan {
        let mut is_needed = vec![false; self.steps.len()];
        for root in roots {
            if let Some(needed) = is_needed.get_mut(*root) {
                *needed = true;
            }
        }
        for id in (0..self.steps.len()).rev() {
            if is_needed.get(id) == Some(&true) {
                for input in self.steps.get(id).iter().flat_map(|planned| &planned.inputs) {
                    if let Some(needed) = is_needed.get_mut(*input) {
                        *needed = true;
                    }
                }
            }
        }
        let mut moved = vec![0; self.steps.len()];
        let mut plan =
            Plan { steps: Vec::new(), frames: self.frames, roots: Vec::new(), ready: Vec::new() };
        let place = |moved: &[usize], id: &StepId| moved.get(*id).copied().unwrap_or(0);
        for (id, (mut planned, ready)) in self.steps.into_iter().zip(self.ready).enumerate() {
            if is_needed.get(id) != Some(&true) {
                continue;
            }
            planned.inputs = planned.inputs.iter().map(|input| place(&moved, input)).collect();
            if let Some(moved) = moved.get_mut(id) {
                *moved = plan.steps.len();
            }
            plan.steps.push(planned);
            plan.ready.push(ready);
        }
        plan.roots = roots.iter().map(|root| place(&moved, root)).collect();
        plan
    }

    /// Adds a step, or finds it where it was added before.
    fn step(&mut self, frame: usize, step: Step, inputs: Vec<StepId>) -> StepId {
        let planned = Planned { frame, step, inputs };
        if let Some(id) = self.known.get(&planned) {
            return *id;
        }
        let id = self.steps.len();
        let ready = self.first_bar(&planned);
        self.known.insert(planned.clone(), id);
        self.steps.push(planned);
        self.ready.push(ready);
        id
    }

    /// Returns the first bar on which a step can have a value or hold.
    fn first_bar(&self, planned: &Planned) -> usize {
        let mut inputs =
            planned.inputs.iter().map(|input| self.ready.get(*input).copied().unwrap_or(0));
        match &planned.step {
            Step::Condition(false) => NEVER,
            Step::Number(_)
            | Step::Condition(true)
            | Step::Series(_)
            | Step::Clock(_)
            | Step::Apply(Operation::Not) => 0,
            Step::Apply(Operation::Or) => inputs.min().unwrap_or(0),
            Step::Apply(Operation::If) => inputs.skip(1).min().unwrap_or(0),
            Step::Count(bars) => bars.saturating_sub(1),
            Step::Apply(_) | Step::Sides | Step::Output(_) => inputs.max().unwrap_or(0),
            Step::Shift(bars) => inputs.next().unwrap_or(0).saturating_add(*bars),
            Step::Crossed { .. } | Step::Higher(_) => inputs.next().unwrap_or(0).saturating_add(1),
            Step::Indicator(position, parameters) => {
                let parameters: Vec<f64> =
                    parameters.iter().map(|bits| f64::from_bits(*bits)).collect();
                let look_back = INDICATORS
                    .get(*position)
                    .map_or(0, |indicator| (indicator.look_back)(&parameters));
                inputs.max().unwrap_or(0).saturating_add(look_back)
            }
        }
    }

    fn constant(&self, id: StepId) -> Option<Binding> {
        self.steps.get(id).and_then(|planned| constant(&planned.step))
    }

    fn frame(&mut self, parent: usize, timeframe: Timeframe) -> usize {
        let frame = Frame { parent, timeframe: Some(timeframe) };
        if let Some(known) = self.frames.iter().position(|known| *known == frame) {
            return known;
        }
        self.frames.push(frame);
        self.frames.len() - 1
    }
}

fn constant(step: &Step) -> Option<Binding> {
    match step {
        Step::Number(bits) => Some(Binding::Number(f64::from_bits(*bits))),
        Step::Condition(value) => Some(Binding::Condition(*value)),
        _ => None,
    }
}
