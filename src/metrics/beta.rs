//! Sensitivity of the returns to those of the benchmark.

use super::arithmetic::ratio;
use super::metric::{Metric, Unit};
use super::statistics::{StatisticSet, Statistics};

/// Sensitivity of the returns to those of the benchmark, a ratio.
pub const BETA: Metric = Metric {
    name: "beta",
    unit: Unit::Ratio,
    description: "Sensitivity of the returns to those of the benchmark",
    formula: "cov(r, b) ÷ var(b)",
    null_case: Some("for fewer than two bars, and if the variance of the benchmark is below 1e-30"),
    reference: "vectorbt: `ReturnsAccessor.beta`",
    example: -0.0166,
    needs: StatisticSet::RETURNS,
    compute: |statistics| beta_of(statistics),
};

/// Below this variance the benchmark does not move.
const STILL: f64 = 1e-30;

/// Returns beta itself, which alpha needs as well.
pub(super) fn beta_of(statistics: &Statistics) -> Option<f64> {
    let variance = statistics.returns.per_bar(statistics.returns.benchmark_squares)?;
    if variance < STILL {
        return None;
    }
    ratio(statistics.returns.products, statistics.returns.benchmark_squares)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(BETA.of(&mixed()), Some(-0.016_551_772_855_733_69));
        same(BETA.of(&g1()), Some(0.134_351_060_061_647_15));
        same(BETA.of(&nothing()), None);
    }
}
