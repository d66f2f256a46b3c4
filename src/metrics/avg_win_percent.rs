//! Mean return of the winning trades.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Mean return of the winning trades, percent.
pub const AVG_WIN_PERCENT: Metric = Metric {
    name: "avgWinPercent",
    unit: Unit::Percent,
    description: "Mean return of the winning trades",
    formula: "Mean of pnl ÷ value of the entry over winning trades",
    null_case: Some("without a winning trade"),
    reference: "vectorbt: `Trades.winning.returns.mean`",
    example: 6.3877,
    needs: StatisticSet::TRADES,
    compute: |statistics| statistics.trades.wins.mean(statistics.trades.wins.percent),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(AVG_WIN_PERCENT.of(&mixed()), Some(6.387_698_814_072_563_5));
        same(AVG_WIN_PERCENT.of(&g1()), Some(4.585_419_580_419_576));
        same(AVG_WIN_PERCENT.of(&nothing()), None);
    }
}
