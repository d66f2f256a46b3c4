//! Traded value divided by the mean equity.

use super::arithmetic::ratio;
use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Traded value divided by the mean equity, a ratio.
pub const TURNOVER: Metric = Metric {
    name: "turnover",
    unit: Unit::Ratio,
    description: "Traded value divided by the mean equity",
    formula: "Σ size × price ÷ mean(equity)",
    null_case: Some("without bars, and if the mean equity is 0"),
    reference: "Checked against numpy: vectorbt has no such metric",
    example: 6.2704,
    needs: StatisticSet::RETURNS.union(StatisticSet::EXPOSURE),
    compute: |statistics| ratio(statistics.exposure.traded_value, statistics.mean_equity?),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(TURNOVER.of(&mixed()), Some(6.270_384_444_312_04));
        same(TURNOVER.of(&g1()), Some(1.954_677_773_855_295_8));
        same(TURNOVER.of(&nothing()), None);
    }
}
