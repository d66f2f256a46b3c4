//! Number of trades, open and closed.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;
use crate::numbers::count_to_f64;

/// Number of trades, open and closed.
pub const TOTAL_TRADES: Metric = Metric {
    name: "totalTrades",
    unit: Unit::Count,
    description: "Number of trades, open and closed",
    formula: "Exit trades, the open one included",
    null_case: None,
    reference: "vectorbt: `Trades.count`",
    example: 7.0,
    needs: StatisticSet::TRADES,
    compute: |statistics| Some(count_to_f64(statistics.trades.total)),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(TOTAL_TRADES.of(&mixed()), Some(7.0));
        same(TOTAL_TRADES.of(&g1()), Some(1.0));
        same(TOTAL_TRADES.of(&nothing()), Some(0.0));
    }
}
