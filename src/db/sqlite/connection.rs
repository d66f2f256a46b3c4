//! Connections with the settings that the store needs.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::failure;
use crate::error::Result;

/// How long a connection waits for the lock of another process while it is opened.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens the connection that writes; creates the file if there is none.
///
/// # Errors
/// `STORAGE` if the file cannot be opened or is not a database.
pub(crate) fn open_writer(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut connection = open(path, flags)?;
    // A transaction that takes the write lock later than at its start can fail without waiting for it.
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    set_up_writing(&connection).map_err(|error| failure::describe(path, &error))?;
    Ok(connection)
}

fn set_up_writing(connection: &Connection) -> rusqlite::Result<()> {
    // Large pages suit blobs of 64 KiB. The setting has no effect on a file that already has tables.
    connection.pragma_update(None, "page_size", 16_384)?;
    let journal: String =
        connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    // With the write-ahead log, NORMAL loses at most the last transactions in a power failure, never the database. File
    // systems that do not support the log (some networked ones) are safe only with FULL.
    let synchronous = if journal == "wal" { "normal" } else { "full" };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // The log is truncated to this size after a large transaction.
    connection.pragma_update(None, "journal_size_limit", 16 << 20)
}

/// Opens a connection that only reads.
///
/// # Errors
/// `STORAGE` if the file cannot be opened or is not a database.
pub(crate) fn open_reader(path: &Path) -> Result<Connection> {
    // A reader writes to the index of the log too, so the file is opened for writing and statements are restricted instead.
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection
        .pragma_update(None, "query_only", true)
        .map_err(|error| failure::describe(path, &error))?;
    Ok(connection)
}

/// Opens a connection for reads that take microseconds and wait for nothing. `None` if the file has no write-ahead log: readers
/// then wait for writers, and the file may be on a network.
pub(super) fn open_brief_reader(path: &Path) -> Option<Connection> {
    let connection = open_reader(path).ok()?;
    connection.busy_timeout(Duration::ZERO).ok()?;
    let journal: String =
        connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).ok()?;
    (journal == "wal").then_some(connection)
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let describe = |error: rusqlite::Error| failure::describe(path, &error);
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(describe)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(describe)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}
