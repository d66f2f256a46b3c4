//! Expected result of a trade.

use super::metric::{Metric, Unit};
use super::statistics::{StatisticSet, Statistics};
use crate::numbers::count_to_f64;

/// Expected result of a trade, money.
pub const EXPECTANCY: Metric = Metric {
    name: "expectancy",
    unit: Unit::Money,
    description: "Expected result of a trade",
    formula: "Win rate × average win − loss rate × |average loss|; a missing average counts as 0, and trades that break even are in neither rate",
    null_case: Some("without a closed trade"),
    reference: "vectorbt: `Trades.expectancy`",
    example: 9.6367,
    needs: StatisticSet::TRADES,
    compute,
};

fn compute(statistics: &Statistics) -> Option<f64> {
    let (closed, wins, losses) =
        (&statistics.trades.closed, &statistics.trades.wins, &statistics.trades.losses);
    let win = closed.mean(count_to_f64(wins.count))? * wins.mean(wins.pnl).unwrap_or(0.0);
    let loss = closed.mean(count_to_f64(losses.count))? * losses.mean(losses.pnl).unwrap_or(0.0);
    Some(win + loss)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(EXPECTANCY.of(&mixed()), Some(9.636_678_333_333_403));
        same(EXPECTANCY.of(&g1()), Some(45.808_387_416_778_99));
        same(EXPECTANCY.of(&nothing()), None);
    }
}
