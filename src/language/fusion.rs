//! Finds comparisons that an indicator can compute without storing its columns.

use super::functions::Operation;
use super::plan::{Plan, PlannedStep, Step, StepId};
use crate::indicators::{INDICATORS, Shortcut};

/// Returns for each step whether it is an indicator whose computation is deferred to the comparison that reads it.
///
/// Both operands of the comparison must be the same indicator, which must be able to compare a pair of its computations.
/// Nothing else may read its output, and its inputs must be series of the bars, which have no missing values.
pub(super) fn deferred_indicators(plan: &Plan) -> Vec<bool> {
    let uses = uses(plan);
    let mut is_deferred = vec![false; plan.steps.len()];
    for planned in plan.steps.iter().filter(|planned| planned.step == Step::ThreeWayCompare) {
        let candidates: Vec<(StepId, usize)> =
            planned.inputs.iter().filter_map(|input| candidate(plan, &uses, *input)).collect();
        if let [(a, indicator_a), (b, indicator_b)] = candidates.as_slice()
            && indicator_a == indicator_b
        {
            for id in [a, b] {
                if let Some(is_deferred) = is_deferred.get_mut(*id) {
                    *is_deferred = true;
                }
            }
        }
    }
    for group in joint_comparisons(plan) {
        for (_, id) in &group.members {
            if let Some(is_deferred) = is_deferred.get_mut(*id) {
                *is_deferred = true;
            }
        }
    }
    is_deferred
}

/// Returns for each step whether it is a band that nothing reads but comparisons by `<`, which compute it as they go.
pub(super) fn fused_bands(plan: &Plan) -> Vec<bool> {
    let is_band = |planned: &PlannedStep| {
        let (Step::Output(_), Some(of)) = (&planned.step, planned.inputs.first()) else {
            return false;
        };
        matches!(
            plan.steps.get(*of),
            Some(PlannedStep { step: Step::Indicator(index, _), .. })
                if INDICATORS.get(*index).is_some_and(|indicator| {
                    matches!(indicator.shortcut, Some(Shortcut::Bands(_)))
                })
        )
    };
    let mut is_fused: Vec<bool> = plan.steps.iter().map(is_band).collect();
    let others = plan.steps.iter().filter(|planned| planned.step != Step::Apply(Operation::Less));
    for read in others.flat_map(|planned| &planned.inputs).chain(&plan.roots) {
        if let Some(is_fused) = is_fused.get_mut(*read) {
            *is_fused = false;
        }
    }
    is_fused
}

/// Comparisons of the same two outputs of computations of one indicator, which computes them together.
#[derive(Debug, PartialEq)]
pub(super) struct JointComparison {
    /// The index of the indicator.
    pub(super) indicator: usize,
    /// The steps of its inputs.
    pub(super) inputs: Vec<StepId>,
    pub(super) outputs: [usize; 2],
    /// The steps of the comparisons and those of the computations.
    pub(super) members: Vec<(StepId, StepId)>,
}

/// Fewer comparisons are made of columns.
const MIN_MEMBERS: usize = 4;

/// Returns the comparisons that indicators compute together.
pub(super) fn joint_comparisons(plan: &Plan) -> Vec<JointComparison> {
    let mut groups: Vec<JointComparison> = Vec::new();
    if !plan.steps.iter().any(|planned| planned.step == Step::ThreeWayCompare) {
        return groups;
    }
    let uses = uses(plan);
    for (id, planned) in plan.steps.iter().enumerate() {
        let Some((computation, outputs)) = outputs_of_one(plan, &uses, planned) else { continue };
        let Some(computed) = plan.steps.get(computation) else { continue };
        let Step::Indicator(indicator, _) = computed.step else { continue };
        let member = (id, computation);
        let known = groups.iter_mut().find(|group| {
            group.indicator == indicator
                && group.outputs == outputs
                && group.inputs == computed.inputs
        });
        match known {
            Some(group) => group.members.push(member),
            None => groups.push(JointComparison {
                indicator,
                inputs: computed.inputs.clone(),
                outputs,
                members: vec![member],
            }),
        }
    }
    groups.retain(|group| group.members.len() >= MIN_MEMBERS);
    groups
}

/// Returns the computation whose two outputs a step compares, and the outputs, if the indicator can compare them and nothing
/// else reads them.
fn outputs_of_one(
    plan: &Plan,
    uses: &[usize],
    planned: &PlannedStep,
) -> Option<(StepId, [usize; 2])> {
    let (Step::ThreeWayCompare, [a, b]) = (&planned.step, planned.inputs.as_slice()) else {
        return None;
    };
    let output = |id: StepId| match plan.steps.get(id) {
        Some(PlannedStep { step: Step::Output(output), inputs, .. })
            if uses.get(id) == Some(&1) =>
        {
            Some((*inputs.first()?, *output))
        }
        _ => None,
    };
    let ((of_a, a), (of_b, b)) = (output(*a)?, output(*b)?);
    let computation = plan.steps.get(of_a).filter(|_| of_a == of_b)?;
    let Step::Indicator(indicator, _) = &computation.step else { return None };
    let can_compare = INDICATORS
        .get(*indicator)
        .is_some_and(|indicator| matches!(indicator.shortcut, Some(Shortcut::Outputs(_))));
    (can_compare && uses.get(of_a) == Some(&2) && reads_bars(plan, computation))
        .then_some((of_a, [a, b]))
}

/// Returns whether the inputs of an indicator are series of the bars.
fn reads_bars(plan: &Plan, computation: &PlannedStep) -> bool {
    computation.inputs.iter().all(|input| {
        plan.steps.get(*input).is_some_and(|input| matches!(input.step, Step::Series(_)))
    })
}

/// Returns how often each step is read.
fn uses(plan: &Plan) -> Vec<usize> {
    let mut uses = vec![0_usize; plan.steps.len()];
    for id in plan.steps.iter().flat_map(|planned| &planned.inputs).chain(&plan.roots) {
        if let Some(uses) = uses.get_mut(*id) {
            *uses += 1;
        }
    }
    uses
}

/// Returns the indicator step behind an operand of a comparison, and the index of the indicator, if it can be deferred.
fn candidate(plan: &Plan, uses: &[usize], operand: StepId) -> Option<(StepId, usize)> {
    let has_single_use = |id: StepId| uses.get(id) == Some(&1);
    let output = plan.steps.get(operand)?;
    let (Step::Output(0), [id]) = (&output.step, output.inputs.as_slice()) else { return None };
    let computation = plan.steps.get(*id)?;
    let Step::Indicator(index, _) = &computation.step else { return None };
    let is_comparable = INDICATORS
        .get(*index)
        .is_some_and(|indicator| matches!(indicator.shortcut, Some(Shortcut::Pair(_))));
    (is_comparable
        && reads_bars(plan, computation)
        && has_single_use(operand)
        && has_single_use(*id))
    .then_some((*id, *index))
}
