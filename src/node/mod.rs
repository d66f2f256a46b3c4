//! The binding to Node.js: JavaScript values to checked requests, results to columns, errors to `BacktestError`.
//!
//! It adds no meaning. Each export takes its arguments as they are, hands them to a use case of [`crate::service`] as
//! [`crate::input::Input`], and turns the answer into objects; what could be wrong about trading is elsewhere.

mod call;
pub mod engine;
mod error;
pub mod functions;
mod input;
mod runtime;
pub mod types;
