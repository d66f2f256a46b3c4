//! The store in a schema of a database.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;

use super::lease::Lease;
use super::{runs, schema, strategies};
use crate::db::postgres::{ConnectionSettings, Pool, retry};
use crate::error::Result;
use crate::future::BoxFuture;
use crate::store::errors::{self, is_ended};
use crate::store::interface::Store;
use crate::store::record::{Filter, Outcome, Run, StoredStrategy, Summary};

/// How long closing waits for the server to delete the lease.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(5);

/// A store in a schema.
#[derive(Debug)]
pub struct PostgresStore {
    lease: Arc<Lease>,
    /// The task that keeps the lease.
    keeper: AbortHandle,
}

impl PostgresStore {
    /// Opens the store in a schema of a database. Creates the schema if it does not exist, migrates it, and marks the runs and
    /// sweeps of dead processes as failed.
    ///
    /// # Errors
    /// `STORAGE`, naming host, port and database, if the server cannot be reached or denies access, or if the schema is newer
    /// than this library or belongs to something else.
    pub async fn open(settings: &ConnectionSettings, schema: &str) -> Result<Arc<Self>> {
        let pool = settings.connect().await?;
        schema::migrate(&pool, schema, &schema::MIGRATIONS).await?;
        let (lease, keeper) = Lease::acquire(&pool, schema).await?;
        Ok(Arc::new(Self { lease, keeper }))
    }

    /// Runs work as a task of its own, unless the store is closed.
    pub(super) fn run_task<T, W>(
        &self,
        work: impl FnOnce(Arc<Lease>) -> W + Send + 'static,
    ) -> BoxFuture<'static, T>
    where
        T: Send + 'static,
        W: Future<Output = Result<T>> + Send + 'static,
    {
        let lease = Arc::clone(&self.lease);
        self.pool().run(move |_| work(lease))
    }

    /// Returns the schema as an SQL identifier.
    pub fn schema(&self) -> &str {
        &self.lease.context().schema
    }

    /// Returns the connections; closing the store closes them.
    pub fn pool(&self) -> &Arc<Pool> {
        &self.lease.context().pool
    }

    /// Returns the lease.
    #[cfg(test)]
    pub(super) fn lease(&self) -> &Lease {
        &self.lease
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl Store for PostgresStore {
    fn create_run(&self, run: Run) -> BoxFuture<'_, ()> {
        self.run_task(async move |lease| {
            let is_new = lease.recent_runs().begin(&run.id);
            let context = lease.context();
            let created = retry!(&context.pool, is_retry => runs::create(context, &run, is_retry));
            if created.is_err() && is_new {
                // If the run was written despite the error, the lease finds it and marks it as failed.
                lease.recent_runs().forget(&run.id);
            }
            created
        })
    }

    fn begin_run(&self, run: Run) -> BoxFuture<'_, ()> {
        self.run_task(async move |lease| {
            let context = lease.context();
            retry!(&context.pool, _ => runs::begin(context, &run))
        })
    }

    fn end_run(&self, run: Run, outcome: Option<Arc<Outcome>>) -> BoxFuture<'_, ()> {
        self.run_task(async move |lease| {
            errors::check_end(&run, outcome.as_deref())?;
            let context = lease.context();
            let ended = retry!(&context.pool, _ => runs::end(context, &run, outcome.as_deref()));
            match &ended {
                Ok(()) => lease.recent_runs().end(run, outcome),
                Err(error) if is_ended(error) => lease.recent_runs().forget(&run.id),
                // The run stays unfinished until its end is written.
                Err(_) => {}
            }
            ended
        })
    }

    fn run(&self, id: &str) -> BoxFuture<'_, Option<(Run, Option<Outcome>)>> {
        let id = id.to_owned();
        self.run_task(async move |lease| {
            let context = lease.context();
            retry!(&context.pool, _ => runs::find(context, &id))
        })
    }

    fn summary(&self, id: &str) -> BoxFuture<'_, Option<(Run, Option<Summary>)>> {
        let id = id.to_owned();
        self.run_task(async move |lease| {
            let context = lease.context();
            retry!(&context.pool, _ => runs::find_summary(context, &id))
        })
    }

    fn list(&self, filter: &Filter) -> BoxFuture<'_, Vec<(Run, Option<Summary>)>> {
        let filter = filter.clone();
        self.run_task(async move |lease| {
            let context = lease.context();
            retry!(&context.pool, _ => runs::list(context, &filter))
        })
    }

    fn delete_run(&self, id: &str) -> BoxFuture<'_, bool> {
        let id = id.to_owned();
        self.run_task(async move |lease| {
            lease.recent_runs().forget(&id);
            let context = lease.context();
            retry!(&context.pool, is_retry => runs::delete(context, &id, is_retry))
        })
    }

    fn save_strategy(&self, strategy: StoredStrategy) -> BoxFuture<'_, ()> {
        self.run_task(async move |lease| {
            let context = lease.context();
            retry!(&context.pool, _ => strategies::save(context, &strategy))
        })
    }

    fn strategy(&self, id: &str) -> BoxFuture<'_, Option<StoredStrategy>> {
        let id = id.to_owned();
        self.run_task(async move |lease| {
            let context = lease.context();
            retry!(&context.pool, _ => strategies::find(context, &id))
        })
    }

    fn strategies(&self) -> BoxFuture<'_, Vec<StoredStrategy>> {
        self.run_task(async move |lease| {
            let context = lease.context();
            retry!(&context.pool, _ => strategies::list(context))
        })
    }

    fn delete_strategy(&self, id: &str) -> BoxFuture<'_, bool> {
        let id = id.to_owned();
        self.run_task(async move |lease| {
            let context = lease.context();
            retry!(&context.pool, is_retry => strategies::delete(context, &id, is_retry))
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            if !self.pool().drain().await {
                return Ok(());
            }
            self.keeper.abort();
            // If the server is away, it releases the lock when the connection ends.
            let released = tokio::time::timeout(RELEASE_TIMEOUT, self.lease.release()).await;
            if !matches!(released, Ok(Ok(_))) {
                tracing::debug!("the lease of the engine could not be released");
            }
            self.pool().close();
            Ok(())
        })
    }
}
