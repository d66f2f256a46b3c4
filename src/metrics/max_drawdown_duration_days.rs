//! Longest time below a peak of the equity.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;
use crate::numbers::count_to_f64;

/// Longest time below a peak of the equity, days.
pub const MAX_DRAWDOWN_DURATION_DAYS: Metric = Metric {
    name: "maxDrawdownDurationDays",
    unit: Unit::Days,
    description: "Longest time below a peak of the equity",
    formula: "Bars below the peak in the longest drawdown × length of a bar",
    null_case: Some("without a drawdown"),
    reference: "vectorbt: `Drawdowns.max_duration`",
    example: 9.0,
    needs: StatisticSet::DRAWDOWNS,
    compute: |statistics| {
        (statistics.drawdowns.count > 0)
            .then(|| count_to_f64(statistics.drawdowns.longest_bars) * statistics.bar_days)
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(MAX_DRAWDOWN_DURATION_DAYS.of(&mixed()), Some(9.0));
        same(MAX_DRAWDOWN_DURATION_DAYS.of(&g1()), Some(3.0));
        same(MAX_DRAWDOWN_DURATION_DAYS.of(&nothing()), None);
    }
}
