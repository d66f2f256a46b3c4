//! Deepest fall from a peak of the equity.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Deepest fall from a peak of the equity, percent.
///
/// max((peak − valley) ÷ peak), a positive number. 0 where the equity never falls: vectorbt has NaN there.
/// The first peak is the first bar. vectorbt: `Drawdowns.max_drawdown`.
pub const MAX_DRAWDOWN: Metric = Metric {
    name: "maxDrawdown",
    unit: Unit::Percent,
    description: "Deepest fall from a peak of the equity; 0 where it never falls",
    needs: StatisticSet::DRAWDOWNS,
    compute: |statistics| {
        Some(if statistics.drawdowns.count == 0 {
            0.0
        } else {
            -statistics.drawdowns.deepest * 100.0
        })
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_is_the_referees_number_and_knows_when_there_is_none() {
        same(MAX_DRAWDOWN.of(&mixed()), Some(5.112_892_147_202_146));
        same(MAX_DRAWDOWN.of(&g1()), Some(4.736_268_181_818_18));
        same(MAX_DRAWDOWN.of(&nothing()), Some(0.0));
    }
}
