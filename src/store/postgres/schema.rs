//! The schema and its numbered migrations.
//!
//! Migrations and their table have the format of refinery, but they are applied here, in one transaction. Its advisory lock
//! admits one process at a time. A lock of the session, as refinery takes it, would not work behind a pooler.

use deadpool_postgres::Transaction;
use refinery::Migration;
use tokio_postgres::types::Type;
use xxhash_rust::xxh3::xxh3_64;

use crate::db::postgres::{Failure, Pool, SqlParameter, quote_identifier};
use crate::error::{Error, Result};

/// Every migration by the name of its file, in order.
///
/// A published migration never changes, comments included, because the database keeps its checksum. V1 still names a file
/// that has moved: `owners.rs` is now `lease.rs`.
pub const MIGRATIONS: [(&str, &str); 4] = [
    ("V1__initial", include_str!("migrations/V1__initial.sql")),
    ("V2__bars_revision", include_str!("migrations/V2__bars_revision.sql")),
    ("V3__notes", include_str!("migrations/V3__notes.sql")),
    ("V4__sweeps", include_str!("migrations/V4__sweeps.sql")),
];

/// The table of applied migrations.
const HISTORY: &str = "backtesting_schema_history";

/// Migrates the schema; creates it if it does not exist. If this fails, nothing has changed.
///
/// # Errors
/// `STORAGE` if the schema is newer than this library or belongs to something else, or if a migration fails.
pub async fn migrate(pool: &Pool, schema: &str, migrations: &[(&str, &str)]) -> Result<()> {
    let migrations: Vec<Migration> = migrations
        .iter()
        .map(|(name, sql)| Migration::unapplied(name, sql))
        .collect::<std::result::Result<_, _>>()
        .map_err(|error| Error::internal(format!("a migration is not valid: {error}")))?;
    let run = async {
        let mut connection = pool.get().await?;
        let transaction = pool.begin(&mut connection).await?;
        apply(&transaction, pool.location(), schema, &migrations).await?;
        Ok(transaction.commit().await?)
    };
    run.await.map_err(|failure| pool.describe(failure))
}

async fn apply(
    transaction: &Transaction<'_>,
    database: &str,
    schema: &str,
    migrations: &[Migration],
) -> Result<(), Failure> {
    let key = xxh3_64(format!("aitradepro-backtesting:{schema}").as_bytes()).cast_signed();
    transaction.query_typed("SELECT pg_advisory_xact_lock($1)", &[(&key, Type::INT8)]).await?;
    // `CREATE SCHEMA IF NOT EXISTS` needs the permission to create even if the schema exists.
    let exists = "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1";
    if transaction.query_typed_opt(exists, &[(&schema, Type::TEXT)]).await?.is_none() {
        transaction.batch_execute(&format!("CREATE SCHEMA {}", quote_identifier(schema))).await?;
    }
    transaction
        .batch_execute(&format!("SET LOCAL search_path TO {}", quote_identifier(schema)))
        .await?;
    let applied = applied(transaction, database, schema).await?;
    let known =
        migrations.iter().map(|migration| i64::from(migration.version())).max().unwrap_or(0);
    if let Some((newest, ..)) = applied.iter().find(|(version, ..)| i64::from(*version) > known) {
        return Err(Error::storage(format!(
            "the schema {schema:?} of the PostgreSQL database {database} has version {newest}, newer than version {known} \
             of this library; update the library or choose another schema with dbSchema (DB_SCHEMA)"
        ))
        .into());
    }
    for migration in migrations {
        let version = migration.version();
        let checksum = migration.checksum().to_string();
        if let Some((_, name, before)) = applied.iter().find(|(known, ..)| *known == version) {
            if *before == checksum && name == migration.name() {
                continue;
            }
            return Err(Error::storage(format!(
                "migration {version} of the schema {schema:?} of the PostgreSQL database {database} is {name:?}, which differs \
                 from that of this library; choose another schema with dbSchema (DB_SCHEMA)"
            ))
            .into());
        }
        transaction.batch_execute(migration.sql().unwrap_or_default()).await?;
        let note = format!(
            "INSERT INTO {HISTORY} (version, name, applied_on, checksum)
             VALUES ($1, $2, to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), $3)"
        );
        let name = migration.name();
        transaction
            .execute_typed(
                &note,
                &[(&version, Type::INT4), (&name, Type::TEXT), (&checksum, Type::TEXT)],
            )
            .await?;
    }
    Ok(())
}

/// Returns the version, name and checksum of each applied migration. Creates their table if the schema is empty.
async fn applied(
    transaction: &Transaction<'_>,
    database: &str,
    schema: &str,
) -> Result<Vec<(i32, String, String)>, Failure> {
    let exists = "SELECT 1 FROM pg_catalog.pg_class WHERE relname = $1
                 AND relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $2)";
    let parameters: [SqlParameter; 2] = [(&HISTORY, Type::TEXT), (&schema, Type::TEXT)];
    if transaction.query_typed_opt(exists, &parameters).await?.is_some() {
        let all = format!(
            "SELECT version, name::text, checksum::text FROM {}.{HISTORY} ORDER BY version",
            quote_identifier(schema)
        );
        let rows = transaction.query_typed(&all, &[]).await?;
        let read =
            |row: &tokio_postgres::Row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?));
        return rows.iter().map(read).collect();
    }
    // A schema with tables but without migrations belongs to something else.
    let foreign = "SELECT relname::text FROM pg_catalog.pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f')
                   AND relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1) ORDER BY 1 LIMIT 1";
    if let Some(row) = transaction.query_typed_opt(foreign, &[(&schema, Type::TEXT)]).await? {
        let table: String = row.try_get(0)?;
        return Err(Error::storage(format!(
            "the schema {schema:?} of the PostgreSQL database {database} contains the table {table:?} of something else; choose \
             another schema with dbSchema (DB_SCHEMA)"
        ))
        .into());
    }
    let history = format!(
        "CREATE TABLE {HISTORY} (version int4 PRIMARY KEY, name varchar(255), applied_on varchar(255), checksum varchar(255))"
    );
    transaction.batch_execute(&history).await?;
    Ok(Vec::new())
}
