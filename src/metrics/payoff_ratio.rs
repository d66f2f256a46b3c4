//! Mean win divided by the mean loss, unsigned.

use super::arithmetic::ratio;
use super::metric::{Metric, Unit};
use super::statistics::{StatisticSet, Statistics};

/// Mean win divided by the mean loss, unsigned, a ratio.
pub const PAYOFF_RATIO: Metric = Metric {
    name: "payoffRatio",
    unit: Unit::Ratio,
    description: "Mean win divided by the mean loss, unsigned",
    formula: "Average win ÷ −average loss",
    null_case: Some("without a winning or without a losing trade"),
    reference: "Checked against numpy: vectorbt has no such metric",
    example: 2.4099,
    needs: StatisticSet::TRADES,
    compute,
};

fn compute(statistics: &Statistics) -> Option<f64> {
    let (wins, losses) = (&statistics.trades.wins, &statistics.trades.losses);
    ratio(wins.mean(wins.pnl)?, -losses.mean(losses.pnl)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(PAYOFF_RATIO.of(&mixed()), Some(2.409_900_528_004_932));
        same(PAYOFF_RATIO.of(&g1()), None);
        same(PAYOFF_RATIO.of(&nothing()), None);
    }
}
