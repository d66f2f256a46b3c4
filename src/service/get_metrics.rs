//! Reads metrics of a stored backtest.

use crate::error::{Code, Error, Result, known_names, nearest};
use crate::metrics::METRICS;
use crate::quote::quoted;
use crate::request::{Input, Issues};
use crate::store::record::MetricValues;

use super::backtest_id;
use super::cancellation::Cancellation;
use super::engine::Engine;

impl Engine {
    /// Returns the named metrics, or all if none is named. A metric without a value is `None`, as are all metrics of a run
    /// that is not completed.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for unknown names, `NOT_FOUND`, `STORAGE`, `CLOSED`.
    pub async fn get_metrics(&self, id: &Input, names: &Input) -> Result<MetricValues> {
        let _call = self.start_call(&Cancellation::default())?;
        let id = backtest_id::backtest_id(id)?;
        let names = read_names(names)?;
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

fn read_names(input: &Input) -> Result<Vec<&'static str>> {
    let all = || METRICS.iter().map(|metric| metric.name);
    let stated = match input {
        Input::Null => return Ok(all().collect()),
        Input::List(names) if names.is_empty() => return Ok(all().collect()),
        Input::List(names) => names,
        other => {
            let message =
                format!("metrics must be an array of metric names, was {}", other.describe());
            return Err(Error::invalid("metrics", "type", message));
        }
    };
    let mut issues = Issues::default();
    let mut names = Vec::with_capacity(stated.len());
    for (index, name) in stated.iter().enumerate() {
        match name {
            Input::Text(name) => match all().find(|known| known == name) {
                Some(known) if names.contains(&known) => {}
                Some(known) => names.push(known),
                None => issues.add_with("choice", || {
                    let hint = nearest(name, all()).map_or_else(
                        || known_names("metrics", name, &all().collect::<Vec<_>>()),
                        |near| format!(", did you mean {near}?"),
                    );
                    let path = format!("metrics[{index}]");
                    let message = format!("{path}: unknown metric {}{hint}", quoted(name));
                    (path, message)
                }),
            },
            other => issues.add_with("type", || {
                let path = format!("metrics[{index}]");
                let message = format!("{path} must be a string, was {}", other.describe());
                (path, message)
            }),
        }
    }
    issues.into_result(Code::InvalidArgument)?;
    Ok(names)
}
