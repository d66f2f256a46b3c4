//! The field `metrics` of requests.

use crate::error::{known_names, nearest};
use crate::metrics::{METRICS, Metric};
use crate::quote::quoted;
use crate::request::{Input, Issues};

/// Reads the names of metrics; each occurs once in the result. Every problem is reported.
pub(super) fn read_metrics(input: &Input, issues: &mut Issues) -> Vec<&'static Metric> {
    let Input::List(stated) = input else {
        let message = format!("metrics must be an array of metric names, was {}", input.describe());
        issues.add("metrics", "type", message);
        return Vec::new();
    };
    let all = || METRICS.iter().map(|metric| metric.name);
    let mut metrics: Vec<&'static Metric> = Vec::with_capacity(stated.len().min(METRICS.len()));
    for (index, name) in stated.iter().enumerate() {
        match name {
            Input::Text(name) => match METRICS.iter().find(|known| known.name == name) {
                Some(known) if metrics.iter().any(|metric| metric.name == known.name) => {}
                Some(known) => metrics.push(known),
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
    metrics
}
