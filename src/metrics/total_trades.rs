//! Open and closed trades.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;
use super::statistics::float;

/// Open and closed trades, a count.
///
/// Exit trades, the open one included. Never null.
/// vectorbt: `Trades.count`.
pub const TOTAL_TRADES: Metric = Metric {
    name: "totalTrades",
    unit: Unit::Count,
    description: "Open and closed trades",
    needs: StatisticSet::TRADES,
    compute: |statistics| Some(float(statistics.trades.total)),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_is_the_referees_number_and_knows_when_there_is_none() {
        same(TOTAL_TRADES.of(&mixed()), Some(7.0));
        same(TOTAL_TRADES.of(&g1()), Some(1.0));
        same(TOTAL_TRADES.of(&nothing()), Some(0.0));
    }
}
