//! Root mean square of the drawdown of each bar.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Root mean square of the drawdown of each bar, percent.
pub const ULCER_INDEX: Metric = Metric {
    name: "ulcerIndex",
    unit: Unit::Percent,
    description: "Root mean square of the drawdown of each bar",
    formula: "√(mean(d²)) of the decline d of each bar from the highest compounded return so far",
    null_case: Some("without bars"),
    reference: "Martin (1987); vectorbt: `ReturnsAccessor.ulcer_index`",
    example: 2.2821,
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
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(ULCER_INDEX.of(&mixed()), Some(2.282_062_429_716_348));
        same(ULCER_INDEX.of(&g1()), Some(3.668_697_558_270_771_3));
        same(ULCER_INDEX.of(&nothing()), None);
    }
}
