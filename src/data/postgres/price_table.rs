//! The backend's price table: which one it is, and the connection to it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::row_reader::{DropCancellation, RowReader, run_cancellable, run_with_reader};
use super::table_layout::{PriceColumns, TableLayout, find_table};
use super::table_queries::TableSeries;
use crate::data::loaded_bars::LoadedBars;
use crate::data::ohlcv_columns::OhlcvColumns;
use crate::data::series::{StoredSeries, merge_series};
use crate::data::span::TimeRange;
use crate::db::postgres::{ConnectionSettings, Failure, Pool, retry};
use crate::error::{Error, Result};
use crate::market::Timeframe;
use crate::observer::ProgressObserver;

/// The name of the table if none is given.
const DEFAULT_TABLE: &str = "market_data";

/// The price table of a backend.
#[derive(Debug)]
pub struct PriceTable {
    connections: Connections,
    table: Arc<LazyTable>,
}

/// The connections to the database of the table.
#[derive(Debug)]
enum Connections {
    /// Those of the store, which closes them.
    Store(Arc<Pool>),
    /// A pool of its own. It is opened on first use, so that everything else works without this database.
    Own { settings: Box<ConnectionSettings>, pool: OnceCell<Arc<Pool>> },
}

/// A table that is looked up on first use.
#[derive(Debug)]
struct LazyTable {
    /// The schema, if one was given.
    schema: Option<String>,
    /// The name of the table, if one was given.
    name: Option<String>,
    /// Whether a missing table is an error.
    is_required: bool,
    chunk_rows: u32,
    layout: OnceCell<TableLayout>,
    /// The labels of the timeframes in the rows of an asset.
    timeframe_labels: Mutex<BTreeMap<(String, Timeframe), Vec<String>>>,
}

impl PriceTable {
    /// Uses the database of a store. `table` is the name of the table or view, with or without its schema; without it, the
    /// table with the default name is used if it exists. Rows are read in chunks of `chunk_rows`.
    pub fn in_store_database(pool: Arc<Pool>, table: Option<&str>, chunk_rows: u32) -> Self {
        let connections = Connections::Store(pool);
        Self { connections, table: Arc::new(LazyTable::new(table, chunk_rows, table.is_some())) }
    }

    /// Uses another database. The table must exist.
    pub fn in_database(settings: ConnectionSettings, table: Option<&str>, chunk_rows: u32) -> Self {
        let connections = Connections::Own { settings: Box::new(settings), pool: OnceCell::new() };
        Self { connections, table: Arc::new(LazyTable::new(table, chunk_rows, true)) }
    }

    async fn pool(&self) -> Result<&Arc<Pool>> {
        match &self.connections {
            Connections::Store(pool) => Ok(pool),
            Connections::Own { settings, pool } => {
                pool.get_or_try_init(|| settings.connect()).await
            }
        }
    }

    /// Returns the series of an asset. With `has_alternative`, a table with the default name that is not a price table is not
    /// an error.
    pub(super) async fn series(
        &self,
        symbol: &str,
        has_alternative: bool,
    ) -> Result<Vec<StoredSeries>> {
        let (table, symbol) = (Arc::clone(&self.table), symbol.to_owned());
        run_cancellable(self.pool().await?, async move |pool, mut cancellation| {
            retry!(&pool, _ => table.series(&pool, &mut cancellation, &symbol, has_alternative))
        })
        .await
    }

    /// Returns the symbols and series of all assets.
    pub(super) async fn all_series(&self) -> Result<Vec<(String, StoredSeries)>> {
        let table = Arc::clone(&self.table);
        run_cancellable(self.pool().await?, async move |pool, mut cancellation| {
            retry!(&pool, _ => table.all_series(&pool, &mut cancellation))
        })
        .await
    }

    /// Loads the bars of a span; may return no bars.
    pub(super) async fn load(
        &self,
        symbol: &str,
        timeframe: Timeframe,
        span: TimeRange,
        observer: Arc<dyn ProgressObserver + Send + Sync>,
    ) -> Result<LoadedBars> {
        let (table, symbol) = (Arc::clone(&self.table), symbol.to_owned());
        let read = async move |pool: Arc<Pool>, mut reader: RowReader| retry!(&pool, _ => table.load(&pool, &mut reader, &symbol, timeframe, span));
        run_with_reader(self.pool().await?, self.table.chunk_rows, observer, read).await
    }

    /// Loads the ticks of a span; may return no bars.
    pub(super) async fn load_ticks(
        &self,
        symbol: &str,
        span: TimeRange,
        observer: Arc<dyn ProgressObserver + Send + Sync>,
    ) -> Result<LoadedBars> {
        let (table, symbol) = (Arc::clone(&self.table), symbol.to_owned());
        let read = async move |pool: Arc<Pool>, mut reader: RowReader| {
            retry!(&pool, _ => async {
                match table.layout(&pool).await? {
                    Some(layout) => layout.load_ticks(&pool, &mut reader, &symbol, None, span).await,
                    None => Ok(no_bars()?),
                }
            })
        };
        run_with_reader(self.pool().await?, self.table.chunk_rows, observer, read).await
    }

    /// Closes connections that the store does not close.
    pub(super) async fn close(&self) {
        if let Connections::Own { pool, .. } = &self.connections
            && let Some(pool) = pool.get()
            && pool.drain().await
        {
            pool.close();
        }
    }
}

impl LazyTable {
    fn new(table: Option<&str>, chunk_rows: u32, is_required: bool) -> Self {
        let unquoted = |name: &str| name.trim_matches('"').to_owned();
        let (schema, name) = match table.map(|table| (table, table.split_once('.'))) {
            Some((_, Some((schema, name)))) => (Some(unquoted(schema)), Some(unquoted(name))),
            Some((name, None)) => (None, Some(unquoted(name))),
            None => (None, None),
        };
        let (layout, timeframe_labels) = (OnceCell::new(), Mutex::new(BTreeMap::new()));
        Self { schema, name, is_required, chunk_rows, layout, timeframe_labels }
    }

    /// Returns the layout of the table; `None` if an optional table does not exist.
    async fn layout(&self, pool: &Pool) -> Result<Option<&TableLayout>, Failure> {
        if let Some(layout) = self.layout.get() {
            return Ok(Some(layout));
        }
        let schema = self.schema.as_deref().or(pool.market_schema()).unwrap_or("public");
        let name = self.name.as_deref().unwrap_or(DEFAULT_TABLE);
        let mut connection = pool.get().await?;
        let found = find_table(&*pool.statements(&mut connection).await?, schema, name).await?;
        let Some(layout) = found else {
            return if self.is_required {
                Err(Error::storage(format!(
                    "the PostgreSQL database {} has no table or view {schema}.{name}; set marketDataTable \
                     (MARKET_DATA_TABLE) to the name of one",
                    pool.location()
                ))
                .into())
            } else {
                Ok(None)
            };
        };
        let content = if layout.is_ticks() { "ticks" } else { "bars" };
        tracing::info!(table = %layout.name, content, time = %layout.time.sql, asset = layout.asset.column(), "price table found");
        if let Some(warning) = &layout.index_warning {
            tracing::warn!(table = %layout.name, "{warning}");
        }
        Ok(Some(self.layout.get_or_init(async || layout).await))
    }

    /// Returns the layout of the table. With `has_alternative`, an optional table that is not a price table counts as
    /// missing.
    async fn layout_or_none(
        &self,
        pool: &Pool,
        has_alternative: bool,
    ) -> Result<Option<&TableLayout>, Failure> {
        match self.layout(pool).await {
            Err(Failure::Complete(error)) if has_alternative && !self.is_required => {
                tracing::warn!("{error}");
                Ok(None)
            }
            other => other,
        }
    }

    async fn series(
        &self,
        pool: &Pool,
        cancellation: &mut DropCancellation,
        symbol: &str,
        has_alternative: bool,
    ) -> Result<Vec<StoredSeries>, Failure> {
        let mut found = Vec::new();
        let Some(layout) = self.layout_or_none(pool, has_alternative).await? else {
            return Ok(found);
        };
        let mut connection = pool.get().await?;
        let result = async {
            let statements = pool.statements(&mut connection).await?;
            let canceller = pool.canceller(&statements).await?;
            cancellation.guard(pool, &canceller, layout.series(&statements, symbol)).await
        }
        .await;
        cancellation.release(connection);
        for labeled in result? {
            self.remember_label(symbol, labeled.series.timeframe, labeled.timeframe_label);
            merge_series(&mut found, labeled.series);
        }
        Ok(found)
    }

    async fn all_series(
        &self,
        pool: &Pool,
        cancellation: &mut DropCancellation,
    ) -> Result<Vec<(String, StoredSeries)>, Failure> {
        let Some(layout) = self.layout_or_none(pool, true).await? else { return Ok(Vec::new()) };
        let mut connection = pool.get().await?;
        let result = async {
            let statements = pool.statements(&mut connection).await?;
            let canceller = pool.canceller(&statements).await?;
            cancellation.guard(pool, &canceller, layout.all_series(&statements)).await
        }
        .await;
        cancellation.release(connection);
        result
    }

    fn remember_label(&self, symbol: &str, timeframe: Timeframe, label: Option<String>) {
        let Some(label) = label else { return };
        let mut all = self.timeframe_labels.lock().unwrap_or_else(PoisonError::into_inner);
        let labels = all.entry((symbol.to_owned(), timeframe)).or_default();
        if !labels.contains(&label) {
            labels.push(label);
        }
    }

    /// Returns the labels of a timeframe in the rows of an asset, as far as they are known.
    fn labels(&self, symbol: &str, timeframe: Timeframe) -> Vec<String> {
        let all = self.timeframe_labels.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&(symbol.to_owned(), timeframe)).cloned().unwrap_or_default()
    }

    async fn load(
        &self,
        pool: &Pool,
        reader: &mut RowReader,
        symbol: &str,
        timeframe: Timeframe,
        span: TimeRange,
    ) -> Result<LoadedBars, Failure> {
        let Some(layout) = self.layout(pool).await? else { return Ok(no_bars()?) };
        let PriceColumns::Ohlc(prices) = &layout.prices else {
            return layout.load_ticks(pool, reader, symbol, Some(timeframe), span).await;
        };
        let mut labels = self.labels(symbol, timeframe);
        if labels.is_empty() {
            // The series of this asset were not read yet, or its rows have no timeframe.
            let known = self.series(pool, &mut reader.cancellation, symbol, false).await?;
            labels = self.labels(symbol, timeframe);
            let exists = known.iter().any(|series| series.timeframe == timeframe);
            if !exists || (labels.is_empty() && layout.timeframe.is_some()) {
                return Ok(no_bars()?);
            }
        }
        let series = TableSeries { prices, symbol, timeframe, labels: &labels };
        layout.load_bars(pool, reader, &series, span).await
    }
}

fn no_bars() -> Result<LoadedBars> {
    Ok(LoadedBars::from(OhlcvColumns::default().into_bars()?))
}
