//! Mean return divided by the downside deviation, annualized.

use super::arithmetic::ratio;
use super::metric::{Metric, Unit};
use super::statistics::{StatisticSet, Statistics};

/// Mean return divided by the downside deviation, annualized, a ratio.
pub const SORTINO_RATIO: Metric = Metric {
    name: "sortinoRatio",
    unit: Unit::Ratio,
    description: "Mean return divided by the downside deviation, annualized",
    formula: "mean(r) ÷ √(mean(min(r, 0)²)) × √(bars per year). The required return is 0: the risk-free rate does not enter, as in vectorbt",
    null_case: Some("for fewer than two bars, and if no bar loses"),
    reference: "Sortino and Price (1994); vectorbt: `ReturnsAccessor.sortino_ratio`",
    example: 8.4754,
    needs: StatisticSet::RETURNS,
    compute,
};

fn compute(statistics: &Statistics) -> Option<f64> {
    let downside = statistics
        .returns
        .per_bar(statistics.returns.downside_squares)
        .filter(|_| statistics.returns.count > 1)?
        .sqrt();
    ratio(statistics.returns.mean, downside).map(|ratio| ratio * statistics.bars_per_year.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(SORTINO_RATIO.of(&mixed()), Some(8.475_385_487_316_577));
        same(SORTINO_RATIO.of(&g1()), Some(9.127_163_541_712_83));
        same(SORTINO_RATIO.of(&nothing()), None);
    }
}
