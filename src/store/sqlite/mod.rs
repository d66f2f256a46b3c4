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
use super::{Answer, Filter, Outcome, Run, Status, Store, StoredStrategy, Summary};
use crate::error::Result;

/// A store in a file.
#[derive(Debug)]
pub struct Sqlite {
    path: PathBuf,
    /// Under which runs are kept; see [`owners`].
    owner: String,
    lock: Mutex<Option<Owner>>,
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
            path,
            owner: owner.id().to_owned(),
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
        let path = self.path.clone();
        self.writer
            .call(move |connection| job(connection).map_err(|failure| failure.describe(&path)))
            .await
    }

    /// Runs a job with the connection that reads; what was answered as written before is seen.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> std::result::Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        let path = self.path.clone();
        self.reader
            .call(move |connection| job(connection).map_err(|failure| failure.describe(&path)))
            .await
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
    #[expect(clippy::disallowed_methods, reason = "when a run was found dead is noted")]
    let now = chrono::Utc::now().timestamp_millis();
    owners::bury_the_dead(&mut connection, path, now, &opening)?;
    let owner = Owner::register(path, &opening)?;
    Ok((connection, owner))
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
    fn create_run(&self, run: Run) -> Answer<'_, ()> {
        let owner = self.owner.clone();
        Box::pin(self.write(move |connection| runs::create(connection, &run, &owner)))
    }

    fn update_run(
        &self,
        id: &str,
        status: Status,
        error: Option<String>,
        completed_at: Option<i64>,
    ) -> Answer<'_, ()> {
        let id = id.to_owned();
        Box::pin(self.write(move |connection| {
            runs::update(connection, &id, status, error.as_deref(), completed_at)
        }))
    }

    fn complete_run(
        &self,
        id: &str,
        fingerprint: Option<String>,
        outcome: Arc<Outcome>,
        completed_at: i64,
    ) -> Answer<'_, ()> {
        let id = id.to_owned();
        Box::pin(self.write(move |connection| {
            let transaction = connection.transaction()?;
            runs::complete(&transaction, &id, fingerprint.as_deref(), completed_at)?;
            results::insert(&transaction, &id, &outcome)?;
            Ok(transaction.commit()?)
        }))
    }

    fn run(&self, id: &str) -> Answer<'_, Option<(Run, Option<Outcome>)>> {
        let id = id.to_owned();
        Box::pin(self.read(move |connection| {
            let transaction = connection.transaction()?;
            let Some(run) = runs::find(&transaction, &id)? else { return Ok(None) };
            let outcome = results::outcome(&transaction, &id)?;
            Ok(Some((run, outcome)))
        }))
    }

    fn summary(&self, id: &str) -> Answer<'_, Option<(Run, Option<Summary>)>> {
        let id = id.to_owned();
        Box::pin(self.read(move |connection| runs::summary(connection, &id)))
    }

    fn list(&self, filter: &Filter) -> Answer<'_, Vec<(Run, Option<Summary>)>> {
        let filter = filter.clone();
        Box::pin(self.read(move |connection| {
            let transaction = connection.transaction()?;
            runs::list(&transaction, &filter)
        }))
    }

    fn delete_run(&self, id: &str) -> Answer<'_, bool> {
        let id = id.to_owned();
        Box::pin(self.write(move |connection| {
            Ok(connection.execute("DELETE FROM backtest_runs WHERE id = ?1", [id])? > 0)
        }))
    }

    fn save_strategy(&self, strategy: StoredStrategy) -> Answer<'_, ()> {
        Box::pin(self.write(move |connection| strategies::save(connection, &strategy)))
    }

    fn strategy(&self, id: &str) -> Answer<'_, Option<StoredStrategy>> {
        let id = id.to_owned();
        Box::pin(self.read(move |connection| strategies::find(connection, &id)))
    }

    fn strategies(&self) -> Answer<'_, Vec<StoredStrategy>> {
        Box::pin(self.read(|connection| strategies::list(connection)))
    }

    fn delete_strategy(&self, id: &str) -> Answer<'_, bool> {
        let id = id.to_owned();
        Box::pin(self.write(move |connection| {
            Ok(connection.execute("DELETE FROM trading_strategies WHERE id = ?1", [id])? > 0)
        }))
    }

    fn close(&self) -> Answer<'_, ()> {
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
