//! Strategies: typed parameters, constraints between them, and expressions of the language for entries and exits.
//!
//! - A [`Definition`] is a strategy as data, read from text or from an object.
//! - [`Strategy::compile`] checks it.
//! - [`Strategy::read_parameters`] reads and checks [`ParameterValues`].
//! - [`Strategy::bind_values`] binds them. The resulting [`BoundStrategy`] computes signals from bars.
//!
//! The built-in strategies are text files in `builtin/`. To add one, write a file there: `build.rs` generates the list.

mod bind;
mod bind_cache;
mod bound_strategy;
mod builtin;
mod definition;
mod definition_reading;
mod entry_conditions;
mod joint_signals;
mod parameter;
mod parameter_values;
mod read_definition;
mod read_parameters;
mod registry;
mod schema;
mod signal_field;
mod strategy;
mod text_format;
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

pub use bound_strategy::BoundStrategy;
pub use builtin::BUILTIN;
pub use definition::{Definition, StrategyType};
pub use entry_conditions::EntryCondition;
pub use parameter::{POSITION_SIZE, Parameter, ParameterType};
pub use parameter_values::{ParameterValues, check_position_size};
pub use registry::Registry;
pub use signal_field::SignalField;
pub use strategy::Strategy;
pub use text_format::parse;
pub use validate::{Validation, validate};
