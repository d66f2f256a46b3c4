//! Mean result of the winning trades.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Mean result of the winning trades, money.
pub const AVG_WIN: Metric = Metric {
    name: "avgWin",
    unit: Unit::Money,
    description: "Mean result of the winning trades",
    formula: "Σ pnl of winning trades ÷ winning trades",
    null_case: Some("without a winning trade"),
    reference: "vectorbt: `Trades.winning.pnl.mean`",
    example: 32.9434,
    needs: StatisticSet::TRADES,
    compute: |statistics| statistics.trades.wins.mean(statistics.trades.wins.pnl),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(AVG_WIN.of(&mixed()), Some(32.943_368_333_333_396));
        same(AVG_WIN.of(&g1()), Some(45.808_387_416_778_99));
        same(AVG_WIN.of(&nothing()), None);
    }
}
