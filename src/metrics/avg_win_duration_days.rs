//! Mean holding period of the winning trades.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Mean holding period of the winning trades, days.
pub const AVG_WIN_DURATION_DAYS: Metric = Metric {
    name: "avgWinDurationDays",
    unit: Unit::Days,
    description: "Mean holding period of the winning trades",
    formula: "Mean of (bar of the exit − bar of the entry) × length of a bar, over winning trades",
    null_case: Some("without a winning trade"),
    reference: "vectorbt: `Trades.winning.duration.mean`",
    example: 2.3333,
    needs: StatisticSet::TRADES,
    compute: |statistics| statistics.trades.wins.mean_bars().map(|bars| bars * statistics.bar_days),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(AVG_WIN_DURATION_DAYS.of(&mixed()), Some(2.333_333_333_333_333_5));
        same(AVG_WIN_DURATION_DAYS.of(&g1()), Some(2.0));
        same(AVG_WIN_DURATION_DAYS.of(&nothing()), None);
    }
}
