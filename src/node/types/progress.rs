//! Progress reports.

use napi::bindgen_prelude::Either3;
use napi_derive::napi;

use super::count::count;
use crate::service::{self, progress};

/// The progress of a backtest.
#[napi(object, object_from_js = false, js_name = "Progress", use_nullable = true)]
pub struct JsRunProgress {
    /// The id of the backtest.
    pub backtest_id: String,
    /// Percent, 0 to 100. It never decreases.
    pub progress: f64,
    /// The current step.
    #[napi(ts_type = "RunStage")]
    pub stage: String,
    /// Opening time of the bar that is being processed, ISO 8601.
    pub current_date: Option<String>,
    /// Number of orders filled so far.
    pub trades_executed: f64,
}

/// The progress of an import.
#[napi(object, object_from_js = false, js_name = "ImportProgress")]
pub struct JsImportProgress {
    /// The asset.
    pub asset_symbol: String,
    /// The timeframe.
    #[napi(ts_type = "Timeframe")]
    pub timeframe: String,
    /// Percent, 0 to 100. It never decreases.
    pub progress: f64,
    /// The current step.
    #[napi(ts_type = "'reading' | 'writing' | 'completed'")]
    pub stage: String,
    /// Number of rows read so far, or while writing, of bars written so far.
    pub rows: f64,
}

/// The progress of a sweep.
#[napi(object, object_from_js = false, js_name = "SweepProgress", use_nullable = true)]
pub struct JsSweepProgress {
    /// The id of the sweep.
    pub sweep_id: String,
    /// Percent, 0 to 100. It never decreases.
    pub progress: f64,
    /// The current step.
    #[napi(ts_type = "'queued' | 'loading' | 'running' | 'completed'")]
    pub stage: String,
    /// Number of combinations done.
    pub done: f64,
    /// Number of all combinations.
    pub total: f64,
    /// Combinations per second so far; 0 before the first are done.
    pub combinations_per_second: f64,
    /// Seconds left at this rate; null before the first combinations are done.
    pub seconds_left: Option<f64>,
}

/// A report of any kind.
pub type JsProgress = Either3<JsRunProgress, JsImportProgress, JsSweepProgress>;

impl From<service::Progress> for JsProgress {
    fn from(progress: service::Progress) -> Self {
        match progress {
            service::Progress::Run(progress) => Self::A(progress.into()),
            service::Progress::Import(progress) => Self::B(progress.into()),
            service::Progress::Sweep(progress) => Self::C(progress.into()),
        }
    }
}

impl From<service::ImportProgress> for JsImportProgress {
    fn from(progress: service::ImportProgress) -> Self {
        Self {
            asset_symbol: progress.asset_symbol,
            timeframe: progress.timeframe.as_str().to_owned(),
            progress: progress.progress,
            stage: progress.stage.to_owned(),
            rows: count(progress.rows),
        }
    }
}

impl From<service::SweepProgress> for JsSweepProgress {
    fn from(progress: service::SweepProgress) -> Self {
        Self {
            sweep_id: progress.sweep_id,
            progress: progress.progress,
            stage: progress.stage.to_owned(),
            done: count(progress.done),
            total: count(progress.total),
            combinations_per_second: progress.combinations_per_second,
            seconds_left: progress.seconds_left,
        }
    }
}

impl From<service::RunProgress> for JsRunProgress {
    fn from(progress: service::RunProgress) -> Self {
        Self {
            current_date: progress::date_text(&progress),
            backtest_id: progress.backtest_id,
            progress: progress.progress,
            stage: progress.stage.to_owned(),
            trades_executed: count(progress.trades_executed as u64),
        }
    }
}
