//! Orders to trades, equity and drawdowns.

pub mod drawdowns;
pub mod equity;
pub mod trades;

pub use drawdowns::Drawdowns;
pub use equity::{Holdings, Portfolio, Valuation, equity, evaluate};
pub use trades::Trades;

#[cfg(test)]
mod accounting_tests;
#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod reference_tests;
