//! Orders to trades and equity.

pub mod accounting;
pub mod trades;
pub mod valuation;

pub use trades::Trades;
pub use valuation::Valuation;
