//! Largest value of the position relative to itself plus free cash.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Largest value of the position relative to itself plus free cash, percent.
pub const MAX_GROSS_EXPOSURE: Metric = Metric {
    name: "maxGrossExposure",
    unit: Unit::Percent,
    description: "Largest value of the position relative to itself plus free cash",
    formula: "max(|position × close| ÷ (|position × close| + free cash)) over the bars",
    null_case: Some("without bars"),
    reference: "vectorbt: `Portfolio.gross_exposure`",
    example: 52.0271,
    needs: StatisticSet::EXPOSURE,
    compute: |statistics| statistics.exposure.max_gross.map(|share| share * 100.0),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(MAX_GROSS_EXPOSURE.of(&mixed()), Some(52.027_102_112_186_66));
        same(MAX_GROSS_EXPOSURE.of(&g1()), Some(100.0));
        same(MAX_GROSS_EXPOSURE.of(&nothing()), None);
    }
}
