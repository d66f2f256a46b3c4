//! Strategies: typed parameters, conditions between them, and expressions of the language for entries and exits.
//!
//! A [`Definition`] is a strategy as data, read from text or from an object; [`Strategy::compile`] checks all of it;
//! [`Strategy::bind`] gives it parameter values; the [`BoundStrategy`] strategy turns bars into signals. The built-in strategies
//! are text files in `builtin/`.
//!
//! To add a built-in strategy, write one file there: `build.rs` makes the list of them.

mod bind_cache;
mod bound;
mod builtin;
mod definition;
mod read;
mod registry;
mod schema;
mod strategy;
mod text;
mod validate;
mod warnings;

#[cfg(test)]
mod reference_tests;
#[cfg(test)]
#[expect(
    clippy::cast_precision_loss,
    reason = "tests use small numbers and compare what must be equal"
)]
mod tests;

pub use bound::BoundStrategy;
pub use builtin::BUILTIN;
pub use definition::{Definition, Parameter, ParameterKind, StrategyType, Value};
pub use registry::Registry;
pub use strategy::{POSITION_SIZE, Strategy};
pub use text::parse;
pub use validate::{Validation, validate};
