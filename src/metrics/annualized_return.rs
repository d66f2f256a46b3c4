//! Compound annual growth rate of the equity.

use super::metric::{Metric, Unit};
use super::statistics::{StatisticSet, Statistics};

/// Compound annual growth rate of the equity, percent.
pub const ANNUALIZED_RETURN: Metric = Metric {
    name: "annualizedReturn",
    unit: Unit::Percent,
    description: "Compound annual growth rate of the equity",
    formula: "(Π (1 + r))^(1 ÷ years) − 1. The years are those between the first and the last bar, of 365.25 days; with a number for `yearDays`, bars ÷ bars per year",
    null_case: Some("without bars, if the product is negative, and if the result is infinite"),
    reference: "ffn: `calc_cagr`; with a number for `yearDays` vectorbt: `ReturnsAccessor.annualized`",
    example: 385.9549,
    needs: StatisticSet::RETURNS,
    compute: |statistics| annualized(statistics).map(|rate| rate * 100.0),
};

/// Returns the yearly rate as a fraction.
pub(super) fn annualized(statistics: &Statistics) -> Option<f64> {
    let exponent = match statistics.years {
        Some(years) => 1.0 / years,
        None => statistics.returns.per_bar(statistics.bars_per_year)?,
    };
    Some(statistics.returns.growth.powf(exponent) - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(ANNUALIZED_RETURN.of(&mixed()), Some(385.954_914_512_641));
        same(ANNUALIZED_RETURN.of(&g1()), Some(2_530.297_069_625_649));
        same(ANNUALIZED_RETURN.of(&nothing()), None);
    }
}
