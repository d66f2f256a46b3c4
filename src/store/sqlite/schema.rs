//! The schema and its numbered migrations.

use std::path::Path;

use refinery::{Migration, Runner};
use rusqlite::Connection;

use crate::db::sqlite::describe;
use crate::error::{Error, Result};

/// Every migration by the name of its file, in order.
///
/// A published migration never changes, comments included, because the database keeps its checksum. V1 still names files
/// that have moved: `blob.rs` is now [`crate::db::encoding`].
pub const MIGRATIONS: [(&str, &str); 4] = [
    ("V1__initial", include_str!("migrations/V1__initial.sql")),
    ("V2__bars_revision", include_str!("migrations/V2__bars_revision.sql")),
    ("V3__notes", include_str!("migrations/V3__notes.sql")),
    ("V4__sweeps", include_str!("migrations/V4__sweeps.sql")),
];

/// The table of applied migrations.
const HISTORY: &str = "backtesting_schema_history";

/// Migrates the schema. The caller holds the opening lock.
///
/// # Errors
/// `STORAGE` if the schema is newer than this library or belongs to something else, or if a migration fails.
pub fn migrate(
    connection: &mut Connection,
    path: &Path,
    migrations: &[(&str, &str)],
) -> Result<()> {
    let migrations: Vec<Migration> = migrations
        .iter()
        .map(|(name, sql)| Migration::unapplied(name, sql))
        .collect::<std::result::Result<_, _>>()
        .map_err(|error| Error::internal(format!("a migration is not valid: {error}")))?;
    let known =
        migrations.iter().map(|migration| i64::from(migration.version())).max().unwrap_or(0);
    let applied = applied(connection, path)?;
    if let Some(newest) = applied.filter(|newest| *newest > known) {
        return Err(Error::storage(format!(
            "the store {} has schema version {newest}, newer than version {known} of this library; update the \
             library or choose another store",
            path.display()
        )));
    }
    let mut runner = Runner::new(&migrations).set_grouped(true);
    runner.set_migration_table_name(HISTORY);
    runner.run(connection).map(drop).map_err(|error| {
        Error::storage(format!(
            "the schema of the store {} cannot be migrated: {error}",
            path.display()
        ))
    })
}

/// Returns the newest applied version; `None` in a new store.
///
/// The rows are checked here because refinery panics over rows that it did not write.
fn applied(connection: &Connection, path: &Path) -> Result<Option<i64>> {
    let to_error = |error: rusqlite::Error| describe(path, &error);
    if !connection.table_exists(None, HISTORY).map_err(to_error)? {
        return Ok(None);
    }
    let mut statement = connection
        .prepare(&format!("SELECT version, applied_on, checksum FROM {HISTORY}"))
        .map_err(to_error)?;
    let rows = statement
        .query_map([], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
        })
        .map_err(to_error)?;
    let mut newest = None;
    for row in rows {
        let (version, applied_on, checksum) = row.map_err(to_error)?;
        if chrono::DateTime::parse_from_rfc3339(&applied_on).is_err()
            || checksum.parse::<u64>().is_err()
        {
            let path = path.display();
            return Err(Error::storage(format!(
                "the store {path} is damaged: its table of migrations is broken"
            )));
        }
        newest = newest.max(Some(version));
    }
    Ok(newest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::sqlite::open_writer;
    use crate::store::record::Remarks;
    use crate::store::sqlite::runs;

    #[test]
    fn the_list_holds_every_migration_of_the_folder() {
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
    fn older_schemas_are_migrated_and_newer_ones_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let mut connection = open_writer(&path).unwrap();
        migrate(&mut connection, &path, &MIGRATIONS).unwrap();
        let mut later = MIGRATIONS.to_vec();
        later.push((
            "V5__remarks",
            "CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('upgraded');",
        ));
        migrate(&mut connection, &path, &later).unwrap();
        migrate(&mut connection, &path, &later).unwrap();
        let notes: i64 =
            connection.query_row("SELECT count(*) FROM notes", [], |row| row.get(0)).unwrap();
        assert_eq!(notes, 1);
        let error = migrate(&mut connection, &path, &MIGRATIONS).unwrap_err();
        assert!(
            error.message.contains("has schema version 5, newer than version 4"),
            "{}",
            error.message
        );
    }

    #[test]
    fn runs_of_the_first_schema_stay_readable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let mut connection = open_writer(&path).unwrap();
        migrate(&mut connection, &path, &MIGRATIONS[..1]).unwrap();
        let insert = "
            INSERT INTO backtest_runs (id, strategy_id, asset_symbol, timeframe, start_date, end_date, initial_capital,
              parameters, simulation, status, engine_version, fingerprint, owner, created_at, completed_at)
            VALUES ('bt-old', 'sma_crossover', 'A', '1d', 0, 86400000, 1000, '{}', '{}', 'completed', '0.1.0', 'f', 'o', 1, 2)";
        connection.execute(insert, []).unwrap();
        let insert = "
            INSERT INTO backtest_results (run_id, final_capital, total_return, metrics, warnings, timestamps, equity)
            VALUES ('bt-old', 1100, 10, '{}', '[\"only 1 closed trade\"]', x'', x'')";
        connection.execute(insert, []).unwrap();
        migrate(&mut connection, &path, &MIGRATIONS).unwrap();
        let (run, summary) = runs::summary(&connection, "bt-old").unwrap().unwrap();
        assert_eq!((run.fingerprint.as_deref(), run.bars_revision), (Some("f"), None));
        let summary = summary.unwrap();
        assert_eq!(summary.remarks, Remarks::Texts(vec!["only 1 closed trade".into()]));
        assert_eq!(summary.assumptions, None);
    }

    #[test]
    fn a_failed_migration_is_rolled_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let mut connection = open_writer(&path).unwrap();
        let mut broken = MIGRATIONS.to_vec();
        broken.push(("V5__broken", "CREATE TABLE half (a); CREATE TABLE half (a);"));
        let error = migrate(&mut connection, &path, &broken).unwrap_err();
        assert!(error.message.contains("cannot be migrated"), "{}", error.message);
        assert!(!connection.table_exists(None, "half").unwrap());
        migrate(&mut connection, &path, &MIGRATIONS).unwrap();
    }

    #[test]
    fn a_broken_table_of_migrations_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let mut connection = open_writer(&path).unwrap();
        migrate(&mut connection, &path, &MIGRATIONS).unwrap();
        connection.execute(&format!("UPDATE {HISTORY} SET checksum = 'x'"), []).unwrap();
        let error = migrate(&mut connection, &path, &MIGRATIONS).unwrap_err();
        assert!(error.message.contains("its table of migrations is broken"), "{}", error.message);
    }
}
