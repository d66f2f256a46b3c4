//! Connections as the store needs them, and the numbered migrations.

use std::path::Path;
use std::time::Duration;

use refinery::{Migration, Runner};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::failure;
use crate::error::{Error, Result};

/// Every migration by its file's name, in order. One that was published is never changed: its checksum is kept.
pub const MIGRATIONS: [(&str, &str); 1] =
    [("V1__initial", include_str!("migrations/V1__initial.sql"))];

/// Where the applied migrations are kept.
const HISTORY: &str = "backtesting_schema_history";

/// How long a connection waits for the lock of another process while it is opened.
const BUSY: Duration = Duration::from_secs(10);

/// Opens the connection that writes; makes the file where there is none.
///
/// # Errors
/// `STORAGE` where the file cannot be opened or is no database.
pub fn open_writer(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut connection = open(path, flags)?;
    // Every write transaction takes the lock at its beginning: taken later, it can fail without a wait.
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    set_up_writing(&connection).map_err(|error| failure::describe(path, &error))?;
    Ok(connection)
}

fn set_up_writing(connection: &Connection) -> rusqlite::Result<()> {
    // Large pages suit blobs of 64 KiB; the setting counts only for a file that is yet empty.
    connection.pragma_update(None, "page_size", 16_384)?;
    let journal: String =
        connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    // With the write-ahead log, NORMAL loses at most the last transactions when the power fails, never the database. Where
    // the file system has no such log (some networked ones), only FULL is safe.
    let synchronous = if journal == "wal" { "normal" } else { "full" };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // After a large transaction the log is cut back to this size.
    connection.pragma_update(None, "journal_size_limit", 16 << 20)
}

/// Opens a connection that only reads.
///
/// # Errors
/// `STORAGE` where the file cannot be opened or is no database.
pub fn open_reader(path: &Path) -> Result<Connection> {
    // Even a reader writes to the index of the log, so the file is opened for writing and the statements are restricted.
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection
        .pragma_update(None, "query_only", true)
        .map_err(|error| failure::describe(path, &error))?;
    Ok(connection)
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let describe = |error: rusqlite::Error| failure::describe(path, &error);
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(describe)?;
    connection.busy_timeout(BUSY).map_err(describe)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Brings the schema up to date; the caller holds the lock of openings.
///
/// # Errors
/// `STORAGE` where the schema is newer than this library, was made by something else, or a migration fails.
pub fn migrate(
    connection: &mut Connection,
    path: &Path,
    migrations: &[(&str, &str)],
) -> Result<()> {
    let migrations: Vec<Migration> = migrations
        .iter()
        .map(|(name, sql)| Migration::unapplied(name, sql))
        .collect::<std::result::Result<_, _>>()
        .map_err(|error| Error::internal(format!("a migration cannot be used: {error}")))?;
    let known =
        migrations.iter().map(|migration| i64::from(migration.version())).max().unwrap_or(0);
    let applied = applied(connection, path)?;
    if let Some(newest) = applied.filter(|newest| *newest > known) {
        return Err(Error::storage(format!(
            "the store {} has schema version {newest}, newer than version {known}, which this library knows; \
             update the library or choose another store",
            path.display()
        )));
    }
    let mut runner = Runner::new(&migrations).set_grouped(true);
    runner.set_migration_table_name(HISTORY);
    runner.run(connection).map(drop).map_err(|error| {
        Error::storage(format!(
            "the schema of the store {} cannot be brought up to date: {error}",
            path.display()
        ))
    })
}

/// Returns the newest version that was applied; nothing in a new store.
///
/// The rows are checked here because refinery panics over one that it did not write.
fn applied(connection: &Connection, path: &Path) -> Result<Option<i64>> {
    let describe = |error: rusqlite::Error| failure::describe(path, &error);
    if !connection.table_exists(None, HISTORY).map_err(describe)? {
        return Ok(None);
    }
    let mut statement = connection
        .prepare(&format!("SELECT version, applied_on, checksum FROM {HISTORY}"))
        .map_err(describe)?;
    let rows = statement
        .query_map([], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
        })
        .map_err(describe)?;
    let mut newest = None;
    for row in rows {
        let (version, applied_on, checksum) = row.map_err(describe)?;
        if chrono::DateTime::parse_from_rfc3339(&applied_on).is_err()
            || checksum.parse::<u64>().is_err()
        {
            let path = path.display();
            return Err(Error::storage(format!(
                "the store {path} is damaged: its record of migrations is broken"
            )));
        }
        newest = newest.max(Some(version));
    }
    Ok(newest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_migration_of_the_folder_is_listed() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/sqlite/migrations");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .filter_map(|entry| {
                entry.unwrap().file_name().to_str()?.strip_suffix(".sql").map(str::to_owned)
            })
            .collect();
        files.sort();
        assert_eq!(files, MIGRATIONS.map(|(name, _)| name));
    }

    #[test]
    fn older_schemas_are_upgraded_and_newer_ones_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let mut connection = open_writer(&path).unwrap();
        migrate(&mut connection, &path, &MIGRATIONS).unwrap();
        let mut later = MIGRATIONS.to_vec();
        later.push((
            "V2__notes",
            "CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('upgraded');",
        ));
        migrate(&mut connection, &path, &later).unwrap();
        migrate(&mut connection, &path, &later).unwrap();
        let notes: i64 =
            connection.query_row("SELECT count(*) FROM notes", [], |row| row.get(0)).unwrap();
        assert_eq!(notes, 1);
        let error = migrate(&mut connection, &path, &MIGRATIONS).unwrap_err();
        assert!(
            error.message.contains("has schema version 2, newer than version 1"),
            "{}",
            error.message
        );
    }

    #[test]
    fn a_migration_that_fails_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let mut connection = open_writer(&path).unwrap();
        let broken =
            [MIGRATIONS[0], ("V2__broken", "CREATE TABLE half (a); CREATE TABLE half (a);")];
        let error = migrate(&mut connection, &path, &broken).unwrap_err();
        assert!(error.message.contains("cannot be brought up to date"), "{}", error.message);
        assert!(!connection.table_exists(None, "half").unwrap());
        migrate(&mut connection, &path, &MIGRATIONS).unwrap();
    }

    #[test]
    fn a_broken_record_of_migrations_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let mut connection = open_writer(&path).unwrap();
        migrate(&mut connection, &path, &MIGRATIONS).unwrap();
        connection.execute(&format!("UPDATE {HISTORY} SET checksum = 'x'"), []).unwrap();
        let error = migrate(&mut connection, &path, &MIGRATIONS).unwrap_err();
        assert!(error.message.contains("its record of migrations is broken"), "{}", error.message);
    }
}
