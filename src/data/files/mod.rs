//! Bars from files: `.csv`, `.parquet`, `.arrow` (also `.feather` and `.ipc`).

mod delimited;
mod moments;
mod parquet;

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::Path;

use crate::error::{Code, Error, Result};
use crate::market::{Bars, arrow};
use crate::watch::Watch;

/// The known extensions, for messages.
const EXTENSIONS: &str = ".csv, .parquet, .arrow, .feather or .ipc";

/// Reads the bars of a file; its extension says which format it has.
///
/// The call blocks: asynchronous callers run it on a thread of their own.
///
/// # Errors
/// `INVALID_ARGUMENT` where there is no such file, it cannot be opened or its extension is unknown; `BAD_DATA` where its
/// content is broken or breaks an invariant of bars, with line and column or row; the error of cancelled work. Each
/// message begins with the path.
pub fn read(path: &Path, watch: &dyn Watch) -> Result<Bars> {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    let decode: fn(File, &dyn Watch) -> Result<Bars> = match extension.as_deref() {
        Some("csv") => {
            |file, watch| delimited::read(BufReader::with_capacity(1 << 18, file), watch)
        }
        Some("parquet") => parquet::read,
        Some("arrow" | "feather" | "ipc") => read_arrow,
        Some(other) => {
            return Err(refused(
                path,
                &format!("unknown extension .{other}, must be {EXTENSIONS}"),
            ));
        }
        None => {
            return Err(refused(path, &format!("the name has no extension, must be {EXTENSIONS}")));
        }
    };
    decode(open(path)?, watch).map_err(|error| match error.code {
        Code::Cancelled => error,
        _ => Error { message: format!("{}: {}", path.display(), error.message), ..error },
    })
}

fn open(path: &Path) -> Result<File> {
    let described = |error: &std::io::Error| match error.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        ErrorKind::PermissionDenied => "the file may not be read (permission denied)".to_owned(),
        _ => format!("the file cannot be opened: {error}"),
    };
    let file = File::open(path).map_err(|error| refused(path, &described(&error)))?;
    match file.metadata() {
        Ok(metadata) if metadata.is_dir() => Err(refused(path, "this is a folder, not a file")),
        Ok(metadata) if metadata.is_file() && metadata.len() == 0 => {
            Err(Error::new(Code::BadData, format!("{}: the file is empty", path.display())))
        }
        Ok(_) => Ok(file),
        Err(error) => Err(refused(path, &described(&error))),
    }
}

fn read_arrow(mut file: File, watch: &dyn Watch) -> Result<Bars> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    arrow::from_ipc_watched(&bytes, watch)
}

fn refused(path: &Path, why: &str) -> Error {
    Error::invalid("bars", "file", format!("{}: {why}", path.display()))
}

/// Describes a file that fails while it is read.
fn unreadable(error: &std::io::Error) -> Error {
    Error::new(Code::BadData, format!("the file cannot be read: {error}"))
}

#[cfg(test)]
mod tests;
