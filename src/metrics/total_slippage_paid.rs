//! Total cost of slippage.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;

/// Total cost of slippage, money.
pub const TOTAL_SLIPPAGE_PAID: Metric = Metric {
    name: "totalSlippagePaid",
    unit: Unit::Money,
    description: "Total cost of slippage",
    formula: "Σ size × |fill price − price before slippage|",
    null_case: None,
    reference: "Checked against numpy: vectorbt has no such metric",
    example: 6.62,
    needs: StatisticSet::EXPOSURE,
    compute: |statistics| Some(statistics.exposure.slippage),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(TOTAL_SLIPPAGE_PAID.of(&mixed()), Some(6.619_999_999_999_635));
        same(TOTAL_SLIPPAGE_PAID.of(&g1()), Some(2.045_906_141_810_221));
        same(TOTAL_SLIPPAGE_PAID.of(&nothing()), Some(0.0));
    }
}
