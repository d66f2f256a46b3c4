//! The backend's prices: which table they are in, and the way to it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::catalogue::{self, Table};
use super::imported::Columns;
use super::reader::{Reader, Unheard, ask, read};
use super::{Loaded, Series, Span, add};
use crate::error::{Error, Result};
use crate::market::Timeframe;
use crate::observer::ProgressObserver;
use crate::store::Postgres;
use crate::store::postgres::{Failure, Pool, Settings, attempts};

/// The name that the backend's table has where nothing else is said.
const TABLE: &str = "market_data";

/// The prices of a backend.
#[derive(Debug)]
pub struct Prices {
    way: Way,
    place: Arc<Place>,
}

/// The way to the database.
#[derive(Debug)]
enum Way {
    /// That of the store, which closes it.
    Store(Arc<Pool>),
    /// One of their own, opened when it is needed: without it, all but the prices can be used.
    Own { settings: Box<Settings>, pool: OnceCell<Arc<Pool>> },
}

/// Where prices are, and what is known about them.
#[derive(Debug)]
struct Place {
    /// Schema and table, as far as they were named.
    schema: Option<String>,
    table: Option<String>,
    /// Whether there must be such a table.
    required: bool,
    /// Rows of a chunk.
    chunk: u32,
    /// What the catalogue says, looked at once.
    found: OnceCell<Table>,
    /// How the timeframes of an asset are spelled.
    spelled: Mutex<BTreeMap<(String, Timeframe), Vec<String>>>,
}

impl Prices {
    /// Looks for prices in the database of a store. `table` names the backend's table or view, with or without its schema;
    /// rows are read by chunks of so many.
    pub fn beside(store: &Postgres, table: Option<&str>, chunk: u32) -> Self {
        let way = Way::Store(Arc::clone(store.pool()));
        Self { way, place: Arc::new(Place::new(table, chunk, table.is_some())) }
    }

    /// Looks for prices in a database of their own; there must be some.
    pub fn at(settings: Settings, table: Option<&str>, chunk: u32) -> Self {
        let way = Way::Own { settings: Box::new(settings), pool: OnceCell::new() };
        Self { way, place: Arc::new(Place::new(table, chunk, true)) }
    }

    async fn pool(&self) -> Result<&Arc<Pool>> {
        match &self.way {
            Way::Store(pool) => Ok(pool),
            Way::Own { settings, pool } => pool.get_or_try_init(|| settings.connect()).await,
        }
    }

    /// Returns the series of an asset. Where there is something else to fall back on, a table of the usual name that holds
    /// something else is no error.
    pub(super) async fn series(&self, symbol: &str, fallback: bool) -> Result<Vec<Series>> {
        let (place, symbol) = (Arc::clone(&self.place), symbol.to_owned());
        ask(self.pool().await?, async move |pool, mut unheard| {
            attempts!(&pool, _ => place.series(&pool, &mut unheard, &symbol, fallback))
        })
        .await
    }

    /// Returns the symbols and series of all assets.
    pub(super) async fn all(&self) -> Result<Vec<(String, Series)>> {
        let place = Arc::clone(&self.place);
        ask(
            self.pool().await?,
            async move |pool, mut unheard| attempts!(&pool, _ => place.all(&pool, &mut unheard)),
        )
        .await
    }

    /// Loads the bars of a span; none where there are none.
    pub(super) async fn load(
        &self,
        symbol: &str,
        timeframe: Timeframe,
        span: Span,
        observer: Arc<dyn ProgressObserver + Send + Sync>,
    ) -> Result<Loaded> {
        let (place, symbol) = (Arc::clone(&self.place), symbol.to_owned());
        read(self.pool().await?, self.place.chunk, observer, async move |pool, mut reader| {
            attempts!(&pool, _ => place.load(&pool, &mut reader, &symbol, timeframe, span))
        })
        .await
    }

    /// Loads the ticks of a span; none where there are none.
    pub(super) async fn load_ticks(
        &self,
        symbol: &str,
        span: Span,
        observer: Arc<dyn ProgressObserver + Send + Sync>,
    ) -> Result<Loaded> {
        let (place, symbol) = (Arc::clone(&self.place), symbol.to_owned());
        read(self.pool().await?, self.place.chunk, observer, async move |pool, mut reader| {
            attempts!(&pool, _ => async {
                match place.table(&pool).await? {
                    Some(table) => table.load_ticks(&pool, &mut reader, &symbol, None, span).await,
                    None => Ok(nothing()?),
                }
            })
        })
        .await
    }

    /// Closes connections that are not the store's.
    pub(super) async fn close(&self) {
        if let Way::Own { pool, .. } = &self.way
            && let Some(pool) = pool.get()
            && pool.end().await
        {
            pool.close();
        }
    }
}

impl Place {
    fn new(table: Option<&str>, chunk: u32, required: bool) -> Self {
        let unquoted = |name: &str| name.trim_matches('"').to_owned();
        let (schema, table) = match table.map(|table| (table, table.split_once('.'))) {
            Some((_, Some((schema, table)))) => (Some(unquoted(schema)), Some(unquoted(table))),
            Some((table, None)) => (None, Some(unquoted(table))),
            None => (None, None),
        };
        let (found, spelled) = (OnceCell::new(), Mutex::new(BTreeMap::new()));
        Self { schema, table, required, chunk, found, spelled }
    }

    /// Returns the table; nothing where there is none and there need be none.
    async fn table(&self, pool: &Pool) -> Result<Option<&Table>, Failure> {
        if let Some(table) = self.found.get() {
            return Ok(Some(table));
        }
        let schema = self.schema.as_deref().or(pool.market_schema()).unwrap_or("public");
        let name = self.table.as_deref().unwrap_or(TABLE);
        let mut connection = pool.get().await?;
        let found = catalogue::find(&*pool.alone(&mut connection).await?, schema, name).await?;
        let Some(table) = found else {
            return if self.required {
                Err(Error::storage(format!(
                    "the PostgreSQL database {} has no table or view {schema}.{name}; name one with marketDataTable \
                     (MARKET_DATA_TABLE)",
                    pool.place()
                ))
                .into())
            } else {
                Ok(None)
            };
        };
        let shape =
            if matches!(table.prices, catalogue::Prices::Bars(_)) { "bars" } else { "ticks" };
        tracing::info!(table = %table.name, shape, time = %table.time.sql, asset = table.asset.column(), "market data found");
        if let Some(warning) = &table.index_warning {
            tracing::warn!(table = %table.name, "{warning}");
        }
        Ok(Some(self.found.get_or_init(async || table).await))
    }

    /// Returns the table; with something to fall back on, one that holds something else counts as none.
    async fn table_or(&self, pool: &Pool, fallback: bool) -> Result<Option<&Table>, Failure> {
        match self.table(pool).await {
            Err(Failure::Ready(error)) if fallback && !self.required => {
                tracing::warn!("{error}");
                Ok(None)
            }
            other => other,
        }
    }

    async fn series(
        &self,
        pool: &Pool,
        unheard: &mut Unheard,
        symbol: &str,
        fallback: bool,
    ) -> Result<Vec<Series>, Failure> {
        let mut found = Vec::new();
        let Some(table) = self.table_or(pool, fallback).await? else { return Ok(found) };
        let mut connection = pool.get().await?;
        let alone = pool.alone(&mut connection).await?;
        let canceller = pool.canceller(&alone).await?;
        let series = unheard.or(pool, &canceller, table.series(&alone, symbol)).await?;
        for (series, spelled) in series {
            self.note_spelling(symbol, series.timeframe, spelled);
            add(&mut found, series);
        }
        Ok(found)
    }

    async fn all(
        &self,
        pool: &Pool,
        unheard: &mut Unheard,
    ) -> Result<Vec<(String, Series)>, Failure> {
        let Some(table) = self.table_or(pool, true).await? else { return Ok(Vec::new()) };
        let mut connection = pool.get().await?;
        let alone = pool.alone(&mut connection).await?;
        let canceller = pool.canceller(&alone).await?;
        unheard.or(pool, &canceller, table.all(&alone)).await
    }

    fn note_spelling(&self, symbol: &str, timeframe: Timeframe, spelled: Option<String>) {
        let Some(spelled) = spelled else { return };
        let mut known = self.spelled.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.entry((symbol.to_owned(), timeframe)).or_default();
        if !known.contains(&spelled) {
            known.push(spelled);
        }
    }

    /// Returns how a timeframe is spelled in the rows of an asset.
    fn spelling(&self, symbol: &str, timeframe: Timeframe) -> Vec<String> {
        let known = self.spelled.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(symbol.to_owned(), timeframe)).cloned().unwrap_or_default()
    }

    async fn load(
        &self,
        pool: &Pool,
        reader: &mut Reader,
        symbol: &str,
        timeframe: Timeframe,
        span: Span,
    ) -> Result<Loaded, Failure> {
        let Some(table) = self.table(pool).await? else { return Ok(nothing()?) };
        if matches!(table.prices, catalogue::Prices::Ticks(_)) {
            return table.load_ticks(pool, reader, symbol, Some(timeframe), span).await;
        }
        let mut spelled = self.spelling(symbol, timeframe);
        if spelled.is_empty() {
            // Nobody has asked for the series of this asset yet, or its rows do not say their timeframe.
            let known = self.series(pool, &mut reader.unheard, symbol, false).await?;
            spelled = self.spelling(symbol, timeframe);
            let there = known.iter().any(|series| series.timeframe == timeframe);
            if !there || (spelled.is_empty() && table.timeframe.is_some()) {
                return Ok(nothing()?);
            }
        }
        table.load_bars(pool, reader, symbol, &spelled, span).await
    }
}

fn nothing() -> Result<Loaded> {
    Ok(Loaded::from(Columns::default().into_bars()?))
}
