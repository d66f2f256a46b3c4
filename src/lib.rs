//! The backtesting engine behind the npm package `@aitradepro/backtesting`.

#[cfg(feature = "service")]
pub mod config;
#[cfg(feature = "service")]
pub mod data;
pub mod error;
pub mod indicators;
pub mod input;
pub mod language;
pub mod market;
pub mod metrics;
#[cfg(feature = "node")]
pub mod node;
pub mod portfolio;
#[cfg(feature = "service")]
pub mod service;
pub mod simulation;
#[cfg(feature = "service")]
pub mod store;
pub mod strategies;
pub mod watch;

pub use error::{Code, Error, Issue, Result};
