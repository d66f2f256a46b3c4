//! Mean of the lowest 5 % of the returns, negative for a loss.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Mean of the lowest 5 % of the returns, negative for a loss, percent.
pub const CONDITIONAL_VALUE_AT_RISK: Metric = Metric {
    name: "conditionalValueAtRisk",
    unit: Unit::Percent,
    description: "Mean of the lowest 5 % of the returns, negative for a loss",
    formula: "Mean of the ⌊(n − 1) × 5 %⌋ + 1 lowest returns",
    null_case: Some("without bars"),
    reference: "vectorbt: `ReturnsAccessor.cond_value_at_risk`",
    example: -2.4605,
    needs: StatisticSet::TAILS,
    compute: |statistics| statistics.tails.map(|tails| tails.low_mean * 100.0),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(CONDITIONAL_VALUE_AT_RISK.of(&mixed()), Some(-2.460_500_894_000_460_5));
        same(CONDITIONAL_VALUE_AT_RISK.of(&g1()), Some(-4.736_268_181_818_18));
        same(CONDITIONAL_VALUE_AT_RISK.of(&nothing()), None);
    }
}
