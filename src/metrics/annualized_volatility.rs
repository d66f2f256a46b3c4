//! Annualized standard deviation of the returns.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Annualized standard deviation of the returns, percent.
pub const ANNUALIZED_VOLATILITY: Metric = Metric {
    name: "annualizedVolatility",
    unit: Unit::Percent,
    description: "Annualized standard deviation of the returns",
    formula: "std(r) × √(bars per year), with n − 1",
    null_case: Some("for fewer than two bars"),
    reference: "vectorbt: `ReturnsAccessor.annualized_volatility`",
    example: 34.0278,
    needs: StatisticSet::RETURNS,
    compute: |statistics| {
        Some(statistics.returns.deviation()? * statistics.bars_per_year.sqrt() * 100.0)
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(ANNUALIZED_VOLATILITY.of(&mixed()), Some(34.027_838_026_528_62));
        same(ANNUALIZED_VOLATILITY.of(&g1()), Some(103.477_389_196_495_18));
        same(ANNUALIZED_VOLATILITY.of(&nothing()), None);
    }
}
