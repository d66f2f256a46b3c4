//! 95th percentile of the returns divided by the 5th, unsigned.

use super::arithmetic::ratio;
use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// 95th percentile of the returns divided by the 5th, unsigned, a ratio.
pub const TAIL_RATIO: Metric = Metric {
    name: "tailRatio",
    unit: Unit::Ratio,
    description: "95th percentile of the returns divided by the 5th, unsigned",
    formula: "|P95(r)| ÷ |P5(r)|",
    null_case: Some("without bars, and if P5 is 0"),
    reference: "vectorbt: `ReturnsAccessor.tail_ratio`",
    example: 1.2215,
    needs: StatisticSet::TAILS,
    compute: |statistics| {
        statistics.tails.and_then(|tails| ratio(tails.high.abs(), tails.low.abs()))
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(TAIL_RATIO.of(&mixed()), Some(1.221_518_288_865_136_6));
        same(TAIL_RATIO.of(&g1()), Some(2.089_343_119_144_167));
        same(TAIL_RATIO.of(&nothing()), None);
    }
}
