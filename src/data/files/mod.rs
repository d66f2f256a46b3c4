//! Bars from files: `.csv`, `.parquet`, `.arrow` (also `.feather` and `.ipc`).

mod delimited;
mod parquet;
mod timestamps;

use std::fs::{self, File, FileType, Metadata, OpenOptions};
use std::io::{BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use crate::error::{Code, Error, Result};
use crate::market::arrow::{self, Input};
use crate::market::{Bars, Limit};
use crate::observer::ProgressObserver;

/// The known extensions, for messages.
const EXTENSIONS: &str = ".csv, .parquet, .arrow, .feather or .ipc";

/// Reads the bars of a file; its extension says which format it has.
///
/// Only regular files are read. What a file declares is checked before memory is made for it, so that what the call takes
/// is bounded by the rows that are allowed.
///
/// The call blocks: asynchronous callers run it on a thread of their own.
///
/// # Errors
/// `INVALID_ARGUMENT` where there is no such file, it is no regular file, it cannot be opened or its extension is unknown;
/// `BAD_DATA` where its content is broken, breaks an invariant of bars (with line and column or row), or changes while it is
/// read; `LIMIT_EXCEEDED` for more rows than allowed; the error of cancelled work. Each message begins with the path.
pub fn read(path: &Path, limit: Limit, observer: &dyn ProgressObserver) -> Result<Bars> {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    let decode: fn(Opened, Limit, &dyn ProgressObserver) -> Result<Bars> = match extension
        .as_deref()
    {
        Some("csv") => |opened, limit, observer| {
            let (file, size) = (opened.file, opened.size);
            delimited::read(
                BufReader::with_capacity(1 << 18, file.take(size)),
                size,
                limit,
                observer,
            )
        },
        Some("parquet") => parquet::read,
        Some("arrow" | "feather" | "ipc") => {
            |mut opened, limit, observer| arrow::from_input(&mut opened, limit, observer)
        }
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
    let named = |error: Error| match error.code {
        Code::Cancelled => error,
        _ => Error { message: format!("{}: {}", path.display(), error.message), ..error },
    };
    let opened = open(path)?;
    let handle = opened.file.try_clone().map_err(|error| named(unreadable(&error)))?;
    let before = (opened.size, opened.changed);
    let bars = decode(opened, limit, observer).map_err(named)?;
    // A part of it may be of before and a part of after.
    let after = handle.metadata().map_err(|error| named(unreadable(&error)))?;
    if before != (after.len(), after.modified().ok()) {
        return Err(named(Error::new(Code::BadData, "the file changed while it was read")));
    }
    Ok(bars)
}

/// A regular file, and its size when it was opened: what is written behind that later is not read.
#[derive(Debug)]
struct Opened {
    file: File,
    size: u64,
    changed: Option<std::time::SystemTime>,
}

impl Opened {
    /// Fills a slice with the bytes from `offset` on.
    fn fill_at(&mut self, offset: u64, bytes: &mut [u8]) -> Result<()> {
        let end = offset.checked_add(bytes.len() as u64);
        if end.is_none_or(|end| end > self.size) {
            return Err(Error::new(Code::BadData, "a part reaches beyond the end of the file"));
        }
        self.file
            .seek(SeekFrom::Start(offset))
            .and_then(|_| self.file.read_exact(bytes))
            .map_err(|error| unreadable(&error))
    }
}

impl Input for Opened {
    fn size(&self) -> u64 {
        self.size
    }

    fn fill(&mut self, offset: u64, bytes: &mut [u8]) -> Result<()> {
        self.fill_at(offset, bytes)
    }
}

fn open(path: &Path) -> Result<Opened> {
    let described = |error: &std::io::Error| match error.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        ErrorKind::PermissionDenied => "the file may not be read (permission denied)".to_owned(),
        _ => format!("the file cannot be opened: {error}"),
    };
    let failed = |error: std::io::Error| refused(path, &described(&error));
    // Looked at by its path first, for opening alone does something to some devices, and then by its handle, for another
    // file may be at the path by then.
    regular(path, &fs::metadata(path).map_err(failed)?)?;
    let file = options().open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    regular(path, &metadata)?;
    let size = metadata.len();
    if size == 0 {
        return Err(Error::new(Code::BadData, format!("{}: the file is empty", path.display())));
    }
    Ok(Opened { file, size, changed: metadata.modified().ok() })
}

#[cfg(unix)]
fn options() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    // Opening a pipe waits for one who writes into it otherwise.
    options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    options
}

#[cfg(not(unix))]
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    options
}

fn regular(path: &Path, metadata: &Metadata) -> Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    Err(refused(path, &format!("this is {}, not a file", kind(metadata.file_type()))))
}

#[cfg(unix)]
fn kind(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match kind {
        kind if kind.is_dir() => "a folder",
        kind if kind.is_fifo() => "a named pipe (FIFO)",
        kind if kind.is_socket() => "a socket",
        kind if kind.is_char_device() => "a character device",
        kind if kind.is_block_device() => "a block device",
        _ => "something else",
    }
}

#[cfg(not(unix))]
fn kind(kind: FileType) -> &'static str {
    if kind.is_dir() { "a folder" } else { "something else" }
}

fn refused(path: &Path, why: &str) -> Error {
    Error::invalid("bars", "file", format!("{}: {why}", path.display()))
}

/// Describes a file that fails while it is read.
fn unreadable(error: &std::io::Error) -> Error {
    let why = match error.kind() {
        ErrorKind::UnexpectedEof => "it became shorter while it was read".to_owned(),
        _ => error.to_string(),
    };
    Error::new(Code::BadData, format!("the file cannot be read: {why}"))
}

#[cfg(test)]
mod tests;
