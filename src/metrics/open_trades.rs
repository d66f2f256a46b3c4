//! Open trades.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;
use super::statistics::float;

/// Open trades, a count.
///
/// Exit trades that last to the end. Never null.
/// vectorbt: `Trades.open.count`.
pub const OPEN_TRADES: Metric = Metric {
    name: "openTrades",
    unit: Unit::Count,
    description: "Open trades",
    needs: StatisticSet::TRADES,
    compute: |statistics| Some(float(statistics.trades.open())),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_is_the_referees_number_and_knows_when_there_is_none() {
        same(OPEN_TRADES.of(&mixed()), Some(1.0));
        same(OPEN_TRADES.of(&g1()), Some(0.0));
        same(OPEN_TRADES.of(&nothing()), Some(0.0));
    }
}
