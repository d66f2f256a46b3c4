//! Finds comparisons that an indicator can compute without storing its columns.

use super::plan::{Plan, Step, StepId};
use crate::indicators::INDICATORS;

/// Returns for each step whether it is an indicator whose computation is deferred to the comparison that reads it.
///
/// Both operands of the comparison must be the same indicator, which must be able to compare a pair of its computations.
/// Nothing else may read its output, and its inputs must be series of the bars, which have no missing values.
pub(super) fn deferred_indicators(plan: &Plan) -> Vec<bool> {
    let mut uses = vec![0_usize; plan.steps.len()];
    for id in plan.steps.iter().flat_map(|planned| &planned.inputs).chain(&plan.roots) {
        if let Some(uses) = uses.get_mut(*id) {
            *uses += 1;
        }
    }
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
    is_deferred
}

/// Returns the indicator step behind an operand of a comparison, and the index of the indicator, if it can be deferred.
fn candidate(plan: &Plan, uses: &[usize], operand: StepId) -> Option<(StepId, usize)> {
    let has_single_use = |id: StepId| uses.get(id) == Some(&1);
    let output = plan.steps.get(operand)?;
    let (Step::Output(0), [id]) = (&output.step, output.inputs.as_slice()) else { return None };
    let computation = plan.steps.get(*id)?;
    let Step::Indicator(index, _) = &computation.step else { return None };
    let is_comparable =
        INDICATORS.get(*index).is_some_and(|indicator| indicator.compare_pair.is_some());
    let reads_bars = computation.inputs.iter().all(|input| {
        plan.steps.get(*input).is_some_and(|input| matches!(input.step, Step::Series(_)))
    });
    (is_comparable && reads_bars && has_single_use(operand) && has_single_use(*id))
        .then_some((*id, *index))
}
