//! The embedded store: one file of `SQLite` with a write-ahead log.
//!
//! One thread writes and one reads, each with a connection of its own. Several processes may use one file at once.

pub(crate) mod blob;
mod failure;
mod owners;
mod results;
mod runs;
mod schema;
mod strategies;
mod worker;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use self::blob::Damage;
pub(crate) use self::blob::damaged;
use self::owners::{Opening, Owner};
use self::worker::Worker;
use super::{BoxFuture, Filter, Outcome, Run, Store, StoredStrategy, Summary, errors};
use crate::error::Result;

/// A store in a file.
#[derive(Debug)]
pub struct Sqlite {
    path: PathBuf,
    /// Under which runs are kept; see [`owners`].
    owner: String,
    lock: Mutex<Option<Owner>>,
    file: Identity,
    writer: Worker,
    reader: Worker,
}

impl Sqlite {
    /// Opens the store in a file; makes the file and its folder where there are none, brings the schema up to date, and
    /// marks the runs of dead processes as failed.
    ///
    /// # Errors
    /// `STORAGE`, naming the path, where the folder or the file cannot be made, opened or written, the file is no database,
    /// or its schema is newer than this library; a retryable one where another process holds it too long.
    pub async fn open(path: &Path) -> Result<Arc<Self>> {
        let path = path.to_owned();
        let (writer, owner) = Worker::start("backtesting-store", {
            let path = path.clone();
            move || open(&path)
        })
        .await?;
        let (reader, ()) = Worker::start("backtesting-store-reader", {
            let path = path.clone();
            move || Ok((schema::open_reader(&path)?, ()))
        })
        .await?;
        Ok(Arc::new(Self {
            owner: owner.id().to_owned(),
            file: Identity::of(&path),
            path,
            lock: Mutex::new(Some(owner)),
            writer,
            reader,
        }))
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs a job with the connection that writes.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> std::result::Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        let (path, file) = (self.path.clone(), self.file);
        self.writer
            .call(move |connection| {
                file.check(&path)?;
                job(connection).map_err(|failure| failure.describe(&path))
            })
            .await
    }

    /// Reads runs; if some are under way whose process has died, marks those as failed and reads once more.
    async fn read_runs<T: Send + 'static>(
        &self,
        job: impl Fn(&mut Connection) -> std::result::Result<T, Failure> + Clone + Send + 'static,
        are_under_way: impl Fn(&T) -> bool,
    ) -> Result<T> {
        let found = self.read(job.clone()).await?;
        if !are_under_way(&found) {
            return Ok(found);
        }
        let look = {
            let (path, own) = (self.path.clone(), self.owner.clone());
            move |connection: &mut Connection| Ok(owners::has_dead(connection, &path, &own)?)
        };
        if !self.read(look).await? {
            return Ok(found);
        }
        let bury = {
            let (path, own) = (self.path.clone(), self.owner.clone());
            move |connection: &mut Connection| {
                Ok(owners::bury_those_with_runs(connection, &path, &own, now())?)
            }
        };
        match self.write(bury).await {
            Ok(_) => self.read(job).await,
            Err(error) => {
                tracing::debug!(%error, "runs of a dead process could not be marked as failed");
                Ok(found)
            }
        }
    }

    /// Runs a job with the connection that reads; what was answered as written before is seen.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> std::result::Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        let (path, file) = (self.path.clone(), self.file);
        self.reader
            .call(move |connection| {
                file.check(&path)?;
                job(connection).map_err(|failure| failure.describe(&path))
            })
            .await
    }
}

/// Which file a path named when the store was opened.
///
/// A file that is deleted while it is open takes writes as before, and all that is written is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity(Option<(u64, u64)>);

impl Identity {
    #[cfg(unix)]
    fn of(path: &Path) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self(fs::metadata(path).ok().map(|file| (file.dev(), file.ino())))
    }

    /// Elsewhere an open file can be neither deleted nor replaced.
    #[cfg(not(unix))]
    fn of(_: &Path) -> Self {
        Self(None)
    }

    fn check(self, path: &Path) -> Result<()> {
        if Self::of(path) == self {
            return Ok(());
        }
        Err(crate::Error::storage(format!(
            "the store {} was deleted or replaced while it was open; close the engine and create another one",
            path.display()
        )))
    }
}

fn open(path: &Path) -> Result<(Connection, Owner)> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)
            .map_err(|error| failure::describe_io(folder, "make the folder", &error))?;
    }
    let opening = Opening::begin(path)?;
    let mut connection = schema::open_writer(path)?;
    schema::migrate(&mut connection, path, &schema::MIGRATIONS)?;
    owners::fail_orphaned_runs(&mut connection, path, now(), &opening)?;
    let owner = Owner::register(path, &opening)?;
    Ok((connection, owner))
}

#[expect(clippy::disallowed_methods, reason = "when a run was found dead is noted")]
fn now() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

/// Returns whether one of some runs is yet to end.
fn under_way<'a, T: 'a>(runs: impl IntoIterator<Item = &'a (Run, T)>) -> bool {
    runs.into_iter().any(|(run, _)| run.status.is_under_way())
}

/// What a job fails with: an error of the database, which is yet to be described, or one that says all.
#[derive(Debug)]
pub(crate) enum Failure {
    /// To be described with the path of the store.
    Sqlite(rusqlite::Error),
    /// What was read cannot be right.
    Damaged(Damage),
    /// Ready.
    Ready(crate::Error),
}

impl Failure {
    fn describe(self, path: &Path) -> crate::Error {
        match self {
            Self::Sqlite(error) => failure::describe(path, &error),
            Self::Damaged(Damage(what)) => {
                crate::Error::storage(format!("the store {} is damaged: {what}", path.display()))
            }
            Self::Ready(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<Damage> for Failure {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

impl From<crate::Error> for Failure {
    fn from(error: crate::Error) -> Self {
        Self::Ready(error)
    }
}

impl Store for Sqlite {
    fn create_run(&self, run: Run) -> BoxFuture<'_, ()> {
        let owner = self.owner.clone();
        Box::pin(self.write(move |connection| runs::create(connection, &run, &owner)))
    }

    fn begin_run(&self, run: Run) -> BoxFuture<'_, ()> {
        let owner = self.owner.clone();
        Box::pin(self.write(move |connection| runs::begin(connection, &run, &owner)))
    }

    fn end_run(&self, run: Run, outcome: Option<Arc<Outcome>>) -> BoxFuture<'_, ()> {
        let owner = self.owner.clone();
        Box::pin(self.write(move |connection| {
            errors::check_end(&run, outcome.as_deref())?;
            let transaction = connection.transaction()?;
            let is_new = runs::end(&transaction, &run, &owner)?;
            if let Some(outcome) = outcome.filter(|_| is_new) {
                results::insert(&transaction, &run.id, &outcome)?;
            }
            Ok(transaction.commit()?)
        }))
    }

    fn run(&self, id: &str) -> BoxFuture<'_, Option<(Run, Option<Outcome>)>> {
        let id = id.to_owned();
        let read = move |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            let Some(run) = runs::find(&transaction, &id)? else { return Ok(None) };
            let outcome = results::outcome(&transaction, &id)?;
            Ok(Some((run, outcome)))
        };
        Box::pin(self.read_runs(read, |found| under_way(found.as_ref())))
    }

    fn summary(&self, id: &str) -> BoxFuture<'_, Option<(Run, Option<Summary>)>> {
        let id = id.to_owned();
        let read = move |connection: &mut Connection| runs::summary(connection, &id);
        Box::pin(self.read_runs(read, |found| under_way(found.as_ref())))
    }

    fn list(&self, filter: &Filter) -> BoxFuture<'_, Vec<(Run, Option<Summary>)>> {
        let filter = filter.clone();
        let read = move |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            runs::list(&transaction, &filter)
        };
        Box::pin(self.read_runs(read, |found| under_way(found)))
    }

    fn delete_run(&self, id: &str) -> BoxFuture<'_, bool> {
        let id = id.to_owned();
        Box::pin(self.write(move |connection| {
            Ok(connection.execute("DELETE FROM backtest_runs WHERE id = ?1", [id])? > 0)
        }))
    }

    fn save_strategy(&self, strategy: StoredStrategy) -> BoxFuture<'_, ()> {
        Box::pin(self.write(move |connection| strategies::save(connection, &strategy)))
    }

    fn strategy(&self, id: &str) -> BoxFuture<'_, Option<StoredStrategy>> {
        let id = id.to_owned();
        Box::pin(self.read(move |connection| strategies::find(connection, &id)))
    }

    fn strategies(&self) -> BoxFuture<'_, Vec<StoredStrategy>> {
        Box::pin(self.read(|connection| strategies::list(connection)))
    }

    fn delete_strategy(&self, id: &str) -> BoxFuture<'_, bool> {
        let id = id.to_owned();
        Box::pin(self.write(move |connection| {
            Ok(connection.execute("DELETE FROM trading_strategies WHERE id = ?1", [id])? > 0)
        }))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            // The connection that is closed last carries the log over into the file, so it must be the one that writes.
            self.reader.close().await;
            self.writer.close().await;
            drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner).take());
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests;
