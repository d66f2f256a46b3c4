//! Number of open trades.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;
use crate::numbers::count_to_f64;

/// Number of open trades.
pub const OPEN_TRADES: Metric = Metric {
    name: "openTrades",
    unit: Unit::Count,
    description: "Number of open trades",
    formula: "Exit trades that are open at the end",
    null_case: None,
    reference: "vectorbt: `Trades.open.count`",
    example: 1.0,
    needs: StatisticSet::TRADES,
    compute: |statistics| Some(count_to_f64(statistics.trades.open())),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(OPEN_TRADES.of(&mixed()), Some(1.0));
        same(OPEN_TRADES.of(&g1()), Some(0.0));
        same(OPEN_TRADES.of(&nothing()), Some(0.0));
    }
}
