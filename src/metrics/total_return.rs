//! Profit relative to the initial capital.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Profit relative to the initial capital, percent.
pub const TOTAL_RETURN: Metric = Metric {
    name: "totalReturn",
    unit: Unit::Percent,
    description: "Profit relative to the initial capital",
    formula: "Total profit ÷ initial capital",
    null_case: None,
    reference: "vectorbt: `Portfolio.total_return`",
    example: 7.176,
    needs: StatisticSet::NONE,
    compute: |statistics| {
        Some(
            (statistics.final_capital - statistics.initial_capital) / statistics.initial_capital
                * 100.0,
        )
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(TOTAL_RETURN.of(&mixed()), Some(7.175_954_000_000_047));
        same(TOTAL_RETURN.of(&g1()), Some(4.580_838_741_677_906));
        same(TOTAL_RETURN.of(&nothing()), Some(0.0));
    }
}
