//! Result of open trades at the last close.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Result of open trades at the last close, money.
pub const OPEN_TRADE_PNL: Metric = Metric {
    name: "openTradePnl",
    unit: Unit::Money,
    description: "Result of open trades at the last close",
    formula: "Σ pnl of open trades, without the fees of an exit",
    null_case: None,
    reference: "vectorbt: `Trades.open.pnl.sum`",
    example: 13.9395,
    needs: StatisticSet::TRADES,
    compute: |statistics| Some(statistics.trades.open_pnl),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(OPEN_TRADE_PNL.of(&mixed()), Some(13.939_470_000_000_027));
        same(OPEN_TRADE_PNL.of(&g1()), Some(0.0));
        same(OPEN_TRADE_PNL.of(&nothing()), Some(0.0));
    }
}
