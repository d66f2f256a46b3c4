//! JSON columns. `jsonb` does not keep the order of keys, so an array column holds it.

use serde_json::{Map, Value};

use crate::db::encoding::damaged;
use crate::db::postgres::Failure;
use crate::error::Error;

/// Serializes a value.
pub(super) fn to_text(value: &impl serde::Serialize) -> Result<String, Failure> {
    Ok(serde_json::to_string(value)
        .map_err(|error| Error::internal(format!("cannot be stored as JSON: {error}")))?)
}

/// Returns the keys in their order.
pub(super) fn key_order(map: &Map<String, Value>) -> Vec<&str> {
    map.keys().map(String::as_str).collect()
}

/// Parses an object and restores the order of its keys. Keys that `order` does not list come last.
pub(super) fn to_map(text: &str, order: Vec<&str>) -> Result<Map<String, Value>, Failure> {
    let mut parsed: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| damaged(format!("broken JSON: {error}")))?;
    let mut ordered = Map::new();
    for key in order {
        if let Some(value) = parsed.remove(key) {
            ordered.insert(key.to_owned(), value);
        }
    }
    ordered.append(&mut parsed);
    Ok(ordered)
}

/// Serializes a value, if there is one.
pub(super) fn to_optional_text<T: serde::Serialize + ?Sized>(
    value: Option<&T>,
) -> Result<Option<String>, Failure> {
    value.map(|value| to_text(&value)).transpose()
}

/// Parses a value.
pub(super) fn from_text<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Failure> {
    Ok(serde_json::from_str(text).map_err(|error| damaged(format!("broken JSON: {error}")))?)
}
