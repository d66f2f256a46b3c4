//! Most consecutive losing trades.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;
use crate::numbers::count_to_f64;

/// Most consecutive losing trades.
pub const MAX_LOSS_STREAK: Metric = Metric {
    name: "maxLossStreak",
    unit: Unit::Count,
    description: "Most consecutive losing trades",
    formula: "The longest run of closed trades with pnl < 0, in the order of their exits",
    null_case: None,
    reference: "vectorbt: `Trades.losing_streak.max`",
    example: 2.0,
    needs: StatisticSet::TRADES,
    compute: |statistics| Some(count_to_f64(statistics.trades.losses.longest_streak)),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(MAX_LOSS_STREAK.of(&mixed()), Some(2.0));
        same(MAX_LOSS_STREAK.of(&g1()), Some(0.0));
        same(MAX_LOSS_STREAK.of(&nothing()), Some(0.0));
    }
}
