//! Metrics.

use serde::Serializer;
use serde_json::{Map, Value};

use super::part::Part;
use crate::metrics::METRICS;
use crate::request::json_number;
use crate::store::record::MetricValues;

/// Returns the names of all metrics in their order.
pub fn metric_names() -> Vec<&'static str> {
    METRICS.iter().map(|metric| metric.name).collect()
}

/// Moves the values of metrics out, NaN for those without a value. Metrics with other names stay: a run that another version
/// stored may have others, and a run that is not completed has none.
pub(super) fn take_values(metrics: &mut Part<MetricValues>) -> Vec<f64> {
    let found = metrics.get().map_or(&[][..], Vec::as_slice);
    let names = found.iter().map(|(name, _)| &**name);
    if !names.eq(METRICS.iter().map(|metric| metric.name)) {
        return Vec::new();
    }
    let metrics = metrics.take();
    metrics.iter().map(|(_, value)| value.unwrap_or(f64::NAN)).collect()
}

/// Serializes metrics as an object.
pub(super) fn as_object<S: Serializer>(
    metrics: &Part<MetricValues>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let metrics = metrics.get().map_or(&[][..], Vec::as_slice);
    serializer.collect_map(metrics.iter().map(|(name, value)| (name, value)))
}

/// Converts metrics to an object of numbers and nulls.
pub fn to_object(metrics: MetricValues) -> Map<String, Value> {
    metrics
        .into_iter()
        .map(|(name, value)| (name.into_owned(), value.map_or(Value::Null, json_number)))
        .collect()
}
