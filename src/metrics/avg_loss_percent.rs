//! Mean return of the losing trades, negative.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Mean return of the losing trades, negative, percent.
pub const AVG_LOSS_PERCENT: Metric = Metric {
    name: "avgLossPercent",
    unit: Unit::Percent,
    description: "Mean return of the losing trades, negative",
    formula: "Mean of pnl ÷ value of the entry over losing trades, a negative number",
    null_case: Some("without a losing trade"),
    reference: "vectorbt: `Trades.losing.returns.mean`",
    example: -2.7347,
    needs: StatisticSet::TRADES,
    compute: |statistics| statistics.trades.losses.mean(statistics.trades.losses.percent),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(AVG_LOSS_PERCENT.of(&mixed()), Some(-2.734_657_021_839_409_7));
        same(AVG_LOSS_PERCENT.of(&g1()), None);
        same(AVG_LOSS_PERCENT.of(&nothing()), None);
    }
}
