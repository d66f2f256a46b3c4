//! Bars from files: `.csv`, `.parquet`, `.arrow` (also `.feather` and `.ipc`).

mod delimited;
mod open_file;
mod parquet;
mod timestamp_column;

#[cfg(test)]
mod tests;

use std::io::{BufReader, Read};
use std::path::Path;

use crate::error::{Code, Error, Result};
use crate::market::{Bars, Limit, arrow};
use crate::observer::ProgressObserver;
use open_file::{OpenFile, invalid_path};

/// The supported extensions, for messages.
const EXTENSIONS: &str = ".csv, .parquet, .arrow, .feather or .ipc";

/// The size of the read buffer of text files, bytes.
const TEXT_BUFFER: usize = 1 << 18;

/// Reads the bars of a file. The extension determines the format.
///
/// Only regular files are read. Sizes that a file declares are checked before memory is allocated, so the memory of the call
/// is bounded by the allowed number of rows.
///
/// The call blocks. Asynchronous callers run it on a thread of its own.
///
/// # Errors
/// - `INVALID_ARGUMENT` if the file does not exist, is not a regular file, cannot be opened, or has an unknown extension.
/// - `BAD_DATA` if its content is broken, breaks an invariant of bars (with line and column, or row), or changes while it is
///   read.
/// - `LIMIT_EXCEEDED` for more rows than allowed.
/// - The error of cancelled work.
///
/// Each message starts with the path.
pub fn read(path: &Path, limit: Limit, observer: &dyn ProgressObserver) -> Result<Bars> {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    let decode: fn(OpenFile, Limit, &dyn ProgressObserver) -> Result<Bars> =
        match extension.as_deref() {
            Some("csv") => |OpenFile { file, size, .. }, limit, observer| {
                let input = BufReader::with_capacity(TEXT_BUFFER, file.take(size));
                delimited::read(input, size, limit, observer)
            },
            Some("parquet") => parquet::read,
            Some("arrow" | "feather" | "ipc") => {
                |mut file, limit, observer| arrow::from_input(&mut file, limit, observer)
            }
            Some(other) => {
                let message = format!("unknown extension .{other}, must be {EXTENSIONS}");
                return Err(invalid_path(path, &message));
            }
            None => {
                let message = format!("the name has no extension, must be {EXTENSIONS}");
                return Err(invalid_path(path, &message));
            }
        };
    let with_path = |error: Error| match error.code {
        Code::Cancelled => error,
        _ => Error { message: format!("{}: {}", path.display(), error.message), ..error },
    };
    let file = OpenFile::open(path)?;
    let changes = file.change_detector().map_err(with_path)?;
    let bars = decode(file, limit, observer).map_err(with_path)?;
    changes.check().map_err(with_path)?;
    Ok(bars)
}
