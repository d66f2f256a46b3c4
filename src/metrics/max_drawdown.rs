//! Largest decline of the equity from a peak.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Largest decline of the equity from a peak, percent.
pub const MAX_DRAWDOWN: Metric = Metric {
    name: "maxDrawdown",
    unit: Unit::Percent,
    description: "Largest decline of the equity from a peak",
    formula: "max((peak − valley) ÷ peak), a positive number; 0 without a drawdown, where vectorbt has NaN. The first peak is the first bar",
    null_case: None,
    reference: "vectorbt: `Drawdowns.max_drawdown`",
    example: 5.1129,
    needs: StatisticSet::DRAWDOWNS,
    compute: |statistics| {
        Some(if statistics.drawdowns.count == 0 {
            0.0
        } else {
            -statistics.drawdowns.deepest * 100.0
        })
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(MAX_DRAWDOWN.of(&mixed()), Some(5.112_892_147_202_146));
        same(MAX_DRAWDOWN.of(&g1()), Some(4.736_268_181_818_18));
        same(MAX_DRAWDOWN.of(&nothing()), Some(0.0));
    }
}
