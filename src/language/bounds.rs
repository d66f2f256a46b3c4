//! What is known of an expression whatever the bars: between which numbers its values lie, and whether a condition can
//! hold at all.
//!
//! Prices are above 0 and an hour is below 24; the RSI lies between 0 and 100; arithmetic carries such bounds on. Where
//! nothing is known, all numbers are possible, so that nothing is called impossible that is not. Prices and volumes are
//! taken to be below 1e100.

use std::collections::BTreeMap;

use super::functions::{Clock, Operation};
use super::plan::{Plan, Planned, Step, StepId};
use crate::indicators::{INDICATORS, Series};

/// When a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// On no bar.
    Never,
    /// That depends on the bars.
    Maybe,
    /// On every bar from one on, and on none before.
    AfterWarmUp,
    /// On every bar.
    Always,
}

/// Where a number has a value, from the least to the most; after a warm-up, from one bar on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Presence {
    Nowhere,
    Somewhere,
    AfterWarmUp,
    Everywhere,
}

/// The numbers that a value can be, and where it is.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bounds {
    least: f64,
    greatest: f64,
    presence: Presence,
}

/// What is known of a step.
#[derive(Debug, Clone, PartialEq)]
enum Fact {
    Number(Bounds),
    Condition(Truth),
    /// All that an indicator reads.
    Inputs(Vec<Bounds>),
}

impl Plan {
    /// Returns when a root that is a condition holds.
    pub fn truth(&self, root: usize) -> Truth {
        let mut facts: Vec<Fact> = Vec::with_capacity(self.steps.len());
        for planned in &self.steps {
            let fact = Known { plan: self, facts: &facts }.fact(planned);
            facts.push(fact);
        }
        match self.roots.get(root).and_then(|id| facts.get(*id)) {
            Some(Fact::Condition(truth)) => *truth,
            _ => Truth::Maybe,
        }
    }
}

/// The facts about the steps before one.
struct Known<'a> {
    plan: &'a Plan,
    facts: &'a [Fact],
}

impl Known<'_> {
    fn bounds(&self, id: StepId) -> Bounds {
        match self.facts.get(id) {
            Some(Fact::Number(bounds)) => *bounds,
            _ => Bounds::ANY,
        }
    }

    fn truth(&self, id: StepId) -> Truth {
        match self.facts.get(id) {
            Some(Fact::Condition(truth)) => *truth,
            _ => Truth::Maybe,
        }
    }

    fn fact(&self, planned: &Planned) -> Fact {
        let input = |index: usize| planned.inputs.get(index).copied().unwrap_or(StepId::MAX);
        match &planned.step {
            Step::Number(bits) => Fact::Number(Bounds::constant(f64::from_bits(*bits))),
            Step::Condition(value) => {
                Fact::Condition(if *value { Truth::Always } else { Truth::Never })
            }
            Step::Series(series) => Fact::Number(of_series(*series)),
            Step::Clock(clock) => Fact::Number(of_clock(*clock)),
            Step::Shift(_) => Fact::Number(self.bounds(input(0)).later()),
            Step::Count(window) => {
                #[expect(clippy::cast_precision_loss, reason = "a window has at most 10,000 bars")]
                let window = *window as f64;
                let (least, greatest) = match self.truth(input(0)) {
                    Truth::Never => (0.0, 0.0),
                    Truth::Always => (window, window),
                    Truth::Maybe | Truth::AfterWarmUp => (0.0, window),
                };
                Fact::Number(Bounds { least, greatest, presence: Presence::AfterWarmUp })
            }
            Step::Sides | Step::Indicator(..) => {
                Fact::Inputs(planned.inputs.iter().map(|id| self.bounds(*id)).collect())
            }
            Step::Crossed { .. } => Fact::Condition(self.crossed(input(0))),
            Step::Output(output) => Fact::Number(self.output(input(0), *output)),
            Step::Higher(_) => match self.facts.get(input(0)) {
                Some(Fact::Condition(Truth::Always)) => Fact::Condition(Truth::AfterWarmUp),
                Some(Fact::Condition(truth)) => Fact::Condition(*truth),
                _ => Fact::Number(self.bounds(input(0)).later()),
            },
            Step::Apply(operation) => self.apply(*operation, &planned.inputs),
        }
    }

    /// A series crosses another only where it can be on both sides of it.
    fn crossed(&self, sides: StepId) -> Truth {
        let Some(Fact::Inputs(inputs)) = self.facts.get(sides) else { return Truth::Maybe };
        let is_ordered = self.plan.steps.get(sides).is_some_and(|planned| {
            matches!(planned.inputs.as_slice(), [a, b] if self.is_at_least(*a, *b) || self.is_at_least(*b, *a))
        });
        let [a, b] = inputs.as_slice() else { return Truth::Maybe };
        let is_apart = a.greatest <= b.least || b.greatest <= a.least;
        let is_missing = [a, b].iter().any(|bounds| bounds.presence == Presence::Nowhere);
        if is_ordered || is_apart || is_missing { Truth::Never } else { Truth::Maybe }
    }

    fn output(&self, indicator: StepId, output: usize) -> Bounds {
        let (Some(Step::Indicator(position, parameters)), Some(Fact::Inputs(inputs))) = (
            self.plan.steps.get(indicator).map(|planned| &planned.step),
            self.facts.get(indicator),
        ) else {
            return Bounds::ANY;
        };
        let Some(indicator) = INDICATORS.get(*position) else { return Bounds::ANY };
        let parameters: Vec<f64> = parameters.iter().map(|bits| f64::from_bits(*bits)).collect();
        let least = inputs.iter().fold(f64::INFINITY, |least, input| least.min(input.least));
        let greatest =
            inputs.iter().fold(f64::NEG_INFINITY, |greatest, input| greatest.max(input.greatest));
        let presence =
            inputs.iter().map(|input| input.presence).min().unwrap_or(Presence::Somewhere);
        let presence = if (indicator.look_back)(&parameters) > 0 {
            presence.min(Presence::AfterWarmUp)
        } else {
            presence
        };
        let Bounds { presence, .. } = Bounds::between(least, greatest, presence).unless_too_great();
        let name = indicator.outputs.get(output).map_or("", |output| output.name);
        let (least, greatest) = of_indicator(name, (least, greatest));
        Bounds::between(least, greatest, presence)
    }

    fn apply(&self, operation: Operation, inputs: &[StepId]) -> Fact {
        let (first, second) = (inputs.first().copied(), inputs.get(1).copied());
        let number = |id: Option<StepId>| id.map_or(Bounds::ANY, |id| self.bounds(id));
        let truth = |id: Option<StepId>| id.map_or(Truth::Maybe, |id| self.truth(id));
        match operation {
            Operation::Less | Operation::LessOrEqual | Operation::Equal | Operation::NotEqual => {
                let orders = match inputs {
                    [a, b] => {
                        Orders { falls: self.is_at_least(*a, *b), rises: self.is_at_least(*b, *a) }
                    }
                    _ => Orders::default(),
                };
                Fact::Condition(compare(operation, number(first), number(second), orders))
            }
            Operation::Not => Fact::Condition(match truth(first) {
                Truth::Never => Truth::Always,
                Truth::Always => Truth::Never,
                // It holds in the warm-up.
                Truth::Maybe | Truth::AfterWarmUp => Truth::Maybe,
            }),
            Operation::And => Fact::Condition(match (truth(first), truth(second)) {
                (Truth::Never, _) | (_, Truth::Never) => Truth::Never,
                (Truth::Always, other) | (other, Truth::Always) => other,
                (Truth::AfterWarmUp, Truth::AfterWarmUp) => Truth::AfterWarmUp,
                _ if self.contradicts(inputs) => Truth::Never,
                _ => Truth::Maybe,
            }),
            Operation::Or => Fact::Condition(match (truth(first), truth(second)) {
                (Truth::Always, _) | (_, Truth::Always) => Truth::Always,
                (Truth::Never, other) | (other, Truth::Never) => other,
                (Truth::AfterWarmUp, Truth::AfterWarmUp) => Truth::AfterWarmUp,
                _ => Truth::Maybe,
            }),
            Operation::If => {
                let (a, b) = (inputs.get(1).copied(), inputs.get(2).copied());
                if let (Some(Fact::Condition(a)), Some(Fact::Condition(b))) =
                    (a.and_then(|id| self.facts.get(id)), b.and_then(|id| self.facts.get(id)))
                {
                    // Two warm-ups may end on different bars.
                    let is_one = a == b && *a != Truth::AfterWarmUp;
                    return Fact::Condition(if is_one { *a } else { Truth::Maybe });
                }
                Fact::Number(number(a).or(number(b)))
            }
            Operation::BarsSince => Fact::Number(Bounds {
                least: 0.0,
                greatest: f64::INFINITY,
                presence: match truth(first) {
                    Truth::Never => Presence::Nowhere,
                    Truth::Maybe | Truth::AfterWarmUp => Presence::Somewhere,
                    Truth::Always => Presence::Everywhere,
                },
            }),
            _ if second.is_none() => {
                Fact::Number(unary(operation, number(first)).unless_too_great())
            }
            _ => Fact::Number(binary(operation, number(first), number(second)).unless_too_great()),
        }
    }

    /// Returns whether one number is at least another on every bar on which both have a value: the high of a bar is at
    /// least its close, and the highest high of the last bars is at least that.
    fn is_at_least(&self, a: StepId, b: StepId) -> bool {
        self.is_above_or_equal(a, b, DEPTH)
    }

    fn is_above_or_equal(&self, a: StepId, b: StepId, depth: usize) -> bool {
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
        // What is at least one of its parts, and what is at most one of them.
        let above = self.parts(one, Operation::Maximum, &["highest", "donchian_upper"]);
        let below = self.parts(other, Operation::Minimum, &["lowest", "donchian_lower"]);
        above.iter().any(|part| self.is_above_or_equal(*part, b, depth))
            || below.iter().any(|part| self.is_above_or_equal(a, *part, depth))
    }

    /// Returns the steps that a step is an extreme of: the arguments of `min` or `max`, or what an extreme of the last
    /// bars is taken of.
    fn parts(&self, planned: &Planned, operation: Operation, outputs: &[&str]) -> Vec<StepId> {
        match &planned.step {
            Step::Apply(found) if *found == operation => planned.inputs.clone(),
            Step::Output(output) => {
                let of = planned.inputs.first().and_then(|id| self.plan.steps.get(*id));
                let Some(Planned { step: Step::Indicator(position, _), inputs, .. }) = of else {
                    return Vec::new();
                };
                let indicator = INDICATORS.get(*position);
                let name = indicator.and_then(|indicator| indicator.outputs.get(*output));
                let Some(name) = name.map(|output| output.name) else { return Vec::new() };
                let place = usize::from(name == "donchian_lower");
                let input = inputs.get(place).copied();
                input.into_iter().filter(|_| outputs.contains(&name)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Returns whether conditions that shall hold together exclude each other.
    fn contradicts(&self, inputs: &[StepId]) -> bool {
        let mut open = inputs.to_vec();
        let mut narrowed = Narrowed::default();
        let mut found: Vec<StepId> = Vec::new();
        while let Some(id) = open.pop() {
            let Some(planned) = self.plan.steps.get(id) else { continue };
            match (&planned.step, planned.inputs.as_slice()) {
                (Step::Apply(Operation::And), parts) => open.extend(parts),
                (Step::Apply(operation @ (Operation::Less | Operation::LessOrEqual)), [a, b]) => {
                    let is_strict = *operation == Operation::Less;
                    narrowed.below(*a, self.bounds(*b).greatest, is_strict);
                    narrowed.above(*b, self.bounds(*a).least, is_strict);
                    found.push(id);
                }
                _ => found.push(id),
            }
        }
        narrowed.is_empty() || found.iter().any(|a| found.iter().any(|b| self.excludes(*a, *b)))
    }

    /// Returns whether two conditions never hold on the same bar, as far as their form tells.
    fn excludes(&self, a: StepId, b: StepId) -> bool {
        let (Some(one), Some(other)) = (self.plan.steps.get(a), self.plan.steps.get(b)) else {
            return false;
        };
        let is_turned = one.inputs.iter().eq(other.inputs.iter().rev());
        let is_alike = is_turned || one.inputs == other.inputs;
        match (&one.step, &other.step) {
            (Step::Apply(Operation::Not), _) => one.inputs.first() == Some(&b),
            (
                Step::Apply(Operation::Less),
                Step::Apply(Operation::Less | Operation::LessOrEqual),
            ) => is_turned,
            (Step::Apply(Operation::Less), Step::Apply(Operation::Equal))
            | (Step::Apply(Operation::Equal), Step::Apply(Operation::NotEqual)) => is_alike,
            (Step::Crossed { above: a }, Step::Crossed { above: b }) => {
                a != b && one.inputs == other.inputs
            }
            _ => false,
        }
    }
}

/// What conditions that hold together leave of the numbers that steps can be.
#[derive(Default)]
struct Narrowed(BTreeMap<StepId, [(f64, bool); 2]>);

impl Narrowed {
    fn of(&mut self, id: StepId) -> &mut [(f64, bool); 2] {
        self.0.entry(id).or_insert([(f64::NEG_INFINITY, false), (f64::INFINITY, false)])
    }

    fn below(&mut self, id: StepId, bound: f64, is_strict: bool) {
        let [_, greatest] = self.of(id);
        if bound < greatest.0 {
            *greatest = (bound, is_strict);
        } else if bound <= greatest.0 {
            greatest.1 |= is_strict;
        }
    }

    fn above(&mut self, id: StepId, bound: f64, is_strict: bool) {
        let [least, _] = self.of(id);
        if bound > least.0 {
            *least = (bound, is_strict);
        } else if bound >= least.0 {
            least.1 |= is_strict;
        }
    }

    fn is_empty(&self) -> bool {
        self.0.values().any(|[least, greatest]| {
            least.0 > greatest.0 || (least.0 >= greatest.0 && (least.1 || greatest.1))
        })
    }
}

/// How far extremes of extremes are followed; each step may go four ways.
const DEPTH: usize = 4;

/// What the form of two numbers tells of their order: both for one that is compared with itself.
#[derive(Debug, Clone, Copy, Default)]
struct Orders {
    /// The first is at least the second.
    falls: bool,
    /// The second is at least the first.
    rises: bool,
}

impl Bounds {
    const ANY: Self = Self::between(f64::NEG_INFINITY, f64::INFINITY, Presence::Somewhere);

    /// A bound that is no number, such as ∞ − ∞, is none.
    const fn between(least: f64, greatest: f64, presence: Presence) -> Self {
        Self {
            least: if least.is_nan() { f64::NEG_INFINITY } else { least },
            greatest: if greatest.is_nan() { f64::INFINITY } else { greatest },
            presence,
        }
    }

    fn constant(value: f64) -> Self {
        if value.is_nan() {
            return Self { presence: Presence::Nowhere, ..Self::ANY };
        }
        Self::between(value, value, Presence::Everywhere)
    }

    fn has_zero(self) -> bool {
        self.least <= 0.0 && self.greatest >= 0.0
    }

    /// The same from a later bar on.
    fn later(self) -> Self {
        Self { presence: self.presence.min(Presence::AfterWarmUp), ..self }
    }

    /// The same, missing where there is no result.
    fn where_defined(self, is_defined: bool) -> Self {
        let most = if is_defined { Presence::Everywhere } else { Presence::Somewhere };
        Self { presence: self.presence.min(most), ..self }
    }

    /// One or the other, depending on the bar.
    fn or(self, other: Self) -> Self {
        let presence = match (self.presence, other.presence) {
            (a, b) if a == b && a != Presence::AfterWarmUp => a,
            _ => Presence::Somewhere,
        };
        Self::between(self.least.min(other.least), self.greatest.max(other.greatest), presence)
    }

    /// The same, missing somewhere if it may be too great for a number.
    fn unless_too_great(self) -> Self {
        self.where_defined(self.least.is_finite() && self.greatest.is_finite())
    }

    /// The least and the greatest of some results; what has no result, such as 0 × ∞, counts as 0.
    fn spanned(values: [f64; 4], presence: Presence) -> Self {
        let values = values.map(|value| if value.is_nan() { 0.0 } else { value });
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Self::between(least, greatest, presence)
    }
}

fn of_series(series: Series) -> Bounds {
    let least = if series == Series::Volume { 0.0 } else { f64::from_bits(1) };
    Bounds::between(least, 1e100, Presence::Everywhere)
}

fn of_clock(clock: Clock) -> Bounds {
    let (least, greatest) = match clock {
        Clock::Hour => (0.0, 23.0),
        Clock::Minute => (0.0, 59.0),
        Clock::DayOfWeek => (1.0, 7.0),
        Clock::DayOfMonth => (1.0, 31.0),
        Clock::Month => (1.0, 12.0),
    };
    Bounds::between(least, greatest, Presence::Everywhere)
}

/// Returns the bounds of an indicator's output, of which some are those of its inputs. An indicator that is not here is
/// one of which nothing is known.
fn of_indicator(output: &str, inputs: (f64, f64)) -> (f64, f64) {
    /// What the rounding of sums may add.
    const SLACK: f64 = 1e-6;
    match output {
        "rsi" | "mfi" => (0.0, 100.0),
        "adx" | "plus_di" | "minus_di" | "ultosc" | "stoch_k" | "stoch_d" | "stochrsi_k"
        | "stochrsi_d" | "aroon_up" | "aroon_down" => (-SLACK, 100.0 + SLACK),
        "willr" => (-100.0, 0.0),
        "rank" => (0.0, 1.0),
        "supertrend_direction" => (-1.0, 1.0),
        "atr" | "natr" | "stdev" => (0.0, f64::INFINITY),
        "sma" | "ema" | "wma" | "kama" | "trima" | "bbands_middle" | "highest" | "lowest"
        | "donchian_upper" | "donchian_middle" | "donchian_lower" => inputs,
        _ => (f64::NEG_INFINITY, f64::INFINITY),
    }
}

fn compare(operation: Operation, a: Bounds, b: Bounds, orders: Orders) -> Truth {
    let presence = a.presence.min(b.presence);
    if presence == Presence::Nowhere {
        return Truth::Never;
    }
    let is_apart = a.greatest < b.least || b.greatest < a.least;
    let is_one = a.least >= a.greatest && b.least >= b.greatest && a.least <= b.least && !is_apart;
    let is_same = orders.falls && orders.rises;
    let (always, never) = match operation {
        Operation::Less => (a.greatest < b.least, orders.falls || a.least >= b.greatest),
        Operation::LessOrEqual => (orders.rises || a.greatest <= b.least, a.least > b.greatest),
        Operation::Equal => (is_same || is_one, is_apart),
        _ => (is_apart, is_same || is_one),
    };
    match presence {
        _ if never => Truth::Never,
        Presence::Everywhere if always => Truth::Always,
        Presence::AfterWarmUp if always => Truth::AfterWarmUp,
        _ => Truth::Maybe,
    }
}

fn unary(operation: Operation, a: Bounds) -> Bounds {
    let rising = |compute: fn(f64) -> f64| {
        Bounds::between(compute(a.least), compute(a.greatest), a.presence)
    };
    match operation {
        Operation::Negate => Bounds::between(-a.greatest, -a.least, a.presence),
        Operation::Absolute => {
            let greatest = a.least.abs().max(a.greatest.abs());
            let least = if a.has_zero() { 0.0 } else { a.least.abs().min(a.greatest.abs()) };
            Bounds::between(least, greatest, a.presence)
        }
        Operation::Exponential => rising(f64::exp),
        Operation::Round => rising(f64::round),
        Operation::Floor => rising(f64::floor),
        Operation::Ceiling => rising(f64::ceil),
        Operation::SquareRoot => {
            let inside = Bounds { least: a.least.max(0.0), greatest: a.greatest.max(0.0), ..a };
            Bounds::between(inside.least.sqrt(), inside.greatest.sqrt(), a.presence)
                .where_defined(a.least >= 0.0)
        }
        Operation::Logarithm => {
            Bounds::between(a.least.max(0.0).ln(), a.greatest.max(0.0).ln(), a.presence)
                .where_defined(a.least > 0.0)
        }
        _ => Bounds { presence: a.presence.min(Presence::Somewhere), ..Bounds::ANY },
    }
}

fn binary(operation: Operation, a: Bounds, b: Bounds) -> Bounds {
    let presence = a.presence.min(b.presence);
    let each = |compute: fn(f64, f64) -> f64| {
        [
            compute(a.least, b.least),
            compute(a.least, b.greatest),
            compute(a.greatest, b.least),
            compute(a.greatest, b.greatest),
        ]
    };
    match operation {
        Operation::Add => Bounds::between(a.least + b.least, a.greatest + b.greatest, presence),
        Operation::Subtract => {
            Bounds::between(a.least - b.greatest, a.greatest - b.least, presence)
        }
        Operation::Multiply => Bounds::spanned(each(|a, b| a * b), presence),
        Operation::Divide if !b.has_zero() => Bounds::spanned(each(|a, b| a / b), presence),
        Operation::Remainder => {
            let most = b.least.abs().max(b.greatest.abs());
            let least = if a.least >= 0.0 { 0.0 } else { -most };
            let greatest = if a.greatest <= 0.0 { 0.0 } else { most };
            Bounds::between(least, greatest, presence).where_defined(!b.has_zero())
        }
        Operation::Minimum => {
            Bounds::between(a.least.min(b.least), a.greatest.min(b.greatest), presence)
        }
        Operation::Maximum => {
            Bounds::between(a.least.max(b.least), a.greatest.max(b.greatest), presence)
        }
        _ => Bounds { presence: presence.min(Presence::Somewhere), ..Bounds::ANY },
    }
}
