//! Mean return above the benchmark divided by its standard deviation, per bar, not annualized.

use super::arithmetic::ratio;
use super::metric::{Metric, Unit};
use super::statistics::{StatisticSet, Statistics};

/// Mean return above the benchmark divided by its standard deviation, per bar, not annualized, a ratio.
pub const INFORMATION_RATIO: Metric = Metric {
    name: "informationRatio",
    unit: Unit::Ratio,
    description: "Mean return above the benchmark divided by its standard deviation, per bar, not annualized",
    formula: "(mean(r) − mean(b)) ÷ std(r − b), with n − 1, not annualized",
    null_case: Some("for fewer than two bars, and if the difference never varies"),
    reference: "vectorbt: `ReturnsAccessor.information_ratio`",
    example: -0.0374,
    needs: StatisticSet::RETURNS,
    compute,
};

fn compute(statistics: &Statistics) -> Option<f64> {
    let difference = statistics.returns.mean - statistics.returns.benchmark_mean;
    ratio(difference, statistics.returns.deviation_of(statistics.returns.active_squares)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(INFORMATION_RATIO.of(&mixed()), Some(-0.037_407_258_389_889_744));
        same(INFORMATION_RATIO.of(&g1()), Some(0.145_289_825_769_448_7));
        same(INFORMATION_RATIO.of(&nothing()), None);
    }
}
