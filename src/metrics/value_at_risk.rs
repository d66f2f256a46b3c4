//! The 5th percentile of the returns of the bars.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// The 5th percentile of the returns of the bars, negative for a loss, percent.
///
/// P5(r), interpolated between neighbours. Null without bars.
/// vectorbt: `ReturnsAccessor.value_at_risk`.
pub const VALUE_AT_RISK: Metric = Metric {
    name: "valueAtRisk",
    unit: Unit::Percent,
    description: "The 5th percentile of the returns of the bars, negative for a loss; null without bars",
    needs: StatisticSet::TAILS,
    compute: |statistics| statistics.tails.map(|tails| tails.low * 100.0),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_is_the_referees_number_and_knows_when_there_is_none() {
        same(VALUE_AT_RISK.of(&mixed()), Some(-2.144_527_585_024_775));
        same(VALUE_AT_RISK.of(&g1()), Some(-3.828_954_625_354_66));
        same(VALUE_AT_RISK.of(&nothing()), None);
    }
}
