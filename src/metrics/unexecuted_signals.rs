//! Signals that made no order.

use super::metric::{Metric, Unit};
use super::statistics::{StatisticSet, Statistics};

/// Signals that made no order, a count.
///
/// Entries and exits that made no order. Never null.
/// Counted by the simulation.
pub const UNEXECUTED_SIGNALS: Metric = Metric {
    name: "unexecutedSignals",
    unit: Unit::Count,
    description: "Signals that made no order; the warnings of the result count the reasons",
    needs: StatisticSet::NONE,
    compute: |statistics| Some(unexecuted(statistics)),
};

#[expect(clippy::cast_precision_loss, reason = "counts of signals are far below 2^53")]
const fn unexecuted(statistics: &Statistics) -> f64 {
    statistics.rejected_signals as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::testing::{g1, mixed, nothing, same};

    #[test]
    fn it_is_the_referees_number_and_knows_when_there_is_none() {
        same(UNEXECUTED_SIGNALS.of(&mixed()), Some(2.0));
        same(UNEXECUTED_SIGNALS.of(&g1()), Some(0.0));
        same(UNEXECUTED_SIGNALS.of(&nothing()), Some(0.0));
    }
}
