//! Untyped values as a caller passes them.

use crate::market::{Bars, Column, Timestamps};
use crate::quote::{counted, quoted};
use crate::signals::Bits;

/// Reading more values than this takes longer than a task may occupy its thread.
const MANY_VALUES: usize = 10_000;

/// A value that a caller passed.
#[derive(Debug, Clone)]
pub enum Input {
    /// `null` or `undefined`; equivalent to an absent field.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number, possibly NaN or infinite.
    Number(f64),
    /// A string.
    Text(String),
    /// A `Date` in UTC milliseconds; NaN if it is invalid.
    Date(f64),
    /// An array.
    List(Vec<Input>),
    /// An object, in key order.
    Record(Vec<(String, Input)>),
    /// An object that consists of valid bars and has no other fields.
    Bars(Bars),
    /// A `Float64Array`.
    Floats(Column),
    /// A `Float32Array`.
    Singles(Column),
    /// A `Float64Array` of finite values above 0.
    Prices(Column),
    /// A `Float64Array` of valid, increasing timestamps.
    Timestamps(Timestamps),
    /// A `Uint8Array` or `Buffer`.
    Bytes(Vec<u8>),
    /// A `Uint8Array` of zeros and ones.
    Bits(Bits),
    /// An array of numbers.
    Numbers(Column),
    /// An array of zeros and ones, or of booleans.
    Flags(Bits),
    /// An array that was read as a column and has an item of the wrong type.
    Mixed(Box<MixedArray>),
    /// Any other value, by the name of its type.
    Other(String),
}

/// An array with an item that is not a number, or not a signal.
#[derive(Debug, Clone)]
pub struct MixedArray {
    /// The number of items in the array.
    pub length: usize,
    /// The index of the first such item.
    pub index: usize,
    /// The item.
    pub item: Input,
}

impl Input {
    /// Describes the value for messages: `number 1.7`, `string "x"`.
    pub fn describe(&self) -> String {
        match self {
            Self::Null => "null".into(),
            Self::Bool(value) => format!("boolean {value}"),
            Self::Number(value) => format!("number {value}"),
            Self::Text(value) => format!("string {}", quoted(value)),
            Self::Date(value) if value.is_nan() => "an invalid Date".into(),
            Self::Date(_) => "a Date".into(),
            Self::List(items) => array_of(items.len()),
            Self::Record(_) | Self::Bars(_) => "an object".into(),
            Self::Floats(values) | Self::Prices(values) => {
                format!("a Float64Array of {}", counted(values.len(), "item"))
            }
            Self::Singles(values) => {
                format!("a Float32Array of {}", counted(values.len(), "item"))
            }
            Self::Timestamps(timestamps) => {
                format!("a Float64Array of {}", counted(timestamps.values.len(), "item"))
            }
            Self::Bytes(bytes) => format!("a Uint8Array of {}", counted(bytes.len(), "byte")),
            Self::Bits(bits) => format!("a Uint8Array of {}", counted(bits.len(), "byte")),
            Self::Numbers(values) => array_of(values.len()),
            Self::Flags(bits) => array_of(bits.len()),
            Self::Mixed(mixed) => array_of(mixed.length),
            Self::Other(kind) => format!("a {kind}"),
        }
    }

    /// Moves a field out of an object and leaves `null`; `None` if it is absent or `null`.
    pub fn take_field(&mut self, name: &str) -> Option<Self> {
        let Self::Record(fields) = self else { return None };
        let (_, value) = fields.iter_mut().find(|(key, _)| key == name)?;
        Some(std::mem::replace(value, Self::Null)).filter(|value| !matches!(value, Self::Null))
    }

    /// Returns whether an object has a field that is not `null`.
    pub fn has_field(&self, name: &str) -> bool {
        matches!(self, Self::Record(fields)
            if fields.iter().any(|(key, value)| key == name && !matches!(value, Self::Null)))
    }

    /// Returns the length of the longest column among the fields of an object, or of an array.
    pub fn longest_column(&self) -> usize {
        match self {
            Self::Record(fields) => {
                fields.iter().map(|(_, value)| value.longest_column()).max().unwrap_or(0)
            }
            Self::Bars(bars) => bars.len(),
            Self::Floats(column)
            | Self::Singles(column)
            | Self::Prices(column)
            | Self::Numbers(column) => column.len(),
            Self::Timestamps(timestamps) => timestamps.values.len(),
            Self::Bytes(column) => column.len(),
            Self::Bits(column) | Self::Flags(column) => column.len(),
            Self::List(column) => column.len(),
            _ => 0,
        }
    }

    /// Returns whether reading the value takes long: it has large columns in plain arrays, or files in memory.
    pub fn is_long_to_read(&self) -> bool {
        self.value_count() > MANY_VALUES
    }

    /// Returns the number of values that have yet to be read and checked one by one.
    fn value_count(&self) -> usize {
        match self {
            Self::List(items) => items.len(),
            Self::Bytes(bytes) => bytes.len() / size_of::<f64>(),
            Self::Floats(column) | Self::Singles(column) => column.len(),
            Self::Record(fields) => {
                fields.iter().fold(0, |sum, (_, value)| sum.saturating_add(value.value_count()))
            }
            _ => 1,
        }
    }

    /// Converts the value to JSON. Values that JSON cannot represent become `null`.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match self {
            // Bars and mixed arrays are only read through their own variants.
            Self::Null | Self::Other(_) | Self::Bars(_) | Self::Mixed(_) => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(value) | Self::Date(value) => json_number(*value),
            Self::Text(value) => Value::String(value.clone()),
            Self::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Self::Record(fields) => Value::Object(
                fields.iter().map(|(key, value)| (key.clone(), value.to_json())).collect(),
            ),
            Self::Floats(values)
            | Self::Singles(values)
            | Self::Prices(values)
            | Self::Numbers(values) => {
                Value::Array(values.iter().map(|value| json_number(*value)).collect())
            }
            Self::Timestamps(timestamps) => Value::Array(
                timestamps.values.iter().map(|timestamp| Value::from(*timestamp)).collect(),
            ),
            Self::Bytes(bytes) => {
                Value::Array(bytes.iter().map(|byte| Value::from(*byte)).collect())
            }
            Self::Bits(bits) | Self::Flags(bits) => Value::Array(
                (0..bits.len()).map(|bar| Value::from(u8::from(bits.get(bar)))).collect(),
            ),
        }
    }
}

fn array_of(items: usize) -> String {
    format!("an array of {}", counted(items, "item"))
}

impl From<serde_json::Value> for Input {
    fn from(value: serde_json::Value) -> Self {
        use serde_json::Value;
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Number(value) => Self::Number(value.as_f64().unwrap_or(f64::NAN)),
            Value::String(value) => Self::Text(value),
            Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            Value::Object(fields) => Self::Record(
                fields.into_iter().map(|(key, value)| (key, Self::from(value))).collect(),
            ),
        }
    }
}

/// Converts a number to JSON: whole values become integers; NaN and infinities become `null`.
pub fn json_number(value: f64) -> serde_json::Value {
    #[expect(clippy::cast_possible_truncation, reason = "guarded by the range check")]
    if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 {
        return serde_json::Value::from(value as i64);
    }
    serde_json::Number::from_f64(value).map_or(serde_json::Value::Null, serde_json::Value::Number)
}
