//! The store in a file.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use super::lease::{self, Lease, OpeningLock};
use super::{results, runs, schema, strategies};
use crate::db::sqlite::{Database, Failure, describe_io, open_writer};
use crate::error::Result;
use crate::future::BoxFuture;
use crate::store::errors;
use crate::store::interface::Store;
use crate::store::record::{Filter, Outcome, Run, StoredStrategy, Summary};

/// A store in a file.
#[derive(Debug)]
pub struct SqliteStore {
    database: Arc<Database>,
    /// Identifies this engine as the owner of its runs and sweeps; see [`lease`].
    engine_id: String,
    lease: Mutex<Option<Lease>>,
}

impl SqliteStore {
    /// Opens the store in a file. Creates the file and its folder if they do not exist, migrates the schema, and marks the
    /// runs and sweeps of dead processes as failed.
    ///
    /// # Errors
    /// `STORAGE`, naming the path, if the folder or the file cannot be created, opened or written, the file is not a
    /// database, or its schema is newer than this library; retryable if another process holds a lock too long.
    pub async fn open(path: &Path) -> Result<Arc<Self>> {
        let (database, lease) = Database::open(path, open).await?;
        let engine_id = lease.engine_id().to_owned();
        Ok(Arc::new(Self { database, engine_id, lease: Mutex::new(Some(lease)) }))
    }

    /// Returns the database; closing the store closes it.
    pub fn database(&self) -> &Arc<Database> {
        &self.database
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        self.database.path()
    }

    /// Returns the `owner` of the runs and sweeps of this engine.
    pub(super) fn engine_id(&self) -> &str {
        &self.engine_id
    }

    /// Reads runs or sweeps. If unfinished ones belong to a dead process, marks those as failed and reads again.
    pub(super) async fn read_alive<T: Send + 'static>(
        &self,
        read: impl Fn(&mut Connection) -> std::result::Result<T, Failure> + Clone + Send + 'static,
        are_under_way: impl Fn(&T) -> bool,
    ) -> Result<T> {
        let found = self.database.read(read.clone()).await?;
        if !are_under_way(&found) {
            return Ok(found);
        }
        let has_dead = {
            let (path, own) = (self.path().to_owned(), self.engine_id.clone());
            move |connection: &mut Connection| Ok(lease::has_dead_owner(connection, &path, &own)?)
        };
        if !self.database.read(has_dead).await? {
            return Ok(found);
        }
        let fail = {
            let (path, own) = (self.path().to_owned(), self.engine_id.clone());
            move |connection: &mut Connection| {
                Ok(lease::fail_work_of_dead_owners(connection, &path, &own, now())?)
            }
        };
        match self.database.write(fail).await {
            Ok(_) => self.database.read(read).await,
            Err(error) => {
                tracing::debug!(%error, "the runs and sweeps of a dead process could not be marked as failed");
                Ok(found)
            }
        }
    }
}

fn open(path: &Path) -> Result<(Connection, Lease)> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)
            .map_err(|error| describe_io(folder, "create the folder", &error))?;
    }
    let opening = OpeningLock::acquire(path)?;
    let mut connection = open_writer(path)?;
    schema::migrate(&mut connection, path, &schema::MIGRATIONS)?;
    lease::fail_orphaned_work(&mut connection, path, now(), &opening)?;
    let lease = Lease::acquire(path, &opening)?;
    Ok((connection, lease))
}

#[expect(clippy::disallowed_methods, reason = "records when a dead run was detected")]
fn now() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

/// Returns whether any of the runs has not ended yet.
fn is_any_under_way<'a, T: 'a>(runs: impl IntoIterator<Item = &'a (Run, T)>) -> bool {
    runs.into_iter().any(|(run, _)| run.status.is_under_way())
}

impl Store for SqliteStore {
    fn create_run(&self, run: Run) -> BoxFuture<'_, ()> {
        let engine_id = self.engine_id.clone();
        Box::pin(self.database.write(move |connection| runs::create(connection, &run, &engine_id)))
    }

    fn begin_run(&self, run: Run) -> BoxFuture<'_, ()> {
        let engine_id = self.engine_id.clone();
        Box::pin(self.database.write(move |connection| runs::begin(connection, &run, &engine_id)))
    }

    fn end_run(&self, run: Run, outcome: Option<Arc<Outcome>>) -> BoxFuture<'_, ()> {
        let engine_id = self.engine_id.clone();
        Box::pin(self.database.write(move |connection| {
            errors::check_end(&run, outcome.as_deref())?;
            let transaction = connection.transaction()?;
            let is_new = runs::end(&transaction, &run, &engine_id)?;
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
        Box::pin(self.read_alive(read, |found| is_any_under_way(found.as_ref())))
    }

    fn summary(&self, id: &str) -> BoxFuture<'_, Option<(Run, Option<Summary>)>> {
        let id = id.to_owned();
        let read = move |connection: &mut Connection| runs::summary(connection, &id);
        Box::pin(self.read_alive(read, |found| is_any_under_way(found.as_ref())))
    }

    fn list(&self, filter: &Filter) -> BoxFuture<'_, Vec<(Run, Option<Summary>)>> {
        let filter = filter.clone();
        let read = move |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            runs::list(&transaction, &filter)
        };
        Box::pin(self.read_alive(read, |found| is_any_under_way(found)))
    }

    fn delete_run(&self, id: &str) -> BoxFuture<'_, bool> {
        let id = id.to_owned();
        Box::pin(self.database.write(move |connection| {
            Ok(connection.execute("DELETE FROM backtest_runs WHERE id = ?1", [id])? > 0)
        }))
    }

    fn save_strategy(&self, strategy: StoredStrategy) -> BoxFuture<'_, ()> {
        Box::pin(self.database.write(move |connection| strategies::save(connection, &strategy)))
    }

    fn strategy(&self, id: &str) -> BoxFuture<'_, Option<StoredStrategy>> {
        let id = id.to_owned();
        Box::pin(self.database.read(move |connection| strategies::find(connection, &id)))
    }

    fn strategies(&self) -> BoxFuture<'_, Vec<StoredStrategy>> {
        Box::pin(self.database.read(|connection| strategies::list(connection)))
    }

    fn delete_strategy(&self, id: &str) -> BoxFuture<'_, bool> {
        let id = id.to_owned();
        Box::pin(self.database.write(move |connection| {
            Ok(connection.execute("DELETE FROM trading_strategies WHERE id = ?1", [id])? > 0)
        }))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.database.close().await;
            drop(self.lease.lock().unwrap_or_else(PoisonError::into_inner).take());
            Ok(())
        })
    }
}
