//! One thread that writes to a file and one that reads from it, each with its own connection.

#[cfg(unix)]
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;

use super::connection::open_reader;
use super::failure::Failure;
use super::worker::Worker;
use crate::error::{Error, Result};

/// An open file of `SQLite`.
#[derive(Debug)]
pub struct Database {
    path: PathBuf,
    file: FileIdentity,
    writer: Worker,
    reader: Worker,
}

impl Database {
    /// Opens a file. `open_writer` runs on the thread that writes; it returns the connection and a value for the caller.
    ///
    /// # Errors
    /// Those of `open_writer`; `STORAGE` if the file cannot be read.
    pub(crate) async fn open<T: Send + 'static>(
        path: &Path,
        open_writer: impl FnOnce(&Path) -> Result<(Connection, T)> + Send + 'static,
    ) -> Result<(Arc<Self>, T)> {
        let path = path.to_owned();
        let (writer, value) = Worker::start("backtesting-store", {
            let path = path.clone();
            move || open_writer(&path)
        })
        .await?;
        let (reader, ()) = Worker::start("backtesting-store-reader", {
            let path = path.clone();
            move || Ok((open_reader(&path)?, ()))
        })
        .await?;
        let file = FileIdentity::of(&path);
        Ok((Arc::new(Self { path, file, writer, reader }), value))
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs a job with the connection that writes.
    ///
    /// # Errors
    /// `STORAGE` if the job fails or the file was deleted or replaced; `CLOSED` after [`Self::close`].
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> std::result::Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        self.call(&self.writer, job).await
    }

    /// Runs a job with the connection that reads. It sees everything that was reported as written before.
    ///
    /// # Errors
    /// `STORAGE` if the job fails or the file was deleted or replaced; `CLOSED` after [`Self::close`].
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> std::result::Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        self.call(&self.reader, job).await
    }

    async fn call<T: Send + 'static>(
        &self,
        worker: &Worker,
        job: impl FnOnce(&mut Connection) -> std::result::Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        let (path, file) = (self.path.clone(), self.file);
        worker
            .call(move |connection| {
                file.check(&path)?;
                job(connection).map_err(|failure| failure.describe(&path))
            })
            .await
    }

    /// Finishes the jobs under way and closes both connections. Closing twice is not an error.
    pub(crate) async fn close(&self) {
        // The connection that is closed last writes the log back into the file, so it must be the one that writes.
        self.reader.close().await;
        self.writer.close().await;
    }

    /// Changes how long writes wait for the lock of another process.
    #[cfg(test)]
    pub(crate) fn set_write_timeout(&self, milliseconds: u64) {
        self.writer.set_busy_timeout(milliseconds);
    }
}

/// The file that a path named when it was opened.
///
/// A file that is deleted while it is open still accepts writes, and all of them are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileIdentity(Option<(u64, u64)>);

impl FileIdentity {
    #[cfg(unix)]
    fn of(path: &Path) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self(fs::metadata(path).ok().map(|file| (file.dev(), file.ino())))
    }

    /// Other systems neither delete nor replace an open file.
    #[cfg(not(unix))]
    fn of(_: &Path) -> Self {
        Self(None)
    }

    fn check(self, path: &Path) -> Result<()> {
        if Self::of(path) == self {
            return Ok(());
        }
        Err(Error::storage(format!(
            "the store {} was deleted or replaced while it was open; close the engine and create another one",
            path.display()
        )))
    }
}
