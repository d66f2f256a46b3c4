//! The combinations of a sweep: axes, constraints, samples.
//!
//! [`SpaceRequest::read`] reads them from a request. Combinations are points of the grid of all values, in grid order: the last
//! axis runs fastest. Constraints and samples leave points out; those that stay take at most 8 bytes each, and a whole grid
//! takes none.

mod axis;
mod combinations;
mod constraint;
mod decimal_steps;
mod grid;
mod names;
mod sample;
mod space_request;
mod value_domain;
mod value_range;
mod walk;

#[cfg(test)]
mod tests;

pub use axis::{Axis, Target};
pub use combinations::Space;
pub use names::{NameSource, SweptName, swept_names};
pub use sample::Sample;
pub use space_request::SpaceRequest;
