//! The connection pool. Every wait has a timeout.
//!
//! Nothing outlives a transaction: no prepared statement, setting, temporary table or lock. So a pooler such as pgbouncer
//! may give each transaction another connection of the server. (Portals and `COPY` prepare a statement; it is closed before
//! its transaction ends.)

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, RecyclingMethod, Runtime, Transaction};
use tokio::sync::{Notify, RwLock};
use tokio::task::JoinHandle;
use tokio_postgres::types::Type;
use tokio_postgres::{CancelToken, Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;
use tracing::instrument::WithSubscriber;

use super::address::Address;
use super::connection::{connect, connect_deadline, is_behind_pooler};
use super::failure::Failure;
use super::statement_scope::StatementScope;
use super::tls;
use crate::db::errors;
use crate::error::{Error, Result};
use crate::future::BoxFuture;

/// How long an unused connection beyond the size of the pool stays open.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The connections to one database.
pub struct Pool {
    connections: deadpool_postgres::Pool,
    address: Address,
    /// The configuration of each connection.
    config: Config,
    tls: MakeRustlsConnect,
    location: String,
    /// How many connections stay open without use.
    size: usize,
    /// Whether a pooler gives each transaction another session, so that session state does not last.
    shares_sessions: bool,
    /// Work holds the read lock; closing waits for the write lock and sets the value to true.
    closed: RwLock<bool>,
    /// Notified when a statement finds a table or a column missing.
    missing_table: Notify,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Pool").field(&self.address).finish()
    }
}

impl Pool {
    /// Opens a pool. If the URL does not say whether a pooler in transaction mode is in between, a connection detects it.
    ///
    /// # Errors
    /// `STORAGE` if the root certificates cannot be read, or if that connection fails.
    pub(crate) async fn open(address: Address, size: usize, overflow: usize) -> Result<Self> {
        let tls = tls::connector(address.trust, address.root_certificate.as_deref())?;
        let shares_sessions = match address.pgbouncer {
            Some(pgbouncer) => pgbouncer,
            None => is_behind_pooler(&address, &tls)
                .await
                .map_err(|failure| failure.describe(&address))?,
        };
        if shares_sessions && address.pgbouncer.is_none() {
            tracing::info!(database = %address.location(), "a pooler in transaction mode was detected, as with pgbouncer=true");
        }
        let config =
            if shares_sessions { address.shared_session() } else { address.dedicated_session() };
        let max_size = address
            .connection_limit
            .unwrap_or(usize::MAX)
            .min(size.saturating_add(overflow))
            .max(1);
        let manager = Manager::from_config(
            config.clone(),
            tls.clone(),
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        let connections = deadpool_postgres::Pool::builder(manager)
            .max_size(max_size)
            .wait_timeout(Some(address.pool_timeout))
            .create_timeout(Some(connect_deadline(&config)))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| {
                Error::internal(format!("the connection pool cannot be created: {error}"))
            })?;
        Ok(Self {
            connections,
            location: address.location(),
            address,
            config,
            tls,
            size: size.min(max_size),
            shares_sessions,
            closed: RwLock::new(false),
            missing_table: Notify::new(),
        })
    }

    /// Runs work in a task of its own, so that it completes even if the caller drops the future.
    ///
    /// # Errors
    /// Those of the work; `CLOSED` after [`Self::drain`].
    pub(crate) fn run<T, W>(
        self: &Arc<Self>,
        work: impl FnOnce(Arc<Self>) -> W + Send + 'static,
    ) -> BoxFuture<'static, T>
    where
        T: Send + 'static,
        W: Future<Output = Result<T>> + Send + 'static,
    {
        let pool = Arc::clone(self);
        Box::pin(async move {
            let task = async move {
                let closed = pool.closed.read().await;
                if *closed {
                    return Err(errors::closed());
                }
                work(Arc::clone(&pool)).await
            };
            tokio::spawn(task.with_current_subscriber()).await.map_err(|error| {
                Error::internal(format!("work on the database did not complete: {error}"))
            })?
        })
    }

    /// Rejects new work and waits for the work under way. Returns false if the pool was drained before.
    pub(crate) async fn drain(&self) -> bool {
        let mut closed = self.closed.write().await;
        !std::mem::replace(&mut closed, true)
    }

    /// Notes that a statement found a table or a column missing.
    pub(super) fn report_missing_table(&self) {
        self.missing_table.notify_one();
    }

    /// Waits until a statement finds a table or a column missing.
    pub(crate) async fn missing_table(&self) {
        self.missing_table.notified().await;
    }

    /// Returns host, port and database, for messages.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Returns whether a pooler gives each transaction another session.
    pub(crate) fn shares_sessions(&self) -> bool {
        self.shares_sessions
    }

    /// Returns the schema of the backend's tables, if the URL names one.
    pub(crate) fn market_schema(&self) -> Option<&str> {
        self.address.market_schema.as_deref()
    }

    /// Takes a connection; waits for a free one.
    pub(crate) async fn get(&self) -> Result<Object, Failure> {
        Ok(self.connections.get().await?)
    }

    /// Begins a transaction.
    pub(crate) async fn begin<'a>(
        &self,
        connection: &'a mut Object,
    ) -> Result<Transaction<'a>, Failure> {
        let transaction = connection.transaction().await?;
        if let Some(timeout) = self.address.statement_timeout.filter(|_| self.shares_sessions) {
            transaction
                .batch_execute(&format!("SET LOCAL statement_timeout = {}", timeout.as_millis()))
                .await?;
        }
        Ok(transaction)
    }

    /// Begins a scope for statements that do not need a transaction.
    pub(crate) async fn statements<'a>(
        &self,
        connection: &'a mut Object,
    ) -> Result<StatementScope<'a>, Failure> {
        Ok(if self.shares_sessions {
            StatementScope::Transaction(self.begin(connection).await?)
        } else {
            StatementScope::Autocommit(connection)
        })
    }

    /// Closes a connection instead of returning it to the pool.
    ///
    /// A cancellation may arrive late. On a pooled connection it would then cancel the rollback or a statement of the next
    /// user.
    pub(crate) fn discard(connection: Object) {
        drop(Object::take(connection));
    }

    /// Opens a connection outside of the pool. The handle completes when the connection ends.
    pub(crate) async fn connect(&self) -> Result<(Client, JoinHandle<()>), Failure> {
        connect(&self.config, &self.tls).await
    }

    /// Returns the target for [`Self::cancel`]. Called on an idle connection, within the transaction to cancel.
    pub(crate) async fn canceller(&self, client: &Client) -> Result<Canceller, Failure> {
        if self.shares_sessions {
            let row = client.query_typed_one("SELECT pg_backend_pid()", &[]).await?;
            return Ok(Canceller::Session(row.try_get(0)?));
        }
        Ok(Canceller::Connection(client.cancel_token()))
    }

    /// Requests the server to cancel the current statement of a connection.
    pub(crate) async fn cancel(&self, canceller: &Canceller) {
        let cancel = async {
            match canceller {
                Canceller::Connection(token) => token.cancel_query(self.tls.clone()).await?,
                Canceller::Session(pid) => {
                    let (client, _) = self.connect().await?;
                    let sql = "SELECT pg_cancel_backend($1)";
                    client.query_typed(sql, &[(pid, Type::INT4)]).await?;
                }
            }
            Ok::<(), Failure>(())
        };
        if !matches!(tokio::time::timeout(connect_deadline(&self.config), cancel).await, Ok(Ok(())))
        {
            tracing::debug!("a statement could not be cancelled");
        }
    }

    /// Closes idle connections beyond the size of the pool.
    pub(crate) fn shrink(&self) {
        let mut open = self.connections.status().size;
        let size = self.size;
        self.connections.retain(|_, metrics| {
            let is_kept = open <= size || metrics.last_used() < IDLE_TIMEOUT;
            if !is_kept {
                open -= 1;
            }
            is_kept
        });
    }

    /// Closes all connections.
    pub(crate) fn close(&self) {
        self.connections.close();
    }

    /// Turns a failure into an error that names the database.
    pub(crate) fn describe(&self, failure: Failure) -> Error {
        failure.describe(&self.address)
    }
}

/// The target of a cancellation.
///
/// Behind a pooler, a statement names the session of the server: pgbouncer drops a cancel request whose connection is closed
/// right after it was sent, which is what the driver does.
pub(crate) enum Canceller {
    /// The statement of a connection.
    Connection(CancelToken),
    /// The statement of a session of the server.
    Session(i32),
}
