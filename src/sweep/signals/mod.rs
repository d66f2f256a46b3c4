//! The signals of each combination; whatever several combinations share is computed once.
//!
//! The expressions of a strategy are cut into parts ([`template`]):
//!
//! - *Shared parts* depend on some of the axes and have few distinct values. Each is computed once for each tuple of values of its
//!   axes, by the lowering and evaluation of the language, and kept as a column of numbers or as one bit per bar.
//! - What depends on more axes is a [`program`]: logic, comparisons and crossings of shared parts, computed for each combination
//!   word by word, 64 bars at a time, in buffers that stay in the cache.
//!
//! A part without such operands is computed as a whole for each combination. It is a shared part that only one combination
//! uses, so that there is nothing else to distinguish.
//!
//! What is shared must fit into a budget. A sweep is therefore computed in stages ([`SignalSource::stages`]): ranges of
//! combinations, each with the parts that it needs.
//!
//! The signals are those of [`Strategy::bind_values`](crate::strategies::Strategy::bind_values) and
//! [`BoundStrategy::signals`](crate::strategies::BoundStrategy::signals), bit by bit. Comparisons of columns are made with ranks
//! of 16 bits ([`ranks`]); values with equal ranks are compared themselves.

mod columns;
mod comparison;
mod domain;
mod evaluation;
mod program;
mod ranks;
mod source;
mod stage;
mod template;
mod worker;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod timing_tests;

pub use source::SignalSource;
pub use stage::Stage;
pub use template::SignalPath;
pub use worker::Worker;
