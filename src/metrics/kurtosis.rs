//! Excess kurtosis of the returns: the weight of the tails, 0 for a normal distribution.

use super::arithmetic::second_moment;
use super::metric::{Metric, Unit};
use super::statistics::{StatisticSet, Statistics};
use crate::numbers::count_to_f64;

/// Excess kurtosis of the returns: the weight of the tails, 0 for a normal distribution; a ratio.
pub const KURTOSIS: Metric = Metric {
    name: "kurtosis",
    unit: Unit::Ratio,
    description: "Excess kurtosis of the returns: the weight of the tails, 0 for a normal distribution",
    formula: "(n − 1) ÷ ((n − 2) (n − 3)) × ((n + 1) × m4 ÷ m2² − 3 (n − 1)) with the central moments m2 and m4: bias-corrected and excess",
    null_case: Some("for fewer than four bars, and if m2 is within rounding error of 0"),
    reference: "pandas: `Series.kurtosis`",
    example: -1.1265,
    needs: StatisticSet::RETURNS,
    compute,
};

fn compute(statistics: &Statistics) -> Option<f64> {
    let n = count_to_f64(statistics.returns.count);
    let (second, fourth) =
        (second_moment(statistics)?, statistics.returns.per_bar(statistics.returns.fourths)?);
    let factor = (n - 1.0) / ((n - 2.0) * (n - 3.0));
    (statistics.returns.count > 3)
        .then(|| factor * ((n + 1.0) * fourth / (second * second) - 3.0 * (n - 1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(KURTOSIS.of(&mixed()), Some(-1.126_536_900_726_052_4));
        same(KURTOSIS.of(&g1()), Some(3.068_613_770_149_21));
        same(KURTOSIS.of(&nothing()), None);
    }
}
