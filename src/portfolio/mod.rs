//! Orders to trades, equity and drawdowns.

pub mod accounting;
pub mod drawdowns;
pub mod trades;
pub mod valuation;

pub use drawdowns::Drawdowns;
pub use trades::Trades;
pub use valuation::Valuation;
