//! The syntax tree, the places in it, and what can be wrong there.

use std::fmt;

/// A place in the text of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Bytes before it.
    pub offset: usize,
    /// Its line, from 1.
    pub line: usize,
    /// Its column, from 1, in characters.
    pub column: usize,
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Something wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub span: Span,
    /// What kind, as in [`crate::Issue::code`]: `syntax`, `unknown`, `type`, `arity`, `range` or `limit`.
    pub code: &'static str,
    /// What is wrong, what was expected and the nearest known name.
    pub message: String,
}

impl Problem {
    /// Creates a problem.
    pub fn new(span: Span, code: &'static str, message: impl Into<String>) -> Self {
        Self { span, code, message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.span, self.message)
    }
}

/// An expression as it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    /// What it is.
    pub node: Node,
    /// Where it is: an operator's own place, or where a name, number or call begins.
    pub span: Span,
}

/// The kinds of expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// A number.
    Number(f64),
    /// `true` or `false`.
    Boolean(bool),
    /// Text in quotes: the name of a timeframe.
    Text(String),
    /// A series, a time of the bar, or a parameter.
    Name(String),
    /// A function with its arguments; operators are functions with a sign for a name.
    Call(Callee, Vec<Expression>),
}

/// What is called.
#[derive(Debug, Clone, PartialEq)]
pub enum Callee {
    /// A function, by its name.
    Function(String),
    /// An operator, by its sign.
    Operator(&'static str),
}
