//! Root of the mean squared distance to the last peak.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Root of the mean squared distance to the last peak, percent.
///
/// √(mean(d²)) of the fall d of each bar from the highest compounded return so far. Null without bars.
/// Martin (1987); vectorbt: `ReturnsAccessor.ulcer_index`.
pub const ULCER_INDEX: Metric = Metric {
    name: "ulcerIndex",
    unit: Unit::Percent,
    description: "Root of the mean squared distance to the last peak; null without bars",
    needs: StatisticSet::RETURNS.union(StatisticSet::DRAWDOWNS),
    compute: |statistics| {
        Some(statistics.returns.per_bar(statistics.returns.squared_drawdowns)?.sqrt() * 100.0)
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_is_the_referees_number_and_knows_when_there_is_none() {
        same(ULCER_INDEX.of(&mixed()), Some(2.282_062_429_716_348));
        same(ULCER_INDEX.of(&g1()), Some(3.668_697_558_270_771_3));
        same(ULCER_INDEX.of(&nothing()), None);
    }
}
