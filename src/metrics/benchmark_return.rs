//! Return of buying at the first close and holding to the last, without costs.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Return of buying at the first close and holding to the last, without costs, percent.
pub const BENCHMARK_RETURN: Metric = Metric {
    name: "benchmarkReturn",
    unit: Unit::Percent,
    description: "Return of buying at the first close and holding to the last, without costs",
    formula: "Last close ÷ first close − 1",
    null_case: Some("without bars"),
    reference: "vectorbt: `Portfolio.total_benchmark_return`",
    example: 9.0,
    needs: StatisticSet::NONE,
    compute: |statistics| statistics.benchmark_growth.map(|growth| (growth - 1.0) * 100.0),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(BENCHMARK_RETURN.of(&mixed()), Some(9.0));
        same(BENCHMARK_RETURN.of(&g1()), Some(-10.0));
        same(BENCHMARK_RETURN.of(&nothing()), None);
    }
}
