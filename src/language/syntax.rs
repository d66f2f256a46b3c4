//! The syntax tree, source positions, and diagnostics.

use std::fmt;

/// A position in the text of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Offset in bytes.
    pub offset: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// An error in an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Position of the error.
    pub span: Span,
    /// Error category, as in [`crate::Issue::code`]: `syntax`, `unknown`, `type`, `arity`, `range` or `limit`.
    pub code: &'static str,
    /// What is wrong, what was expected, and the nearest known name.
    pub message: String,
}

impl Diagnostic {
    /// Creates a diagnostic.
    pub fn new(span: Span, code: &'static str, message: impl Into<String>) -> Self {
        Self { span, code, message: message.into() }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.span, self.message)
    }
}

/// A parsed expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    /// The kind of expression with its operands.
    pub node: Node,
    /// Position of the operator, or the start of a name, number or call.
    pub span: Span,
}

impl Expression {
    /// Returns the names and the functions that the expression uses, with their positions. The flag tells functions.
    pub fn names(&self) -> Vec<(&str, bool, Span)> {
        match &self.node {
            Node::Name(name) => vec![(name, false, self.span)],
            Node::Call(callee, arguments) => {
                let function = match callee {
                    Callee::Function(name) => Some((name.as_str(), true, self.span)),
                    Callee::Operator(_) => None,
                };
                function.into_iter().chain(arguments.iter().flat_map(Self::names)).collect()
            }
            Node::Number(_) | Node::Boolean(_) | Node::Text(_) => Vec::new(),
        }
    }
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
    /// A series, a time field, or a parameter.
    Name(String),
    /// A call of a function or operator with its arguments.
    Call(Callee, Vec<Expression>),
}

/// The function or operator of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Callee {
    /// A function, by its name.
    Function(String),
    /// An operator, by its symbol.
    Operator(&'static str),
}
