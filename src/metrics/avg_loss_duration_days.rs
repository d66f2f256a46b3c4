//! Mean holding period of the losing trades.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Mean holding period of the losing trades, days.
pub const AVG_LOSS_DURATION_DAYS: Metric = Metric {
    name: "avgLossDurationDays",
    unit: Unit::Days,
    description: "Mean holding period of the losing trades",
    formula: "Mean of (bar of the exit − bar of the entry) × length of a bar, over losing trades",
    null_case: Some("without a losing trade"),
    reference: "vectorbt: `Trades.losing.duration.mean`",
    example: 2.3333,
    needs: StatisticSet::TRADES,
    compute: |statistics| {
        statistics.trades.losses.mean_bars().map(|bars| bars * statistics.bar_days)
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(AVG_LOSS_DURATION_DAYS.of(&mixed()), Some(2.333_333_333_333_333_5));
        same(AVG_LOSS_DURATION_DAYS.of(&g1()), None);
        same(AVG_LOSS_DURATION_DAYS.of(&nothing()), None);
    }
}
