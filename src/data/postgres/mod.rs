//! Bars in a PostgreSQL database: those that were imported into our own schema, and the backend's own prices, which are
//! only read.
//!
//! An imported series takes the place of the backend's series of the same asset and timeframe, whole: two origins are
//! never mixed within one series, since their prices need not fit together. Other timeframes are found in both.

mod catalogue;
mod imported;
mod market;
mod reader;
mod ticks;
mod timeframes;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OnceCell, oneshot};

use self::catalogue::Table;
use self::reader::Reader;
use super::{Answer, Asset, Imported, Loaded, Series, Source, no_data};
use crate::error::{Error, Result};
use crate::market::{Bars, Timeframe};
use crate::store::Postgres;
use crate::store::postgres::{Failure, Shared, attempts};
use crate::watch::Watch;

/// The name that the backend's table has where nothing else is said.
const TABLE: &str = "market_data";

/// The bars of a PostgreSQL database.
#[derive(Debug, Clone)]
pub struct Market {
    store: Arc<Postgres>,
    place: Arc<Place>,
}

/// Where prices are, and what is known about them.
#[derive(Debug)]
struct Place {
    /// Schema and table, as far as they were named.
    schema: Option<String>,
    table: Option<String>,
    /// Rows of a chunk.
    chunk: i32,
    /// What the catalogue says, looked at once.
    found: OnceCell<Table>,
    /// How the timeframes of an asset are spelled.
    spelled: Mutex<BTreeMap<(String, Timeframe), Vec<String>>>,
}

impl Market {
    /// Creates the source over a store; closing the store closes it. `table` names the backend's table or view, with or
    /// without its schema; rows are read by chunks of so many.
    pub fn new(store: Arc<Postgres>, table: Option<&str>, chunk: u32) -> Self {
        let unquoted = |name: &str| name.trim_matches('"').to_owned();
        let (schema, table) = match table.map(|table| (table, table.split_once('.'))) {
            Some((_, Some((schema, table)))) => (Some(unquoted(schema)), Some(unquoted(table))),
            Some((table, None)) => (None, Some(unquoted(table))),
            None => (None, None),
        };
        let chunk = i32::try_from(chunk).unwrap_or(i32::MAX).max(1);
        let place = Place {
            schema,
            table,
            chunk,
            found: OnceCell::new(),
            spelled: Mutex::new(BTreeMap::new()),
        };
        Self { store, place: Arc::new(place) }
    }

    /// Reads rows as long as somebody waits for them.
    fn read<W>(
        &self,
        watch: Arc<dyn Watch + Send + Sync>,
        work: impl FnOnce(Arc<Shared>, Arc<Place>, Reader) -> W + Send + 'static,
    ) -> Answer<'_, Loaded>
    where
        W: Future<Output = Result<Loaded>> + Send + 'static,
    {
        let (heard, unheard) = oneshot::channel();
        let place = Arc::clone(&self.place);
        let reader = Reader { chunk: place.chunk, watch, unheard };
        let answer = self.store.work(move |shared| work(shared, place, reader));
        Box::pin(async move {
            let answer = answer.await;
            drop(heard);
            answer
        })
    }
}

impl Place {
    /// Returns the backend's table; nothing where there is none of the usual name.
    async fn table(&self, shared: &Shared) -> Result<Option<&Table>, Failure> {
        if let Some(table) = self.found.get() {
            return Ok(Some(table));
        }
        let schema = self.schema.as_deref().or(shared.market_schema.as_deref()).unwrap_or("public");
        let name = self.table.as_deref().unwrap_or(TABLE);
        let connection = shared.pool.get().await?;
        match catalogue::find(&connection, schema, name).await {
            Ok(Some(table)) => {
                let shape = if matches!(table.prices, catalogue::Prices::Bars(_)) { "bars" } else { "ticks" };
                tracing::info!(table = %table.name, shape, time = %table.time.sql, asset = table.asset.column(), "market data found");
                if let Some(warning) = &table.index_warning {
                    tracing::warn!(table = %table.name, "{warning}");
                }
                Ok(Some(self.found.get_or_init(async || table).await))
            }
            Ok(None) if self.table.is_none() => Ok(None),
            Ok(None) => Err(Error::storage(format!(
                "the PostgreSQL database {} has no table or view {schema}.{name}, which marketDataTable (MARKET_DATA_TABLE) names",
                shared.pool.place()
            ))
            .into()),
            Err(failure) => Err(failure),
        }
    }

    /// Returns the series of an asset.
    async fn series(&self, shared: &Shared, symbol: &str) -> Result<Vec<Series>, Failure> {
        let imported = imported::series(shared, Some(symbol)).await?;
        let mut found: Vec<Series> = imported.into_iter().map(|(_, series)| series).collect();
        let table = match self.table(shared).await {
            Ok(table) => table,
            // What was imported can be used even where the table of the usual name holds something else.
            Err(Failure::Ready(error)) if self.table.is_none() && !found.is_empty() => {
                tracing::warn!("{error}");
                None
            }
            Err(failure) => return Err(failure),
        };
        if let Some(table) = table {
            let connection = shared.pool.get().await?;
            for (series, spelled) in table.series(&connection, symbol).await? {
                self.note_spelling(symbol, series.timeframe, spelled);
                add(&mut found, series);
            }
        }
        found.sort_by_key(|series| series.timeframe);
        Ok(found)
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

    async fn assets(&self, shared: &Shared) -> Result<Vec<Asset>, Failure> {
        let mut all: BTreeMap<String, Vec<Series>> = BTreeMap::new();
        for (symbol, series) in imported::series(shared, None).await? {
            all.entry(symbol).or_default().push(series);
        }
        let table = match self.table(shared).await {
            Ok(table) => table,
            Err(Failure::Ready(error)) if self.table.is_none() => {
                tracing::warn!("{error}");
                None
            }
            Err(failure) => return Err(failure),
        };
        if let Some(table) = table {
            let connection = shared.pool.get().await?;
            for (symbol, series) in table.all(&connection).await? {
                add(all.entry(symbol).or_default(), series);
            }
        }
        let asset = |(symbol, mut series): (String, Vec<Series>)| {
            series.sort_by_key(|series| series.timeframe);
            Asset { symbol, series }
        };
        Ok(all.into_iter().map(asset).collect())
    }

    async fn load(
        &self,
        shared: &Shared,
        reader: &mut Reader,
        symbol: &str,
        timeframe: Timeframe,
        range: (i64, i64),
    ) -> Result<Loaded, Failure> {
        if imported::has(shared, symbol, timeframe).await? {
            return imported::load(shared, reader, symbol, timeframe, range).await;
        }
        let Some(table) = self.table(shared).await? else { return Ok(nothing()?) };
        if matches!(table.prices, catalogue::Prices::Ticks(_)) {
            return table.load_ticks(shared, reader, symbol, Some(timeframe), range).await;
        }
        let mut spelled = self.spelling(symbol, timeframe);
        if spelled.is_empty() {
            // Nobody has asked for the series of this asset yet, or its rows do not say their timeframe.
            let known = self.series(shared, symbol).await?;
            spelled = self.spelling(symbol, timeframe);
            let there = known.iter().any(|series| series.timeframe == timeframe);
            if !there || (spelled.is_empty() && table.timeframe.is_some()) {
                return Ok(nothing()?);
            }
        }
        table.load_bars(shared, reader, symbol, &spelled, range).await
    }

    /// Says what there is where nothing was found.
    async fn check(
        &self,
        shared: &Shared,
        loaded: Loaded,
        symbol: &str,
        timeframe: Timeframe,
        (start, end): (i64, i64),
    ) -> Result<Loaded, Failure> {
        if !loaded.bars.is_empty() {
            return Ok(loaded);
        }
        let known = self.series(shared, symbol).await?;
        Err(no_data(symbol, timeframe, start, end, &known).into())
    }
}

/// Adds a series of the backend's, unless one of its timeframe was imported or found before.
fn add(found: &mut Vec<Series>, series: Series) {
    match found.iter_mut().find(|known| known.timeframe == series.timeframe) {
        // The same timeframe in two spellings is one series.
        Some(known) if known.source == series.source => {
            known.bars += series.bars;
            (known.first, known.last) =
                (known.first.min(series.first), known.last.max(series.last));
            known.revision = known.revision.wrapping_add(series.revision);
        }
        Some(_) => {}
        None => found.push(series),
    }
}

fn nothing() -> Result<Loaded> {
    Ok(Loaded::from(imported::Columns::default().into_bars()?))
}

impl Source for Market {
    fn assets(&self) -> Answer<'_, Vec<Asset>> {
        let place = Arc::clone(&self.place);
        self.store.work(async move |shared| attempts!(&shared.pool, _ => place.assets(&shared)))
    }

    fn series(&self, symbol: &str) -> Answer<'_, Vec<Series>> {
        let (place, symbol) = (Arc::clone(&self.place), symbol.to_owned());
        self.store
            .work(async move |shared| attempts!(&shared.pool, _ => place.series(&shared, &symbol)))
    }

    fn load(
        &self,
        symbol: &str,
        timeframe: Timeframe,
        start: i64,
        end: i64,
        watch: Arc<dyn Watch + Send + Sync>,
    ) -> Answer<'_, Loaded> {
        let symbol = symbol.to_owned();
        self.read(watch, async move |shared, place, mut reader| {
            attempts!(&shared.pool, _ => async {
                let loaded = place.load(&shared, &mut reader, &symbol, timeframe, (start, end)).await?;
                place.check(&shared, loaded, &symbol, timeframe, (start, end)).await
            })
        })
    }

    fn load_ticks(
        &self,
        symbol: &str,
        start: i64,
        end: i64,
        watch: Arc<dyn Watch + Send + Sync>,
    ) -> Answer<'_, Loaded> {
        let symbol = symbol.to_owned();
        self.read(watch, async move |shared, place, mut reader| {
            attempts!(&shared.pool, _ => async {
                let loaded = match place.table(&shared).await? {
                    Some(table) => table.load_ticks(&shared, &mut reader, &symbol, None, (start, end)).await?,
                    None => nothing()?,
                };
                if !loaded.bars.is_empty() {
                    return Ok(loaded);
                }
                let known = place.series(&shared, &symbol).await?;
                let timeframe = known.iter().find(|series| series.ticks).map_or(Timeframe::M1, |series| series.timeframe);
                place.check(&shared, loaded, &symbol, timeframe, (start, end)).await
            })
        })
    }

    fn import(&self, symbol: &str, timeframe: Timeframe, bars: Bars) -> Answer<'_, Imported> {
        let (symbol, bars) = (symbol.to_owned(), Arc::new(bars));
        self.store.work(async move |shared| {
            attempts!(&shared.pool, _ => imported::import(&shared, &symbol, timeframe, &bars))
        })
    }
}

#[cfg(test)]
mod tests;
