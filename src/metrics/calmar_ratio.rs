//! Annualized return divided by the maximum drawdown.

use super::annualized_return::annualized;
use super::arithmetic::ratio;
use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Annualized return divided by the maximum drawdown, a ratio.
pub const CALMAR_RATIO: Metric = Metric {
    name: "calmarRatio",
    unit: Unit::Ratio,
    description: "Annualized return divided by the maximum drawdown",
    formula: "Annualized return ÷ |maximum drawdown of the compounded returns|",
    null_case: Some("if equity never falls below an earlier bar"),
    reference: "Young (1991); vectorbt: `ReturnsAccessor.calmar_ratio`",
    example: 75.4866,
    needs: StatisticSet::RETURNS.union(StatisticSet::DRAWDOWNS),
    compute: |statistics| ratio(annualized(statistics)?, statistics.returns.deepest_drawdown.abs()),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(CALMAR_RATIO.of(&mixed()), Some(75.486_613_720_933_24));
        same(CALMAR_RATIO.of(&g1()), Some(534.238_555_016_602));
        same(CALMAR_RATIO.of(&nothing()), None);
    }
}
