//! Range analysis of plans by interval arithmetic: which values a number can take, and whether a condition can hold, whatever
//! the bars.
//!
//! Prices are above 0, an hour is below 24, and indicators declare the range of their outputs. Arithmetic propagates these
//! intervals. The analysis is conservative: if nothing is known about a number, its interval is unbounded. Prices and volumes
//! are assumed to be below 1e100.

use std::collections::BTreeMap;

use super::functions::Operation;
use super::interval::{
    Availability, Interval, binary, series_interval, time_field_interval, unary,
};
use super::plan::{Plan, PlannedStep, Step, StepId};
use crate::indicators::{INDICATORS, OutputRange, Series};

/// On which bars a condition holds, as far as the plan alone shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionOutcome {
    /// On no bar.
    Never,
    /// On bars that depend on the data.
    Unknown,
    /// On every bar from some bar on, and on none before.
    AfterWarmUp,
    /// On every bar.
    Always,
}

/// The abstract value of a step.
#[derive(Debug, Clone, PartialEq)]
enum AbstractValue {
    Number(Interval),
    Condition(ConditionOutcome),
    /// The inputs of an indicator or of a three-way comparison.
    Inputs(Vec<Interval>),
}

impl Plan {
    /// Returns on which bars a root holds. The root must be a condition.
    pub fn condition_outcome(&self, root: usize) -> ConditionOutcome {
        match self.roots.get(root).and_then(|id| self.abstract_values().into_iter().nth(*id)) {
            Some(AbstractValue::Condition(outcome)) => outcome,
            _ => ConditionOutcome::Unknown,
        }
    }

    /// Returns the values that a root can take. The root must be a number.
    pub(super) fn interval(&self, root: usize) -> Interval {
        match self.roots.get(root).and_then(|id| self.abstract_values().into_iter().nth(*id)) {
            Some(AbstractValue::Number(interval)) => interval,
            _ => Interval::ANY,
        }
    }

    /// Returns which of two roots is never below the other, if their structure shows it.
    pub(super) fn ordering(&self, one: usize, other: usize) -> Option<Ordering> {
        let (a, b) = (*self.roots.get(one)?, *self.roots.get(other)?);
        let analysis = RangeAnalysis { plan: self, values: &[] };
        let extreme = |greater: StepId, smaller: StepId| {
            if analysis.is_rolling(greater, Operation::Maximum) {
                Some(Operation::Maximum)
            } else if analysis.is_rolling(smaller, Operation::Minimum) {
                Some(Operation::Minimum)
            } else {
                None
            }
        };
        match (analysis.is_at_least(a, b), analysis.is_at_least(b, a)) {
            (true, true) => Some(Ordering::Same),
            (true, false) => Some(Ordering::AtLeast(extreme(a, b))),
            (false, true) => Some(Ordering::AtMost(extreme(b, a))),
            (false, false) => None,
        }
    }

    fn abstract_values(&self) -> Vec<AbstractValue> {
        let mut values: Vec<AbstractValue> = Vec::with_capacity(self.steps.len());
        for planned in &self.steps {
            let value = RangeAnalysis { plan: self, values: &values }.value(planned);
            values.push(value);
        }
        values
    }
}

/// Which of two numbers is never below the other. The operation is `Maximum` if the greater one is a rolling maximum that
/// includes the newest bar, `Minimum` if the smaller one is such a minimum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ordering {
    Same,
    AtLeast(Option<Operation>),
    AtMost(Option<Operation>),
}

/// The analysis of one step, given the abstract values of the earlier steps.
struct RangeAnalysis<'a> {
    plan: &'a Plan,
    values: &'a [AbstractValue],
}

impl RangeAnalysis<'_> {
    fn interval(&self, id: StepId) -> Interval {
        match self.values.get(id) {
            Some(AbstractValue::Number(interval)) => *interval,
            _ => Interval::ANY,
        }
    }

    fn outcome(&self, id: StepId) -> ConditionOutcome {
        match self.values.get(id) {
            Some(AbstractValue::Condition(outcome)) => *outcome,
            _ => ConditionOutcome::Unknown,
        }
    }

    fn value(&self, planned: &PlannedStep) -> AbstractValue {
        let input = |index: usize| planned.inputs.get(index).copied().unwrap_or(StepId::MAX);
        match &planned.step {
            Step::Number(bits) => AbstractValue::Number(Interval::constant(f64::from_bits(*bits))),
            Step::Condition(value) => AbstractValue::Condition(if *value {
                ConditionOutcome::Always
            } else {
                ConditionOutcome::Never
            }),
            Step::Series(series) => AbstractValue::Number(series_interval(*series)),
            Step::TimeField(time_field) => AbstractValue::Number(time_field_interval(*time_field)),
            Step::Shift(_) => AbstractValue::Number(self.interval(input(0)).delayed()),
            Step::Count(window) => {
                #[expect(clippy::cast_precision_loss, reason = "a window has at most 10,000 bars")]
                let window = *window as f64;
                let (lower, upper) = match self.outcome(input(0)) {
                    ConditionOutcome::Never => (0.0, 0.0),
                    ConditionOutcome::Always => (window, window),
                    ConditionOutcome::Unknown | ConditionOutcome::AfterWarmUp => (0.0, window),
                };
                AbstractValue::Number(Interval {
                    lower,
                    upper,
                    availability: Availability::AfterWarmUp,
                })
            }
            Step::ThreeWayCompare | Step::Indicator(..) => {
                AbstractValue::Inputs(planned.inputs.iter().map(|id| self.interval(*id)).collect())
            }
            Step::Crossed { .. } => AbstractValue::Condition(self.crossed(input(0))),
            Step::Output(output) => AbstractValue::Number(self.output(input(0), *output)),
            Step::Higher(_) => match self.values.get(input(0)) {
                Some(AbstractValue::Condition(ConditionOutcome::Always)) => {
                    AbstractValue::Condition(ConditionOutcome::AfterWarmUp)
                }
                Some(AbstractValue::Condition(outcome)) => AbstractValue::Condition(*outcome),
                _ => AbstractValue::Number(self.interval(input(0)).delayed()),
            },
            Step::Apply(operation) => self.apply(*operation, &planned.inputs),
        }
    }

    /// A series crosses another only if it can be on both sides of it.
    fn crossed(&self, comparison: StepId) -> ConditionOutcome {
        let Some(AbstractValue::Inputs(inputs)) = self.values.get(comparison) else {
            return ConditionOutcome::Unknown;
        };
        let is_ordered = self.plan.steps.get(comparison).is_some_and(|planned| {
            matches!(planned.inputs.as_slice(), [a, b] if self.is_at_least(*a, *b) || self.is_at_least(*b, *a))
        });
        let [a, b] = inputs.as_slice() else { return ConditionOutcome::Unknown };
        let is_apart = a.upper <= b.lower || b.upper <= a.lower;
        let is_missing = [a, b].iter().any(|interval| interval.availability == Availability::Never);
        if is_ordered || is_apart || is_missing {
            ConditionOutcome::Never
        } else {
            ConditionOutcome::Unknown
        }
    }

    fn output(&self, indicator: StepId, output: usize) -> Interval {
        let (Some(Step::Indicator(index, parameters)), Some(AbstractValue::Inputs(inputs))) = (
            self.plan.steps.get(indicator).map(|planned| &planned.step),
            self.values.get(indicator),
        ) else {
            return Interval::ANY;
        };
        let Some(indicator) = INDICATORS.get(*index) else { return Interval::ANY };
        let parameters: Vec<f64> = parameters.iter().map(|bits| f64::from_bits(*bits)).collect();
        let lower = inputs.iter().fold(f64::INFINITY, |lower, input| lower.min(input.lower));
        let upper = inputs.iter().fold(f64::NEG_INFINITY, |upper, input| upper.max(input.upper));
        let availability =
            inputs.iter().map(|input| input.availability).min().unwrap_or(Availability::Sometimes);
        let availability = if (indicator.look_back)(&parameters) > 0 {
            availability.min(Availability::AfterWarmUp)
        } else {
            availability
        };
        let Interval { availability, .. } =
            Interval::between(lower, upper, availability).unless_overflowing();
        let (lower, upper) = match indicator.outputs.get(output).map(|output| output.range) {
            Some(OutputRange::Between(minimum, maximum)) => (minimum, maximum),
            Some(
                OutputRange::WithinInputs
                | OutputRange::MaximumOfInput(_)
                | OutputRange::MinimumOfInput(_),
            ) => (lower, upper),
            Some(OutputRange::Unbounded) | None => (f64::NEG_INFINITY, f64::INFINITY),
        };
        Interval::between(lower, upper, availability)
    }

    fn apply(&self, operation: Operation, inputs: &[StepId]) -> AbstractValue {
        let (first, second) = (inputs.first().copied(), inputs.get(1).copied());
        let number = |id: Option<StepId>| id.map_or(Interval::ANY, |id| self.interval(id));
        let outcome =
            |id: Option<StepId>| id.map_or(ConditionOutcome::Unknown, |id| self.outcome(id));
        match operation {
            Operation::Less | Operation::LessOrEqual | Operation::Equal | Operation::NotEqual => {
                let order = match inputs {
                    [a, b] => KnownOrder {
                        is_at_least: self.is_at_least(*a, *b),
                        is_at_most: self.is_at_least(*b, *a),
                    },
                    _ => KnownOrder::default(),
                };
                AbstractValue::Condition(compare(operation, number(first), number(second), order))
            }
            Operation::Not => AbstractValue::Condition(match outcome(first) {
                ConditionOutcome::Never => ConditionOutcome::Always,
                ConditionOutcome::Always => ConditionOutcome::Never,
                // The negation of a condition that holds after the warm-up holds in the warm-up.
                ConditionOutcome::Unknown | ConditionOutcome::AfterWarmUp => {
                    ConditionOutcome::Unknown
                }
            }),
            Operation::And => AbstractValue::Condition(match (outcome(first), outcome(second)) {
                (ConditionOutcome::Never, _) | (_, ConditionOutcome::Never) => {
                    ConditionOutcome::Never
                }
                (ConditionOutcome::Always, other) | (other, ConditionOutcome::Always) => other,
                (ConditionOutcome::AfterWarmUp, ConditionOutcome::AfterWarmUp) => {
                    ConditionOutcome::AfterWarmUp
                }
                _ if self.contradicts(inputs) => ConditionOutcome::Never,
                _ => ConditionOutcome::Unknown,
            }),
            Operation::Or => AbstractValue::Condition(match (outcome(first), outcome(second)) {
                (ConditionOutcome::Always, _) | (_, ConditionOutcome::Always) => {
                    ConditionOutcome::Always
                }
                (ConditionOutcome::Never, other) | (other, ConditionOutcome::Never) => other,
                (ConditionOutcome::AfterWarmUp, ConditionOutcome::AfterWarmUp) => {
                    ConditionOutcome::AfterWarmUp
                }
                _ => ConditionOutcome::Unknown,
            }),
            Operation::If => {
                let (a, b) = (inputs.get(1).copied(), inputs.get(2).copied());
                if let (Some(AbstractValue::Condition(a)), Some(AbstractValue::Condition(b))) =
                    (a.and_then(|id| self.values.get(id)), b.and_then(|id| self.values.get(id)))
                {
                    // The two warm-ups can end on different bars.
                    let is_same = a == b && *a != ConditionOutcome::AfterWarmUp;
                    return AbstractValue::Condition(if is_same {
                        *a
                    } else {
                        ConditionOutcome::Unknown
                    });
                }
                AbstractValue::Number(number(a).union(number(b)))
            }
            Operation::BarsSince => AbstractValue::Number(Interval {
                lower: 0.0,
                upper: f64::INFINITY,
                availability: match outcome(first) {
                    ConditionOutcome::Never => Availability::Never,
                    ConditionOutcome::Unknown | ConditionOutcome::AfterWarmUp => {
                        Availability::Sometimes
                    }
                    ConditionOutcome::Always => Availability::Always,
                },
            }),
            _ if second.is_none() => {
                AbstractValue::Number(unary(operation, number(first)).unless_overflowing())
            }
            _ => AbstractValue::Number(
                binary(operation, number(first), number(second)).unless_overflowing(),
            ),
        }
    }

    /// Returns whether `a` is at least `b` on every bar on which both have a value. For example, the high of a bar is at least
    /// its close, and the highest high of the last bars is at least the high.
    fn is_at_least(&self, a: StepId, b: StepId) -> bool {
        self.is_at_least_within(a, b, MAX_EXTREME_DEPTH)
    }

    fn is_at_least_within(&self, a: StepId, b: StepId, depth: usize) -> bool {
        use Series::{Close, High, Low, Open};
        if a == b {
            return true;
        }
        let (Some(depth), Some(one), Some(other)) =
            (depth.checked_sub(1), self.plan.steps.get(a), self.plan.steps.get(b))
        else {
            return false;
        };
        if let (Step::Series(one), Step::Series(other)) = (&one.step, &other.step) {
            return matches!((one, other), (High, Open | Close | Low) | (Open | Close, Low));
        }
        let maxima = self.extreme_operands(one, Operation::Maximum);
        let minima = self.extreme_operands(other, Operation::Minimum);
        maxima.iter().any(|operand| self.is_at_least_within(*operand, b, depth))
            || minima.iter().any(|operand| self.is_at_least_within(a, *operand, depth))
    }

    /// Returns whether a step is an extreme of the last bars.
    fn is_rolling(&self, id: StepId, extreme: Operation) -> bool {
        self.plan.steps.get(id).is_some_and(|planned| {
            matches!(planned.step, Step::Output(_))
                && !self.extreme_operands(planned, extreme).is_empty()
        })
    }

    /// Returns the operands of a maximum or minimum: those of `max` or `min`, or the input of a rolling one.
    fn extreme_operands(&self, planned: &PlannedStep, extreme: Operation) -> Vec<StepId> {
        match &planned.step {
            Step::Apply(operation) if *operation == extreme => planned.inputs.clone(),
            Step::Output(output) => {
                let indicator = planned.inputs.first().and_then(|id| self.plan.steps.get(*id));
                let Some(PlannedStep { step: Step::Indicator(index, _), inputs, .. }) = indicator
                else {
                    return Vec::new();
                };
                let output =
                    INDICATORS.get(*index).and_then(|indicator| indicator.outputs.get(*output));
                let ((Operation::Maximum, Some(OutputRange::MaximumOfInput(input)))
                | (Operation::Minimum, Some(OutputRange::MinimumOfInput(input)))) =
                    (extreme, output.map(|output| output.range))
                else {
                    return Vec::new();
                };
                inputs.get(input).copied().into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// Returns whether the operands of a conjunction exclude each other.
    fn contradicts(&self, inputs: &[StepId]) -> bool {
        let mut pending = inputs.to_vec();
        let mut constraints = IntervalConstraints::default();
        let mut operands: Vec<StepId> = Vec::new();
        while let Some(id) = pending.pop() {
            let Some(planned) = self.plan.steps.get(id) else { continue };
            match (&planned.step, planned.inputs.as_slice()) {
                (Step::Apply(Operation::And), nested) => pending.extend(nested),
                (Step::Apply(operation @ (Operation::Less | Operation::LessOrEqual)), [a, b]) => {
                    let is_strict = *operation == Operation::Less;
                    constraints.below(*a, self.interval(*b).upper, is_strict);
                    constraints.above(*b, self.interval(*a).lower, is_strict);
                    operands.push(id);
                }
                _ => operands.push(id),
            }
        }
        constraints.is_empty()
            || operands.iter().any(|a| operands.iter().any(|b| self.excludes(*a, *b)))
    }

    /// Returns whether the structure of two conditions shows that they never hold on the same bar.
    fn excludes(&self, a: StepId, b: StepId) -> bool {
        let (Some(one), Some(other)) = (self.plan.steps.get(a), self.plan.steps.get(b)) else {
            return false;
        };
        let is_swapped = one.inputs.iter().eq(other.inputs.iter().rev());
        let has_same_operands = is_swapped || one.inputs == other.inputs;
        match (&one.step, &other.step) {
            (Step::Apply(Operation::Not), _) => one.inputs.first() == Some(&b),
            (
                Step::Apply(Operation::Less),
                Step::Apply(Operation::Less | Operation::LessOrEqual),
            ) => is_swapped,
            (Step::Apply(Operation::Less), Step::Apply(Operation::Equal))
            | (Step::Apply(Operation::Equal), Step::Apply(Operation::NotEqual)) => {
                has_same_operands
            }
            (Step::Crossed { above: a }, Step::Crossed { above: b }) => {
                a != b && one.inputs == other.inputs
            }
            _ => false,
        }
    }
}

/// The intervals to which the operands of a conjunction restrict the steps that they compare.
///
/// The flag of each bound says whether the bound is excluded.
#[derive(Default)]
struct IntervalConstraints(BTreeMap<StepId, [(f64, bool); 2]>);

impl IntervalConstraints {
    fn entry(&mut self, id: StepId) -> &mut [(f64, bool); 2] {
        self.0.entry(id).or_insert([(f64::NEG_INFINITY, false), (f64::INFINITY, false)])
    }

    fn below(&mut self, id: StepId, bound: f64, is_strict: bool) {
        let [_, upper] = self.entry(id);
        if bound < upper.0 {
            *upper = (bound, is_strict);
        } else if bound <= upper.0 {
            upper.1 |= is_strict;
        }
    }

    fn above(&mut self, id: StepId, bound: f64, is_strict: bool) {
        let [lower, _] = self.entry(id);
        if bound > lower.0 {
            *lower = (bound, is_strict);
        } else if bound >= lower.0 {
            lower.1 |= is_strict;
        }
    }

    fn is_empty(&self) -> bool {
        self.0
            .values()
            .any(|[lower, upper]| lower.0 > upper.0 || (lower.0 >= upper.0 && (lower.1 || upper.1)))
    }
}

/// Maximum nesting depth of extremes that is followed. Each level can branch four ways.
const MAX_EXTREME_DEPTH: usize = 4;

/// The order of two numbers that the structure of the plan shows. Both flags are set if they are the same step.
#[derive(Debug, Clone, Copy, Default)]
struct KnownOrder {
    /// The first is at least the second.
    is_at_least: bool,
    /// The first is at most the second.
    is_at_most: bool,
}

fn compare(operation: Operation, a: Interval, b: Interval, order: KnownOrder) -> ConditionOutcome {
    let availability = a.availability.min(b.availability);
    if availability == Availability::Never {
        return ConditionOutcome::Never;
    }
    let is_apart = a.upper < b.lower || b.upper < a.lower;
    let are_constant_and_equal =
        a.lower >= a.upper && b.lower >= b.upper && a.lower <= b.lower && !is_apart;
    let is_same = order.is_at_least && order.is_at_most;
    let (always, never) = match operation {
        Operation::Less => (a.upper < b.lower, order.is_at_least || a.lower >= b.upper),
        Operation::LessOrEqual => (order.is_at_most || a.upper <= b.lower, a.lower > b.upper),
        Operation::Equal => (is_same || are_constant_and_equal, is_apart),
        _ => (is_apart, is_same || are_constant_and_equal),
    };
    match availability {
        _ if never => ConditionOutcome::Never,
        Availability::Always if always => ConditionOutcome::Always,
        Availability::AfterWarmUp if always => ConditionOutcome::AfterWarmUp,
        _ => ConditionOutcome::Unknown,
    }
}
