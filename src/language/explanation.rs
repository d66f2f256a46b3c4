//! Why a condition never holds, in words.

use super::binding::Binding;
use super::check::{Scope, ValueType, check};
use super::functions::Operation;
use super::interval::{Availability, Interval};
use super::plan::Plan;
use super::plan_builder::PlanBuilder;
use super::range_analysis::{ConditionOutcome, Ordering};
use super::syntax::{Callee, Expression, Node};

/// The maximum number of alternatives of an `or` that are explained.
const MAX_ALTERNATIVES: usize = 3;

/// Explains why a checked condition never holds, whatever the bars: `` `rsi(close, 14) > 100` never holds, because
/// `rsi(close, 14)` is between 0 and 100 ``. Returns `None` if it may hold, or if it is the constant `false`.
pub fn why_never(condition: &Expression, scope: Scope<'_>, bindings: &[Binding]) -> Option<String> {
    let explanation = Explanation { scope, bindings };
    (condition.node != Node::Boolean(false) && explanation.is_never(condition))
        .then(|| explanation.of(condition))
}

/// Returns the parts of a condition that an operator joins: `a`, `b` and `c` of `a and b and c`.
pub(super) fn operands<'a>(condition: &'a Expression, operator: &str) -> Vec<&'a Expression> {
    match &condition.node {
        Node::Call(Callee::Operator(symbol), arguments) if *symbol == operator => {
            arguments.iter().flat_map(|argument| operands(argument, operator)).collect()
        }
        _ => vec![condition],
    }
}

/// Returns an expression in backquotes, truncated.
pub(super) fn quoted(expression: &Expression) -> String {
    const MAX_CHARS: usize = 120;
    let text = expression.to_string();
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("`{}…`", text.get(..end).unwrap_or_default()),
        None => format!("`{text}`"),
    }
}

/// Adds expressions of either type to one plan, one root each.
pub(super) fn plan(
    expressions: &[&Expression],
    scope: Scope<'_>,
    bindings: &[Binding],
) -> Option<Plan> {
    let mut builder = PlanBuilder::default();
    let mut roots = Vec::with_capacity(expressions.len());
    for expression in expressions {
        let checked = check(expression, ValueType::Condition, scope)
            .or_else(|_| check(expression, ValueType::Number, scope))
            .ok()?;
        roots.push(builder.add(&checked, bindings).ok()?);
    }
    Some(builder.finish(&roots))
}

struct Explanation<'a> {
    scope: Scope<'a>,
    bindings: &'a [Binding],
}

impl Explanation<'_> {
    fn plan(&self, expressions: &[&Expression]) -> Option<Plan> {
        plan(expressions, self.scope, self.bindings)
    }

    fn is_never(&self, condition: &Expression) -> bool {
        let plan = self.plan(&[condition]);
        plan.is_some_and(|plan| plan.condition_outcome(0) == ConditionOutcome::Never)
    }

    /// Explains a condition that never holds.
    fn of(&self, condition: &Expression) -> String {
        let never = format!("{} never holds", quoted(condition));
        match &condition.node {
            Node::Call(Callee::Operator("and"), _) => self.conjunction(condition, never),
            Node::Call(Callee::Operator("or"), _) => {
                let alternatives = operands(condition, "or");
                let more = if alternatives.len() > MAX_ALTERNATIVES { "; …" } else { "" };
                let shown = alternatives.iter().take(MAX_ALTERNATIVES);
                let all: Vec<String> = shown.map(|alternative| self.of(alternative)).collect();
                format!("{}{more}", all.join("; "))
            }
            Node::Call(Callee::Operator("not"), inner) => match inner.as_slice() {
                [inner] => format!("{never}, because {} holds on every bar", quoted(inner)),
                _ => never,
            },
            Node::Call(Callee::Function(name), arguments) if name == "higher" => {
                match arguments.as_slice() {
                    [_, inner] => self.of(inner),
                    _ => never,
                }
            }
            Node::Call(_, arguments) => match arguments.as_slice() {
                [a, b] => match self.pair(a, b) {
                    Some(reason) => format!("{never}, because {reason}"),
                    None => never,
                },
                _ => never,
            },
            _ => never,
        }
    }

    /// Explains a conjunction by the operand that never holds, or by two operands that exclude each other.
    fn conjunction(&self, condition: &Expression, never: String) -> String {
        let parts = operands(condition, "and");
        if let Some(part) = parts.iter().find(|part| self.is_never(part)) {
            return self.of(part);
        }
        for (index, one) in parts.iter().enumerate() {
            for other in parts.iter().skip(index + 1) {
                let both = Expression {
                    node: Node::Call(
                        Callee::Operator("and"),
                        vec![(*one).clone(), (*other).clone()],
                    ),
                    span: condition.span,
                };
                if self.is_never(&both) {
                    return format!(
                        "{} and {} never hold on the same bar",
                        quoted(one),
                        quoted(other)
                    );
                }
            }
        }
        never
    }

    /// Explains by the values of two numbers why one never compares to the other as wanted.
    fn pair(&self, a: &Expression, b: &Expression) -> Option<String> {
        let plan = self.plan(&[a, b])?;
        let (one, other) = (plan.interval(0), plan.interval(1));
        for (side, interval) in [(a, one), (b, other)] {
            if interval.availability == Availability::Never {
                return Some(format!("{} never has a value", quoted(side)));
            }
        }
        let is_apart = one.upper <= other.lower || other.upper <= one.lower;
        if !is_apart {
            let (greater, smaller, order) = match plan.ordering(0, 1)? {
                Ordering::Same => return Some("both sides are the same".to_owned()),
                Ordering::AtLeast(includes) => (a, b, includes),
                Ordering::AtMost(includes) => (b, a, includes),
            };
            let (extreme, below, rest) = match order {
                Some(Operation::Maximum) => (greater, "below", smaller),
                Some(_) => (smaller, "above", greater),
                None => {
                    let hint = rolling(greater).or_else(|| rolling(smaller));
                    let hint = hint.map_or_else(String::new, |hint| format!(": {hint}"));
                    let (greater, smaller) = (quoted(greater), quoted(smaller));
                    return Some(format!("{greater} is never below {smaller}{hint}"));
                }
            };
            return Some(format!(
                "{} includes the bar itself, so it is never {below} {}: write shift({extreme}, 1) for the bars before",
                quoted(extreme),
                quoted(rest)
            ));
        }
        let sides = [(a, one), (b, other)];
        let ranges: Vec<String> = sides
            .into_iter()
            .filter(|(side, _)| !matches!(side.node, Node::Number(_)))
            .filter_map(|(side, interval)| {
                Some(format!("{} is {}", quoted(side), range(interval)?))
            })
            .collect();
        (!ranges.is_empty()).then(|| ranges.join(" and "))
    }
}

/// Returns what to write instead of `max(high, 20)`, which other languages have for the highest of the last bars.
fn rolling(extreme: &Expression) -> Option<String> {
    let Node::Call(Callee::Function(name), arguments) = &extreme.node else { return None };
    let [series, Expression { node: Node::Number(bars), .. }] = arguments.as_slice() else {
        return None;
    };
    let is_window = bars.fract() == 0.0 && *bars >= 1.0;
    let (function, which) = match name.as_str() {
        "max" => ("highest", "greater"),
        "min" => ("lowest", "smaller"),
        _ => return None,
    };
    is_window.then(|| {
        format!(
            "{name} returns the {which} of two numbers, write shift({function}({series}, {bars}), 1) for the bars before"
        )
    })
}

/// Describes the values of an interval; `None` if any number is possible.
fn range(interval: Interval) -> Option<String> {
    // Prices and volumes are assumed to be below 1e100.
    const HUGE: f64 = 1e90;
    // Sums leave their range by rounding only.
    let rounded = |bound: f64| if bound.abs() < 1e9 { (bound * 1e5).round() / 1e5 } else { bound };
    let lower = (interval.lower > -HUGE).then(|| rounded(interval.lower));
    let upper = (interval.upper < HUGE).then(|| rounded(interval.upper));
    match (lower, upper) {
        (Some(lower), Some(upper)) if lower >= upper => Some(format!("{lower}")),
        (Some(lower), Some(upper)) => Some(format!("between {lower} and {upper}")),
        (Some(lower), None) if interval.lower > 0.0 && lower <= 0.0 => Some("above 0".to_owned()),
        (Some(lower), None) => Some(format!("at least {lower}")),
        (None, Some(upper)) => Some(format!("at most {upper}")),
        (None, None) => None,
    }
}
