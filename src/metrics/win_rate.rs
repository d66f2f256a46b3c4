//! Fraction of the closed trades with a result above 0.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;
use crate::numbers::count_to_f64;

/// Fraction of the closed trades with a result above 0, percent.
pub const WIN_RATE: Metric = Metric {
    name: "winRate",
    unit: Unit::Percent,
    description: "Fraction of the closed trades with a result above 0",
    formula: "Winning ÷ closed trades",
    null_case: Some("without a closed trade"),
    reference: "vectorbt: `Trades.win_rate`",
    example: 50.0,
    needs: StatisticSet::TRADES,
    compute: |statistics| {
        statistics
            .trades
            .closed
            .mean(count_to_f64(statistics.trades.wins.count))
            .map(|share| share * 100.0)
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(WIN_RATE.of(&mixed()), Some(50.0));
        same(WIN_RATE.of(&g1()), Some(100.0));
        same(WIN_RATE.of(&nothing()), None);
    }
}
