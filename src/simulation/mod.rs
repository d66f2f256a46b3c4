//! Signals to orders: the one simulation of the crate, with the order model of vectorbt's `Portfolio.from_signals`.
//!
//! What is assumed:
//! - A signal of a bar is filled at that bar's close, or at the next bar's open ([`options::Execution`]); one order a bar.
//! - A purchase pays the price plus slippage, a sale gets the price less slippage; fees are a share of the traded value plus
//!   a fixed amount for each order.
//! - An order that cash does not cover is filled as far as cash goes, unless partial fills are not allowed.
//! - Stops are tested before signals, from the bar after the entry on; on a gap they fill at the open; the stop loss goes
//!   before the take profit; a trailing stop follows a bar's high only from the next bar on.
//! - Losses of a short position may take equity below zero; nothing is liquidated.
//! - A position that is open at the end stays open.

mod all_in;
mod approx;
mod conflicts;
mod execute;
pub mod options;
pub mod orders;
pub mod prices;
#[cfg(test)]
pub(crate) mod random_cases;
mod read;
pub mod rejections;
mod signal_set;
pub mod simulator;
mod sizing;
mod stops;

pub use approx::{add, close, snap};
pub use options::Options;
pub use orders::Orders;
pub use prices::Prices;
pub use rejections::{Rejection, RejectionReason, SignalKind};
pub use simulator::{Simulation, StopCounts, simulate};
