//! Fees of all orders.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Fees of all orders, money.
pub const TOTAL_FEES_PAID: Metric = Metric {
    name: "totalFeesPaid",
    unit: Unit::Money,
    description: "Fees of all orders",
    formula: "Σ fees",
    null_case: None,
    reference: "vectorbt: `Portfolio.orders.fees.sum`",
    example: 6.6205,
    needs: StatisticSet::EXPOSURE,
    compute: |statistics| Some(statistics.exposure.fees),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(TOTAL_FEES_PAID.of(&mixed()), Some(6.620_46));
        same(TOTAL_FEES_PAID.of(&g1()), Some(2.045_856_241_660_38));
        same(TOTAL_FEES_PAID.of(&nothing()), Some(0.0));
    }
}
