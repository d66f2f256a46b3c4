//! 5th percentile of the returns of the bars, negative for a loss.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// 5th percentile of the returns of the bars, negative for a loss, percent.
pub const VALUE_AT_RISK: Metric = Metric {
    name: "valueAtRisk",
    unit: Unit::Percent,
    description: "5th percentile of the returns of the bars, negative for a loss",
    formula: "P5(r), interpolated between neighbors",
    null_case: Some("without bars"),
    reference: "vectorbt: `ReturnsAccessor.value_at_risk`",
    example: -2.1445,
    needs: StatisticSet::TAILS,
    compute: |statistics| statistics.tails.map(|tails| tails.low * 100.0),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(VALUE_AT_RISK.of(&mixed()), Some(-2.144_527_585_024_775));
        same(VALUE_AT_RISK.of(&g1()), Some(-3.828_954_625_354_66));
        same(VALUE_AT_RISK.of(&nothing()), None);
    }
}
