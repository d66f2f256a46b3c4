//! The operators and functions of the language as data. Indicators are listed in [`crate::indicators::INDICATORS`].

use super::limits::MAX_LOOK_BACK;

/// The operation of an operator or function.
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
    /// The greatest whole number that is at most a.
    Floor,
    /// The smallest whole number that is at least a.
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
    /// Logical conjunction.
    And,
    /// Logical disjunction.
    Or,
    /// Logical negation.
    Not,
    /// a if a condition holds, b otherwise.
    If,
    /// The value n bars ago.
    Shift,
    /// The value minus the value n bars ago.
    Change,
    /// The number of the last n bars on which a condition held.
    Count,
    /// The number of bars since a condition last held.
    BarsSince,
    /// Whether a crossed above b on this bar.
    CrossedAbove,
    /// Whether a crossed below b on this bar.
    CrossedBelow,
    /// A value of a higher timeframe.
    Higher,
}

/// What an argument accepts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ArgumentType {
    /// A number: a series or a constant.
    Number,
    /// A series of numbers.
    Series,
    /// A condition.
    Condition,
    /// A number or a condition. All arguments of this type must agree.
    Either,
    /// A whole constant between two bounds.
    Length(f64, f64),
    /// A timeframe in quotes.
    Timeframe,
}

/// The return type of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReturnType {
    /// A number.
    Number,
    /// A condition.
    Condition,
    /// The type of its arguments declared as [`ArgumentType::Either`].
    Either,
}

/// The section of the documentation that lists a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionGroup {
    /// Arithmetic and rounding.
    Arithmetic,
    /// Comparisons and logic.
    Logic,
    /// Functions that look back.
    History,
}

/// An operator or a function.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Function {
    /// The name, or the symbol of an operator.
    pub name: &'static str,
    /// Names and types of the arguments.
    pub arguments: &'static [(&'static str, ArgumentType)],
    /// Whether the last argument can be repeated.
    pub repeats: bool,
    /// The return type.
    pub returns: ReturnType,
    /// The operation.
    pub operation: Operation,
    /// The section of the documentation.
    pub group: FunctionGroup,
    /// What it returns, in a sentence.
    pub doc: &'static str,
}

type Arguments = &'static [(&'static str, ArgumentType)];

const A_B: Arguments = &[("a", ArgumentType::Number), ("b", ArgumentType::Number)];
const X: Arguments = &[("x", ArgumentType::Number)];
const CONDITIONS: Arguments = &[("a", ArgumentType::Condition), ("b", ArgumentType::Condition)];
const WINDOW: Arguments =
    &[("x", ArgumentType::Series), ("n", ArgumentType::Length(1.0, MAX_LOOK_BACK))];

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
        returns: ReturnType::Number,
        operation,
        group: FunctionGroup::Arithmetic,
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
        returns: ReturnType::Condition,
        operation,
        group: FunctionGroup::Logic,
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
        returns: ReturnType::Number,
        operation,
        group: FunctionGroup::History,
        doc,
    }
}

const fn repeated(function: Function) -> Function {
    Function { repeats: true, ..function }
}

const fn returning(function: Function, returns: ReturnType) -> Function {
    Function { returns, ..function }
}

/// The operators, by their symbols.
pub const OPERATORS: &[Function] = &[
    arithmetic("+", A_B, Operation::Add, "The sum"),
    arithmetic("-", A_B, Operation::Subtract, "The difference"),
    arithmetic("*", A_B, Operation::Multiply, "The product"),
    arithmetic("/", A_B, Operation::Divide, "The quotient; no value if b is 0"),
    arithmetic(
        "%",
        A_B,
        Operation::Remainder,
        "The remainder of a / b with the sign of a; no value if b is 0",
    ),
    arithmetic("unary -", X, Operation::Negate, "The negative"),
    logic("<", A_B, Operation::Less, "Whether a is below b"),
    logic("<=", A_B, Operation::LessOrEqual, "Whether a is below or equal to b"),
    logic(">", A_B, Operation::Greater, "Whether a is above b"),
    logic(">=", A_B, Operation::GreaterOrEqual, "Whether a is above or equal to b"),
    logic("==", A_B, Operation::Equal, "Whether a equals b"),
    logic(
        "!=",
        A_B,
        Operation::NotEqual,
        "Whether a differs from b; false if one of them has no value",
    ),
    logic("and", CONDITIONS, Operation::And, "Whether both conditions hold"),
    logic("or", CONDITIONS, Operation::Or, "Whether at least one condition holds"),
    logic(
        "not",
        &[("a", ArgumentType::Condition)],
        Operation::Not,
        "Whether the condition does not hold",
    ),
];

/// The functions, by their names.
pub const FUNCTIONS: &[Function] = &[
    arithmetic("abs", X, Operation::Absolute, "The absolute value"),
    repeated(arithmetic("min", A_B, Operation::Minimum, "The smallest of the arguments")),
    repeated(arithmetic("max", A_B, Operation::Maximum, "The greatest of the arguments")),
    arithmetic("log", X, Operation::Logarithm, "The natural logarithm; no value for x ≤ 0"),
    arithmetic("exp", X, Operation::Exponential, "e to the power x"),
    arithmetic("sqrt", X, Operation::SquareRoot, "The square root; no value for x < 0"),
    arithmetic(
        "pow",
        &[("x", ArgumentType::Number), ("y", ArgumentType::Number)],
        Operation::Power,
        "x to the power y",
    ),
    arithmetic("round", X, Operation::Round, "The nearest whole number, halves away from 0"),
    arithmetic("floor", X, Operation::Floor, "The greatest whole number that is at most x"),
    arithmetic("ceil", X, Operation::Ceiling, "The smallest whole number that is at least x"),
    returning(
        logic(
            "if",
            &[
                ("condition", ArgumentType::Condition),
                ("a", ArgumentType::Either),
                ("b", ArgumentType::Either),
            ],
            Operation::If,
            "a if the condition holds, b otherwise",
        ),
        ReturnType::Either,
    ),
    history(
        "shift",
        &[("x", ArgumentType::Series), ("n", ArgumentType::Length(0.0, MAX_LOOK_BACK))],
        Operation::Shift,
        "The value of x n bars ago",
    ),
    history("change", WINDOW, Operation::Change, "x minus the value of x n bars ago"),
    history(
        "count",
        &[("condition", ArgumentType::Condition), ("n", ArgumentType::Length(1.0, MAX_LOOK_BACK))],
        Operation::Count,
        "The number of the last n bars on which the condition held",
    ),
    history(
        "bars_since",
        &[("condition", ArgumentType::Condition)],
        Operation::BarsSince,
        "The number of bars since the condition last held, 0 on a bar on which it holds; no value before it first held",
    ),
    returning(
        history(
            "crossed_above",
            A_B,
            Operation::CrossedAbove,
            "Whether a crossed from below b to above it on this bar; touching is not crossing",
        ),
        ReturnType::Condition,
    ),
    returning(
        history(
            "crossed_below",
            A_B,
            Operation::CrossedBelow,
            "Whether a crossed from above b to below it on this bar; touching is not crossing",
        ),
        ReturnType::Condition,
    ),
    returning(
        history(
            "higher",
            &[("timeframe", ArgumentType::Timeframe), ("x", ArgumentType::Either)],
            Operation::Higher,
            "x computed on bars of a coarser timeframe; each value is visible from the first bar that opens at or after the end of its coarse bar",
        ),
        ReturnType::Either,
    ),
];

/// A calendar field of a bar's opening time in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimeField {
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

impl TimeField {
    /// Every field with its name and meaning.
    pub const ALL: [(&'static str, Self, &'static str); 5] = [
        ("hour", Self::Hour, "The hour of the bar's opening time in UTC, 0 to 23"),
        ("minute", Self::Minute, "The minute of the bar's opening time, 0 to 59"),
        (
            "day_of_week",
            Self::DayOfWeek,
            "The day of the week of the bar's opening time, 1 for Monday to 7 for Sunday",
        ),
        (
            "day_of_month",
            Self::DayOfMonth,
            "The day of the month of the bar's opening time, 1 to 31",
        ),
        ("month", Self::Month, "The month of the bar's opening time, 1 to 12"),
    ];
}

/// Returns the function with that name.
pub fn find_function(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

/// Returns the operator with that symbol.
pub fn find_operator(symbol: &str) -> Option<&'static Function> {
    OPERATORS.iter().find(|operator| operator.name == symbol)
}

/// Returns the names of all functions and indicator outputs.
pub fn function_names() -> impl Iterator<Item = &'static str> {
    let indicators = crate::indicators::INDICATORS
        .iter()
        .flat_map(|indicator| indicator.outputs.iter().map(|output| output.name));
    FUNCTIONS.iter().map(|function| function.name).chain(indicators)
}

/// Returns the names of all series and time fields.
pub fn series_names() -> impl Iterator<Item = &'static str> {
    let series = crate::indicators::Series::ALL.iter().map(|(name, _)| *name);
    series.chain(TimeField::ALL.iter().map(|(name, _, _)| *name))
}

/// Reserved words. Besides these, the names of functions and series cannot name a parameter.
pub const KEYWORDS: [&str; 6] = ["and", "or", "not", "true", "false", "if"];
