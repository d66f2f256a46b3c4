//! One thread that writes to a file and one that reads from it, each with its own connection, and a third connection for brief
//! reads on the thread of the caller.

#[cfg(unix)]
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use rusqlite::Connection;

use super::connection::{open_brief_reader, open_reader};
use super::failure::Failure;
use super::worker::Worker;
use crate::error::{Error, Result};

/// An open file of `SQLite`.
#[derive(Debug)]
pub struct Database {
    path: PathBuf,
    file: FileIdentity,
    /// The connection of [`Self::read_briefly`]; `None` if there is none, and after [`Self::close`].
    brief_reader: Mutex<Option<Connection>>,
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
        let (reader, brief_reader) = Worker::start("backtesting-store-reader", {
            let path = path.clone();
            move || Ok((open_reader(&path)?, open_brief_reader(&path)))
        })
        .await?;
        let file = FileIdentity::of(&path);
        let brief_reader = Mutex::new(brief_reader);
        Ok((Arc::new(Self { path, file, brief_reader, writer, reader }), value))
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

    /// Runs a job that reads a few rows by their key. It runs on the calling thread if it need not wait there, which saves two
    /// thread switches, and otherwise like [`Self::read`].
    ///
    /// # Errors
    /// Those of [`Self::read`].
    pub(crate) async fn read_briefly<T: Send + 'static>(
        &self,
        job: impl Fn(&Connection) -> std::result::Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        match self.try_read(&job) {
            Some(found) => Ok(found),
            None => self.read(move |connection| job(connection)).await,
        }
    }

    /// Returns what a job reads on the calling thread; `None` if it has to wait, or fails.
    fn try_read<T>(
        &self,
        job: impl Fn(&Connection) -> std::result::Result<T, Failure>,
    ) -> Option<T> {
        let reader = match self.brief_reader.try_lock() {
            Ok(reader) => reader,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let connection = reader.as_ref()?;
        self.file.check(&self.path).ok()?;
        job(connection).ok()
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
        drop(self.brief_reader.lock().unwrap_or_else(PoisonError::into_inner).take());
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

#[cfg(test)]
mod tests {
    use std::thread::{ThreadId, current};

    use super::super::connection::open_writer;
    use super::*;
    use crate::error::Code;

    /// Reads a number, and which thread did.
    fn read(connection: &Connection) -> std::result::Result<(i64, ThreadId), Failure> {
        let number = connection.query_row("SELECT max(n) FROM t", [], |row| row.get(0))?;
        Ok((number, current().id()))
    }

    #[tokio::test]
    async fn brief_reads_stay_on_their_thread_unless_they_have_to_wait() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let (database, ()) = Database::open(&path, |path| {
            let connection = open_writer(path)?;
            connection.execute("CREATE TABLE t (n)", []).unwrap();
            Ok((connection, ()))
        })
        .await
        .unwrap();
        for written in 1..4_i64 {
            let insert = move |connection: &mut Connection| {
                connection.execute("INSERT INTO t VALUES (?1)", [written])?;
                Ok(())
            };
            database.write(insert).await.unwrap();
            let (found, thread) = database.read_briefly(read).await.unwrap();
            assert_eq!((found, thread), (written, current().id()));
        }
        // Without the connection, the thread that reads does it.
        let used = database.brief_reader.lock().unwrap().take();
        let (found, thread) = database.read_briefly(read).await.unwrap();
        assert!(found == 3 && thread != current().id());
        *database.brief_reader.lock().unwrap() = used;
        // The error is that of the thread that reads.
        let fail = |connection: &Connection| Ok(connection.execute("DELETE FROM t", [])?);
        let error = database.read_briefly(fail).await.unwrap_err();
        assert!(error.message.contains("a.db"), "{}", error.message);
        database.close().await;
        assert_eq!(database.read_briefly(read).await.unwrap_err().code, Code::Closed);
    }
}
