//! The store in a PostgreSQL database, in a schema of its own. Several processes may use one schema at once.

pub(crate) mod address;
pub(crate) mod copy;
pub(crate) mod failure;
mod ledger;
mod owners;
pub(crate) mod pool;
mod results;
pub(crate) mod runs;
pub(crate) mod schema;
mod strategies;
mod tls;
pub(crate) mod values;

use std::sync::Arc;

use tokio::task::AbortHandle;

use self::address::Address;
pub(crate) use self::failure::Failure;
use self::owners::Owner;
pub(crate) use self::pool::{Canceller, Pool, attempts};
use super::{BoxFuture, Filter, Outcome, Run, Store, StoredStrategy, Summary, errors, is_ended};
use crate::config::environment_name;
use crate::error::Result;

/// How to reach a database.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The setting that the URL is from, for messages.
    setting: &'static str,
    address: Address,
    size: usize,
    overflow: usize,
}

impl Settings {
    /// Reads the URL of a database, which is that of a setting; the pool has `size` connections, with `overflow` more under
    /// load.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a URL that cannot be read; its text is not repeated, since it may hold a password.
    pub fn new(setting: &'static str, url: &str, size: u32, overflow: u32) -> Result<Self> {
        let count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        Ok(Self {
            setting,
            address: Address::parse(setting, url)?,
            size: count(size),
            overflow: count(overflow),
        })
    }

    /// Makes the pool of the connections.
    pub(crate) async fn connect(&self) -> Result<Arc<Pool>> {
        if !self.address.unknown.is_empty() {
            let left_out = self.address.unknown.join(", ");
            tracing::warn!(parameters = %left_out, "parameters of {} ({}) are not known and were left out",
                self.setting, environment_name(self.setting));
        }
        Ok(Arc::new(Pool::open(self.address.clone(), self.size, self.overflow).await?))
    }
}

/// A store in a schema.
#[derive(Debug)]
pub struct Postgres {
    shared: Arc<Shared>,
    keeper: AbortHandle,
}

/// What the work on a store shares.
#[derive(Debug)]
pub(crate) struct Shared {
    pub pool: Arc<Pool>,
    /// Our schema as SQL.
    pub schema: String,
    owner: Arc<Owner>,
}

impl Postgres {
    /// Opens the store in a schema of a database; makes the schema where there is none, brings it up to date, and marks the
    /// runs of dead processes as failed.
    ///
    /// # Errors
    /// `STORAGE`, naming host, port and database, where the server cannot be reached or refuses, or the schema is newer than
    /// this library or belongs to something else.
    pub async fn open(settings: &Settings, schema: &str) -> Result<Arc<Self>> {
        let pool = settings.connect().await?;
        schema::migrate(&pool, schema, &schema::MIGRATIONS).await?;
        let (owner, keeper) = Owner::enter(&pool, schema).await?;
        let schema = schema::quoted(schema);
        let shared = Arc::new(Shared { pool, schema, owner });
        Ok(Arc::new(Self { shared, keeper }))
    }

    /// Does work that goes on when nobody waits for it any more, unless the store is closed.
    pub(crate) fn work<T, W>(
        &self,
        work: impl FnOnce(Arc<Shared>) -> W + Send + 'static,
    ) -> BoxFuture<'static, T>
    where
        T: Send + 'static,
        W: Future<Output = Result<T>> + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        self.shared.pool.work(move |_| work(shared))
    }

    /// Returns our schema as SQL.
    pub(crate) fn schema(&self) -> &str {
        &self.shared.schema
    }

    /// Returns the connections; closing the store closes them.
    pub(crate) fn pool(&self) -> &Arc<Pool> {
        &self.shared.pool
    }

    /// Names the database for a message.
    pub fn place(&self) -> &str {
        self.shared.pool.place()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl Store for Postgres {
    fn create_run(&self, run: Run) -> BoxFuture<'_, ()> {
        self.work(async move |shared| {
            let is_new = shared.owner.ledger().begins(&run.id);
            let created = attempts!(&shared.pool, again => runs::create(&shared, &run, again));
            if created.is_err() && is_new {
                // If it is there all the same, it will be found and marked as failed.
                shared.owner.ledger().forget(&run.id);
            }
            created
        })
    }

    fn begin_run(&self, run: Run) -> BoxFuture<'_, ()> {
        self.work(async move |shared| attempts!(&shared.pool, _ => runs::begin(&shared, &run)))
    }

    fn end_run(&self, run: Run, outcome: Option<Arc<Outcome>>) -> BoxFuture<'_, ()> {
        self.work(async move |shared| {
            errors::check_end(&run, outcome.as_deref())?;
            let ended = attempts!(&shared.pool, _ => end(&shared, &run, outcome.as_deref()));
            match &ended {
                Ok(()) => shared.owner.ledger().ends(run, outcome),
                Err(error) if is_ended(error) => shared.owner.ledger().forget(&run.id),
                // It stays under way until its end is kept.
                Err(_) => {}
            }
            ended
        })
    }

    fn run(&self, id: &str) -> BoxFuture<'_, Option<(Run, Option<Outcome>)>> {
        let id = id.to_owned();
        self.work(async move |shared| attempts!(&shared.pool, _ => find(&shared, &id)))
    }

    fn summary(&self, id: &str) -> BoxFuture<'_, Option<(Run, Option<Summary>)>> {
        let id = id.to_owned();
        self.work(async move |shared| {
            attempts!(&shared.pool, _ => async {
                let mut connection = shared.pool.get().await?;
                runs::summary(&shared, &*shared.pool.alone(&mut connection).await?, &id).await
            })
        })
    }

    fn list(&self, filter: &Filter) -> BoxFuture<'_, Vec<(Run, Option<Summary>)>> {
        let filter = filter.clone();
        self.work(async move |shared| attempts!(&shared.pool, _ => runs::list(&shared, &filter)))
    }

    fn delete_run(&self, id: &str) -> BoxFuture<'_, bool> {
        let id = id.to_owned();
        self.work(async move |shared| {
            shared.owner.ledger().forget(&id);
            attempts!(&shared.pool, again => delete(&shared, &id, again))
        })
    }

    fn save_strategy(&self, strategy: StoredStrategy) -> BoxFuture<'_, ()> {
        self.work(
            async move |shared| attempts!(&shared.pool, _ => strategies::save(&shared, &strategy)),
        )
    }

    fn strategy(&self, id: &str) -> BoxFuture<'_, Option<StoredStrategy>> {
        let id = id.to_owned();
        self.work(async move |shared| attempts!(&shared.pool, _ => strategies::find(&shared, &id)))
    }

    fn strategies(&self) -> BoxFuture<'_, Vec<StoredStrategy>> {
        self.work(async move |shared| attempts!(&shared.pool, _ => strategies::list(&shared)))
    }

    fn delete_strategy(&self, id: &str) -> BoxFuture<'_, bool> {
        let id = id.to_owned();
        self.work(async move |shared| {
            attempts!(&shared.pool, again => strategies::delete(&shared, &id, again))
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            if !self.shared.pool.end().await {
                return Ok(());
            }
            self.keeper.abort();
            // A server that is away now finds out by itself: the lock is gone with the connection.
            let left =
                tokio::time::timeout(std::time::Duration::from_secs(5), self.shared.owner.leave())
                    .await;
            if !matches!(left, Ok(Ok(_))) {
                tracing::debug!("the engine could not be signed off");
            }
            self.shared.pool.close();
            Ok(())
        })
    }
}

/// Keeps results, trades and the status in one transaction.
async fn end(
    shared: &Shared,
    run: &Run,
    outcome: Option<&Outcome>,
) -> std::result::Result<(), Failure> {
    let mut connection = shared.pool.get().await?;
    let transaction = shared.pool.begin(&mut connection).await?;
    let is_new = runs::end(shared, transaction.client(), run).await?;
    if let Some(outcome) = outcome.filter(|_| is_new) {
        results::insert(shared, &transaction, &run.id, outcome).await?;
    }
    Ok(transaction.commit().await?)
}

/// Reads a run with its outcome, as they were at one moment.
async fn find(
    shared: &Shared,
    id: &str,
) -> std::result::Result<Option<(Run, Option<Outcome>)>, Failure> {
    let mut connection = shared.pool.get().await?;
    let transaction = shared.pool.begin(&mut connection).await?;
    transaction.batch_execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY").await?;
    let found = match runs::summary(shared, transaction.client(), id).await? {
        Some((run, Some(summary))) => {
            Some((run, Some(results::outcome(shared, &transaction, id, summary).await?)))
        }
        Some((run, None)) => Some((run, None)),
        None => None,
    };
    transaction.commit().await?;
    Ok(found)
}

/// Deletes a run; one that an attempt whose answer was lost may have deleted counts as there.
async fn delete(shared: &Shared, id: &str, again: bool) -> std::result::Result<bool, Failure> {
    let sql = format!("DELETE FROM {}.backtest_runs WHERE id = $1", shared.schema);
    let mut connection = shared.pool.get().await?;
    let alone = shared.pool.alone(&mut connection).await?;
    let deleted = alone.execute_typed(&sql, &[(&id, tokio_postgres::types::Type::TEXT)]).await?;
    alone.done().await?;
    Ok(deleted > 0 || again)
}

#[cfg(test)]
pub(crate) mod tests;
