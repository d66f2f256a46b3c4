//! How an engine shows that it is alive, and how the runs and sweeps of dead engines are found.
//!
//! **Lock.** Every open store has a connection of its own, outside of the pool, whose session holds an advisory lock. The
//! server releases the lock as soon as the process ends, for whatever reason, so a restarted backend finds its orphaned runs
//! at once. A timeout would leave them `running` for its whole length. An engine that only lost its connection reconnects
//! within half a second and takes the lock again. So an engine counts as dead only if its lock is free twice, three seconds
//! apart.
//!
//! **Heartbeat.** Behind a pooler in transaction mode, the lock of a session would belong to an arbitrary connection of the
//! pooler. There, an engine writes the time of the server every five seconds instead. It counts as dead after thirty seconds
//! of silence, not counting the time before the server was started.
//!
//! **Lost commits.** A server may come back with an older state than this engine has seen. Then the engine registers again
//! (after creating its tables, if they are gone too), writes the runs that ended recently again (see
//! [`super::recent_runs`]), and marks runs that are unfinished on the server but not here as failed. Runs under way need no
//! repair: their end is written together with the run. Sweeps are not written again, because they can be resumed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::{AbortHandle, JoinHandle};
use tokio_postgres::Client;
use tokio_postgres::types::Type;
use tracing::instrument::WithSubscriber;

use super::context::Context;
use super::recent_runs::RecentRuns;
use super::{runs, schema};
use crate::db::postgres::{Failure, Pool, quote_identifier};
use crate::error::Result;
use crate::store::errors::{PROCESS_DIED, SWEEP_PROCESS_DIED, is_ended};

/// The `error` of runs whose end the server has lost.
pub(super) const END_LOST: &str =
    "the database lost how this backtest ended: it came back with an older state";

/// The `error` of sweeps whose end the server has lost.
pub(super) const SWEEP_END_LOST: &str =
    "the database lost how this sweep ended: it came back with an older state; it can be resumed";

/// The time between the two checks of a lock that is free.
const LOCK_RECHECK: Duration = Duration::from_secs(3);
/// The longest pause before a reconnect.
const MAX_RECONNECT_PAUSE: Duration = Duration::from_millis(500);
/// How often an engine looks for dead ones.
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(30);
/// How often an engine without a lock shows that it is alive.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(5);
/// The silence after which an engine without a lock counts as dead, seconds.
const HEARTBEAT_TIMEOUT: f64 = 30.0;

/// The registration of an engine in the `engines` table of a schema.
#[derive(Debug)]
pub(super) struct Lease {
    context: Context,
    /// The key of the advisory lock; `None` if the engine sends heartbeats.
    lock_key: Option<i64>,
    /// The name of the schema.
    schema_name: String,
    recent_runs: RecentRuns,
    /// When the server was started, in the format of the server.
    server_start: Mutex<Option<String>>,
}

/// The connection that holds the lock, and its task.
type LockConnection = Option<(Client, JoinHandle<()>)>;

impl Lease {
    /// Registers an engine, marks the runs and sweeps of dead ones as failed, and keeps the lease until the handle is aborted.
    ///
    /// # Errors
    /// `STORAGE` if the server cannot be reached or denies access.
    pub async fn acquire(pool: &Arc<Pool>, schema_name: &str) -> Result<(Arc<Self>, AbortHandle)> {
        let id = uuid::Uuid::new_v4();
        let key = i64::from_be_bytes(*id.as_bytes().first_chunk().unwrap_or(&[0; 8]));
        let context = Context {
            pool: Arc::clone(pool),
            schema: quote_identifier(schema_name),
            engine_id: id.to_string(),
        };
        let lease = Arc::new(Self {
            context,
            lock_key: (!pool.shares_sessions()).then_some(key),
            schema_name: schema_name.to_owned(),
            recent_runs: RecentRuns::default(),
            server_start: Mutex::new(None),
        });
        let lock = lease.register().await.map_err(|failure| pool.describe(failure))?;
        let failed = lease.fail_orphaned_work().await.map_err(|failure| pool.describe(failure))?;
        if failed > 0 {
            tracing::warn!(
                count = failed,
                "orphaned runs and sweeps of dead processes were marked as failed"
            );
        }
        let keeper = tokio::spawn(Arc::clone(&lease).keep(lock).with_current_subscriber());
        Ok((lease, keeper.abort_handle()))
    }

    /// Returns what the statements of this engine need.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Returns the key of the lock, if there is one.
    #[cfg(test)]
    pub fn lock_key(&self) -> Option<i64> {
        self.lock_key
    }

    /// Makes the engine believe that the server was started at another time.
    #[cfg(test)]
    pub fn set_server_start(&self, time: &str) {
        self.server_start.lock().unwrap_or_else(PoisonError::into_inner).replace(time.into());
    }

    /// Returns the runs, and the sweeps under way, that the engine remembers.
    pub fn recent_runs(&self) -> &RecentRuns {
        &self.recent_runs
    }

    /// Writes the row of the engine, with the current time of the server.
    async fn write_row(&self, client: &Client) -> Result<(), Failure> {
        let sql = format!(
            "INSERT INTO {}.engines (id, lock_key) VALUES ($1, $2)
             ON CONFLICT (id) DO UPDATE SET seen_at = now(), lock_key = excluded.lock_key
             RETURNING pg_postmaster_start_time()::text",
            self.context.schema
        );
        let row = client
            .query_typed_one(
                &sql,
                &[(&self.context.engine_id, Type::TEXT), (&self.lock_key, Type::INT8)],
            )
            .await?;
        let now: Option<String> = row.try_get(0)?;
        let before = self
            .server_start
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .replace(now.clone().unwrap_or_default());
        // Behind a pooler, nothing else shows that the server was away.
        if before.is_some() && before != now {
            self.recent_runs.mark_doubtful();
        }
        Ok(())
    }

    /// Creates the tables again if the server came back with a state from before their creation.
    async fn restore_tables(&self) -> Result<(), Failure> {
        tracing::warn!(schema = %self.schema_name, "missing tables are created again");
        Ok(schema::migrate(&self.context.pool, &self.schema_name, &schema::MIGRATIONS).await?)
    }

    /// Writes the row of the engine through the pool. Creates missing tables first.
    async fn send_heartbeat(&self) -> Result<(), Failure> {
        match self.try_heartbeat().await {
            Err(failure) if failure.is_missing_table() => {
                self.restore_tables().await?;
                self.try_heartbeat().await
            }
            other => other,
        }
    }

    async fn try_heartbeat(&self) -> Result<(), Failure> {
        let mut connection = self.context.pool.get().await?;
        let statements = self.context.pool.statements(&mut connection).await?;
        self.write_row(&statements).await?;
        statements.commit().await
    }

    /// Takes the lock, then writes the row: an engine whose row exists and whose lock is free counts as dead.
    async fn register(&self) -> Result<LockConnection, Failure> {
        let Some(key) = self.lock_key else {
            self.send_heartbeat().await?;
            return Ok(None);
        };
        let (client, connection) = self.context.pool.connect().await?;
        // With keepalives, the server detects a client that vanished without closing, such as after a power failure.
        let keepalives = "SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3";
        // Some settings do not exist before version 14, or on servers that only speak the protocol of PostgreSQL.
        for setting in [keepalives, "SET idle_session_timeout = 0"] {
            match client.batch_execute(setting).await {
                Err(error) if error.code().is_none() => return Err(error.into()),
                _ => {}
            }
        }
        client.query_typed("SELECT pg_advisory_lock($1)", &[(&key, Type::INT8)]).await?;
        match self.write_row(&client).await {
            Err(failure) if failure.is_missing_table() => {
                self.restore_tables().await?;
                self.write_row(&client).await?;
            }
            other => other?,
        }
        Ok(Some((client, connection)))
    }

    /// Keeps the lease.
    async fn keep(self: Arc<Self>, mut lock: LockConnection) {
        let pool = &self.context.pool;
        let mut since_maintenance = Duration::ZERO;
        loop {
            let interval =
                if self.lock_key.is_some() { MAINTENANCE_INTERVAL } else { HEARTBEAT_INTERVAL };
            let wait = async {
                if let Some((_, connection)) = &mut lock {
                    tokio::time::timeout(interval, connection).await.is_ok()
                } else {
                    tokio::time::sleep(interval).await;
                    true
                }
            };
            let (must_register, is_table_missing) = tokio::select! {
                must_register = wait => (must_register, false),
                () = pool.missing_table() => (false, true),
            };
            if must_register {
                lock = self.register_again().await;
                // Every run whose end was committed before the connection was lost is remembered by now.
                if self.lock_key.is_some() {
                    self.recent_runs.mark_doubtful();
                }
            }
            since_maintenance += interval;
            if since_maintenance >= MAINTENANCE_INTERVAL
                || is_table_missing
                || !self.recent_runs.doubtful().is_empty()
            {
                since_maintenance = Duration::ZERO;
                pool.shrink();
                if let Err(failure) = self.maintain().await {
                    tracing::debug!(error = %pool.describe(failure), "the maintenance of runs failed");
                }
            }
        }
    }

    /// Restores the runs of this engine and marks the runs and sweeps of dead engines as failed.
    async fn maintain(&self) -> Result<(), Failure> {
        self.send_heartbeat().await?;
        if let Err(failure) = self.rewrite_doubtful_runs().await {
            // The runs stay doubtful; the rest of the maintenance goes on.
            tracing::debug!(error = %self.context.pool.describe(failure), "runs could not be written again");
        }
        self.recent_runs.expire();
        for (table, error) in [("backtest_runs", END_LOST), ("sweeps", SWEEP_END_LOST)] {
            self.fail_lost_work(table, error).await?;
        }
        self.fail_orphaned_work().await?;
        Ok(())
    }

    /// Writes the ends of runs that the server may have lost again. Ends that it has kept do not change.
    async fn rewrite_doubtful_runs(&self) -> Result<(), Failure> {
        for ended in self.recent_runs.doubtful() {
            match runs::end(&self.context, &ended.run, ended.outcome.as_deref()).await {
                Ok(()) => {
                    self.recent_runs.forget(&ended.run.id);
                    self.recent_runs.end(ended.run, ended.outcome);
                }
                Err(Failure::Complete(error)) if is_ended(&error) => {
                    self.recent_runs.forget(&ended.run.id);
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }

    /// Marks runs or sweeps of this engine as failed that are unfinished on the server but not here.
    async fn fail_lost_work(&self, table: &str, error: &str) -> Result<(), Failure> {
        let Context { pool, schema, engine_id } = &self.context;
        let mut connection = pool.get().await?;
        let unfinished = format!(
            "SELECT id FROM {schema}.{table} WHERE owner = $1 AND status IN ('pending', 'running')"
        );
        let statements = pool.statements(&mut connection).await?;
        let rows = statements.query_typed(&unfinished, &[(engine_id, Type::TEXT)]).await?;
        let ids = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>()?;
        // A run or sweep is remembered from before its row is inserted until after its end is written. So one that is not
        // remembered now is not under way, whatever began or ended since the query.
        let lost = self.recent_runs.unknown(ids);
        if lost.is_empty() {
            return Ok(());
        }
        let fail = format!(
            "UPDATE {schema}.{table} SET status = 'failed', error = $3, completed_at = date_trunc('milliseconds', now())
             WHERE id = ANY($1) AND owner = $2 AND status IN ('pending', 'running')"
        );
        let count = statements
            .execute_typed(
                &fail,
                &[(&lost, Type::TEXT_ARRAY), (engine_id, Type::TEXT), (&error, Type::TEXT)],
            )
            .await?;
        statements.commit().await?;
        tracing::warn!(
            count,
            table,
            "the database has lost how these ended; they were marked as failed"
        );
        Ok(())
    }

    /// Registers again; tries until it succeeds.
    async fn register_again(&self) -> LockConnection {
        let mut pause = Duration::from_millis(20);
        loop {
            match self.register().await {
                Ok(lock) => return lock,
                Err(failure) => {
                    tracing::debug!(error = %self.context.pool.describe(failure), "the engine could not register");
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(MAX_RECONNECT_PAUSE);
        }
    }

    /// Marks the runs and sweeps of dead engines as failed. Returns how many there were.
    pub async fn fail_orphaned_work(&self) -> Result<u64, Failure> {
        self.register_unknown_owners().await?;
        let mut dead = self.silent_engines().await?;
        let mut suspects = self.unlocked_engines(None).await?;
        if !suspects.is_empty() {
            // An engine without unfinished work, such as that of a script that did not close it, is deleted at once. If it is
            // alive after all, it registers again.
            let idle = self.delete_idle_engines(&suspects).await?;
            suspects.retain(|id| !idle.contains(id));
        }
        if !suspects.is_empty() {
            tokio::time::sleep(LOCK_RECHECK).await;
            dead.extend(self.unlocked_engines(Some(&suspects)).await?);
        }
        if dead.is_empty() { Ok(0) } else { self.delete_engines(&dead).await }
    }

    /// Inserts rows for engines that have unfinished runs or sweeps and no row, which an older state of the server may show. An engine
    /// that is alive registers again; one that is dead is detected by its silence.
    async fn register_unknown_owners(&self) -> Result<(), Failure> {
        let Context { pool, schema, .. } = &self.context;
        let sql = format!(
            "INSERT INTO {schema}.engines (id)
             SELECT owner FROM (
               SELECT owner FROM {schema}.backtest_runs WHERE status IN ('pending', 'running')
               UNION SELECT owner FROM {schema}.sweeps WHERE status IN ('pending', 'running')) AS owners
             WHERE NOT EXISTS (SELECT 1 FROM {schema}.engines WHERE id = owners.owner)
             ON CONFLICT (id) DO NOTHING"
        );
        let mut connection = pool.get().await?;
        let statements = pool.statements(&mut connection).await?;
        statements.execute_typed(&sql, &[]).await?;
        statements.commit().await
    }

    /// Returns other engines without a lock whose heartbeat is overdue.
    async fn silent_engines(&self) -> Result<Vec<String>, Failure> {
        let Context { pool, schema, engine_id } = &self.context;
        let sql = format!(
            "SELECT id FROM {schema}.engines WHERE lock_key IS NULL AND id <> $1
             AND now() - greatest(seen_at, pg_postmaster_start_time()) > $2 * interval '1 second'"
        );
        let mut connection = pool.get().await?;
        let statements = pool.statements(&mut connection).await?;
        let rows = statements
            .query_typed(&sql, &[(engine_id, Type::TEXT), (&HEARTBEAT_TIMEOUT, Type::FLOAT8)])
            .await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// Returns other engines whose lock is free, of all or of some. The locks taken here end with the transaction.
    async fn unlocked_engines(&self, among: Option<&[String]>) -> Result<Vec<String>, Failure> {
        let Context { pool, schema, engine_id } = &self.context;
        let sql = format!(
            "SELECT id FROM (SELECT id, lock_key FROM {schema}.engines
               WHERE lock_key IS NOT NULL AND id <> $1 AND ($2::text[] IS NULL OR id = ANY($2)) OFFSET 0) AS others
             WHERE pg_try_advisory_xact_lock(lock_key)"
        );
        let mut connection = pool.get().await?;
        let statements = pool.statements(&mut connection).await?;
        let rows = statements
            .query_typed(&sql, &[(engine_id, Type::TEXT), (&among, Type::TEXT_ARRAY)])
            .await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// Deletes the rows of engines without unfinished runs and sweeps. Returns their ids.
    async fn delete_idle_engines(&self, ids: &[String]) -> Result<Vec<String>, Failure> {
        let Context { pool, schema, .. } = &self.context;
        let sql = format!(
            "DELETE FROM {schema}.engines AS engines WHERE id = ANY($1)
               AND NOT EXISTS (SELECT 1 FROM {schema}.backtest_runs
                               WHERE owner = engines.id AND status IN ('pending', 'running'))
               AND NOT EXISTS (SELECT 1 FROM {schema}.sweeps
                               WHERE owner = engines.id AND status IN ('pending', 'running'))
             RETURNING id"
        );
        let mut connection = pool.get().await?;
        let statements = pool.statements(&mut connection).await?;
        let rows = statements.query_typed(&sql, &[(&ids, Type::TEXT_ARRAY)]).await?;
        statements.commit().await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// Deletes the rows of engines and marks their unfinished runs and sweeps as failed. Returns how many there were.
    async fn delete_engines(&self, ids: &[String]) -> Result<u64, Failure> {
        let Context { pool, schema, .. } = &self.context;
        let mut connection = pool.get().await?;
        let transaction = pool.begin(&mut connection).await?;
        let mut failed = 0;
        for (table, error) in [("backtest_runs", PROCESS_DIED), ("sweeps", SWEEP_PROCESS_DIED)] {
            let fail = format!(
                "UPDATE {schema}.{table}
                 SET status = 'failed', error = $2, completed_at = date_trunc('milliseconds', now())
                 WHERE owner = ANY($1) AND status IN ('pending', 'running')"
            );
            failed += transaction
                .execute_typed(&fail, &[(&ids, Type::TEXT_ARRAY), (&error, Type::TEXT)])
                .await?;
        }
        let delete = format!("DELETE FROM {schema}.engines WHERE id = ANY($1)");
        transaction.execute_typed(&delete, &[(&ids, Type::TEXT_ARRAY)]).await?;
        transaction.commit().await?;
        Ok(failed)
    }

    /// Releases the lease. Runs and sweeps that have not ended yet are marked as failed.
    pub async fn release(&self) -> Result<u64, Failure> {
        self.delete_engines(std::slice::from_ref(&self.context.engine_id)).await
    }
}
