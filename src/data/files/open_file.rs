//! Regular files that are open for reading.

use std::fs::{self, File, FileType, Metadata, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::SystemTime;

use crate::error::{Code, Error, Result};
use crate::market::arrow::RandomAccess;

/// A regular file and its size when it was opened. Bytes that are appended later are not read.
#[derive(Debug)]
pub(super) struct OpenFile {
    pub file: File,
    pub size: u64,
    modified: Option<SystemTime>,
}

/// A second handle to an open file, to find out whether the file has changed.
#[derive(Debug)]
pub(super) struct ChangeDetector {
    file: File,
    size: u64,
    modified: Option<SystemTime>,
}

impl OpenFile {
    /// Opens a regular file.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if it does not exist, cannot be opened or is not a regular file; `BAD_DATA` if it is empty.
    pub fn open(path: &Path) -> Result<Self> {
        let described = |error: &std::io::Error| match error.kind() {
            ErrorKind::NotFound => "the file does not exist".to_owned(),
            ErrorKind::PermissionDenied => {
                "the file is not readable (permission denied)".to_owned()
            }
            _ => format!("the file cannot be opened: {error}"),
        };
        let failed = |error: std::io::Error| invalid_path(path, &described(&error));
        // The path is checked first, because opening alone has side effects on some devices. The handle is checked again,
        // because the path may name another file by then.
        check_regular(path, &fs::metadata(path).map_err(failed)?)?;
        let file = open_options().open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        check_regular(path, &metadata)?;
        let size = metadata.len();
        if size == 0 {
            return Err(Error::new(
                Code::BadData,
                format!("{}: the file is empty", path.display()),
            ));
        }
        Ok(Self { file, size, modified: metadata.modified().ok() })
    }

    /// Returns a handle that detects changes from now on.
    pub fn change_detector(&self) -> Result<ChangeDetector> {
        let file = self.file.try_clone().map_err(|error| unreadable(&error))?;
        Ok(ChangeDetector { file, size: self.size, modified: self.modified })
    }

    /// Fills a slice with the bytes at an offset.
    pub fn fill_at(&mut self, offset: u64, bytes: &mut [u8]) -> Result<()> {
        let end = offset.checked_add(bytes.len() as u64);
        if end.is_none_or(|end| end > self.size) {
            return Err(Error::new(Code::BadData, "a part extends past the end of the file"));
        }
        self.file
            .seek(SeekFrom::Start(offset))
            .and_then(|_| self.file.read_exact(bytes))
            .map_err(|error| unreadable(&error))
    }
}

impl RandomAccess for OpenFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn fill(&mut self, offset: u64, bytes: &mut [u8]) -> Result<()> {
        self.fill_at(offset, bytes)
    }
}

impl ChangeDetector {
    /// Fails if the file has changed. What was read would then mix old and new content.
    pub fn check(&self) -> Result<()> {
        let metadata = self.file.metadata().map_err(|error| unreadable(&error))?;
        if (self.size, self.modified) == (metadata.len(), metadata.modified().ok()) {
            return Ok(());
        }
        Err(Error::new(Code::BadData, "the file changed while it was read"))
    }
}

#[cfg(unix)]
fn open_options() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    // Without O_NONBLOCK, opening a pipe waits for a writer.
    options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    options
}

#[cfg(not(unix))]
fn open_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    options
}

fn check_regular(path: &Path, metadata: &Metadata) -> Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    let description = describe_type(metadata.file_type());
    Err(invalid_path(path, &format!("this is {description}, not a file")))
}

#[cfg(unix)]
fn describe_type(file_type: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match file_type {
        file_type if file_type.is_dir() => "a folder",
        file_type if file_type.is_fifo() => "a named pipe (FIFO)",
        file_type if file_type.is_socket() => "a socket",
        file_type if file_type.is_char_device() => "a character device",
        file_type if file_type.is_block_device() => "a block device",
        _ => "something else",
    }
}

#[cfg(not(unix))]
fn describe_type(file_type: FileType) -> &'static str {
    if file_type.is_dir() { "a folder" } else { "something else" }
}

/// Creates the error of a path that cannot be used.
pub(super) fn invalid_path(path: &Path, why: &str) -> Error {
    Error::invalid("bars", "file", format!("{}: {why}", path.display()))
}

/// Describes an error while a file is read.
pub(super) fn unreadable(error: &std::io::Error) -> Error {
    let why = match error.kind() {
        ErrorKind::UnexpectedEof => "it became shorter while it was read".to_owned(),
        _ => error.to_string(),
    };
    Error::new(Code::BadData, format!("the file cannot be read: {why}"))
}
