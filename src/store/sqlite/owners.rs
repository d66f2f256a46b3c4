//! Who runs what: every open store holds a lock on a file of its own, which the system lets go when the process ends,
//! however it ends. Whose lock can be taken is dead, and its unfinished runs have failed.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use super::failure;
use crate::error::{Error, Result};
use crate::store::DIED;

/// How long an opening waits for another one.
const PATIENCE: Duration = Duration::from_secs(30);

/// Returns the folder of the locks of a store.
pub fn folder(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push("-owners");
    PathBuf::from(name)
}

/// The lock under which a store is opened: one process at a time migrates it and looks for dead ones.
///
/// Without it, a process could find the file of another between its creation and its locking.
#[derive(Debug)]
pub struct Opening {
    _locked: File,
}

impl Opening {
    /// Waits for the lock and takes it; makes the folder of the locks where there is none.
    ///
    /// # Errors
    /// `STORAGE` where the folder cannot be made or written; a retryable one where another process does not let go.
    pub fn begin(store: &Path) -> Result<Self> {
        let folder = folder(store);
        fs::create_dir_all(&folder)
            .map_err(|error| failure::describe_io(&folder, "make the folder", &error))?;
        let path = folder.join("opening");
        let file = open(&path)?;
        #[expect(clippy::disallowed_methods, reason = "waiting for another process has an end")]
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _locked: file }),
                Err(TryLockError::Error(error)) => {
                    return Err(failure::describe_io(&path, "lock", &error));
                }
                Err(TryLockError::WouldBlock) if start.elapsed() < PATIENCE => {
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

/// The lock that says that a store is in use; its file goes with it.
#[derive(Debug)]
pub struct Owner {
    id: String,
    path: PathBuf,
    file: Option<File>,
}

impl Owner {
    /// Makes and locks a file with a name of its own.
    ///
    /// # Errors
    /// `STORAGE` where the file cannot be made or locked.
    pub fn register(store: &Path, _opening: &Opening) -> Result<Self> {
        let id = uuid::Uuid::new_v4().to_string();
        let path = lock_file(store, &id);
        let file = open(&path)?;
        file.try_lock().map_err(|error| failure::describe_io(&path, "lock", &error.into()))?;
        Ok(Self { id, path, file: Some(file) })
    }

    /// Returns the name under which runs are kept.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // First the lock, since some systems do not delete an open file. Whoever takes it in between does the same.
        drop(self.file.take());
        let _ = fs::remove_file(&self.path);
    }
}

/// Marks the runs of dead processes as failed and deletes their files; returns how many runs there were.
///
/// # Errors
/// `STORAGE` where the database or the folder cannot be read or written.
pub fn fail_orphaned_runs(
    connection: &mut Connection,
    store: &Path,
    now: i64,
    _opening: &Opening,
) -> Result<usize> {
    let describe = |error: rusqlite::Error| failure::describe(store, &error);
    let mut ids = owners_by_file(store)?;
    ids.extend(owners_by_run(connection).map_err(describe)?);
    bury(connection, store, now, find_dead(store, ids)).map_err(describe)
}

/// Returns whether a process has died, other than `own`, that has a run under way.
pub fn has_dead(connection: &Connection, store: &Path, own: &str) -> rusqlite::Result<bool> {
    let mut ids = owners_by_run(connection)?;
    ids.retain(|id| id != own);
    Ok(!find_dead(store, ids).is_empty())
}

/// Marks the runs of dead processes as failed while others open the store. Only who has a run under way is looked at: it
/// has locked its file long since. Returns how many runs there were.
pub fn bury_those_with_runs(
    connection: &mut Connection,
    store: &Path,
    own: &str,
    now: i64,
) -> rusqlite::Result<usize> {
    let mut ids = owners_by_run(connection)?;
    ids.retain(|id| id != own);
    bury(connection, store, now, find_dead(store, ids))
}

/// An owner that is dead, and its file, locked, if there is one.
type Dead = (String, Option<File>);

/// Finds the dead among owners.
fn find_dead(store: &Path, ids: Vec<String>) -> Vec<Dead> {
    let mut dead: Vec<Dead> = Vec::new();
    for id in ids {
        if dead.iter().any(|(known, _)| *known == id) || uuid::Uuid::try_parse(&id).is_err() {
            continue;
        }
        match File::open(lock_file(store, &id)) {
            // The lock is kept until the runs are marked, so that a crash before that leaves the file to the next one.
            Ok(file) if file.try_lock().is_ok() => dead.push((id, Some(file))),
            Err(error) if error.kind() == ErrorKind::NotFound => dead.push((id, None)),
            // Alive, or a file of another user, of which nothing can be said.
            Ok(_) | Err(_) => {}
        }
    }
    dead
}

/// Marks the runs of dead owners as failed and deletes their files; returns how many runs there were.
fn bury(
    connection: &mut Connection,
    store: &Path,
    now: i64,
    dead: Vec<Dead>,
) -> rusqlite::Result<usize> {
    if dead.is_empty() {
        return Ok(0);
    }
    let transaction = connection.transaction()?;
    let mut buried = 0;
    for (id, _) in &dead {
        buried += transaction.execute(
            "UPDATE backtest_runs SET status = 'failed', error = ?2, completed_at = ?3
             WHERE owner = ?1 AND status IN ('pending', 'running')",
            params![id, DIED, now],
        )?;
    }
    transaction.commit()?;
    for (id, file) in dead {
        drop(file);
        let _ = fs::remove_file(lock_file(store, &id));
    }
    Ok(buried)
}

fn owners_by_file(store: &Path) -> Result<Vec<String>> {
    let folder = folder(store);
    let entries = fs::read_dir(&folder)
        .map_err(|error| failure::describe_io(&folder, "read the folder", &error))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.filter_map(|name| name.strip_suffix(".lock").map(str::to_owned)).collect())
}

/// Finds owners of unfinished runs, whose files may have been deleted.
fn owners_by_run(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare("SELECT DISTINCT owner FROM backtest_runs WHERE status IN ('pending', 'running')")?
        .query_map([], |row| row.get(0))?
        .collect()
}

fn lock_file(store: &Path, id: &str) -> PathBuf {
    folder(store).join(format!("{id}.lock"))
}

fn open(path: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(|error| failure::describe_io(path, "write", &error))
}
