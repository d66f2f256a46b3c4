//! Longest time below a peak.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;
use super::statistics::float;

/// Longest time below a peak, days.
///
/// Bars below the peak in the longest drawdown × length of a bar. Null where there is none.
/// vectorbt: `Drawdowns.max_duration`.
pub const MAX_DRAWDOWN_DURATION_DAYS: Metric = Metric {
    name: "maxDrawdownDurationDays",
    unit: Unit::Days,
    description: "Longest time below a peak; null where equity never falls",
    needs: StatisticSet::DRAWDOWNS,
    compute: |statistics| {
        (statistics.drawdowns.count > 0)
            .then(|| float(statistics.drawdowns.longest_bars) * statistics.bar_days)
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_is_the_referees_number_and_knows_when_there_is_none() {
        same(MAX_DRAWDOWN_DURATION_DAYS.of(&mixed()), Some(9.0));
        same(MAX_DRAWDOWN_DURATION_DAYS.of(&g1()), Some(3.0));
        same(MAX_DRAWDOWN_DURATION_DAYS.of(&nothing()), None);
    }
}
