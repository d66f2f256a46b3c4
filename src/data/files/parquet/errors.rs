//! The errors of broken Parquet.

use parquet::errors::ParquetError;

use crate::error::{Code, Error};
use crate::market::arrow::report;

/// Creates the error of a file that is not valid Parquet.
pub(super) fn broken(what: &str) -> Error {
    Error::new(Code::BadData, format!("broken Parquet: {}", report(what)))
}

/// Converts an error of the decoder.
pub(super) fn decoder_error(error: &ParquetError) -> Error {
    broken(&error.to_string())
}
