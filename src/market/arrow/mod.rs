//! Bars from Arrow: IPC streams and files (Feather), and record batches, which the Parquet reader produces too.

pub mod batches;
mod codec;
mod columns;
mod frames;
mod random_access;

use arrow::error::ArrowError;

pub use batches::Batches;
pub use frames::verifier;
pub use random_access::RandomAccess;

use super::Limit;
use super::raw::{NotedBars, ReadOptions};
use crate::error::{Code, Error, Result};
use crate::observer::ProgressObserver;

/// The magic bytes at the start and end of an IPC file. A stream has none.
const FILE_MAGIC: &[u8] = b"ARROW1";
/// The magic bytes of Feather version 1.
const FEATHER_1_MAGIC: &[u8] = b"FEA1";

/// Reads bars from an Arrow IPC stream or file (Feather version 2), compressed or not.
///
/// Columns are found by name ([`super::column_names`]):
///
/// - a time: timestamps of any unit, dates, or strings or numbers of them, as in text files;
/// - open, high, low, close and optionally volume: integers, floats or decimals. Volumes may be null.
///
/// Other columns are not read. Declared sizes are checked before memory is allocated for them.
///
/// # Errors
/// - `BAD_DATA` if the bytes are not valid Arrow IPC, if a column is missing or has another type, if a time or price is
///   null, or if the bars break an invariant.
/// - `LIMIT_EXCEEDED` for more rows than allowed.
/// - The error of cancelled work.
pub fn from_ipc(
    mut bytes: &[u8],
    limit: Limit,
    options: &ReadOptions,
    observer: &dyn ProgressObserver,
) -> Result<NotedBars> {
    from_input(&mut bytes, limit, options, observer)
}

/// Reads bars as [`from_ipc`] does, from an input that need not be in memory.
///
/// # Errors
/// Those of [`from_ipc`] and those of the input.
pub fn from_input(
    input: &mut dyn RandomAccess,
    limit: Limit,
    options: &ReadOptions,
    observer: &dyn ProgressObserver,
) -> Result<NotedBars> {
    let mut head = [0; 6];
    let size = usize::try_from(input.size()).unwrap_or(usize::MAX).min(head.len());
    input.fill(0, head.get_mut(..size).unwrap_or(&mut []))?;
    if head.starts_with(FEATHER_1_MAGIC) {
        return Err(Error::new(
            Code::BadData,
            "Feather version 1 is not supported, write version 2 (Arrow IPC)",
        ));
    }
    // Arrow validates most of its input, but has panicked on broken buffers before.
    guarded("Arrow IPC", || {
        if head.starts_with(FILE_MAGIC) {
            frames::file(input, limit, options, observer)
        } else {
            frames::stream(input, limit, options, observer)
        }
    })
}

/// Runs the decoder of a library. A panic becomes an error, so that a broken file does not end the process.
///
/// # Errors
/// Those of `decode`, and `BAD_DATA` if it panics.
pub fn guarded<T>(format: &str, decode: impl FnOnce() -> Result<T>) -> Result<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(decode)).unwrap_or_else(|_| {
        Err(Error::new(Code::BadData, format!("broken {format}: the decoder failed")))
    })
}

fn broken(error: &ArrowError) -> Error {
    invalid_ipc(error.to_string())
}

fn invalid_ipc(what: impl AsRef<str>) -> Error {
    Error::new(Code::BadData, format!("broken Arrow IPC: {}", report(what.as_ref())))
}

/// Returns a decoder's message as one line of limited length. It may quote its input.
pub fn report(text: &str) -> String {
    let clean = text.chars().map(|char| if char.is_control() { ' ' } else { char });
    let line: String = clean.take(LONGEST_REPORT).collect();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The longest message of a decoder that is passed on, characters.
const LONGEST_REPORT: usize = 300;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
