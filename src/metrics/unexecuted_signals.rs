//! Number of signals that made no order.

use super::metric::{Metric, Unit};
use super::statistics::StatisticSet;
use crate::numbers::count_to_f64;

/// Number of signals that made no order.
pub const UNEXECUTED_SIGNALS: Metric = Metric {
    name: "unexecutedSignals",
    unit: Unit::Count,
    description: "Number of signals that made no order; warnings of the result give the reasons",
    formula: "Entries and exits that made no order",
    null_case: None,
    reference: "Counted by the simulation",
    example: 2.0,
    needs: StatisticSet::NONE,
    compute: |statistics| Some(count_to_f64(statistics.rejected_signals)),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_equals_the_reference_and_is_none_without_a_value() {
        same(UNEXECUTED_SIGNALS.of(&mixed()), Some(2.0));
        same(UNEXECUTED_SIGNALS.of(&g1()), Some(0.0));
        same(UNEXECUTED_SIGNALS.of(&nothing()), Some(0.0));
    }
}
