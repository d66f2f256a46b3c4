//! The binding to Node.js: converts JavaScript values to requests, results to JavaScript values, and errors to `BacktestError`.
//!
//! It contains no domain logic. Each export reads its arguments as [`crate::request::Input`], calls a use case of
//! [`crate::service`], and converts the result.

#![allow(
    clippy::elidable_lifetime_names,
    clippy::missing_errors_doc,
    clippy::needless_pass_by_value,
    clippy::trivially_copy_pass_by_ref,
    missing_debug_implementations,
    reason = "the docs are those of the npm package, which documents errors separately; napi's macros require these shapes"
)]

mod call;
mod default_engine;
pub mod engine;
mod engine_config;
mod error;
mod exception;
pub mod functions;
mod init;
mod input;
mod options;
mod runtime;
mod signal_function;
mod sweep_stream;
pub mod transfer;
pub mod types;
mod use_cases;
