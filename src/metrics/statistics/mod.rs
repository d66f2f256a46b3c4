//! The statistics that metrics are computed from: one pass over the bars, one over the equity, one over orders and trades.
//!
//! Statistics are plain numbers and own nothing of the run. A faster way to the same numbers, such as a sweep that steps from
//! order to order, can fill them and use every metric unchanged.

mod block;
mod drawdowns;
mod equity;
mod equity_pass;
mod equity_source;
mod exposure;
mod extremes;
mod moments;
mod quantiles;
mod returns;
mod set;
#[expect(clippy::module_inception, reason = "the file of the main type")]
mod statistics;
mod trades;
mod trading;
mod trading_input;

pub use drawdowns::DrawdownStatistics;
pub use equity::{EquityInput, EquityStatistics};
pub use equity_source::EquitySource;
pub use exposure::{ExposureStatistics, GrossExposure};
pub use quantiles::TailStatistics;
pub use returns::ReturnStatistics;
pub use set::StatisticSet;
pub use statistics::Statistics;
pub use trades::{TradeStatistics, TradeSums};
pub use trading::TradingStatistics;
pub use trading_input::TradingInput;
