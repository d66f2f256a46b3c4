//! Mean duration of the drawdowns.

use super::metric::{Metric, Unit};
use super::statistics::{StatisticSet, Statistics};
use crate::numbers::count_to_f64;

/// Mean duration of the drawdowns, days.
pub const AVG_DRAWDOWN_DURATION_DAYS: Metric = Metric {
    name: "avgDrawdownDurationDays",
    unit: Unit::Days,
    description: "Mean duration of the drawdowns",
    formula: "Bars below a peak ÷ drawdowns × length of a bar",
    null_case: Some("without a drawdown"),
    reference: "vectorbt: `Drawdowns.avg_duration`",
    example: 5.0,
    needs: StatisticSet::DRAWDOWNS,
    compute,
};

fn compute(statistics: &Statistics) -> Option<f64> {
    (statistics.drawdowns.count > 0).then(|| {
        count_to_f64(statistics.drawdowns.total_bars) / count_to_f64(statistics.drawdowns.count)
            * statistics.bar_days
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(AVG_DRAWDOWN_DURATION_DAYS.of(&mixed()), Some(5.0));
        same(AVG_DRAWDOWN_DURATION_DAYS.of(&g1()), Some(3.0));
        same(AVG_DRAWDOWN_DURATION_DAYS.of(&nothing()), None);
    }
}
