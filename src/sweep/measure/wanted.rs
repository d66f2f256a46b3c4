//! What is wanted of a combination.

use crate::metrics::{self, Metric, StatisticSet};

/// What is wanted of each combination of a sweep.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The metrics that will be computed.
    pub(super) metrics: &'a [&'static Metric],
    /// Whether the sums that judging needs are wanted.
    pub(super) sums: bool,
    pub(super) set: StatisticSet,
    /// Streaks and durations of winning and losing trades apart.
    pub(super) streaks: bool,
    /// How many drawdowns there are, and how long they last.
    pub(super) counts_falls: bool,
}

/// The metrics that read the order of the trades, or their durations by result.
const STREAKS: [&str; 4] =
    ["maxWinStreak", "maxLossStreak", "avgWinDurationDays", "avgLossDurationDays"];

/// The metrics that depend on where each drawdown begins and ends.
const FALLS: [&str; 3] = ["avgDrawdown", "avgDrawdownDurationDays", "maxDrawdownDurationDays"];

impl<'a> Wanted<'a> {
    /// Wants metrics; with `sums`, those that judging needs too.
    #[must_use]
    pub fn new(metrics: &'a [&'static Metric], sums: bool) -> Self {
        let set = metrics::needs(metrics);
        let wants = |names: &[&str]| metrics.iter().any(|metric| names.contains(&metric.name));
        Self { metrics, sums, set, streaks: wants(&STREAKS), counts_falls: wants(&FALLS) }
    }

    /// Returns whether every metric can be composed of the parts of a curve.
    pub(super) fn composes(&self) -> bool {
        !self.set.contains(StatisticSet::TAILS)
    }
}
