//! Mean depth of the drawdowns.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Mean depth of the drawdowns, percent.
pub const AVG_DRAWDOWN: Metric = Metric {
    name: "avgDrawdown",
    unit: Unit::Percent,
    description: "Mean depth of the drawdowns",
    formula: "mean((peak − valley) ÷ peak) over all drawdowns, including one that lasts to the end",
    null_case: Some("without a drawdown"),
    reference: "vectorbt: `Drawdowns.avg_drawdown`",
    example: 2.8018,
    needs: StatisticSet::DRAWDOWNS,
    compute: |statistics| statistics.drawdowns.mean().map(|depth| -depth * 100.0),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(AVG_DRAWDOWN.of(&mixed()), Some(2.801_784_761_205_924_6));
        same(AVG_DRAWDOWN.of(&g1()), Some(4.736_268_181_818_18));
        same(AVG_DRAWDOWN.of(&nothing()), None);
    }
}
