//! Number of long trades, open and closed.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;
use crate::numbers::count_to_f64;

/// Number of long trades, open and closed.
pub const LONG_TRADES: Metric = Metric {
    name: "longTrades",
    unit: Unit::Count,
    description: "Number of long trades, open and closed",
    formula: "Exit trades of long positions",
    null_case: None,
    reference: "vectorbt: `Trades.long.count`",
    example: 4.0,
    needs: StatisticSet::TRADES,
    compute: |statistics| Some(count_to_f64(statistics.trades.long)),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(LONG_TRADES.of(&mixed()), Some(4.0));
        same(LONG_TRADES.of(&g1()), Some(1.0));
        same(LONG_TRADES.of(&nothing()), Some(0.0));
    }
}
