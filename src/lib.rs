//! The backtesting engine behind the npm package `@aitradepro/backtesting`.

pub mod error;
pub mod input;
pub mod market;
pub mod metrics;
pub mod portfolio;
pub mod simulation;
#[cfg(feature = "service")]
pub mod store;
pub mod watch;

pub use error::{Code, Error, Issue, Result};
