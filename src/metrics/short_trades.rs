//! Number of short trades, open and closed.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;
use crate::numbers::count_to_f64;

/// Number of short trades, open and closed.
pub const SHORT_TRADES: Metric = Metric {
    name: "shortTrades",
    unit: Unit::Count,
    description: "Number of short trades, open and closed",
    formula: "Exit trades of short positions",
    null_case: None,
    reference: "vectorbt: `Trades.short.count`",
    example: 3.0,
    needs: StatisticSet::TRADES,
    compute: |statistics| Some(count_to_f64(statistics.trades.short)),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(SHORT_TRADES.of(&mixed()), Some(3.0));
        same(SHORT_TRADES.of(&g1()), Some(0.0));
        same(SHORT_TRADES.of(&nothing()), Some(0.0));
    }
}
