//! Highest return of a closed trade.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Highest return of a closed trade, percent.
pub const BEST_TRADE: Metric = Metric {
    name: "bestTrade",
    unit: Unit::Percent,
    description: "Highest return of a closed trade",
    formula: "max(pnl ÷ value of the entry) over closed trades",
    null_case: Some("without a closed trade"),
    reference: "vectorbt: `Trades.closed.returns.max`",
    example: 7.958,
    needs: StatisticSet::TRADES,
    compute: |statistics| statistics.trades.best,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(BEST_TRADE.of(&mixed()), Some(7.957_966_299_632_983));
        same(BEST_TRADE.of(&g1()), Some(4.585_419_580_419_576));
        same(BEST_TRADE.of(&nothing()), None);
    }
}
