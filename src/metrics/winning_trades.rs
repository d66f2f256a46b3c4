//! Number of closed trades with a result above 0.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;
use crate::numbers::count_to_f64;

/// Number of closed trades with a result above 0.
pub const WINNING_TRADES: Metric = Metric {
    name: "winningTrades",
    unit: Unit::Count,
    description: "Number of closed trades with a result above 0",
    formula: "Closed trades with pnl > 0 after fees",
    null_case: None,
    reference: "vectorbt: `Trades.closed.winning.count`",
    example: 3.0,
    needs: StatisticSet::TRADES,
    compute: |statistics| Some(count_to_f64(statistics.trades.wins.count)),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(WINNING_TRADES.of(&mixed()), Some(3.0));
        same(WINNING_TRADES.of(&g1()), Some(1.0));
        same(WINNING_TRADES.of(&nothing()), Some(0.0));
    }
}
