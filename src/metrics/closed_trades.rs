//! Closed trades.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;
use super::statistics::float;

/// Closed trades, a count.
///
/// Exit trades that are over. Never null.
/// vectorbt: `Trades.closed.count`.
pub const CLOSED_TRADES: Metric = Metric {
    name: "closedTrades",
    unit: Unit::Count,
    description: "Closed trades",
    needs: StatisticSet::TRADES,
    compute: |statistics| Some(float(statistics.trades.closed.count)),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_is_the_referees_number_and_knows_when_there_is_none() {
        same(CLOSED_TRADES.of(&mixed()), Some(6.0));
        same(CLOSED_TRADES.of(&g1()), Some(1.0));
        same(CLOSED_TRADES.of(&nothing()), Some(0.0));
    }
}
