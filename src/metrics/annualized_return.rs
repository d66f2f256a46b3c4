//! Compound annual growth rate of the equity.

use super::metric::{Metric, Unit};
use super::statistics::{StatisticSet, Statistics};

/// Compound annual growth rate of the equity, percent.
///
/// (Π (1 + r))^(bars per year ÷ bars) − 1, over the returns r of the bars. Null without bars, if the product is negative,
/// and if the result is infinite.
/// vectorbt: `ReturnsAccessor.annualized`.
pub const ANNUALIZED_RETURN: Metric = Metric {
    name: "annualizedReturn",
    unit: Unit::Percent,
    description: "Compound annual growth rate of the equity; null without bars, or if equity ends below zero",
    needs: StatisticSet::RETURNS,
    compute: |statistics| annualized(statistics).map(|rate| rate * 100.0),
};

/// Returns the yearly rate as a fraction.
pub(super) fn annualized(statistics: &Statistics) -> Option<f64> {
    let bars = statistics.returns.per_bar(statistics.bars_per_year)?;
    Some(statistics.returns.growth.powf(bars) - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(ANNUALIZED_RETURN.of(&mixed()), Some(385.954_914_512_641));
        same(ANNUALIZED_RETURN.of(&g1()), Some(2_530.297_069_625_649));
        same(ANNUALIZED_RETURN.of(&nothing()), None);
    }
}
