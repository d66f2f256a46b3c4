//! Profit in percent of the initial capital.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Profit in percent of the initial capital, percent.
///
/// Total profit ÷ initial capital. Never null.
/// vectorbt: `Portfolio.total_return`.
pub const TOTAL_RETURN: Metric = Metric {
    name: "totalReturn",
    unit: Unit::Percent,
    description: "Profit in percent of the initial capital",
    needs: StatisticSet::NONE,
    compute: |statistics| {
        Some(
            (statistics.final_capital - statistics.initial_capital) / statistics.initial_capital
                * 100.0,
        )
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_is_the_referees_number_and_knows_when_there_is_none() {
        same(TOTAL_RETURN.of(&mixed()), Some(7.175_954_000_000_047));
        same(TOTAL_RETURN.of(&g1()), Some(4.580_838_741_677_906));
        same(TOTAL_RETURN.of(&nothing()), Some(0.0));
    }
}
