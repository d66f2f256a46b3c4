//! Reads metrics of a stored backtest.

use crate::error::{Code, Error, Result};
use crate::metrics::METRICS;
use crate::quote::quoted;
use crate::request::{Input, Issues};
use crate::store::record::MetricValues;

use super::backtest_id;
use super::cancellation::Cancellation;
use super::engine::Engine;
use super::metric_names::read_metrics;

impl Engine {
    /// Returns the named metrics, or all if none is named. A metric without a value is `None`, as are all metrics of a run
    /// that is not completed.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for unknown names, `NOT_FOUND`, `STORAGE`, `CLOSED`.
    pub async fn get_metrics(&self, id: &Input, names: &Input) -> Result<MetricValues> {
        let _call = self.start_call(&Cancellation::default())?;
        let id = backtest_id::backtest_id(id)?;
        let names = names_of(names)?;
        let Some((_, summary)) = self.backends().await?.store.summary(&id).await? else {
            let message = format!("there is no backtest with id {}", quoted(&id));
            return Err(Error::new(Code::NotFound, message));
        };
        if summary.as_ref().is_some_and(|summary| !summary.parts.metrics) {
            let message = format!(
                "backtest {id} has no metrics: the outputs of its request did not name them; run it again with metrics"
            );
            return Err(Error::invalid("backtestId", "outputs", message));
        }
        let metrics = summary.map(|summary| summary.metrics).unwrap_or_default();
        let value = |name: &str| {
            metrics.iter().find(|(known, _)| known == name).and_then(|(_, value)| *value)
        };
        Ok(names.into_iter().map(|name| (name.to_owned().into(), value(name))).collect())
    }
}

/// Reads the names of metrics; no name means all.
fn names_of(input: &Input) -> Result<Vec<&'static str>> {
    let is_empty = match input {
        Input::Null => true,
        Input::List(names) => names.is_empty(),
        _ => false,
    };
    let mut issues = Issues::default();
    let metrics = if is_empty { METRICS.to_vec() } else { read_metrics(input, &mut issues) };
    issues.into_result(Code::InvalidArgument)?;
    Ok(metrics.into_iter().map(|metric| metric.name).collect())
}
