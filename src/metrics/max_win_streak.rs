//! Most consecutive winning trades.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;
use crate::numbers::count_to_f64;

/// Most consecutive winning trades.
pub const MAX_WIN_STREAK: Metric = Metric {
    name: "maxWinStreak",
    unit: Unit::Count,
    description: "Most consecutive winning trades",
    formula: "The longest run of closed trades with pnl > 0, in the order of their exits",
    null_case: None,
    reference: "vectorbt: `Trades.winning_streak.max`",
    example: 2.0,
    needs: StatisticSet::TRADES,
    compute: |statistics| Some(count_to_f64(statistics.trades.wins.longest_streak)),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(MAX_WIN_STREAK.of(&mixed()), Some(2.0));
        same(MAX_WIN_STREAK.of(&g1()), Some(1.0));
        same(MAX_WIN_STREAK.of(&nothing()), Some(0.0));
    }
}
