//! Comparisons of an indicator between 0 and 100 with a fraction.

use super::binding::Binding;
use super::check::Scope;
use super::condition_parts::compared_numbers;
use super::explanation::{plan, quoted};
use super::functions::Operation;
use super::plan::{Plan, Step, StepId};
use super::syntax::{Callee, Expression, Node};
use crate::indicators::{INDICATORS, OutputRange, find};

impl Plan {
    /// Returns whether the plan compares an indicator between 0 and 100 with a constant between 0 and 1, exclusive.
    pub fn has_scale_mistake(&self) -> bool {
        self.steps.iter().any(|planned| {
            let is_comparison = matches!(
                planned.step,
                Step::ThreeWayCompare | Step::Apply(Operation::Less | Operation::LessOrEqual)
            );
            is_comparison
                && matches!(planned.inputs.as_slice(), [a, b]
                    if self.is_scaled(*a) && self.is_fraction(*b)
                        || self.is_scaled(*b) && self.is_fraction(*a))
        })
    }

    fn is_fraction(&self, id: StepId) -> bool {
        matches!(self.steps.get(id).map(|planned| &planned.step), Some(Step::Number(bits))
            if is_fraction(f64::from_bits(*bits)))
    }

    fn is_scaled(&self, id: StepId) -> bool {
        let Some(planned) = self.steps.get(id) else { return false };
        let (Step::Output(output), Some(indicator)) =
            (&planned.step, planned.inputs.first().and_then(|id| self.steps.get(*id)))
        else {
            return false;
        };
        let Step::Indicator(index, _) = &indicator.step else { return false };
        let outputs = INDICATORS.get(*index).map(|indicator| indicator.outputs);
        outputs
            .and_then(|outputs| outputs.get(*output))
            .is_some_and(|output| is_scale(output.range))
    }
}

/// Returns a warning for every comparison of an indicator between 0 and 100 with a constant between 0 and 1, exclusive.
pub fn scale_mistakes(
    condition: &Expression,
    scope: Scope<'_>,
    bindings: &[Binding],
) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut pending = vec![condition];
    while let Some(part) = pending.pop() {
        if let Node::Call(_, arguments) = &part.node {
            pending.extend(arguments.iter().rev());
        }
        let [a, b] = compared_numbers(part) else { continue };
        for (indicator, constant) in [(a, b), (b, a)] {
            if !is_scaled(indicator) {
                continue;
            }
            let interval = plan(&[constant], scope, bindings).map(|plan| plan.interval(0));
            let Some(value) = interval
                .filter(|interval| interval.lower >= interval.upper)
                .map(|interval| interval.lower)
                .filter(|value| is_fraction(*value))
            else {
                continue;
            };
            let meant = (value * 1e8).round() / 1e6;
            warnings.push(format!(
                "{} compares a number between 0 and 100 with {value}, did you mean {meant}?",
                quoted(part)
            ));
        }
    }
    warnings
}

/// Returns whether a range is that of indicators between 0 and 100, which some libraries have between 0 and 1. Rounding may exceed
/// the bounds.
fn is_scale(range: OutputRange) -> bool {
    matches!(range, OutputRange::Between(minimum, maximum)
        if minimum.abs() < 0.5 && (maximum - 100.0).abs() < 0.5)
}

/// 1 is not a fraction: an RSI over few bars falls below it.
fn is_fraction(value: f64) -> bool {
    value > 0.0 && value < 1.0
}

fn is_scaled(expression: &Expression) -> bool {
    let Node::Call(Callee::Function(name), _) = &expression.node else { return false };
    let found = find(name).and_then(|(indicator, output)| indicator.outputs.get(output));
    found.is_some_and(|output| is_scale(output.range))
}
