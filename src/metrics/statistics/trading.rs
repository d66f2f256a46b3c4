//! The statistics of orders and trades.

use super::exposure::ExposureStatistics;
use super::set::StatisticSet;
use super::trades::TradeStatistics;
use super::trading_input::TradingInput;

/// The statistics of orders and trades.
#[derive(Debug)]
pub struct TradingStatistics {
    pub(super) exposure: ExposureStatistics,
    pub(super) trades: TradeStatistics,
    pub(super) rejected_signals: usize,
    /// The result of the last trade, percent.
    last_percent: Option<f64>,
}

impl TradingStatistics {
    /// Computes the statistics that `set` names.
    #[must_use]
    pub fn new(input: &TradingInput<'_>, set: StatisticSet) -> Self {
        let exposure = if set.contains(StatisticSet::EXPOSURE) {
            ExposureStatistics::new(input)
        } else {
            ExposureStatistics { fees: input.orders.fees.iter().sum(), ..Default::default() }
        };
        Self {
            exposure,
            trades: TradeStatistics::new(input.trades),
            rejected_signals: input.rejected_signals,
            last_percent: input.trades.pnl_percent.last().copied(),
        }
    }

    /// Returns whether every amount of every trade is known to be finite.
    ///
    /// No amount that overflows leaves the result in percent finite, so that the sum of the results tells, and the sum of the
    /// fees. An open trade is in no sum. It is the last one.
    #[must_use]
    pub fn trades_are_finite(&self) -> bool {
        self.trades.closed.percent.is_finite()
            && self.exposure.fees.is_finite()
            && self.last_percent.is_none_or(f64::is_finite)
    }
}
