//! A completed run to draw.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::market::{Bars, Interval};
use crate::store::record::{Outcome, Run};

use super::fingerprint::fingerprint;

/// A completed run to draw.
#[derive(Debug)]
pub(super) struct ChartedRun {
    pub(super) strategy_id: String,
    pub(super) strategy_source: Option<String>,
    pub(super) asset_symbol: String,
    pub(super) timeframe: Interval,
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) initial_capital: f64,
    pub(super) parameters: Map<String, Value>,
    pub(super) fingerprint: Option<String>,
    /// Whether it was computed on imported bars; false if that is unknown.
    pub(super) is_on_imported_bars: bool,
    /// Whether its strategy looked ahead; false if that is unknown.
    pub(super) looks_ahead: bool,
    pub(super) outcome: Arc<Outcome>,
}

impl ChartedRun {
    /// Combines a stored run with its results.
    pub(super) fn new(run: Run, outcome: Outcome) -> Self {
        Self {
            strategy_id: run.strategy_id,
            strategy_source: run.strategy_source,
            asset_symbol: run.asset_symbol,
            timeframe: run.timeframe,
            start: run.start,
            end: run.end,
            initial_capital: run.initial_capital,
            parameters: run.parameters,
            fingerprint: run.fingerprint,
            is_on_imported_bars: run.bars_revision.is_some(),
            looks_ahead: outcome.summary.assumptions.as_ref().is_some_and(|found| found.look_ahead),
            outcome: Arc::new(outcome),
        }
    }

    /// Returns the value of a metric.
    pub(super) fn metric(&self, name: &str) -> Option<f64> {
        let metrics = &self.outcome.summary.metrics;
        metrics.iter().find(|(known, _)| known == name).and_then(|(_, value)| *value)
    }

    /// Returns whether the run was computed on these bars: by their fingerprint, or for a run that was not persisted, by
    /// their timestamps and the return of holding the asset.
    pub(super) fn matches(&self, bars: &Bars) -> bool {
        if *bars.timestamps() != *self.outcome.timestamps {
            return false;
        }
        if let Some(expected) = &self.fingerprint {
            return *expected == fingerprint(bars, self.timeframe);
        }
        let (Some(expected), Some(first), Some(last)) =
            (self.metric("benchmarkReturn"), bars.close().first(), bars.close().last())
        else {
            return true;
        };
        let actual = (last / first - 1.0) * 100.0;
        (actual - expected).abs() <= 1e-9 * expected.abs().max(1.0)
    }

    /// Returns the parameters as text, without a position size of 1.
    pub(super) fn parameters_text(&self) -> String {
        let is_all_in =
            |name: &str, value: &Value| name == "position_size" && value.as_f64() == Some(1.0);
        let shown = self.parameters.iter().filter(|(name, value)| !is_all_in(name, value));
        let texts: Vec<String> = shown.map(|(name, value)| format!("{name} {value}")).collect();
        texts.join(", ")
    }
}

/// Returns the error of a run without results.
pub(super) fn not_completed(path: &str, id: &str, status: &str) -> Error {
    let message = format!("backtest {id} is {status}, only a completed one can be drawn");
    Error::invalid(path, "status", message)
}

/// Returns the error of a run without the outputs that a chart needs.
pub(super) fn without_outputs(path: &str, name: &str) -> Error {
    let message = format!(
        "{name} has no equity or no trades, which a chart needs: run it again without outputs, or with 'equity' and 'trades' among them"
    );
    Error::invalid(path, "outputs", message)
}
