//! Number of closed trades with a result below 0.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;
use crate::numbers::count_to_f64;

/// Number of closed trades with a result below 0.
pub const LOSING_TRADES: Metric = Metric {
    name: "losingTrades",
    unit: Unit::Count,
    description: "Number of closed trades with a result below 0",
    formula: "Closed trades with pnl < 0 after fees; a trade that breaks even is neither",
    null_case: None,
    reference: "vectorbt: `Trades.closed.losing.count`",
    example: 3.0,
    needs: StatisticSet::TRADES,
    compute: |statistics| Some(count_to_f64(statistics.trades.losses.count)),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(LOSING_TRADES.of(&mixed()), Some(3.0));
        same(LOSING_TRADES.of(&g1()), Some(0.0));
        same(LOSING_TRADES.of(&nothing()), Some(0.0));
    }
}
