//! Mean time of the drawdowns.

use super::metric::{Metric, Unit};
use super::statistics::float;
use super::statistics::{StatisticSet, Statistics};

/// Mean time of the drawdowns, days.
///
/// Bars below a peak ÷ drawdowns × length of a bar. Null where there is none.
/// vectorbt: `Drawdowns.avg_duration`.
pub const AVG_DRAWDOWN_DURATION_DAYS: Metric = Metric {
    name: "avgDrawdownDurationDays",
    unit: Unit::Days,
    description: "Mean time of the drawdowns; null where equity never falls",
    needs: StatisticSet::DRAWDOWNS,
    compute,
};

fn compute(statistics: &Statistics) -> Option<f64> {
    (statistics.drawdowns.count > 0).then(|| {
        float(statistics.drawdowns.total_bars) / float(statistics.drawdowns.count)
            * statistics.bar_days
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_is_the_referees_number_and_knows_when_there_is_none() {
        same(AVG_DRAWDOWN_DURATION_DAYS.of(&mixed()), Some(5.0));
        same(AVG_DRAWDOWN_DURATION_DAYS.of(&g1()), Some(3.0));
        same(AVG_DRAWDOWN_DURATION_DAYS.of(&nothing()), None);
    }
}
