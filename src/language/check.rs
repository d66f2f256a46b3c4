//! From a syntax tree to a checked one: names resolved, types and argument counts right; all problems are found at once.
//!
//! A number or condition is a constant (known as soon as the parameters are) or a series (one value a bar). A constant
//! stands for a series of equal values in arithmetic and comparisons; what looks back wants a series; a length wants a
//! whole constant.

mod series;

pub use series::usage;

use super::MAX_PROBLEMS;
use super::functions::{
    Argument, Clock, Function, Gives, Operation, function, function_names, operator, series_names,
};
use super::suggest::hint;
use super::syntax::{Callee, Expression, Node, Problem, Span};
use crate::indicators::{self, Indicator, Series};
use crate::market::Timeframe;
use crate::quote;

/// Whether something is a number or a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number.
    Number,
    /// True or false.
    Condition,
}

impl Kind {
    const fn describe(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Condition => "a condition",
        }
    }
}

/// The names that an expression may use besides functions.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The parameters: names, kinds, and whether only whole numbers are allowed.
    pub parameters: &'a [(&'a str, Kind, bool)],
    /// Whether the series of the bars may be used; they may not in conditions between parameters.
    pub series: bool,
}

/// A checked expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    pub(super) node: Resolved,
    pub(super) span: Span,
    kind: Kind,
    constant: bool,
    whole: bool,
}

impl Checked {
    /// Returns whether it is a number or a condition.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns whether it depends on parameters alone.
    pub fn is_constant(&self) -> bool {
        self.constant
    }

    /// Returns which parameters it uses, by their positions in the scope; a position may come several times.
    pub fn parameters(&self) -> Vec<usize> {
        match &self.node {
            Resolved::Parameter(index) => vec![*index],
            Resolved::Apply(_, parts) => parts.iter().flat_map(Self::parameters).collect(),
            Resolved::Higher(_, part) => part.parameters(),
            Resolved::Indicator { inputs, parameters, .. } => {
                inputs.iter().chain(parameters).flat_map(Self::parameters).collect()
            }
            Resolved::Number(_)
            | Resolved::Boolean(_)
            | Resolved::Series(_)
            | Resolved::Clock(_) => Vec::new(),
        }
    }

    fn constant(node: Resolved, span: Span, kind: Kind, whole: bool) -> Self {
        Self { node, span, kind, constant: true, whole }
    }

    fn series(node: Resolved, span: Span, kind: Kind) -> Self {
        Self { node, span, kind, constant: false, whole: false }
    }
}

/// What a checked expression is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Resolved {
    Number(f64),
    Boolean(bool),
    Parameter(usize),
    Series(Series),
    Clock(Clock),
    Apply(&'static Function, Vec<Checked>),
    Indicator {
        indicator: &'static Indicator,
        output: usize,
        inputs: Vec<Checked>,
        parameters: Vec<Checked>,
    },
    Higher(Timeframe, Box<Checked>),
}

/// Checks an expression that shall be of a kind.
///
/// # Errors
/// Every problem, in the order of the text, up to [`MAX_PROBLEMS`].
pub fn check(
    expression: &Expression,
    expected: Kind,
    scope: Scope<'_>,
) -> Result<Checked, Vec<Problem>> {
    let mut run = Checker { scope, timeframe: None, problems: Vec::new() };
    let checked = run.expression(expression);
    if let Some(checked) = &checked
        && checked.kind != expected
    {
        let message =
            format!("expected {}, found {}", expected.describe(), checked.kind.describe());
        run.problem(checked.span, "type", message);
    }
    run.problems.sort_by_key(|problem| problem.span);
    if let Some(first) = run.problems.get(MAX_PROBLEMS) {
        let more = run.problems.len() - MAX_PROBLEMS;
        let message = format!("the expression has {more} more problems, which are not told");
        let last = Problem::new(first.span, "limit", message);
        run.problems.truncate(MAX_PROBLEMS);
        run.problems.push(last);
    }
    match checked {
        Some(checked) if run.problems.is_empty() => Ok(checked),
        _ => Err(run.problems),
    }
}

struct Checker<'a> {
    scope: Scope<'a>,
    /// The timeframe of the `higher` around, which one inside must exceed.
    timeframe: Option<Timeframe>,
    problems: Vec<Problem>,
}

impl Checker<'_> {
    fn problem(&mut self, span: Span, code: &'static str, message: impl Into<String>) {
        self.problems.push(Problem::new(span, code, message));
    }

    /// Returns nothing where a problem was noted, so that it is not noted again further up.
    fn expression(&mut self, expression: &Expression) -> Option<Checked> {
        let span = expression.span;
        match &expression.node {
            Node::Number(value) => Some(Checked::constant(
                Resolved::Number(*value),
                span,
                Kind::Number,
                value.fract() == 0.0,
            )),
            Node::Boolean(value) => {
                Some(Checked::constant(Resolved::Boolean(*value), span, Kind::Condition, false))
            }
            Node::Text(text) => {
                self.problem(span, "type", format!("expected a number or a condition, found text \"{}\"; only timeframes are in quotes", quote::name(text)));
                None
            }
            Node::Name(name) => self.name(name, span),
            Node::Call(Callee::Operator(sign), arguments) => {
                self.call(operator(sign)?, arguments, span)
            }
            Node::Call(Callee::Function(name), arguments) => {
                if name == "higher" {
                    return self.higher(arguments, span);
                }
                if let Some(function) = function(name) {
                    return self.call(function, arguments, span);
                }
                if let Some((indicator, output)) = indicators::find(name) {
                    return self.indicator(indicator, output, arguments, span);
                }
                self.unknown_function(name, arguments, span)
            }
        }
    }

    fn name(&mut self, name: &str, span: Span) -> Option<Checked> {
        if let Some(index) = self.scope.parameters.iter().position(|(known, _, _)| *known == name) {
            let (_, kind, whole) = *self.scope.parameters.get(index)?;
            return Some(Checked::constant(Resolved::Parameter(index), span, kind, whole));
        }
        let series = Series::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, series)| Resolved::Series(*series));
        let clock = || {
            Clock::ALL
                .iter()
                .find(|(known, _, _)| *known == name)
                .map(|(_, clock, _)| Resolved::Clock(*clock))
        };
        if let Some(node) = series.or_else(clock) {
            if self.scope.series {
                return Some(Checked::series(node, span, Kind::Number));
            }
            self.problem(
                span,
                "type",
                format!("`{name}` is a series, only parameters and numbers are allowed here"),
            );
            return None;
        }
        if function_names().any(|known| known == name) {
            self.problem(
                span,
                "syntax",
                format!("`{name}` is a function, expected its arguments in parentheses"),
            );
            return None;
        }
        let mut known: Vec<&str> =
            self.scope.parameters.iter().map(|(known, _, _)| *known).collect();
        for series in series_names().filter(|_| self.scope.series) {
            known.push(series);
        }
        let hint =
            hint(name, known.iter().copied(), || format!(", expected one of {}", known.join(", ")));
        self.problem(span, "unknown", format!("unknown name `{}`{hint}", quote::name(name)));
        None
    }

    fn unknown_function(
        &mut self,
        name: &str,
        arguments: &[Expression],
        span: Span,
    ) -> Option<Checked> {
        let is_parameter = self.scope.parameters.iter().any(|(known, _, _)| *known == name);
        let is_name = is_parameter || series_names().any(|known| known == name);
        let hint = if is_name {
            ", it has no arguments".into()
        } else {
            let all = || {
                format!("; the functions are {}", function_names().collect::<Vec<_>>().join(", "))
            };
            hint(name, function_names(), all)
        };
        self.problem(span, "unknown", format!("unknown function `{}`{hint}", quote::name(name)));
        for argument in arguments {
            self.expression(argument);
        }
        None
    }

    fn call(
        &mut self,
        function: &'static Function,
        arguments: &[Expression],
        span: Span,
    ) -> Option<Checked> {
        let wanted = function.arguments.len();
        let is_right = arguments.len() == wanted || (function.repeats && arguments.len() > wanted);
        if !is_right {
            let names: Vec<&str> = function.arguments.iter().map(|(name, _)| *name).collect();
            let more = if function.repeats { ", …" } else { "" };
            let message = format!(
                "{}({}{more}) takes {}{}, found {}",
                function.name,
                names.join(", "),
                if function.repeats { "at least " } else { "" },
                count(wanted),
                arguments.len()
            );
            self.problem(span, "arity", message);
        }
        let checked: Vec<Option<Checked>> =
            arguments.iter().map(|argument| self.expression(argument)).collect();
        if !is_right {
            return None;
        }
        let mut either = None;
        let mut parts = Vec::with_capacity(checked.len());
        let mut is_sound = true;
        for (index, part) in checked.into_iter().enumerate() {
            let Some((name, argument)) =
                function.arguments.get(index).or(function.arguments.last())
            else {
                continue;
            };
            let Some(part) = part else {
                is_sound = false;
                continue;
            };
            is_sound &= self.argument(function.name, name, *argument, &part, &mut either);
            parts.push(part);
        }
        if !is_sound {
            return None;
        }
        let kind = match function.gives {
            Gives::Number => Kind::Number,
            Gives::Condition => Kind::Condition,
            Gives::Either => either?,
        };
        let constant = parts.iter().all(|part| part.constant)
            && !matches!(function.operation, Operation::Count | Operation::BarsSince);
        let whole = kind == Kind::Number && stays_whole(function.operation, &parts);
        Some(Checked { node: Resolved::Apply(function, parts), span, kind, constant, whole })
    }

    /// Checks one argument; `either` remembers the kind of the first of those that must agree.
    fn argument(
        &mut self,
        function: &str,
        name: &str,
        argument: Argument,
        part: &Checked,
        either: &mut Option<Kind>,
    ) -> bool {
        let expected = match argument {
            Argument::Condition => Kind::Condition,
            Argument::Either => *either.get_or_insert(part.kind),
            Argument::Number | Argument::Series | Argument::Length(..) | Argument::Timeframe => {
                Kind::Number
            }
        };
        let place = match operator(function) {
            Some(operator) => format!("`{}`", operator.name),
            None => format!("argument {name} of {function}"),
        };
        if part.kind != expected {
            self.problem(
                part.span,
                "type",
                format!(
                    "{place}: expected {}, found {}",
                    expected.describe(),
                    part.kind.describe()
                ),
            );
            return false;
        }
        match argument {
            Argument::Series if part.constant => {
                self.problem(
                    part.span,
                    "type",
                    format!("{place}: expected a series such as close, found a constant"),
                );
                false
            }
            Argument::Length(..) => self.length(&place, part, true),
            _ => true,
        }
    }

    fn length(&mut self, place: &str, part: &Checked, whole: bool) -> bool {
        if !part.constant {
            let what =
                if whole { "a whole constant or parameter" } else { "a constant or parameter" };
            self.problem(part.span, "type", format!("{place}: expected {what}, found a series"));
            return false;
        }
        if whole && !part.whole {
            self.problem(part.span, "type", format!("{place}: expected a whole number, found one that may have a fraction; round(x) makes it whole"));
            return false;
        }
        true
    }
}

/// Returns whether whole numbers in give a whole number out.
fn stays_whole(operation: Operation, parts: &[Checked]) -> bool {
    match operation {
        Operation::Round
        | Operation::Floor
        | Operation::Ceiling
        | Operation::Count
        | Operation::BarsSince => true,
        Operation::Add
        | Operation::Subtract
        | Operation::Multiply
        | Operation::Remainder
        | Operation::Negate
        | Operation::Absolute
        | Operation::Minimum
        | Operation::Maximum => parts.iter().all(|part| part.whole),
        Operation::If => parts.iter().skip(1).all(|part| part.whole),
        _ => false,
    }
}

fn count(arguments: usize) -> String {
    if arguments == 1 { "1 argument".into() } else { format!("{arguments} arguments") }
}
