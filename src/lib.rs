//! The backtesting engine behind the npm package `@aitradepro/backtesting`.

#![cfg_attr(
    test,
    allow(
        clippy::float_cmp,
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::clone_on_ref_ptr,
        clippy::disallowed_methods,
        clippy::single_range_in_vec_init,
        reason = "tests compare exact values, count in floats, and may look at the clock"
    )
)]

pub mod backtest;
#[cfg(feature = "chart")]
pub mod chart;
pub mod compute;
#[cfg(feature = "service")]
pub mod config;
#[cfg(feature = "service")]
pub mod data;
#[cfg(feature = "service")]
pub mod db;
pub mod error;
#[cfg(feature = "service")]
pub mod future;
pub mod indicators;
pub mod language;
pub mod market;
pub mod metrics;
#[cfg(feature = "node")]
pub mod node;
pub mod note;
pub mod numbers;
pub mod observer;
pub mod portfolio;
pub mod quote;
pub mod random;
pub mod request;
#[cfg(feature = "service")]
pub mod service;
pub mod settings;
pub mod signals;
pub mod simulation;
#[cfg(feature = "service")]
pub mod store;
pub mod strategies;
pub mod sweep;
pub mod validation;

pub use error::{Code, Error, Issue, Result};
