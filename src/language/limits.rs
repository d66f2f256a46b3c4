//! The limits of an expression. They bound the memory and the recursion depth that a text can cause.

/// Maximum length of an expression in bytes.
pub const MAX_LENGTH: usize = 10_000;
/// Maximum nesting depth of operators, calls and parentheses.
pub const MAX_DEPTH: usize = 64;
/// Maximum number of syntax tree nodes: numbers, names, operators and calls.
pub const MAX_NODES: usize = 2_000;
/// Maximum number of diagnostics that are listed for one expression.
pub const MAX_DIAGNOSTICS: usize = 100;
/// Maximum number of bars that one function looks back.
pub const MAX_LOOK_BACK: f64 = crate::indicators::MAX_PERIOD;
