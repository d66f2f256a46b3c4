//! Lowest return of a closed trade.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Lowest return of a closed trade, percent.
pub const WORST_TRADE: Metric = Metric {
    name: "worstTrade",
    unit: Unit::Percent,
    description: "Lowest return of a closed trade",
    formula: "min(pnl ÷ value of the entry) over closed trades",
    null_case: Some("without a closed trade"),
    reference: "vectorbt: `Trades.closed.returns.min`",
    example: -3.3218,
    needs: StatisticSet::TRADES,
    compute: |statistics| statistics.trades.worst,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(WORST_TRADE.of(&mixed()), Some(-3.321_771_285_848_947_7));
        same(WORST_TRADE.of(&g1()), Some(4.585_419_580_419_576));
        same(WORST_TRADE.of(&nothing()), None);
    }
}
