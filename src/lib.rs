//! The backtesting engine behind the npm package `@aitradepro/backtesting`.

pub mod error;
pub mod indicators;
pub mod input;
pub mod language;
pub mod market;
pub mod portfolio;
pub mod simulation;
#[cfg(feature = "service")]
pub mod store;
pub mod strategies;
pub mod watch;

pub use error::{Code, Error, Issue, Result};
