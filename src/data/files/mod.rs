//! Bars from files: delimited text, `.parquet`, `.arrow` (also `.feather` and `.ipc`).

mod compressed;
mod delimited;
mod open_file;
mod parquet;

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::io::{BufReader, Read};
use std::path::Path;

use crate::error::{Code, Error, Result};
use crate::market::raw::{NotedBars, ReadOptions};
use crate::market::{Limit, arrow};
use crate::observer::ProgressObserver;
use compressed::Compression;
use open_file::{OpenFile, invalid_path};

/// The supported extensions, for messages.
const EXTENSIONS: &str =
    ".csv, .tsv or .txt (each also with .gz or .zst), .parquet, .arrow, .feather or .ipc";

/// The size of the read buffer of text files, bytes.
const TEXT_BUFFER: usize = 1 << 18;

/// The format of a file by its name.
#[derive(Debug, Clone, Copy)]
enum Format {
    Text(Option<Compression>),
    Parquet,
    Arrow,
}

/// Reads the bars of a file. The extensions determine the format: `bars.csv.gz` is compressed text.
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
pub fn read(
    path: &Path,
    limit: Limit,
    options: &ReadOptions,
    observer: &dyn ProgressObserver,
) -> Result<NotedBars> {
    let format = Format::of(path)?;
    let with_path = |error: Error| match error.code {
        Code::Cancelled => error,
        _ => Error { message: format!("{}: {}", path.display(), error.message), ..error },
    };
    let file = OpenFile::open(path)?;
    let changes = file.change_detector().map_err(with_path)?;
    let bars = format.decode(file, limit, options, observer).map_err(with_path)?;
    changes.check().map_err(with_path)?;
    Ok(bars)
}

impl Format {
    fn of(path: &Path) -> Result<Self> {
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase());
        let name = name.unwrap_or_default();
        let unknown = |extension: &str| {
            invalid_path(path, &format!("unknown extension .{extension}, must be {EXTENSIONS}"))
        };
        let Some((stem, extension)) = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty())
        else {
            let message = format!("the name has no extension, must be {EXTENSIONS}");
            return Err(invalid_path(path, &message));
        };
        let is_text = |extension: &str| matches!(extension, "csv" | "tsv" | "txt");
        match extension {
            "parquet" => Ok(Self::Parquet),
            "arrow" | "feather" | "ipc" => Ok(Self::Arrow),
            _ if is_text(extension) => Ok(Self::Text(None)),
            _ => match (Compression::of_extension(extension), stem.rsplit_once('.')) {
                (Some(compression), Some((_, inner))) if is_text(inner) => {
                    Ok(Self::Text(Some(compression)))
                }
                (Some(_), Some((_, inner))) => Err(unknown(&format!("{inner}.{extension}"))),
                _ => Err(unknown(extension)),
            },
        }
    }

    fn decode(
        self,
        mut file: OpenFile,
        limit: Limit,
        options: &ReadOptions,
        observer: &dyn ProgressObserver,
    ) -> Result<NotedBars> {
        match self {
            Self::Text(compression) => text(file, compression, limit, options, observer),
            Self::Parquet => parquet::read(file, limit, options, observer),
            Self::Arrow => arrow::from_input(&mut file, limit, options, observer),
        }
    }
}

fn text(
    OpenFile { file, size, .. }: OpenFile,
    compression: Option<Compression>,
    limit: Limit,
    options: &ReadOptions,
    observer: &dyn ProgressObserver,
) -> Result<NotedBars> {
    let position = Cell::new(0);
    let input = BufReader::with_capacity(
        TEXT_BUFFER,
        Counted { input: file.take(size), position: &position },
    );
    #[expect(clippy::cast_precision_loss, reason = "progress for people")]
    let fraction = || position.get() as f64 / size.max(1) as f64;
    match compression {
        None => delimited::read(Box::new(input), &fraction, limit, options, observer),
        Some(compression) => {
            let input =
                compression.decompress(input).map_err(|error| open_file::unreadable(&error))?;
            delimited::read(input, &fraction, limit, options, observer)
        }
    }
}

/// Counts the bytes that are read.
struct Counted<'a, R> {
    input: R,
    position: &'a Cell<u64>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.position.set(self.position.get() + read as u64);
        Ok(read)
    }
}
