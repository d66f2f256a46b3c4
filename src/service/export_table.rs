//! Exports a table of a result.
//!
//! The binding converts a result to columns, because reading many objects from Rust is slow: each column is a record of its
//! name, its kind and its values, and for words, the words that the values are indices of.

use crate::error::{Error, Result};
use crate::market::time;
use crate::quote::counted;
use crate::request::Input;

use super::pool::{self, JobLength};
use super::table::{Table, Values, write_arrow, write_csv};

/// Writes a table as CSV.
///
/// # Errors
/// `INVALID_ARGUMENT` for columns of different lengths, and values that are no times; `LIMIT_EXCEEDED` for a text that is too
/// long.
pub async fn to_csv(columns: Input) -> Result<String> {
    export(columns, write_csv).await
}

/// Writes a table as an Arrow IPC stream.
///
/// # Errors
/// `INVALID_ARGUMENT` for columns of different lengths, and values that are no times.
pub async fn to_arrow(columns: Input) -> Result<Vec<u8>> {
    export(columns, write_arrow).await
}

async fn export<T: Send + 'static>(columns: Input, write: fn(&Table) -> Result<T>) -> Result<T> {
    let table = read(columns)?;
    pool::run(JobLength::of(table.len()), move || write(&table)).await
}

fn read(columns: Input) -> Result<Table> {
    let malformed = || Error::internal("the columns of a table are malformed");
    let Input::List(columns) = columns else { return Err(malformed()) };
    let mut table = Table::default();
    for mut column in columns {
        let (path, name) = (text(column.take_field("path")), text(column.take_field("name")));
        let kind = text(column.take_field("kind"));
        let (Some(path), Some(name), Some(kind)) = (path, name, kind) else {
            return Err(malformed());
        };
        let values = match column.take_field("values") {
            Some(Input::Floats(values) | Input::Prices(values)) => values.to_vec(),
            _ => return Err(malformed()),
        };
        if let Some((first, _)) = table.columns.first()
            && values.len() != table.len()
        {
            let message = format!(
                "{path} has {} for {} of {first}",
                counted(values.len(), "value"),
                counted(table.len(), "value")
            );
            return Err(Error::invalid(&path, "length", message));
        }
        let values = match &*kind {
            "number" => Values::Numbers(values),
            "count" => checked(&path, values, 0.0, f64::from(u32::MAX)).map(Values::Counts)?,
            "time" => {
                #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
                let limit = time::LIMIT as f64;
                checked(&path, values, -limit, limit).map(Values::Times)?
            }
            "word" => {
                let Some(Input::List(words)) = column.take_field("words") else {
                    return Err(malformed());
                };
                let words = words.into_iter().filter_map(|word| text(Some(word))).collect();
                Values::Words(values, words)
            }
            _ => return Err(malformed()),
        };
        table.columns.push((name, values));
    }
    Ok(table)
}

fn text(input: Option<Input>) -> Option<String> {
    match input {
        Some(Input::Text(text)) => Some(text),
        _ => None,
    }
}

/// Checks that values are whole numbers within limits, or missing.
fn checked(path: &str, values: Vec<f64>, minimum: f64, maximum: f64) -> Result<Vec<f64>> {
    let is_valid = |value: f64| {
        value.is_nan() || (value.fract() == 0.0 && (minimum..=maximum).contains(&value))
    };
    match values.iter().enumerate().find(|(_, value)| !is_valid(**value)) {
        Some((row, value)) => {
            let path = format!("{path}[{row}]");
            let message = format!("{path} must be a whole number within its limits, was {value}");
            Err(Error::invalid(&path, "range", message))
        }
        None => Ok(values),
    }
}
