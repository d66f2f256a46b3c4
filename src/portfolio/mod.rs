//! Orders to trades and equity.

pub mod trades;

pub use trades::Trades;
