//! Sum of the returns above the risk-free rate by the sum of those below.

use super::arithmetic::ratio;
use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Sum of the returns above the risk-free rate by the sum of those below, a ratio.
///
/// Σ max(r − risk-free, 0) ÷ −Σ min(r − risk-free, 0). Null where no return is below the risk-free rate.
/// Keating and Shadwick (2002); vectorbt: `ReturnsAccessor.omega_ratio`.
pub const OMEGA_RATIO: Metric = Metric {
    name: "omegaRatio",
    unit: Unit::Ratio,
    description: "Sum of the returns above the risk-free rate by the sum of those below; null where none is below",
    needs: StatisticSet::RETURNS,
    compute: |statistics| ratio(statistics.returns.gains, -statistics.returns.losses),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_is_the_referees_number_and_knows_when_there_is_none() {
        same(OMEGA_RATIO.of(&mixed()), Some(1.795_489_640_427_363_3));
        same(OMEGA_RATIO.of(&g1()), Some(2.025_944_824_253_37));
        same(OMEGA_RATIO.of(&nothing()), None);
    }
}
