//! One engine: a store, a cache, limits; the use cases are its methods, one a file.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OnceCell};
use tracing::Dispatch;
use tracing::instrument::WithSubscriber;

use crate::config::{Config, Database, Secret};
use crate::data::{Embedded, Imports, Market, Prices, Source};
use crate::error::{Code, Error, Result};
use crate::store::{Postgres, Sqlite, Store, postgres};
use crate::strategies::Registry;

use super::cache::BarCache;
use super::cancel::Cancel;
use super::catalogue::Catalogue;
use super::log;
use super::run_queue::{RunQueue, Ticket};

/// Where an engine keeps things, once it is open.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) store: Arc<dyn Store>,
    pub(super) source: Arc<dyn Source>,
}

/// An engine.
#[derive(Debug)]
pub struct Engine {
    pub(super) config: Config,
    /// What is known without the store.
    pub(super) catalogue: Mutex<Catalogue>,
    pub(super) cache: BarCache,
    queue: RunQueue,
    /// How to reach the PostgreSQL database of the store, where it is in one.
    server: Option<postgres::Settings>,
    /// How to reach that of the prices, where they are in another one.
    prices: Option<postgres::Settings>,
    dispatch: Dispatch,
    opened: OnceCell<Opened>,
    failed_openings: Mutex<(u64, Option<Error>)>,
    closed: AtomicBool,
    /// Ends what waits for the store as the engine closes.
    closing: Cancel,
    next_work: AtomicU64,
    active: Mutex<BTreeMap<u64, Cancel>>,
    idle: Notify,
}

impl Engine {
    /// Creates an engine; its store is opened by the first call that needs it.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for the URL of a database that cannot be read.
    pub fn new(config: Config) -> Result<Self> {
        let reach = |setting: &'static str, url: &Secret| {
            postgres::Settings::new(setting, &url.0, config.db_pool_size, config.db_max_overflow)
        };
        let server = match &config.database {
            Database::Postgres(url) => Some(reach("databaseUrl", url)?),
            Database::Sqlite(_) => None,
        };
        let prices =
            config.market_data_url.as_ref().map(|url| reach("marketDataUrl", url)).transpose()?;
        Ok(Self {
            catalogue: Mutex::new(Catalogue {
                registry: Registry::builtin()?,
                ..Catalogue::default()
            }),
            cache: BarCache::new(config.cache_ttl_seconds),
            server,
            prices,
            queue: RunQueue::new(config.max_concurrent_backtests),
            dispatch: log::dispatch(&config),
            opened: OnceCell::new(),
            failed_openings: Mutex::default(),
            closed: AtomicBool::new(false),
            closing: Cancel::default(),
            next_work: AtomicU64::new(0),
            active: Mutex::new(BTreeMap::new()),
            idle: Notify::new(),
            config,
        })
    }

    /// Takes a place in the queue of runs; called as a request arrives, so that the order of arrival holds.
    pub fn arrive(&self) -> Ticket {
        self.queue.arrive()
    }

    /// Awaits work with the engine's log.
    pub async fn logged<T>(&self, work: impl Future<Output = T>) -> T {
        work.with_subscriber(self.dispatch.clone()).await
    }

    /// Returns the store and the source of bars, opening them at first.
    pub(super) async fn opened(&self) -> Result<&Opened> {
        self.check_open()?;
        let (table, chunk) = (self.config.market_data_table.as_deref(), self.config.chunk_size);
        let elsewhere = || self.prices.clone().map(|settings| Prices::at(settings, table, chunk));
        let open = async || match (&self.config.database, &self.server) {
            (_, Some(server)) => {
                let store = Box::pin(Postgres::open(server, &self.config.db_schema)).await?;
                tracing::debug!(database = store.place(), "store opened");
                let prices = elsewhere().unwrap_or_else(|| Prices::beside(&store, table, chunk));
                let imports = Arc::new(Imports::new(Arc::clone(&store), chunk));
                Ok(Opened { source: Arc::new(Market::new(imports, prices)), store })
            }
            (Database::Sqlite(path), None) => {
                let store = Sqlite::open(path).await?;
                tracing::debug!(path = %path.display(), "store opened");
                let imports = Arc::new(Embedded::new(Arc::clone(&store)));
                let source: Arc<dyn Source> = match elsewhere() {
                    Some(prices) => Arc::new(Market::new(imports, prices)),
                    None => imports,
                };
                Ok(Opened { store, source })
            }
            (Database::Postgres(_), None) => {
                Err(Error::internal("the URL of the PostgreSQL database was not read"))
            }
        };
        // Whoever waited while an attempt failed shares its failure: attempts that time out one after the other would make the
        // last of many callers wait for minutes.
        let before = self.failed_openings().0;
        let opening = self.opened.get_or_try_init(async || {
            match &*self.failed_openings() {
                (attempts, Some(error)) if *attempts != before => return Err(error.clone()),
                _ => {}
            }
            let opened = open().await;
            if let Err(error) = &opened {
                let mut failed = self.failed_openings();
                *failed = (failed.0 + 1, Some(error.clone()));
            }
            opened
        });
        self.closing.or(Box::pin(opening)).await
    }

    /// Returns how many attempts to open the store failed, and the last failure.
    fn failed_openings(&self) -> MutexGuard<'_, (u64, Option<Error>)> {
        self.failed_openings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the store if it is open, even while the engine closes.
    pub(super) fn opened_already(&self) -> Option<&Opened> {
        self.opened.get()
    }

    /// Fails once the engine was closed.
    pub(super) fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) {
            Err(Error::new(Code::Closed, "the engine was closed"))
        } else {
            Ok(())
        }
    }

    fn active(&self) -> MutexGuard<'_, BTreeMap<u64, Cancel>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers work, so that closing the engine stops it and waits for it.
    pub(super) fn enter(&self, cancel: &Cancel) -> Result<Work<'_>> {
        let number = self.next_work.fetch_add(1, Ordering::Relaxed);
        self.active().insert(number, cancel.clone());
        let work = Work { engine: self, number };
        self.check_open()?;
        cancel.check()?;
        Ok(work)
    }

    /// Stops runs under way, and refuses later calls: what [`Self::close`] begins with, for callers that want it done by the
    /// time it is awaited.
    pub fn refuse(&self) {
        self.closed.store(true, Ordering::Release);
        self.closing.close();
        for cancel in self.active().values() {
            cancel.close();
        }
    }

    /// Closes the engine: runs under way end as cancelled, later calls fail with `CLOSED`. Closing twice is fine.
    ///
    /// # Errors
    /// `STORAGE` if the store cannot be closed in order.
    pub async fn close(&self) -> Result<()> {
        self.refuse();
        loop {
            let idle = self.idle.notified();
            if self.active().is_empty() {
                break;
            }
            idle.await;
        }
        // Functions of the caller may hold on to anything, this engine included.
        self.change_catalogue(|known| known.functions.clear());
        match self.opened.get() {
            Some(opened) => {
                opened.source.close().await?;
                opened.store.close().await
            }
            None => Ok(()),
        }
    }
}

/// Work under way; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Work<'a> {
    engine: &'a Engine,
    number: u64,
}

impl Drop for Work<'_> {
    fn drop(&mut self) {
        self.engine.active().remove(&self.number);
        self.engine.idle.notify_waiters();
    }
}
