//! Collects steps into a plan and deduplicates them.

use std::collections::BTreeMap;

use super::binding::Binding;
use super::functions::Operation;
use super::plan::{Frame, NEVER, Plan, PlannedStep, Step, StepId};
use crate::indicators::INDICATORS;
use crate::market::Timeframe;

/// Builds a plan from expressions, which [`add`](Self::add) lowers into steps.
///
/// A step that exists already is reused. Expressions added to the same builder therefore share their common
/// subexpressions, also with different parameter values, and an indicator with several outputs is computed once.
#[derive(Debug)]
pub struct PlanBuilder {
    steps: Vec<PlannedStep>,
    first_bars: Vec<usize>,
    ids: BTreeMap<PlannedStep, StepId>,
    frames: Vec<Frame>,
}

impl Default for PlanBuilder {
    fn default() -> Self {
        Self {
            steps: Vec::new(),
            first_bars: Vec::new(),
            ids: BTreeMap::new(),
            frames: vec![Frame { parent: 0, timeframe: None }],
        }
    }
}

impl PlanBuilder {
    /// Finishes the plan. Steps that no root depends on are dropped.
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
        let mut new_ids = vec![0; self.steps.len()];
        let mut plan = Plan {
            steps: Vec::new(),
            frames: self.frames,
            roots: Vec::new(),
            first_bars: Vec::new(),
        };
        let new_id = |new_ids: &[usize], id: &StepId| new_ids.get(*id).copied().unwrap_or(0);
        for (id, (mut planned, first_bar)) in
            self.steps.into_iter().zip(self.first_bars).enumerate()
        {
            if is_needed.get(id) != Some(&true) {
                continue;
            }
            planned.inputs = planned.inputs.iter().map(|input| new_id(&new_ids, input)).collect();
            if let Some(new_id) = new_ids.get_mut(id) {
                *new_id = plan.steps.len();
            }
            plan.steps.push(planned);
            plan.first_bars.push(first_bar);
        }
        plan.roots = roots.iter().map(|root| new_id(&new_ids, root)).collect();
        plan
    }

    /// Adds a step, or returns the existing step with the same operation and inputs.
    pub(super) fn add_step(&mut self, frame: usize, step: Step, inputs: Vec<StepId>) -> StepId {
        let planned = PlannedStep { frame, step, inputs };
        if let Some(id) = self.ids.get(&planned) {
            return *id;
        }
        let id = self.steps.len();
        let first_bar = self.first_bar(&planned);
        self.ids.insert(planned.clone(), id);
        self.steps.push(planned);
        self.first_bars.push(first_bar);
        id
    }

    /// Returns the first bar on which a step can have a value or hold.
    fn first_bar(&self, planned: &PlannedStep) -> usize {
        let mut inputs =
            planned.inputs.iter().map(|input| self.first_bars.get(*input).copied().unwrap_or(0));
        match &planned.step {
            Step::Condition(false) => NEVER,
            Step::Number(_)
            | Step::Condition(true)
            | Step::Series(_)
            | Step::TimeField(_)
            | Step::Apply(Operation::Not) => 0,
            Step::Apply(Operation::Or) => inputs.min().unwrap_or(0),
            Step::Apply(Operation::If) => inputs.skip(1).min().unwrap_or(0),
            Step::Count(bars) => bars.saturating_sub(1),
            Step::Apply(_) | Step::ThreeWayCompare | Step::Output(_) => inputs.max().unwrap_or(0),
            Step::Shift(bars) => inputs.next().unwrap_or(0).saturating_add(*bars),
            Step::Crossed { .. } | Step::Higher(_) => inputs.next().unwrap_or(0).saturating_add(1),
            Step::Indicator(index, parameters) => {
                let parameters: Vec<f64> =
                    parameters.iter().map(|bits| f64::from_bits(*bits)).collect();
                let look_back = INDICATORS
                    .get(*index)
                    .map_or(0, |indicator| (indicator.look_back)(&parameters));
                inputs.max().unwrap_or(0).saturating_add(look_back)
            }
        }
    }

    /// Returns the value of a step that does not depend on bars.
    pub(super) fn constant(&self, id: StepId) -> Option<Binding> {
        self.steps.get(id).and_then(|planned| planned.step.constant())
    }

    /// Adds a frame, or returns the existing one with the same parent and timeframe.
    pub(super) fn add_frame(&mut self, parent: usize, timeframe: Timeframe) -> usize {
        let frame = Frame { parent, timeframe: Some(timeframe) };
        if let Some(index) = self.frames.iter().position(|existing| *existing == frame) {
            return index;
        }
        self.frames.push(frame);
        self.frames.len() - 1
    }
}
