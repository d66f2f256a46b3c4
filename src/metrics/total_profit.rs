//! Final equity minus the initial capital.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Final equity minus the initial capital, money.
pub const TOTAL_PROFIT: Metric = Metric {
    name: "totalProfit",
    unit: Unit::Money,
    description: "Final equity minus the initial capital",
    formula: "Final capital − initial capital",
    null_case: None,
    reference: "vectorbt: `Portfolio.total_profit`",
    example: 71.7595,
    needs: StatisticSet::NONE,
    compute: |statistics| Some(statistics.final_capital - statistics.initial_capital),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(TOTAL_PROFIT.of(&mixed()), Some(71.759_540_000_000_47));
        same(TOTAL_PROFIT.of(&g1()), Some(45.808_387_416_779_055));
        same(TOTAL_PROFIT.of(&nothing()), Some(0.0));
    }
}
