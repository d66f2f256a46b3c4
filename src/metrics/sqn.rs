//! System quality number: mean result of a trade divided by its standard deviation, times the square root of the number of trades.

use super::arithmetic::ratio;
use super::metric::{Metric, Unit};
use super::statistics::{StatisticSet, Statistics};
use crate::numbers::count_to_f64;

/// System quality number: mean result of a trade divided by its standard deviation, times the square root of the number of trades; a ratio.
pub const SQN: Metric = Metric {
    name: "sqn",
    unit: Unit::Ratio,
    description: "System quality number: mean result of a trade divided by its standard deviation, times the square root of the number of trades",
    formula: "√n × mean(pnl) ÷ std(pnl) over closed trades, with n − 1",
    null_case: Some("for fewer than two closed trades, and if all results are equal"),
    reference: "Tharp (2006); vectorbt: `Trades.sqn`",
    example: 0.8766,
    needs: StatisticSet::TRADES,
    compute,
};

fn compute(statistics: &Statistics) -> Option<f64> {
    let closed = &statistics.trades.closed;
    let freedom = closed.count.checked_sub(1).filter(|&freedom| freedom > 0)?;
    let deviation = (statistics.trades.squares / count_to_f64(freedom)).sqrt();
    ratio(closed.mean(closed.pnl)?, deviation)
        .map(|ratio| ratio * count_to_f64(closed.count).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(SQN.of(&mixed()), Some(0.876_646_511_100_211_5));
        same(SQN.of(&g1()), None);
        same(SQN.of(&nothing()), None);
    }
}
