//! The pure pipeline: signals → orders → trades and equity → metrics → warnings.
//!
//! It computes only what is asked for ([`Outputs`]), and can reuse the memory of an earlier run ([`Buffers`]). It does no I/O
//! and knows no store. The service calls it once per backtest; a parameter sweep would call it once per combination.

mod buffers;
mod input;
mod no_entries;
mod outputs;
mod pipeline;
mod result;
mod settings_notes;
mod stitch;
mod warning_input;
mod warnings;

pub use buffers::Buffers;
pub use input::{BacktestInput, StrategyRun, annualization};
pub use outputs::Outputs;
pub use pipeline::Pipeline;
pub use result::Backtest;
pub use stitch::{WindowRun, stitch};

#[cfg(test)]
mod accounting_tests;
#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod reference_tests;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod warning_tests;
