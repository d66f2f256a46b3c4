//! What a run returns, as the store keeps it.

use std::borrow::Cow;

use crate::backtest::{Backtest, Outputs};
use crate::market::Bars;
use crate::metrics::{FINAL_CAPITAL, METRICS, Metric, TOTAL_RETURN};
use crate::store::Outcome;
use crate::store::record::{Assumptions, MetricValues, Remarks, Summary};
use crate::store::result_parts::ResultParts;

/// Returns what to compute for the wanted parts of a result.
pub(super) fn outputs_of(parts: ResultParts) -> Outputs<'static> {
    // Every result has these two.
    const HEADLINE: &[&Metric] = &[&FINAL_CAPITAL, &TOTAL_RETURN];
    Outputs {
        equity: parts.equity,
        trades: parts.trades,
        warnings: parts.warnings,
        metrics: if parts.metrics { METRICS } else { HEADLINE },
    }
}

/// Returns the outcome of a run on bars.
pub(super) fn outcome(
    backtest: Backtest,
    bars: &Bars,
    assumptions: Assumptions,
    parts: ResultParts,
) -> Outcome {
    let Backtest { trades, equity, final_capital, total_return, metrics, notes, .. } = backtest;
    Outcome {
        summary: Summary {
            final_capital,
            total_return,
            metrics: if parts.metrics { values(metrics) } else { Vec::new() },
            remarks: Remarks::Notes(notes),
            assumptions: Some(assumptions),
            parts,
        },
        trades: trades.unwrap_or_default(),
        timestamps: bars.timestamp_column(),
        equity: equity.unwrap_or_default(),
    }
}

/// Converts metrics to the form in which runs are stored.
pub(super) fn values(metrics: Vec<(&'static str, Option<f64>)>) -> MetricValues {
    metrics.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)).collect()
}
