//! Mean return above the risk-free rate divided by its standard deviation, annualized.

use super::arithmetic::ratio;
use super::metric::{Metric, Unit};
use super::statistics::{StatisticSet, Statistics};

/// Mean return above the risk-free rate divided by its standard deviation, annualized, a ratio.
pub const SHARPE_RATIO: Metric = Metric {
    name: "sharpeRatio",
    unit: Unit::Ratio,
    description: "Mean return above the risk-free rate divided by its standard deviation, annualized",
    formula: "(mean(r) − risk-free) ÷ std(r) × √(bars per year), with n − 1 and the annual risk-free rate ÷ bars per year",
    null_case: Some("for fewer than two bars, and if no return differs from another"),
    reference: "Sharpe (1994); vectorbt: `ReturnsAccessor.sharpe_ratio`",
    example: 4.8153,
    needs: StatisticSet::RETURNS,
    compute,
};

fn compute(statistics: &Statistics) -> Option<f64> {
    ratio(statistics.returns.mean - statistics.risk_free, statistics.returns.deviation()?)
        .map(|ratio| ratio * statistics.bars_per_year.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(SHARPE_RATIO.of(&mixed()), Some(4.815_281_831_297_783));
        same(SHARPE_RATIO.of(&g1()), Some(3.572_512_762_780_942));
        same(SHARPE_RATIO.of(&nothing()), None);
    }
}
