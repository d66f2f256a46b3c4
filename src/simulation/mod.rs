//! Signals to orders: the one simulation of the crate, with the order model of vectorbt's `Portfolio.from_signals`.
//!
//! Assumptions:
//! - A signal is filled at the close of its bar or at the open of the next bar ([`crate::settings::Execution`]).
//! - A purchase pays the reference price plus slippage, a sale receives the reference price less slippage. Fees are a
//!   fraction of the traded value plus a fixed amount per order.
//! - An order that cash does not cover is filled as far as cash goes, unless partial fills are off.
//! - With fills at closes, stops are tested before signals, from the bar after the entry on, and drop the signals of their
//!   bar. With fills at opens, a bar is taken in the order in which it happens: stops that its open has passed, signals, then
//!   stops that its high and low reach, also those of a position opened at this open.
//! - On a gap, stops fill at the open. The stop loss goes before the take profit. A trailing stop follows the high of a bar
//!   only from the next bar on.
//! - Losses of a short position may take equity below zero. Nothing is liquidated.
//! - A position that is open at the end stays open.

mod all_in;
mod all_in_order;
mod approx;
mod broker;
mod close_out;
mod conflicts;
mod execute;
mod exits;
mod holdings;
mod joined;
mod long_stops;
mod open_first;
mod order_stream;
mod orders;
mod placed_signals;
mod prices;
#[cfg(test)]
pub(crate) mod random_cases;
mod recorder;
mod rejections;
mod signal_set;
mod simulator;
mod sizing;
mod state;
mod stops;

pub use all_in_order::{AllInPurchase, AllInSale};
pub use approx::{add, close, snap};
pub use exits::{ExitReason, Moment, StopOrder};
pub use holdings::Holdings;
pub use long_stops::{LongStop, LongStopRule, stop_slippage};
pub use order_stream::{StreamedOrder, stream_orders};
pub use orders::Orders;
pub use prices::Prices;
pub use recorder::{Simulation, StopCounts};
pub use rejections::{Rejection, RejectionReason, SignalKind};
pub use simulator::{SimulationBuffers, at_next_open, simulate, simulate_columns, simulate_into};
