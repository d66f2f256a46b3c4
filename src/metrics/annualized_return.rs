//! Yearly rate at which the run compounds.

use super::metric::{Metric, Unit};
use super::statistics::{StatisticSet, Statistics};

/// Yearly rate at which the run compounds, percent.
///
/// (Π (1 + r))^(bars a year ÷ bars) − 1, over the returns r of the bars. Null without bars, where the product is negative,
/// and where the result is infinite.
/// vectorbt: `ReturnsAccessor.annualized`.
pub const ANNUALIZED_RETURN: Metric = Metric {
    name: "annualizedReturn",
    unit: Unit::Percent,
    description: "Yearly rate at which the run compounds; null without bars, or where equity ends below zero",
    needs: StatisticSet::RETURNS,
    compute: |statistics| annualized(statistics).map(|rate| rate * 100.0),
};

/// Returns the yearly rate as a fraction.
pub(super) fn annualized(statistics: &Statistics) -> Option<f64> {
    let bars = statistics.returns.per_bar(statistics.bars_per_year)?;
    Some(statistics.returns.growth.powf(bars) - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_is_the_referees_number_and_knows_when_there_is_none() {
        same(ANNUALIZED_RETURN.of(&mixed()), Some(385.954_914_512_641));
        same(ANNUALIZED_RETURN.of(&g1()), Some(2_530.297_069_625_649));
        same(ANNUALIZED_RETURN.of(&nothing()), None);
    }
}
