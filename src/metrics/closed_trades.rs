//! Number of closed trades.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;
use crate::numbers::count_to_f64;

/// Number of closed trades.
pub const CLOSED_TRADES: Metric = Metric {
    name: "closedTrades",
    unit: Unit::Count,
    description: "Number of closed trades",
    formula: "Exit trades that are closed",
    null_case: None,
    reference: "vectorbt: `Trades.closed.count`",
    example: 6.0,
    needs: StatisticSet::TRADES,
    compute: |statistics| Some(count_to_f64(statistics.trades.closed.count)),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(CLOSED_TRADES.of(&mixed()), Some(6.0));
        same(CLOSED_TRADES.of(&g1()), Some(1.0));
        same(CLOSED_TRADES.of(&nothing()), Some(0.0));
    }
}
