//! Connections: so many kept open, some more under load, with an end to every wait.
//!
//! Nothing outlives a transaction: no prepared statement, no setting, no temporary table, no lock. So a pooler such as
//! pgbouncer may stand in between and give each transaction another connection of the server. (Portals and `COPY` do
//! prepare a statement; it is closed before its transaction ends.)

use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, RecyclingMethod, Runtime, Transaction};
use tokio::task::JoinHandle;
use tokio_postgres::Client;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::Address;
use super::failure::Failure;
use super::tls;
use crate::error::{Error, Result};

/// How long a connection beyond the pool is kept without use.
const IDLE: Duration = Duration::from_secs(30);

/// The pauses between attempts: a server that restarts is given some ten seconds.
const PAUSES: [u64; 7] = [50, 150, 400, 1000, 2000, 3000, 4000];

/// The connections to one database.
#[derive(Debug)]
pub(crate) struct Pool {
    connections: deadpool_postgres::Pool,
    address: Address,
    tls: Tls,
    place: String,
    kept: usize,
}

#[derive(Clone)]
struct Tls(MakeRustlsConnect);

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

impl Pool {
    /// Makes a pool; nothing is connected yet.
    ///
    /// # Errors
    /// `STORAGE` where the root certificates cannot be read.
    pub fn new(address: Address, size: usize, overflow: usize) -> Result<Self> {
        let tls = tls::connector(&address)?;
        let most = address
            .connection_limit
            .unwrap_or(usize::MAX)
            .min(size.saturating_add(overflow))
            .max(1);
        let manager = Manager::from_config(
            address.config.clone(),
            tls.clone(),
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        let connections = deadpool_postgres::Pool::builder(manager)
            .max_size(most)
            .wait_timeout(Some(address.wait))
            // Name look-up, the TCP connection, TLS and the login together; the driver limits the second alone.
            .create_timeout(address.config.get_connect_timeout().map(|timeout| *timeout * 2))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| {
                Error::internal(format!("the pool of connections cannot be made: {error}"))
            })?;
        Ok(Self {
            connections,
            place: address.place(),
            address,
            tls: Tls(tls),
            kept: size.min(most),
        })
    }

    /// Names the database for a message.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Returns whether nothing of a session may be relied upon.
    pub fn is_by_transaction(&self) -> bool {
        self.address.pgbouncer
    }

    /// Takes a connection, waiting for one that is free.
    pub async fn get(&self) -> Result<Object, Failure> {
        Ok(self.connections.get().await?)
    }

    /// Opens a transaction on a connection.
    pub async fn begin<'a>(&self, connection: &'a mut Object) -> Result<Transaction<'a>, Failure> {
        let transaction = connection.transaction().await?;
        if let Some(timeout) = self.address.statement_timeout.filter(|_| self.address.pgbouncer) {
            transaction
                .batch_execute(&format!("SET LOCAL statement_timeout = {}", timeout.as_millis()))
                .await?;
        }
        Ok(transaction)
    }

    /// Opens a connection outside the pool; the handle ends when the connection does.
    pub async fn connect(&self) -> Result<(Client, JoinHandle<()>), Failure> {
        let (client, connection) = self.address.config.connect(self.tls.0.clone()).await?;
        let handle = tokio::spawn(async move {
            // How it ended is told to whoever uses the client.
            let _ = connection.await;
        });
        Ok((client, handle))
    }

    /// Asks the server to give up what a connection is doing.
    pub async fn cancel(&self, token: tokio_postgres::CancelToken) {
        let _ = token.cancel_query(self.tls.0.clone()).await;
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
