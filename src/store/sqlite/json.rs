//! JSON columns.

use serde_json::{Map, Value};

use crate::db::encoding::damaged;
use crate::db::sqlite::Failure;
use crate::error::Error;

/// Serializes a value.
pub fn to_text(value: &impl serde::Serialize) -> Result<String, Failure> {
    Ok(serde_json::to_string(value)
        .map_err(|error| Error::internal(format!("cannot be stored as JSON: {error}")))?)
}

/// Parses an object.
pub fn to_map(text: &str) -> Result<Map<String, Value>, Failure> {
    Ok(serde_json::from_str(text).map_err(|error| damaged(format!("broken JSON: {error}")))?)
}

/// Serializes a value, if there is one.
pub fn to_optional_text<T: serde::Serialize + ?Sized>(
    value: Option<&T>,
) -> Result<Option<String>, Failure> {
    value.map(|value| to_text(&value)).transpose()
}

/// Parses a value.
pub fn from_text<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Failure> {
    Ok(serde_json::from_str(text).map_err(|error| damaged(format!("broken JSON: {error}")))?)
}
