//! Connections: so many kept open, some more under load, with an end to every wait.
//!
//! Nothing outlives a transaction: no prepared statement, no setting, no temporary table, no lock. So a pooler such as
//! pgbouncer may stand in between and give each transaction another connection of the server. (Portals and `COPY` do
//! prepare a statement; it is closed before its transaction ends.)

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{
    Manager, ManagerConfig, Object, PoolError, RecyclingMethod, Runtime, TimeoutType, Transaction,
};
use tokio::sync::{Notify, RwLock};
use tokio::task::JoinHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{CancelToken, Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;
use tracing::instrument::WithSubscriber;

use super::address::{Address, CONNECT, MARK};
use super::failure::Failure;
use super::tls;
use crate::error::{Error, Result};
use crate::store::{BoxFuture, errors};

/// How long a connection beyond the pool is kept without use.
const IDLE: Duration = Duration::from_secs(30);

/// The pauses between attempts: a server that restarts is given some ten seconds.
const PAUSES: [u64; 7] = [50, 150, 400, 1000, 2000, 3000, 4000];

/// The connections to one database.
#[derive(Debug)]
pub(crate) struct Pool {
    connections: deadpool_postgres::Pool,
    address: Address,
    /// What each connection is made with.
    config: Config,
    tls: Tls,
    place: String,
    kept: usize,
    /// Whether a pooler gives each transaction another session, so that nothing of a session may be relied upon.
    by_transaction: bool,
    /// Work holds it to read; who closes waits for it and sets it to true.
    closed: RwLock<bool>,
    /// Told when a statement finds a table or a column missing.
    missing: Notify,
}

#[derive(Clone)]
struct Tls(MakeRustlsConnect);

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

impl Pool {
    /// Makes a pool, once it is known who answers at the address: a server or a pooler.
    ///
    /// # Errors
    /// `STORAGE` where the root certificates cannot be read, and, unless the URL says what is there, where the server cannot
    /// be reached or refuses.
    pub async fn open(address: Address, size: usize, overflow: usize) -> Result<Self> {
        let tls = tls::connector(&address)?;
        let by_transaction = match address.pgbouncer {
            Some(told) => told,
            None => shares_sessions(&address, &tls)
                .await
                .map_err(|failure| failure.describe(&address.place(), address.wait))?,
        };
        if by_transaction && address.pgbouncer.is_none() {
            tracing::info!(database = %address.place(), "a pooler gives each transaction another session, as with pgbouncer=true");
        }
        let config = if by_transaction { address.shared_session() } else { address.session() };
        let most = address
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
            .max_size(most)
            .wait_timeout(Some(address.wait))
            .create_timeout(Some(time_to_connect(&config)))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| {
                Error::internal(format!("the pool of connections cannot be made: {error}"))
            })?;
        Ok(Self {
            connections,
            place: address.place(),
            address,
            config,
            tls: Tls(tls),
            kept: size.min(most),
            by_transaction,
            closed: RwLock::new(false),
            missing: Notify::new(),
        })
    }

    /// Does work that goes on when nobody waits for it any more, unless the pool is closed.
    pub fn work<T, W>(
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
                Error::internal(format!("work on the database ended unheard: {error}"))
            })?
        })
    }

    /// Takes in no more work, and waits for the end of what is under way; returns false where that was done before.
    pub async fn end(&self) -> bool {
        let mut closed = self.closed.write().await;
        !std::mem::replace(&mut closed, true)
    }

    /// Waits until a statement finds a table or a column missing.
    pub async fn missing_table(&self) {
        self.missing.notified().await;
    }

    /// Names the database for a message.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Returns whether nothing of a session may be relied upon.
    pub fn is_by_transaction(&self) -> bool {
        self.by_transaction
    }

    /// Returns the schema of the backend's tables, as the URL has it.
    pub fn market_schema(&self) -> Option<&str> {
        self.address.market_schema.as_deref()
    }

    /// Takes a connection, waiting for one that is free.
    pub async fn get(&self) -> Result<Object, Failure> {
        Ok(self.connections.get().await?)
    }

    /// Opens a transaction on a connection.
    pub async fn begin<'a>(&self, connection: &'a mut Object) -> Result<Transaction<'a>, Failure> {
        let transaction = connection.transaction().await?;
        if let Some(timeout) = self.address.statement_timeout.filter(|_| self.by_transaction) {
            transaction
                .batch_execute(&format!("SET LOCAL statement_timeout = {}", timeout.as_millis()))
                .await?;
        }
        Ok(transaction)
    }

    /// Prepares a connection for statements that need no transaction. Where sessions are shared they get one all the same:
    /// only there can their time-out be set, and only as long do they have a session of their own.
    pub async fn alone<'a>(&self, connection: &'a mut Object) -> Result<Sequential<'a>, Failure> {
        Ok(if self.by_transaction {
            Sequential::Within(self.begin(connection).await?)
        } else {
            Sequential::Without(connection)
        })
    }

    /// Opens a connection outside the pool; the handle ends when the connection does.
    pub async fn connect(&self) -> Result<(Client, JoinHandle<()>), Failure> {
        connect(&self.config, &self.tls.0).await
    }

    /// Prepares for [`Self::cancel`] on a connection that is at rest, in the transaction that may be cancelled.
    pub async fn canceller(&self, client: &Client) -> Result<Canceller, Failure> {
        if self.by_transaction {
            let row = client.query_typed_one("SELECT pg_backend_pid()", &[]).await?;
            return Ok(Canceller::Session(row.try_get(0)?));
        }
        Ok(Canceller::Connection(client.cancel_token()))
    }

    /// Asks the server to give up what a connection is doing.
    pub async fn cancel(&self, canceller: &Canceller) {
        let cancel = async {
            match canceller {
                Canceller::Connection(token) => token.cancel_query(self.tls.0.clone()).await?,
                Canceller::Session(id) => {
                    let (client, _) = self.connect().await?;
                    let sql = "SELECT pg_cancel_backend($1)";
                    client.query_typed(sql, &[(id, Type::INT4)]).await?;
                }
            }
            Ok::<(), Failure>(())
        };
        if !matches!(tokio::time::timeout(time_to_connect(&self.config), cancel).await, Ok(Ok(())))
        {
            tracing::debug!("a statement could not be cancelled");
        }
    }

    /// Closes connections beyond those that are kept, once they are no longer used.
    pub fn shrink(&self) {
        let mut left = self.connections.status().size;
        let kept = self.kept;
        self.connections.retain(|_, metrics| {
            let keep = left <= kept || metrics.last_used() < IDLE;
            if !keep {
                left -= 1;
            }
            keep
        });
    }

    /// Closes all connections.
    pub fn close(&self) {
        self.connections.close();
    }

    /// Describes a failure.
    pub fn describe(&self, failure: Failure) -> Error {
        failure.describe(&self.place, self.address.wait)
    }
}

/// Whom to stop.
///
/// Behind a pooler, the session is named in a statement: pgbouncer forgets a request of the protocol whose connection is
/// closed as soon as it is sent, which is what the driver does.
pub(crate) enum Canceller {
    /// Whatever a connection to the server is doing.
    Connection(CancelToken),
    /// Whatever a session of the server is doing.
    Session(i32),
}

/// A connection for statements that need no transaction.
pub(crate) enum Sequential<'a> {
    /// As it is.
    Without(&'a Client),
    /// In a transaction, for the sake of its settings; without [`Self::done`] it is rolled back.
    Within(Transaction<'a>),
}

impl Deref for Sequential<'_> {
    type Target = Client;

    fn deref(&self) -> &Client {
        match self {
            Self::Without(client) => client,
            Self::Within(transaction) => transaction.client(),
        }
    }
}

impl Sequential<'_> {
    /// Keeps what was written.
    pub async fn done(self) -> Result<(), Failure> {
        match self {
            Self::Without(_) => Ok(()),
            Self::Within(transaction) => Ok(transaction.commit().await?),
        }
    }
}

/// How long a connection may take to come up: name look-up, the TCP connection, TLS and the login together; the driver
/// limits the second alone.
fn time_to_connect(config: &Config) -> Duration {
    config.get_connect_timeout().copied().unwrap_or(CONNECT) * 2
}

/// Opens a connection; the handle ends when the connection does.
async fn connect(
    config: &Config,
    tls: &MakeRustlsConnect,
) -> Result<(Client, JoinHandle<()>), Failure> {
    let connecting = config.connect(tls.clone());
    let connected = tokio::time::timeout(time_to_connect(config), connecting).await;
    let (client, connection) =
        connected.map_err(|_| Failure::Pool(PoolError::Timeout(TimeoutType::Create)))??;
    let handle = tokio::spawn(async move {
        // How it ended is told to whoever uses the client.
        let _ = connection.await;
    });
    Ok((client, handle))
}

/// Finds out whether sessions are shared. A pooler refuses settings of the session or leaves them out; that one which keeps
/// them gives each client a session of its own.
async fn shares_sessions(address: &Address, tls: &MakeRustlsConnect) -> Result<bool, Failure> {
    match connect(&address.session(), tls).await {
        Ok((client, connection)) => {
            let marked = client
                .query_typed_one("SELECT current_setting($1, true)", &[(&MARK, Type::TEXT)])
                .await?
                .try_get::<_, Option<String>>(0)?;
            drop(client);
            let _ = connection.await;
            Ok(marked.as_deref() != Some("on"))
        }
        // "unsupported startup parameter"; the next connection is made without.
        Err(Failure::Server(error)) if error.code() == Some(&SqlState::PROTOCOL_VIOLATION) => {
            Ok(true)
        }
        Err(failure) => Err(failure),
    }
}

/// Attempts at one piece of work.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    failed: usize,
}

impl Attempts {
    /// Returns whether an earlier attempt failed on the way, so that it may have been done all the same.
    pub fn again(&self) -> bool {
        self.failed > 0
    }

    /// Waits before the next attempt.
    ///
    /// # Errors
    /// The failure, described, where another attempt is of no use or enough were made.
    pub async fn after(&mut self, failure: Failure, pool: &Pool) -> Result<()> {
        if failure.is_missing_table() {
            pool.missing.notify_one();
        }
        let Some(pause) = PAUSES.get(self.failed).filter(|_| failure.is_transient()) else {
            return Err(pool.describe(failure));
        };
        self.failed += 1;
        tracing::debug!(attempt = self.failed, error = %pool.describe(failure), "trying again");
        tokio::time::sleep(Duration::from_millis(*pause)).await;
        Ok(())
    }
}

/// Does work until it succeeds or trying again is of no use. `$again` tells whether an earlier attempt failed.
macro_rules! attempts {
    ($pool:expr, $again:pat => $work:expr) => {{
        let mut attempts = $crate::store::postgres::pool::Attempts::default();
        loop {
            let $again = attempts.again();
            match $work.await {
                Ok(done) => break Ok(done),
                Err(failure) => {
                    if let Err(error) = attempts.after(failure, $pool).await {
                        break Err(error);
                    }
                }
            }
        }
    }};
}
pub(crate) use attempts;
