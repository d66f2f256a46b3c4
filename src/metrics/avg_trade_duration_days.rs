//! Mean holding period of the closed trades.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Mean holding period of the closed trades, days.
pub const AVG_TRADE_DURATION_DAYS: Metric = Metric {
    name: "avgTradeDurationDays",
    unit: Unit::Days,
    description: "Mean holding period of the closed trades",
    formula: "Mean of (bar of the exit − bar of the entry) × length of a bar, over closed trades",
    null_case: Some("without a closed trade"),
    reference: "vectorbt: `Trades.closed.duration.mean`",
    example: 2.3333,
    needs: StatisticSet::TRADES,
    compute: |statistics| {
        statistics.trades.closed.mean_bars().map(|bars| bars * statistics.bar_days)
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(AVG_TRADE_DURATION_DAYS.of(&mixed()), Some(2.333_333_333_333_333_5));
        same(AVG_TRADE_DURATION_DAYS.of(&g1()), Some(2.0));
        same(AVG_TRADE_DURATION_DAYS.of(&nothing()), None);
    }
}
