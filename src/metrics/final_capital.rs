//! Equity at the last bar.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Equity at the last bar, money.
pub const FINAL_CAPITAL: Metric = Metric {
    name: "finalCapital",
    unit: Unit::Money,
    description: "Equity at the last bar",
    formula: "Cash and position at the last close; the initial capital without bars",
    null_case: None,
    reference: "vectorbt: `Portfolio.final_value`",
    example: 1071.7595,
    needs: StatisticSet::NONE,
    compute: |statistics| Some(statistics.final_capital),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(FINAL_CAPITAL.of(&mixed()), Some(1_071.759_540_000_000_5));
        same(FINAL_CAPITAL.of(&g1()), Some(1_045.808_387_416_779_2));
        same(FINAL_CAPITAL.of(&nothing()), Some(1_000.0));
    }
}
