//! Orders to trades and equity.

pub mod accounting;
mod excursions;
pub mod trades;
pub mod valuation;

pub use trades::Trades;
pub use valuation::Valuation;
