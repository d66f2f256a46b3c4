//! The strategy language: expressions over bars that can only look back.
//!
//! An expression goes through four stages, each in its own file: [`parser`] turns text into a syntax tree, [`check`]
//! resolves names, types and argument counts, [`plan`] binds the values of parameters, folds constants and computes each
//! distinct subexpression once, and [`evaluate`] runs the plan over columns. The arithmetic of indicators is in
//! [`crate::indicators`]; the functions of the language itself are listed in [`functions`], from which messages and
//! documentation are made.
//!
//! Two rules hold everywhere. No operator reads a later bar: the values on the first n bars never depend on what comes
//! after them. And a number may be missing (a warm-up, a division by zero), written NaN inside columns and nowhere else:
//! arithmetic with a missing number is missing, a comparison with one is false.

mod bounds;
pub mod check;
pub mod evaluate;
pub mod functions;
mod kernels;
mod lexer;
pub mod parser;
pub mod plan;
mod suggest;
mod syntax;

#[cfg(test)]
#[expect(
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "tests use small numbers and compare what must be equal"
)]
mod tests;

pub use bounds::Truth;
pub use check::{Checked, Kind, Scope, check};
pub use evaluate::{Computed, evaluate};
pub use parser::parse;
pub use plan::{Binding, Builder, Plan};
pub use syntax::{Problem, Span};

/// The greatest number of bytes of an expression.
pub const MAX_LENGTH: usize = 10_000;
/// How deep operators, calls and parentheses may be nested.
pub const MAX_DEPTH: usize = 64;
/// How many numbers, names, operators and calls an expression may have.
pub const MAX_NODES: usize = 2_000;
/// How many problems of one expression are told.
pub const MAX_PROBLEMS: usize = 100;
/// The greatest number of bars that one function looks back.
pub const MAX_BARS: f64 = crate::indicators::LONGEST;
