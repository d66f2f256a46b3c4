//! Sum of the wins divided by the sum of the losses, unsigned.

use super::arithmetic::ratio;
use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Sum of the wins divided by the sum of the losses, unsigned, a ratio.
pub const PROFIT_FACTOR: Metric = Metric {
    name: "profitFactor",
    unit: Unit::Ratio,
    description: "Sum of the wins divided by the sum of the losses, unsigned",
    formula: "Σ pnl of winning trades ÷ −Σ pnl of losing trades",
    null_case: Some("without a losing trade, where vectorbt has infinity"),
    reference: "vectorbt: `Trades.profit_factor`",
    example: 2.4099,
    needs: StatisticSet::TRADES,
    compute: |statistics| ratio(statistics.trades.wins.pnl, -statistics.trades.losses.pnl),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(PROFIT_FACTOR.of(&mixed()), Some(2.409_900_528_004_932));
        same(PROFIT_FACTOR.of(&g1()), None);
        same(PROFIT_FACTOR.of(&nothing()), None);
    }
}
