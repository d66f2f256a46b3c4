//! Return that the benchmark does not explain.

use super::beta::beta_of;
use super::metric::{Metric, Unit};
use super::statistics::{StatisticSet, Statistics};

/// Return that the benchmark does not explain, percent a year.
///
/// (1 + (mean(r) − f) − beta × (mean(b) − f))^(bars a year) − 1, with the risk-free rate f of a bar. Null for fewer than two
/// bars and where beta is.
/// Jensen (1968); vectorbt: `ReturnsAccessor.alpha`.
pub const ALPHA: Metric = Metric {
    name: "alpha",
    unit: Unit::PercentPerYear,
    description: "Return that the benchmark does not explain, percent a year; null where the benchmark does not move",
    needs: StatisticSet::RETURNS,
    compute,
};

fn compute(statistics: &Statistics) -> Option<f64> {
    let excess = statistics.returns.mean - statistics.risk_free;
    let benchmark = statistics.returns.benchmark_mean - statistics.risk_free;
    let unexplained = excess - beta_of(statistics)? * benchmark;
    let growth = 1.0 + unexplained;
    let compounded = growth.powf(statistics.bars_per_year);
    // A loss of more than everything has no power that is not whole.
    if compounded.is_nan() && growth < 0.0 {
        return None;
    }
    Some((compounded - 1.0) * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_is_the_referees_number_and_knows_when_there_is_none() {
        same(ALPHA.of(&mixed()), Some(431.880_123_932_588_96));
        same(ALPHA.of(&g1()), Some(6_492.215_191_040_307));
        same(ALPHA.of(&nothing()), None);
    }
}
