//! Fraction of the bars that end with a position.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Fraction of the bars that end with a position, percent.
pub const TIME_IN_MARKET: Metric = Metric {
    name: "timeInMarket",
    unit: Unit::Percent,
    description: "Fraction of the bars that end with a position",
    formula: "Bars with a position ÷ bars",
    null_case: Some("without bars"),
    reference: "vectorbt: `Portfolio.position_coverage`",
    example: 100.0,
    needs: StatisticSet::EXPOSURE,
    compute: |statistics| statistics.exposure.time_in_market.map(|share| share * 100.0),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(TIME_IN_MARKET.of(&mixed()), Some(100.0));
        same(TIME_IN_MARKET.of(&g1()), Some(40.0));
        same(TIME_IN_MARKET.of(&nothing()), None);
    }
}
