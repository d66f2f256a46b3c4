//! Mean result of the losing trades, negative.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Mean result of the losing trades, negative, money.
pub const AVG_LOSS: Metric = Metric {
    name: "avgLoss",
    unit: Unit::Money,
    description: "Mean result of the losing trades, negative",
    formula: "Σ pnl of losing trades ÷ losing trades, a negative number",
    null_case: Some("without a losing trade"),
    reference: "vectorbt: `Trades.losing.pnl.mean`",
    example: -13.67,
    needs: StatisticSet::TRADES,
    compute: |statistics| statistics.trades.losses.mean(statistics.trades.losses.pnl),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(AVG_LOSS.of(&mixed()), Some(-13.670_011_666_666_59));
        same(AVG_LOSS.of(&g1()), None);
        same(AVG_LOSS.of(&nothing()), None);
    }
}
