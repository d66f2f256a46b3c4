//! The limits of the runs of an engine.

use super::engine::Engine;

/// Maximum range of a run on bars shorter than a day, days, unless a setting says otherwise: five years, one or two of them leap
/// years.
pub(super) const DEFAULT_INTRADAY_DAYS: u32 = 1827;

/// The limits of the runs of an engine.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Maximum range of a run on bars of a day or longer, days; `None` for no limit.
    pub days: Option<u32>,
    /// Maximum range of a run on shorter bars, days.
    pub intraday_days: u32,
    /// Maximum number of bars of a run.
    pub bars: u64,
    /// Maximum number of combinations of a sweep.
    pub combinations: u64,
}

impl Engine {
    /// Returns the limits of the runs of this engine.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let config = &self.config;
        Limits {
            days: config.max_backtest_duration_days,
            intraday_days: config.max_backtest_duration_days.unwrap_or(DEFAULT_INTRADAY_DAYS),
            bars: config.max_data_points,
            combinations: config.max_combinations,
        }
    }
}
