//! Mean return above the benchmark divided by its standard deviation, per bar, not annualized.

use super::arithmetic::ratio;
use super::metric::{Metric, Unit};
use super::statistics::{StatisticSet, Statistics};

/// Mean return above the benchmark divided by its standard deviation, per bar, not annualized, a ratio.
///
/// (mean(r) − mean(b)) ÷ std(r − b), with n − 1, not annualized. Null for fewer than two bars and if the difference
/// never varies.
/// vectorbt: `ReturnsAccessor.information_ratio`.
pub const INFORMATION_RATIO: Metric = Metric {
    name: "informationRatio",
    unit: Unit::Ratio,
    description: "Mean return above the benchmark divided by its standard deviation, per bar, not annualized; null for fewer than two bars, or if the difference does not vary",
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
