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

#[cfg(feature = "chart")]
pub mod chart;
#[cfg(feature = "service")]
pub mod config;
#[cfg(feature = "service")]
pub mod data;
pub mod error;
mod four;
pub mod hands;
pub mod indicators;
pub mod input;
pub mod language;
pub mod market;
pub mod metrics;
pub mod near;
#[cfg(feature = "node")]
pub mod node;
pub mod portfolio;
pub mod reserve;
pub mod room;
#[cfg(feature = "service")]
pub mod service;
pub mod shown;
pub mod simulation;
#[cfg(feature = "service")]
pub mod store;
pub mod strategies;
pub mod watch;
mod wide;

pub use error::{Code, Error, Issue, Result};
