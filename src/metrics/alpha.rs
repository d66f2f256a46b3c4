//! Annualized return that the benchmark does not explain.

use super::beta::beta_of;
use super::metric::{Metric, Unit};
use super::statistics::{StatisticSet, Statistics};

/// Annualized return that the benchmark does not explain, percent per year.
pub const ALPHA: Metric = Metric {
    name: "alpha",
    unit: Unit::PercentPerYear,
    description: "Annualized return that the benchmark does not explain",
    formula: "(1 + (mean(r) − f) − beta × (mean(b) − f))^(bars per year) − 1, with the risk-free rate f of a bar",
    null_case: Some("for fewer than two bars, and if beta is null"),
    reference: "Jensen (1968); vectorbt: `ReturnsAccessor.alpha`",
    example: 431.8801,
    needs: StatisticSet::RETURNS,
    compute,
};

fn compute(statistics: &Statistics) -> Option<f64> {
    let excess = statistics.returns.mean - statistics.risk_free;
    let benchmark = statistics.returns.benchmark_mean - statistics.risk_free;
    let unexplained = excess - beta_of(statistics)? * benchmark;
    let growth = 1.0 + unexplained;
    let compounded = growth.powf(statistics.bars_per_year);
    // A loss of more than everything has no power that is not whole.
    if compounded.is_nan() && growth < 0.0 {
        return None;
    }
    Some((compounded - 1.0) * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(ALPHA.of(&mixed()), Some(431.880_123_932_588_96));
        same(ALPHA.of(&g1()), Some(6_492.215_191_040_307));
        same(ALPHA.of(&nothing()), None);
    }
}
