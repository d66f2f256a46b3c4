//! The limits of an engine as a JavaScript object.

use napi_derive::napi;

use super::count::count;
use crate::service::Limits;

/// The limits of the runs of an engine.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct EngineLimits {
    /// Maximum range of a backtest on bars of a day or longer, days; null if there is no limit.
    pub max_days: Option<f64>,
    /// Maximum range of a backtest on shorter bars, days.
    pub max_intraday_days: f64,
    /// Maximum number of bars in a backtest.
    pub max_bars: f64,
    /// Maximum number of combinations in a sweep.
    pub max_combinations: f64,
}

impl From<Limits> for EngineLimits {
    fn from(limits: Limits) -> Self {
        Self {
            max_days: limits.days.map(f64::from),
            max_intraday_days: f64::from(limits.intraday_days),
            max_bars: count(limits.bars),
            max_combinations: count(limits.combinations),
        }
    }
}
