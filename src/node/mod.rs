//! The binding to Node.js: JavaScript values to checked requests, results to columns, errors to `BacktestError`.
//!
//! It adds no meaning. Each export takes its arguments as they are, hands them to a use case of [`crate::service`] as
//! [`crate::request::Input`], and turns the answer into objects; what could be wrong about trading is elsewhere.

#![allow(
    clippy::elidable_lifetime_names,
    clippy::missing_errors_doc,
    clippy::needless_pass_by_value,
    clippy::trivially_copy_pass_by_ref,
    missing_debug_implementations,
    reason = "the docs are those of the npm package, where errors are a page of their own; napi's macros want these shapes"
)]

mod call;
pub mod engine;
mod error;
mod function;
pub mod functions;
mod input;

mod options;
mod runtime;
pub mod types;
