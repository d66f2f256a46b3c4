//! Skewness of the returns: their asymmetry, negative for a long left tail.

use super::arithmetic::second_moment;
use super::metric::{Metric, Unit};
use super::statistics::{StatisticSet, Statistics};
use crate::numbers::count_to_f64;

/// Skewness of the returns: their asymmetry, negative for a long left tail; a ratio.
pub const SKEW: Metric = Metric {
    name: "skew",
    unit: Unit::Ratio,
    description: "Skewness of the returns: their asymmetry, negative for a long left tail",
    formula: "√(n (n − 1)) ÷ (n − 2) × m3 ÷ m2^1.5 with the central moments m2 and m3",
    null_case: Some("for fewer than three bars, and if m2 is within rounding error of 0"),
    reference: "Adjusted Fisher-Pearson coefficient; pandas: `Series.skew`",
    example: -0.2101,
    needs: StatisticSet::RETURNS,
    compute,
};

fn compute(statistics: &Statistics) -> Option<f64> {
    let n = count_to_f64(statistics.returns.count);
    let (second, third) =
        (second_moment(statistics)?, statistics.returns.per_bar(statistics.returns.cubes)?);
    (statistics.returns.count > 2)
        .then(|| (n * (n - 1.0)).sqrt() / (n - 2.0) * third / second.powf(1.5))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(SKEW.of(&mixed()), Some(-0.210_106_469_256_659_5));
        same(SKEW.of(&g1()), Some(1.395_131_448_915_543_3));
        same(SKEW.of(&nothing()), None);
    }
}
