//! The strategy language: expressions over bars that can only look back.
//!
//! An expression passes through four stages:
//!
//! 1. [`parser`] turns text into a syntax tree.
//! 2. [`check`] resolves names and verifies types and argument counts.
//! 3. [`lowering`] binds parameter values, folds constants and adds steps to a [`plan`], in which each distinct
//!    subexpression is computed once.
//! 4. [`evaluate`] runs the plan over columns.
//!
//! The arithmetic of indicators is in [`crate::indicators`]; no indicator is known here by name. The functions of the
//! language itself are listed in [`functions`], from which messages and documentation are generated.
//!
//! Two invariants hold everywhere:
//!
//! - No operator reads a later bar. The values on the first n bars never depend on the bars after them.
//! - A number may be missing, for example in a warm-up or after a division by zero. Missing numbers are NaN inside columns
//!   and never leave them. Arithmetic with a missing number is missing, and a comparison with one is false.

mod bands;
pub mod binding;
pub mod check;
mod condition_parts;
pub mod evaluate;
mod explanation;
mod expression_text;
pub mod functions;
mod fusion;
mod interval;
mod kernels;
mod lexer;
pub mod limits;
pub mod lowering;
pub mod parser;
pub mod plan;
pub mod plan_builder;
mod range_analysis;
mod required_bars;
pub mod scalar_program;
mod scale_mistake;
mod shape;
mod suggestion;
pub mod synonyms;
mod syntax;

#[cfg(test)]
#[expect(
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "tests use small numbers and compare what must be equal"
)]
mod tests;

pub use binding::Binding;
pub use check::{CheckedExpression, ParameterDeclaration, Scope, ValueType, check};
pub use condition_parts::{ConditionPart, count_parts};
pub use evaluate::{RootValue, evaluate};
pub use explanation::why_never;
pub use kernels::crossing::Crossing;
pub use parser::parse;
pub use plan::Plan;
pub use plan_builder::PlanBuilder;
pub use range_analysis::ConditionOutcome;
pub use scalar_program::ScalarProgram;
pub use scale_mistake::scale_mistakes;
pub use shape::Shape;
pub use syntax::{Diagnostic, Expression, Span};
