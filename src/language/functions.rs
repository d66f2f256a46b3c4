//! The operators and functions of the language as data; indicators come on top from [`crate::indicators::INDICATORS`].

use super::MAX_BARS;

/// What an operator or function does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// a + b.
    Add,
    /// a − b.
    Subtract,
    /// a × b.
    Multiply,
    /// a / b.
    Divide,
    /// The remainder of a / b, with the sign of a.
    Remainder,
    /// −a.
    Negate,
    /// |a|.
    Absolute,
    /// The smaller of two.
    Minimum,
    /// The greater of two.
    Maximum,
    /// The natural logarithm.
    Logarithm,
    /// e to the power a.
    Exponential,
    /// The square root.
    SquareRoot,
    /// a to the power b.
    Power,
    /// The nearest whole number, halves away from 0.
    Round,
    /// The greatest whole number not above a.
    Floor,
    /// The least whole number not below a.
    Ceiling,
    /// a < b.
    Less,
    /// a ≤ b.
    LessOrEqual,
    /// a > b.
    Greater,
    /// a ≥ b.
    GreaterOrEqual,
    /// a = b.
    Equal,
    /// a ≠ b.
    NotEqual,
    /// Both.
    And,
    /// Either or both.
    Or,
    /// The opposite.
    Not,
    /// a where a condition holds, b elsewhere.
    If,
    /// The value n bars ago.
    Shift,
    /// The value less the value n bars ago.
    Change,
    /// On how many of the last n bars a condition held.
    Count,
    /// How many bars ago a condition held last.
    BarsSince,
    /// Whether a just went above b.
    CrossedAbove,
    /// Whether a just went below b.
    CrossedBelow,
    /// A value of a coarser timeframe.
    Higher,
}

/// What an argument may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Argument {
    /// A number: a series or a constant.
    Number,
    /// A series of numbers.
    Series,
    /// A condition.
    Condition,
    /// Numbers or conditions, the same as the other arguments of this kind.
    Either,
    /// A whole constant between these bounds.
    Length(f64, f64),
    /// A timeframe in quotes.
    Timeframe,
}

/// What a function gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gives {
    /// A number.
    Number,
    /// A condition.
    Condition,
    /// What its arguments of kind [`Argument::Either`] are.
    Either,
}

/// Where a function stands in the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Arithmetic and rounding.
    Arithmetic,
    /// Comparisons and logic.
    Logic,
    /// What looks back.
    History,
}

/// An operator or a function.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Function {
    /// The name, or the sign of an operator.
    pub name: &'static str,
    /// Names and kinds of the arguments.
    pub arguments: &'static [(&'static str, Argument)],
    /// Whether the last argument may come any number of times.
    pub repeats: bool,
    /// What it gives.
    pub gives: Gives,
    /// What it does.
    pub operation: Operation,
    /// Where it stands in the documentation.
    pub group: Group,
    /// What it gives, in a sentence.
    pub doc: &'static str,
}

type Arguments = &'static [(&'static str, Argument)];

const A_B: Arguments = &[("a", Argument::Number), ("b", Argument::Number)];
const X: Arguments = &[("x", Argument::Number)];
const CONDITIONS: Arguments = &[("a", Argument::Condition), ("b", Argument::Condition)];
const WINDOW: Arguments = &[("x", Argument::Series), ("n", Argument::Length(1.0, MAX_BARS))];

const fn arithmetic(
    name: &'static str,
    arguments: Arguments,
    operation: Operation,
    doc: &'static str,
) -> Function {
    Function {
        name,
        arguments,
        repeats: false,
        gives: Gives::Number,
        operation,
        group: Group::Arithmetic,
        doc,
    }
}

const fn logic(
    name: &'static str,
    arguments: Arguments,
    operation: Operation,
    doc: &'static str,
) -> Function {
    Function {
        name,
        arguments,
        repeats: false,
        gives: Gives::Condition,
        operation,
        group: Group::Logic,
        doc,
    }
}

const fn history(
    name: &'static str,
    arguments: Arguments,
    operation: Operation,
    doc: &'static str,
) -> Function {
    Function {
        name,
        arguments,
        repeats: false,
        gives: Gives::Number,
        operation,
        group: Group::History,
        doc,
    }
}

const fn repeated(function: Function) -> Function {
    Function { repeats: true, ..function }
}

const fn giving(function: Function, gives: Gives) -> Function {
    Function { gives, ..function }
}

/// The operators, by their signs.
pub const OPERATORS: &[Function] = &[
    arithmetic("+", A_B, Operation::Add, "The sum"),
    arithmetic("-", A_B, Operation::Subtract, "The difference"),
    arithmetic("*", A_B, Operation::Multiply, "The product"),
    arithmetic("/", A_B, Operation::Divide, "The quotient; no value where b is 0"),
    arithmetic(
        "%",
        A_B,
        Operation::Remainder,
        "The remainder of a / b with the sign of a; no value where b is 0",
    ),
    arithmetic("unary -", X, Operation::Negate, "The negative"),
    logic("<", A_B, Operation::Less, "Whether a is below b"),
    logic("<=", A_B, Operation::LessOrEqual, "Whether a is below or equal to b"),
    logic(">", A_B, Operation::Greater, "Whether a is above b"),
    logic(">=", A_B, Operation::GreaterOrEqual, "Whether a is above or equal to b"),
    logic("==", A_B, Operation::Equal, "Whether a equals b"),
    logic("!=", A_B, Operation::NotEqual, "Whether a differs from b; false where one has no value"),
    logic("and", CONDITIONS, Operation::And, "Whether both conditions hold"),
    logic("or", CONDITIONS, Operation::Or, "Whether at least one condition holds"),
    logic(
        "not",
        &[("a", Argument::Condition)],
        Operation::Not,
        "Whether the condition does not hold",
    ),
];

/// The functions, by their names.
pub const FUNCTIONS: &[Function] = &[
    arithmetic("abs", X, Operation::Absolute, "The value without its sign"),
    repeated(arithmetic("min", A_B, Operation::Minimum, "The least of the arguments")),
    repeated(arithmetic("max", A_B, Operation::Maximum, "The greatest of the arguments")),
    arithmetic("log", X, Operation::Logarithm, "The natural logarithm; no value for x ≤ 0"),
    arithmetic("exp", X, Operation::Exponential, "e to the power x"),
    arithmetic("sqrt", X, Operation::SquareRoot, "The square root; no value for x < 0"),
    arithmetic(
        "pow",
        &[("x", Argument::Number), ("y", Argument::Number)],
        Operation::Power,
        "x to the power y",
    ),
    arithmetic("round", X, Operation::Round, "The nearest whole number, halves away from 0"),
    arithmetic("floor", X, Operation::Floor, "The greatest whole number not above x"),
    arithmetic("ceil", X, Operation::Ceiling, "The least whole number not below x"),
    giving(
        logic(
            "if",
            &[("condition", Argument::Condition), ("a", Argument::Either), ("b", Argument::Either)],
            Operation::If,
            "a where the condition holds, b elsewhere",
        ),
        Gives::Either,
    ),
    history(
        "shift",
        &[("x", Argument::Series), ("n", Argument::Length(0.0, MAX_BARS))],
        Operation::Shift,
        "The value of x n bars ago",
    ),
    history("change", WINDOW, Operation::Change, "x less the value of x n bars ago"),
    history(
        "count",
        &[("condition", Argument::Condition), ("n", Argument::Length(1.0, MAX_BARS))],
        Operation::Count,
        "On how many of the last n bars the condition held",
    ),
    history(
        "bars_since",
        &[("condition", Argument::Condition)],
        Operation::BarsSince,
        "How many bars ago the condition held last, 0 for now; no value before it first held",
    ),
    giving(
        history(
            "crossed_above",
            A_B,
            Operation::CrossedAbove,
            "Whether a went from below or at b to above it on this bar; touching is not crossing",
        ),
        Gives::Condition,
    ),
    giving(
        history(
            "crossed_below",
            A_B,
            Operation::CrossedBelow,
            "Whether a went from above or at b to below it on this bar; touching is not crossing",
        ),
        Gives::Condition,
    ),
    giving(
        history(
            "higher",
            &[("timeframe", Argument::Timeframe), ("x", Argument::Either)],
            Operation::Higher,
            "x computed on bars of a coarser timeframe, from the first bar that opens at or after the end of the coarse bar",
        ),
        Gives::Either,
    ),
];

/// A time of the bar: that of its opening, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Clock {
    /// 0 to 23.
    Hour,
    /// 0 to 59.
    Minute,
    /// 1 (Monday) to 7 (Sunday), as ISO 8601 counts.
    DayOfWeek,
    /// 1 to 31.
    DayOfMonth,
    /// 1 to 12.
    Month,
}

impl Clock {
    /// Every time with its name and meaning.
    pub const ALL: [(&'static str, Self, &'static str); 5] = [
        ("hour", Self::Hour, "The hour of the bar's opening, UTC, 0 to 23"),
        ("minute", Self::Minute, "The minute of the bar's opening, 0 to 59"),
        (
            "day_of_week",
            Self::DayOfWeek,
            "The day of the bar's opening, 1 for Monday to 7 for Sunday",
        ),
        ("day_of_month", Self::DayOfMonth, "The day of the month of the bar's opening, 1 to 31"),
        ("month", Self::Month, "The month of the bar's opening, 1 to 12"),
    ];
}

/// Finds a function by its name.
pub fn function(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

/// Finds an operator by its sign.
pub fn operator(sign: &str) -> Option<&'static Function> {
    OPERATORS.iter().find(|operator| operator.name == sign)
}

/// Returns the names of everything that can be called.
pub fn function_names() -> impl Iterator<Item = &'static str> {
    let indicators = crate::indicators::INDICATORS
        .iter()
        .flat_map(|indicator| indicator.outputs.iter().map(|output| output.name));
    FUNCTIONS.iter().map(|function| function.name).chain(indicators)
}

/// Returns the names of the series and times of the bars.
pub fn series_names() -> impl Iterator<Item = &'static str> {
    let series = crate::indicators::Series::ALL.iter().map(|(name, _)| *name);
    series.chain(Clock::ALL.iter().map(|(name, _, _)| *name))
}

/// Returns the words that a parameter cannot be named by, apart from those of functions.
pub const KEYWORDS: [&str; 6] = ["and", "or", "not", "true", "false", "if"];
