//! Who runs what: how an engine shows that it lives, and how the runs of dead ones are found.
//!
//! Every open store keeps a connection of its own, outside the pool, whose session holds an advisory lock. The server
//! lets go of the lock as soon as the process ends, however it ends, so that a restarted backend finds its lost runs at
//! once; a time-out after the last sign of life would leave them `running` for its length, and no shorter one is safe.
//! An engine that only lost its connection comes back within half a second and takes the lock again; hence a lock must be
//! found free twice, three seconds apart, before its owner counts as dead.
//!
//! Behind pgbouncer in transaction mode a session's lock belongs to whichever server connection was at hand, and means
//! nothing. There an engine notes the server's time every five seconds instead, and is dead after thirty seconds of
//! silence, of which those do not count in which the server itself was away.
//!
//! A server may lose commits, and so come back with an older state than this engine has seen. Then the engine lists itself
//! again (after making its tables, if they are gone too), writes again what it remembers of the runs that ended a short
//! time ago (see [`super::ledger`]), and marks the others that the server shows as under way as failed. Runs under way
//! take care of themselves: their end is written with the run as a whole.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::{AbortHandle, JoinHandle};
use tokio_postgres::Client;
use tokio_postgres::types::Type;
use tracing::instrument::WithSubscriber;

use super::failure::Failure;
use super::ledger::Ledger;
use super::pool::Pool;
use super::{Shared, schema};
use crate::error::Result;
use crate::store::{DIED, is_ended};

/// Why runs have failed whose end is not known any more.
pub const LOST: &str =
    "the database lost how this backtest ended: it came back with an older state";

/// How long after the first a second look is taken at a lock that is free.
const SECOND_LOOK: Duration = Duration::from_secs(3);
/// How long an engine waits before it connects anew, at most.
const RECONNECT: Duration = Duration::from_millis(500);
/// How often an engine looks for dead ones.
const ROUND: Duration = Duration::from_secs(30);
/// How often an engine without a lock shows that it lives.
const BEAT: Duration = Duration::from_secs(5);
/// After how much silence an engine without a lock is dead, seconds.
const SILENCE: f64 = 30.0;

/// An engine among those on one schema.
#[derive(Debug)]
pub(crate) struct Owner {
    id: String,
    /// The lock, where sessions are ours.
    key: Option<i64>,
    pool: Arc<Pool>,
    /// The name of the schema.
    name: String,
    /// The schema as SQL.
    schema: String,
    ledger: Ledger,
    /// When the server was started, as it says itself.
    started: Mutex<Option<String>>,
}

/// The connection that holds the lock; it lasts as long as its task.
type Lock = Option<(Client, JoinHandle<()>)>;

impl Owner {
    /// Enters an engine, buries dead ones, and keeps it alive until the handle is aborted.
    ///
    /// # Errors
    /// `STORAGE` where the server cannot be reached or refuses.
    pub async fn enter(pool: &Arc<Pool>, name: &str) -> Result<(Arc<Self>, AbortHandle)> {
        let id = uuid::Uuid::new_v4();
        let key = i64::from_be_bytes(*id.as_bytes().first_chunk().unwrap_or(&[0; 8]));
        let owner = Arc::new(Self {
            id: id.to_string(),
            key: (!pool.is_by_transaction()).then_some(key),
            pool: Arc::clone(pool),
            name: name.to_owned(),
            schema: schema::quoted(name),
            ledger: Ledger::default(),
            started: Mutex::new(None),
        });
        let lock = owner.register().await.map_err(|failure| pool.describe(failure))?;
        let buried = owner.fail_orphaned_runs().await.map_err(|failure| pool.describe(failure))?;
        if buried > 0 {
            tracing::warn!(
                runs = buried,
                "runs of a process that ended before they were done were marked as failed"
            );
        }
        let keeper = tokio::spawn(Arc::clone(&owner).keep(lock).with_current_subscriber());
        Ok((owner, keeper.abort_handle()))
    }

    /// Returns the name under which runs are kept.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the key of the lock, where there is one.
    #[cfg(test)]
    pub fn lock_key(&self) -> Option<i64> {
        self.key
    }

    /// Makes the engine believe that the server was started at another time than it was.
    #[cfg(test)]
    pub fn started_at(&self, time: &str) {
        self.started.lock().unwrap_or_else(PoisonError::into_inner).replace(time.into());
    }

    /// Returns what the engine remembers of its runs.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Lists the engine, or notes that it lives.
    async fn list(&self, client: &Client) -> Result<(), Failure> {
        let sql = format!(
            "INSERT INTO {}.engines (id, lock_key) VALUES ($1, $2)
             ON CONFLICT (id) DO UPDATE SET seen_at = now(), lock_key = excluded.lock_key
             RETURNING pg_postmaster_start_time()::text",
            self.schema
        );
        let row = client
            .query_typed_one(&sql, &[(&self.id, Type::TEXT), (&self.key, Type::INT8)])
            .await?;
        let now: Option<String> = row.try_get(0)?;
        let before = self
            .started
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .replace(now.clone().unwrap_or_default());
        // Behind a pooler nothing else shows that the server was away.
        if before.is_some() && before != now {
            self.ledger.doubt();
        }
        Ok(())
    }

    /// Makes the tables, where the server came back with a state from before they were made.
    async fn repair(&self) -> Result<(), Failure> {
        tracing::warn!(schema = %self.name, "tables are missing in the database and are made again");
        Ok(schema::migrate(&self.pool, &self.name, &schema::MIGRATIONS).await?)
    }

    /// Lists the engine by a connection of the pool.
    async fn note(&self) -> Result<(), Failure> {
        match self.note_once().await {
            Err(failure) if failure.is_missing_table() => {
                self.repair().await?;
                self.note_once().await
            }
            noted => noted,
        }
    }

    async fn note_once(&self) -> Result<(), Failure> {
        let mut connection = self.pool.get().await?;
        let alone = self.pool.alone(&mut connection).await?;
        self.list(&alone).await?;
        alone.done().await
    }

    /// Takes the lock, then lists the engine: one that is listed and whose lock is free has lost it.
    async fn register(&self) -> Result<Lock, Failure> {
        let Some(key) = self.key else {
            self.note().await?;
            return Ok(None);
        };
        let (client, connection) = self.pool.connect().await?;
        // The server looks after a peer that vanished without a word, such as a machine that lost its power.
        let keepalives = "SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3";
        // Servers before version 14 and those that only speak like PostgreSQL know less, and need less.
        for setting in [keepalives, "SET idle_session_timeout = 0"] {
            match client.batch_execute(setting).await {
                Err(error) if error.code().is_none() => return Err(error.into()),
                _ => {}
            }
        }
        client.query_typed("SELECT pg_advisory_lock($1)", &[(&key, Type::INT8)]).await?;
        match self.list(&client).await {
            Err(failure) if failure.is_missing_table() => {
                self.repair().await?;
                self.list(&client).await?;
            }
            listed => listed?,
        }
        Ok(Some((client, connection)))
    }

    /// Keeps the engine alive.
    async fn keep(self: Arc<Self>, mut lock: Lock) {
        let mut since = Duration::ZERO;
        let shared = Shared {
            pool: Arc::clone(&self.pool),
            schema: self.schema.clone(),
            owner: Arc::clone(&self),
        };
        loop {
            let patience = if self.key.is_some() { ROUND } else { BEAT };
            let wait = async {
                if let Some((_, connection)) = &mut lock {
                    tokio::time::timeout(patience, connection).await.is_ok()
                } else {
                    tokio::time::sleep(patience).await;
                    true
                }
            };
            let (lost, missing) = tokio::select! {
                lost = wait => (lost, false),
                () = self.pool.missing_table() => (false, true),
            };
            if lost {
                lock = self.come_back().await;
                // By now every run is noted whose end was committed before the connection was lost.
                if self.key.is_some() {
                    self.ledger.doubt();
                }
            }
            since += patience;
            if since >= ROUND || missing || !self.ledger.doubtful().is_empty() {
                since = Duration::ZERO;
                self.pool.shrink();
                if let Err(failure) = self.round(&shared).await {
                    tracing::debug!(error = %self.pool.describe(failure), "the runs could not be looked after");
                }
            }
        }
    }

    /// Looks after the runs of this engine, and after those of dead ones.
    async fn round(&self, shared: &Shared) -> Result<(), Failure> {
        self.note().await?;
        if let Err(failure) = self.write_again(shared).await {
            // They are kept in mind; the others are looked after all the same.
            tracing::debug!(error = %self.pool.describe(failure), "runs could not be written again");
        }
        self.ledger.let_go();
        self.settle().await?;
        self.fail_orphaned_runs().await?;
        Ok(())
    }

    /// Writes the ends of runs again that the server may have lost; those that it has kept stay as they are.
    async fn write_again(&self, shared: &Shared) -> Result<(), Failure> {
        for ended in self.ledger.doubtful() {
            match super::end(shared, &ended.run, ended.outcome.as_deref()).await {
                Ok(()) => {
                    self.ledger.forget(&ended.run.id);
                    self.ledger.ends(ended.run, ended.outcome);
                }
                Err(Failure::Ready(error)) if is_ended(&error) => {
                    self.ledger.forget(&ended.run.id);
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }

    /// Marks runs of this engine as failed that the server shows as under way and that are not.
    async fn settle(&self) -> Result<(), Failure> {
        let mut connection = self.pool.get().await?;
        let unfinished = format!(
            "SELECT id FROM {}.backtest_runs WHERE owner = $1 AND status IN ('pending', 'running')",
            self.schema
        );
        let alone = self.pool.alone(&mut connection).await?;
        let rows = alone.query_typed(&unfinished, &[(&self.id, Type::TEXT)]).await?;
        let ids = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>()?;
        // A run is remembered from before it is written until after its end is. Hence those of which nothing is remembered
        // now are not under way, whatever began and ended meanwhile.
        let lost = self.ledger.unknown(ids);
        if lost.is_empty() {
            return Ok(());
        }
        let fail = format!(
            "UPDATE {}.backtest_runs SET status = 'failed', error = $3, completed_at = date_trunc('milliseconds', now())
             WHERE id = ANY($1) AND owner = $2 AND status IN ('pending', 'running')",
            self.schema
        );
        let runs = alone
            .execute_typed(
                &fail,
                &[(&lost, Type::TEXT_ARRAY), (&self.id, Type::TEXT), (&LOST, Type::TEXT)],
            )
            .await?;
        alone.done().await?;
        tracing::warn!(runs, "runs whose end the database has lost were marked as failed");
        Ok(())
    }

    /// Registers again, as often as it takes.
    async fn come_back(&self) -> Lock {
        let mut pause = Duration::from_millis(20);
        loop {
            match self.register().await {
                Ok(lock) => return lock,
                Err(failure) => {
                    tracing::debug!(error = %self.pool.describe(failure), "this engine's sign of life could not be given");
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(RECONNECT);
        }
    }

    /// Marks the runs of dead engines as failed; returns how many there were.
    async fn fail_orphaned_runs(&self) -> Result<u64, Failure> {
        self.list_unlisted().await?;
        let mut dead = self.silent().await?;
        let mut suspects = self.unlocked(None).await?;
        if !suspects.is_empty() {
            // Who left without a word and without a run, such as a script that never closed its engine, is forgotten at once;
            // one that lives all the same lists itself again.
            let idle = self.forget_idle(&suspects).await?;
            suspects.retain(|id| !idle.contains(id));
        }
        if !suspects.is_empty() {
            tokio::time::sleep(SECOND_LOOK).await;
            dead.extend(self.unlocked(Some(&suspects)).await?);
        }
        if dead.is_empty() { Ok(0) } else { self.bury(&dead).await }
    }

    /// Lists engines that have runs under way and are not listed, as an older state of the server may show them. Who lives
    /// lists itself again as soon as it has found the server; who does not is dead after the usual silence.
    async fn list_unlisted(&self) -> Result<(), Failure> {
        let schema = &self.schema;
        let sql = format!(
            "INSERT INTO {schema}.engines (id) SELECT DISTINCT owner FROM {schema}.backtest_runs AS runs
               WHERE status IN ('pending', 'running')
                 AND NOT EXISTS (SELECT 1 FROM {schema}.engines WHERE id = runs.owner)
             ON CONFLICT (id) DO NOTHING"
        );
        let mut connection = self.pool.get().await?;
        let alone = self.pool.alone(&mut connection).await?;
        alone.execute_typed(&sql, &[]).await?;
        alone.done().await
    }

    /// Finds engines that have not beaten for too long.
    async fn silent(&self) -> Result<Vec<String>, Failure> {
        let sql = format!(
            "SELECT id FROM {}.engines WHERE lock_key IS NULL AND id <> $1
             AND now() - greatest(seen_at, pg_postmaster_start_time()) > $2 * interval '1 second'",
            self.schema
        );
        let mut connection = self.pool.get().await?;
        let alone = self.pool.alone(&mut connection).await?;
        let rows =
            alone.query_typed(&sql, &[(&self.id, Type::TEXT), (&SILENCE, Type::FLOAT8)]).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// Finds engines whose lock is free, of all or of some. The locks taken here go with the transaction.
    async fn unlocked(&self, among: Option<&[String]>) -> Result<Vec<String>, Failure> {
        let sql = format!(
            "SELECT id FROM (SELECT id, lock_key FROM {}.engines
               WHERE lock_key IS NOT NULL AND id <> $1 AND ($2::text[] IS NULL OR id = ANY($2)) OFFSET 0) AS others
             WHERE pg_try_advisory_xact_lock(lock_key)",
            self.schema
        );
        let mut connection = self.pool.get().await?;
        let alone = self.pool.alone(&mut connection).await?;
        let rows =
            alone.query_typed(&sql, &[(&self.id, Type::TEXT), (&among, Type::TEXT_ARRAY)]).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// Forgets those without an unfinished run, and returns them.
    async fn forget_idle(&self, ids: &[String]) -> Result<Vec<String>, Failure> {
        let schema = &self.schema;
        let sql = format!(
            "DELETE FROM {schema}.engines AS engines WHERE id = ANY($1) AND NOT EXISTS (SELECT 1
               FROM {schema}.backtest_runs WHERE owner = engines.id AND status IN ('pending', 'running')) RETURNING id"
        );
        let mut connection = self.pool.get().await?;
        let alone = self.pool.alone(&mut connection).await?;
        let rows = alone.query_typed(&sql, &[(&ids, Type::TEXT_ARRAY)]).await?;
        alone.done().await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    async fn bury(&self, ids: &[String]) -> Result<u64, Failure> {
        let schema = &self.schema;
        let mut connection = self.pool.get().await?;
        let transaction = self.pool.begin(&mut connection).await?;
        let fail = format!(
            "UPDATE {schema}.backtest_runs SET status = 'failed', error = $2, completed_at = date_trunc('milliseconds', now())
             WHERE owner = ANY($1) AND status IN ('pending', 'running')"
        );
        let runs = transaction
            .execute_typed(&fail, &[(&ids, Type::TEXT_ARRAY), (&DIED, Type::TEXT)])
            .await?;
        let forget = format!("DELETE FROM {schema}.engines WHERE id = ANY($1)");
        transaction.execute_typed(&forget, &[(&ids, Type::TEXT_ARRAY)]).await?;
        transaction.commit().await?;
        Ok(runs)
    }

    /// Leaves: what is not done by now will not be.
    pub async fn leave(&self) -> Result<u64, Failure> {
        self.bury(std::slice::from_ref(&self.id)).await
    }
}
