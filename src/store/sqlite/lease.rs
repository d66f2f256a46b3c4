//! Which process runs which backtest or sweep.
//!
//! Every open store holds a lock on a file of its own. The operating system releases the lock when the process ends, for
//! whatever reason. If the lock of an owner is free, the owner is dead, and its unfinished runs and sweeps have failed.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use crate::db::sqlite::{describe, describe_io};
use crate::error::{Error, Result};
use crate::store::errors::{PROCESS_DIED, SWEEP_PROCESS_DIED};

/// How long opening a store waits for another process that opens it.
const OPENING_TIMEOUT: Duration = Duration::from_secs(30);

/// Returns the folder of the lock files of a store. Its name is part of the format: processes with other versions of this
/// library look there too.
fn lock_folder(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push("-owners");
    PathBuf::from(name)
}

/// The lock held while a store is opened: one process at a time migrates the schema and looks for dead owners.
///
/// Without it, a process could find the lock file of another between its creation and its locking.
#[derive(Debug)]
pub struct OpeningLock {
    _locked: File,
}

impl OpeningLock {
    /// Waits for the lock and takes it; creates the folder of the lock files if there is none.
    ///
    /// # Errors
    /// `STORAGE` if the folder cannot be created or written; retryable if another process does not release the lock.
    pub fn acquire(store: &Path) -> Result<Self> {
        let folder = lock_folder(store);
        fs::create_dir_all(&folder)
            .map_err(|error| describe_io(&folder, "create the folder", &error))?;
        let path = folder.join("opening");
        let file = open(&path)?;
        #[expect(clippy::disallowed_methods, reason = "the wait for another process is limited")]
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _locked: file }),
                Err(TryLockError::Error(error)) => {
                    return Err(describe_io(&path, "lock", &error));
                }
                Err(TryLockError::WouldBlock) if start.elapsed() < OPENING_TIMEOUT => {
                    thread::sleep(Duration::from_millis(5));
                }
                Err(TryLockError::WouldBlock) => {
                    let message =
                        format!("the store {} is being opened by another process", store.display());
                    return Err(Error::storage(message).retryable());
                }
            }
        }
    }
}

/// A locked file that shows that this process is alive. Dropping the lease deletes the file.
#[derive(Debug)]
pub struct Lease {
    engine_id: String,
    path: PathBuf,
    file: Option<File>,
}

impl Lease {
    /// Creates and locks a file with a unique name.
    ///
    /// # Errors
    /// `STORAGE` if the file cannot be created or locked.
    pub fn acquire(store: &Path, _opening: &OpeningLock) -> Result<Self> {
        let engine_id = uuid::Uuid::new_v4().to_string();
        let path = lock_file(store, &engine_id);
        let file = open(&path)?;
        file.try_lock().map_err(|error| describe_io(&path, "lock", &error.into()))?;
        Ok(Self { engine_id, path, file: Some(file) })
    }

    /// Returns the `owner` of the runs and sweeps of this engine.
    pub fn engine_id(&self) -> &str {
        &self.engine_id
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // The lock goes first, since some systems do not delete an open file. A process that takes the lock in between
        // deletes the file too.
        drop(self.file.take());
        let _ = fs::remove_file(&self.path);
    }
}

/// Marks the runs and sweeps of dead processes as failed and deletes their lock files. Returns how many there were.
///
/// # Errors
/// `STORAGE` if the database or the folder cannot be read or written.
pub fn fail_orphaned_work(
    connection: &mut Connection,
    store: &Path,
    now: i64,
    _opening: &OpeningLock,
) -> Result<usize> {
    let to_error = |error: rusqlite::Error| describe(store, &error);
    let mut ids = owners_with_lock_file(store)?;
    ids.extend(owners_of_unfinished_work(connection).map_err(to_error)?);
    fail_work(connection, store, now, find_dead(store, ids)).map_err(to_error)
}

/// Returns whether a process other than `own` has died and left an unfinished run or sweep.
pub fn has_dead_owner(connection: &Connection, store: &Path, own: &str) -> rusqlite::Result<bool> {
    let mut ids = owners_of_unfinished_work(connection)?;
    ids.retain(|id| id != own);
    Ok(!find_dead(store, ids).is_empty())
}

/// Marks the runs and sweeps of dead processes as failed. Returns how many there were.
///
/// Other processes may open the store meanwhile. Only owners of unfinished runs and sweeps are considered, since those
/// have locked their files long ago.
pub fn fail_work_of_dead_owners(
    connection: &mut Connection,
    store: &Path,
    own: &str,
    now: i64,
) -> rusqlite::Result<usize> {
    let mut ids = owners_of_unfinished_work(connection)?;
    ids.retain(|id| id != own);
    fail_work(connection, store, now, find_dead(store, ids))
}

/// An owner that is dead.
struct DeadOwner {
    id: String,
    /// The lock file, locked, if it exists.
    file: Option<File>,
}

fn find_dead(store: &Path, ids: Vec<String>) -> Vec<DeadOwner> {
    let mut dead: Vec<DeadOwner> = Vec::new();
    for id in ids {
        if dead.iter().any(|owner| owner.id == id) || uuid::Uuid::try_parse(&id).is_err() {
            continue;
        }
        match File::open(lock_file(store, &id)) {
            // The lock is held until runs and sweeps are marked, so that a crash before that leaves the file for the next process.
            Ok(file) if file.try_lock().is_ok() => dead.push(DeadOwner { id, file: Some(file) }),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                dead.push(DeadOwner { id, file: None });
            }
            // The owner is alive, or the file belongs to another user and its lock cannot be tested.
            Ok(_) | Err(_) => {}
        }
    }
    dead
}

/// Marks the runs and sweeps of dead owners as failed and deletes their lock files. Returns how many there were.
fn fail_work(
    connection: &mut Connection,
    store: &Path,
    now: i64,
    dead: Vec<DeadOwner>,
) -> rusqlite::Result<usize> {
    if dead.is_empty() {
        return Ok(0);
    }
    let transaction = connection.transaction()?;
    let mut failed = 0;
    for owner in &dead {
        for (table, error) in [("backtest_runs", PROCESS_DIED), ("sweeps", SWEEP_PROCESS_DIED)] {
            let sql = format!(
                "UPDATE {table} SET status = 'failed', error = ?2, completed_at = ?3
                 WHERE owner = ?1 AND status IN ('pending', 'running')"
            );
            failed += transaction.execute(&sql, params![owner.id, error, now])?;
        }
    }
    transaction.commit()?;
    for DeadOwner { id, file } in dead {
        drop(file);
        let _ = fs::remove_file(lock_file(store, &id));
    }
    Ok(failed)
}

fn owners_with_lock_file(store: &Path) -> Result<Vec<String>> {
    let folder = lock_folder(store);
    let entries =
        fs::read_dir(&folder).map_err(|error| describe_io(&folder, "read the folder", &error))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.filter_map(|name| name.strip_suffix(".lock").map(str::to_owned)).collect())
}

/// Returns the owners of unfinished runs and sweeps. Their lock files may have been deleted.
fn owners_of_unfinished_work(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let sql = "
        SELECT owner FROM backtest_runs WHERE status IN ('pending', 'running')
        UNION SELECT owner FROM sweeps WHERE status IN ('pending', 'running')";
    connection.prepare_cached(sql)?.query_map([], |row| row.get(0))?.collect()
}

fn lock_file(store: &Path, engine_id: &str) -> PathBuf {
    lock_folder(store).join(format!("{engine_id}.lock"))
}

fn open(path: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(|error| describe_io(path, "write", &error))
}
