//! Orders to trades and equity.

pub mod accounting;
mod excursions;
mod trade_walk;
pub mod trades;
pub mod valuation;

pub use trade_walk::{Trade, TradeOrder, TradeWalk};
pub use trades::Trades;
pub use valuation::Valuation;
