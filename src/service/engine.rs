//! The engine: a store, a cache, and limits. Each use case is a method in a file of its own.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OnceCell};
use tracing::Dispatch;
use tracing::instrument::WithSubscriber;

use crate::config::{Config, DatabaseUrl, Secret};
use crate::data::{CombinedSource, EmbeddedBars, ImportedBars, PriceTable, Source};
use crate::db::postgres::ConnectionSettings;
use crate::error::{Code, Error, Result};
use crate::store::{PostgresStore, SqliteStore, Store};
use crate::strategies::Registry;

use super::cache::BarCache;
use super::cancellation::Cancellation;
use super::catalog::Catalog;
use super::log;
use super::run_queue::{RunQueue, Ticket};

/// The open store of an engine, and its source of bars.
#[derive(Debug)]
pub(super) struct Backends {
    pub(super) store: Arc<dyn Store>,
    pub(super) source: Arc<dyn Source>,
}

/// An engine.
#[derive(Debug)]
pub struct Engine {
    pub(super) config: Config,
    /// The strategies that are known without the store.
    pub(super) catalog: Mutex<Catalog>,
    pub(super) cache: BarCache,
    queue: RunQueue,
    /// The connection settings of the store, if it is in PostgreSQL.
    server: Option<ConnectionSettings>,
    /// The connection settings of the prices, if they are in another database.
    prices: Option<ConnectionSettings>,
    dispatch: Dispatch,
    backends: OnceCell<Backends>,
    open_failures: Mutex<OpenFailures>,
    is_closed: AtomicBool,
    /// Cancels waiting for the store when the engine closes.
    closing: Cancellation,
    next_call: AtomicU64,
    active_calls: Mutex<BTreeMap<u64, Cancellation>>,
    /// Notified whenever a call ends.
    call_ended: Notify,
}

impl Engine {
    /// Creates an engine. The first call that needs the store opens it.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for the URL of a database that cannot be parsed.
    pub fn new(config: Config) -> Result<Self> {
        let settings = |setting: &'static str, url: &Secret| {
            ConnectionSettings::new(setting, &url.0, config.db_pool_size, config.db_max_overflow)
        };
        let server = match &config.database {
            DatabaseUrl::Postgres(url) => Some(settings("databaseUrl", url)?),
            DatabaseUrl::Sqlite(_) => None,
        };
        let prices = config
            .market_data_url
            .as_ref()
            .map(|url| settings("marketDataUrl", url))
            .transpose()?;
        Ok(Self {
            catalog: Mutex::new(Catalog { registry: Registry::builtin()?, ..Catalog::default() }),
            cache: BarCache::new(config.cache_ttl_seconds),
            server,
            prices,
            queue: RunQueue::new(config.max_concurrent_backtests),
            dispatch: log::dispatch(&config),
            backends: OnceCell::new(),
            open_failures: Mutex::default(),
            is_closed: AtomicBool::new(false),
            closing: Cancellation::default(),
            next_call: AtomicU64::new(0),
            active_calls: Mutex::new(BTreeMap::new()),
            call_ended: Notify::new(),
            config,
        })
    }

    /// Queues a run. Called when a request arrives, so that runs start in order of arrival.
    pub fn enqueue_run(&self) -> Ticket {
        self.queue.enqueue()
    }

    /// Awaits a future that logs to the engine's log.
    pub async fn with_log<T>(&self, future: impl Future<Output = T>) -> T {
        future.with_subscriber(self.dispatch.clone()).await
    }

    /// Returns the store and the source of bars. The first call opens them.
    pub(super) async fn backends(&self) -> Result<&Backends> {
        self.check_open()?;
        let (table, chunk) = (self.config.market_data_table.as_deref(), self.config.chunk_size);
        let elsewhere =
            || self.prices.clone().map(|settings| PriceTable::in_database(settings, table, chunk));
        let open = async || match (&self.config.database, &self.server) {
            (_, Some(server)) => {
                let store = Box::pin(PostgresStore::open(server, &self.config.db_schema)).await?;
                tracing::debug!(database = store.pool().location(), "store opened");
                let pool = store.pool();
                let prices = elsewhere().unwrap_or_else(|| {
                    PriceTable::in_store_database(Arc::clone(pool), table, chunk)
                });
                let imported = ImportedBars::new(Arc::clone(pool), store.schema(), chunk);
                let source = CombinedSource::new(Arc::new(imported), prices);
                Ok(Backends { source: Arc::new(source), store })
            }
            (DatabaseUrl::Sqlite(path), None) => {
                let store = SqliteStore::open(path).await?;
                tracing::debug!(path = %path.display(), "store opened");
                let imported = Arc::new(EmbeddedBars::new(Arc::clone(store.database())));
                let source: Arc<dyn Source> = match elsewhere() {
                    Some(prices) => Arc::new(CombinedSource::new(imported, prices)),
                    None => imported,
                };
                Ok(Backends { store, source })
            }
            (DatabaseUrl::Postgres(_), None) => {
                Err(Error::internal("the URL of the PostgreSQL database was not read"))
            }
        };
        // Callers that waited during a failed attempt share its error. With an attempt for each of them, one after the other,
        // the last of many callers would wait for minutes.
        let count_before = self.open_failures().count;
        let opening = self.backends.get_or_try_init(async || {
            match &*self.open_failures() {
                OpenFailures { count, last: Some(error) } if *count != count_before => {
                    return Err(error.clone());
                }
                _ => {}
            }
            let backends = open().await;
            if let Err(error) = &backends {
                let mut failures = self.open_failures();
                *failures = OpenFailures { count: failures.count + 1, last: Some(error.clone()) };
            }
            backends
        });
        self.closing.or(Box::pin(opening)).await
    }

    fn open_failures(&self) -> MutexGuard<'_, OpenFailures> {
        self.open_failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the store if it is open, even while the engine closes.
    pub(super) fn open_backends(&self) -> Option<&Backends> {
        self.backends.get()
    }

    /// Returns whether stored bars can be looked up without waiting: the store is open and all of it is in a file.
    pub fn finds_bars_at_once(&self) -> bool {
        self.server.is_none() && self.prices.is_none() && self.backends.initialized()
    }

    /// Returns whether the engine is closed.
    pub fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Fails if the engine is closed.
    pub(super) fn check_open(&self) -> Result<()> {
        if self.is_closed() {
            Err(Error::new(Code::Closed, "the engine was closed"))
        } else {
            Ok(())
        }
    }

    fn active_calls(&self) -> MutexGuard<'_, BTreeMap<u64, Cancellation>> {
        self.active_calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a call, so that closing the engine cancels it and waits for it.
    pub(super) fn start_call(&self, cancellation: &Cancellation) -> Result<ActiveCall<'_>> {
        let call = self.start_recorded_call(cancellation)?;
        cancellation.check()?;
        Ok(call)
    }

    /// Registers a call that begins even if its caller has cancelled it, so that a record can say so.
    ///
    /// # Errors
    /// `CLOSED`.
    pub(super) fn start_recorded_call(
        &self,
        cancellation: &Cancellation,
    ) -> Result<ActiveCall<'_>> {
        let number = self.next_call.fetch_add(1, Ordering::Relaxed);
        self.active_calls().insert(number, cancellation.clone());
        let call = ActiveCall { engine: self, number };
        self.check_open()?;
        Ok(call)
    }

    /// Cancels active calls and rejects later ones. [`Self::close`] begins with this; callers that await it later can do it
    /// at once.
    pub fn begin_close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.closing.close();
        for cancellation in self.active_calls().values() {
            cancellation.close();
        }
    }

    /// Closes the engine. Active runs are cancelled, and later calls fail with `CLOSED`. Closing twice is allowed.
    ///
    /// # Errors
    /// `STORAGE` if the store cannot be closed cleanly.
    pub async fn close(&self) -> Result<()> {
        self.begin_close();
        loop {
            let call_ended = self.call_ended.notified();
            if self.active_calls().is_empty() {
                break;
            }
            call_ended.await;
        }
        // Functions of the caller may own anything, including this engine.
        self.change_local_catalog(|catalog| catalog.functions.clear());
        match self.backends.get() {
            Some(backends) => {
                backends.source.close().await?;
                backends.store.close().await
            }
            None => Ok(()),
        }
    }
}

/// Failed attempts to open the store.
#[derive(Debug, Default)]
struct OpenFailures {
    count: u64,
    last: Option<Error>,
}

/// An active call; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct ActiveCall<'a> {
    engine: &'a Engine,
    number: u64,
}

impl Drop for ActiveCall<'_> {
    fn drop(&mut self) {
        self.engine.active_calls().remove(&self.number);
        self.engine.call_ended.notify_waiters();
    }
}
