//! Which results of a run are wanted.

use crate::metrics::{METRICS, Metric};

/// Which results of a run are wanted. Others are computed only if a wanted one needs them.
#[derive(Debug, Clone, Copy)]
pub struct Outputs<'a> {
    /// Whether to return the equity of each bar.
    pub equity: bool,
    /// Whether to return the trades.
    pub trades: bool,
    /// Whether to look for reasons to doubt the run. One of them needs a second simulation.
    pub warnings: bool,
    /// The metrics to compute.
    pub metrics: &'a [&'static Metric],
}

impl Outputs<'static> {
    /// Everything.
    pub const ALL: Self = Self { equity: true, trades: true, warnings: true, metrics: METRICS };
}

impl<'a> Outputs<'a> {
    /// Metrics and nothing else.
    #[must_use]
    pub const fn metrics(metrics: &'a [&'static Metric]) -> Self {
        Self { equity: false, trades: false, warnings: false, metrics }
    }
}
