//! What a run returns, as the store keeps it.

use std::borrow::Cow;

use crate::backtest::Backtest;
use crate::market::Bars;
use crate::store::Outcome;
use crate::store::record::{MetricValues, Summary};

/// Returns the outcome of a run on bars.
pub(super) fn outcome(backtest: Backtest, bars: &Bars) -> Outcome {
    let Backtest { trades, equity, final_capital, total_return, metrics, warnings, .. } = backtest;
    Outcome {
        summary: Summary { final_capital, total_return, metrics: values(metrics), warnings },
        trades: trades.unwrap_or_default(),
        timestamps: bars.timestamp_column(),
        equity: equity.unwrap_or_default(),
    }
}

/// Converts metrics to the form in which runs are stored.
pub(super) fn values(metrics: Vec<(&'static str, Option<f64>)>) -> MetricValues {
    metrics.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)).collect()
}
