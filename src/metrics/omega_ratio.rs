//! Sum of the returns above the risk-free rate divided by the sum of the shortfalls below it.

use super::arithmetic::ratio;
use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Sum of the returns above the risk-free rate divided by the sum of the shortfalls below it, a ratio.
pub const OMEGA_RATIO: Metric = Metric {
    name: "omegaRatio",
    unit: Unit::Ratio,
    description: "Sum of the returns above the risk-free rate divided by the sum of the shortfalls below it",
    formula: "Σ max(r − risk-free, 0) ÷ −Σ min(r − risk-free, 0)",
    null_case: Some("if no return is below the risk-free rate"),
    reference: "Keating and Shadwick (2002); vectorbt: `ReturnsAccessor.omega_ratio`",
    example: 1.7955,
    needs: StatisticSet::RETURNS,
    compute: |statistics| ratio(statistics.returns.gains, -statistics.returns.losses),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(OMEGA_RATIO.of(&mixed()), Some(1.795_489_640_427_363_3));
        same(OMEGA_RATIO.of(&g1()), Some(2.025_944_824_253_37));
        same(OMEGA_RATIO.of(&nothing()), None);
    }
}
