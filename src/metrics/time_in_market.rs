//! Share of the bars that end with a position.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Share of the bars that end with a position, percent.
///
/// Bars with a position ÷ bars. Null without bars.
/// vectorbt: `Portfolio.position_coverage`.
pub const TIME_IN_MARKET: Metric = Metric {
    name: "timeInMarket",
    unit: Unit::Percent,
    description: "Share of the bars that end with a position; null without bars",
    needs: StatisticSet::EXPOSURE,
    compute: |statistics| statistics.exposure.time_in_market.map(|share| share * 100.0),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_is_the_referees_number_and_knows_when_there_is_none() {
        same(TIME_IN_MARKET.of(&mixed()), Some(100.0));
        same(TIME_IN_MARKET.of(&g1()), Some(40.0));
        same(TIME_IN_MARKET.of(&nothing()), None);
    }
}
