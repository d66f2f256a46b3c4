//! Most losing trades in a row.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;
use super::statistics::float;

/// Most losing trades in a row, a count.
///
/// The longest run of closed trades with pnl < 0, in the order of their exits. Never null.
/// vectorbt: `Trades.losing_streak.max`.
pub const MAX_LOSS_STREAK: Metric = Metric {
    name: "maxLossStreak",
    unit: Unit::Count,
    description: "Most losing trades in a row",
    needs: StatisticSet::TRADES,
    compute: |statistics| Some(float(statistics.trades.losses.longest_streak)),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_is_the_referees_number_and_knows_when_there_is_none() {
        same(MAX_LOSS_STREAK.of(&mixed()), Some(2.0));
        same(MAX_LOSS_STREAK.of(&g1()), Some(0.0));
        same(MAX_LOSS_STREAK.of(&nothing()), Some(0.0));
    }
}
