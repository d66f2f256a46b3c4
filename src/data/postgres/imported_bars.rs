//! Imported bars, in the tables `bar_series` and `bars` of the schema of the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::delete::{Deletion, delete};
use super::import::{Import, import};
use super::row_reader::{DropCancellation, RowReader, run_cancellable, run_with_reader};
use crate::data::import::MergeSummary;
use crate::data::loaded_bars::LoadedBars;
use crate::data::ohlcv_columns::OhlcvColumns;
use crate::data::series::{Asset, StoredSeries, no_data};
use crate::data::source::Source;
use crate::data::span::TimeRange;
use crate::db::encoding::damaged;
use crate::db::postgres::{
    Failure, Pool, SqlParameter, TimeBound, Timestamp, TimestampMicros, retry,
};
use crate::error::{Code, Result};
use crate::future::BoxFuture;
use crate::market::{Bars, Timeframe};
use crate::observer::ProgressObserver;

/// The `source` of the series.
const SOURCE_NAME: &str = "imported";

/// The bars that were imported into a store.
#[derive(Debug, Clone)]
pub struct ImportedBars {
    pool: Arc<Pool>,
    /// The schema of the store as an SQL identifier.
    schema: String,
    chunk_rows: u32,
}

impl ImportedBars {
    /// Creates the source over the pool and the schema of a store. Closing the store closes the source. Rows are read in
    /// chunks of `chunk_rows`.
    pub fn new(pool: Arc<Pool>, schema: &str, chunk_rows: u32) -> Self {
        Self { pool, schema: schema.to_owned(), chunk_rows }
    }

    async fn all_series(&self, symbol: Option<String>) -> Result<Vec<(String, StoredSeries)>> {
        let schema = self.schema.clone();
        let read = async move |pool: Arc<Pool>| retry!(&pool, _ => read_series(&pool, &schema, symbol.as_deref()));
        self.pool.run(read).await
    }
}

impl Source for ImportedBars {
    fn assets(&self) -> BoxFuture<'_, Vec<Asset>> {
        Box::pin(async {
            let mut assets: BTreeMap<String, Vec<StoredSeries>> = BTreeMap::new();
            for (symbol, series) in self.all_series(None).await? {
                assets.entry(symbol).or_default().push(series);
            }
            Ok(assets.into_iter().map(|(symbol, series)| Asset { symbol, series }).collect())
        })
    }

    fn series(&self, symbol: &str) -> BoxFuture<'_, Vec<StoredSeries>> {
        let symbol = symbol.to_owned();
        Box::pin(async move {
            let found = self.all_series(Some(symbol)).await?;
            Ok(found.into_iter().map(|(_, series)| series).collect())
        })
    }

    fn load(
        &self,
        symbol: &str,
        timeframe: Timeframe,
        span: TimeRange,
        observer: Arc<dyn ProgressObserver + Send + Sync>,
    ) -> BoxFuture<'_, LoadedBars> {
        let symbol = symbol.to_owned();
        Box::pin(async move {
            let (schema, name) = (self.schema.clone(), symbol.clone());
            let read = async move |pool: Arc<Pool>, mut reader: RowReader| retry!(&pool, _ => load(&pool, &schema, &mut reader, &name, timeframe, span));
            let bars = run_with_reader(&self.pool, self.chunk_rows, observer, read).await?;
            if bars.is_empty() {
                let known = self.series(&symbol).await?;
                return Err(no_data(&symbol, timeframe, span, &known));
            }
            Ok(LoadedBars::from(bars))
        })
    }

    fn import_observed(
        &self,
        symbol: &str,
        timeframe: Timeframe,
        bars: Bars,
        observer: Arc<dyn ProgressObserver + Send + Sync>,
    ) -> BoxFuture<'_, MergeSummary> {
        let (symbol, schema) = (symbol.to_owned(), self.schema.clone());
        let write = async move |pool: Arc<Pool>, mut cancellation: DropCancellation| {
            let job = Import { schema: &schema, symbol: &symbol, timeframe, bars: &bars };
            retry!(&pool, _ => import(&pool, &job, &*observer, &mut cancellation))
        };
        Box::pin(run_cancellable(&self.pool, write))
    }

    fn imported(&self) -> &dyn Source {
        self
    }

    fn delete(
        &self,
        symbol: &str,
        timeframe: Option<Timeframe>,
        range: TimeRange,
        observer: Arc<dyn ProgressObserver + Send + Sync>,
    ) -> BoxFuture<'_, u64> {
        let (symbol, schema) = (symbol.to_owned(), self.schema.clone());
        let write = async move |pool: Arc<Pool>, mut cancellation: DropCancellation| {
            let job = Deletion { schema: &schema, symbol: &symbol, timeframe, range };
            let mut committing = 0;
            retry!(&pool, _ => delete(&pool, &job, &*observer, &mut cancellation, &mut committing))
        };
        Box::pin(run_cancellable(&self.pool, write))
    }
}

/// Reads the series of one asset or of all, the finest first.
async fn read_series(
    pool: &Pool,
    schema: &str,
    symbol: Option<&str>,
) -> Result<Vec<(String, StoredSeries)>, Failure> {
    let sql = format!(
        "SELECT asset_symbol, timeframe, bars, first, last, revision FROM {schema}.bar_series
         WHERE $1 IS NULL OR asset_symbol = $1"
    );
    let mut connection = pool.get().await?;
    let statements = pool.statements(&mut connection).await?;
    let rows = statements.query_typed(&sql, &[(&symbol, Type::TEXT)]).await?;
    let read = |row: &Row| {
        let timeframe: &str = row.try_get(1)?;
        let bars: i64 = row.try_get(2)?;
        let series = StoredSeries {
            timeframe: Timeframe::parse(timeframe)
                .ok_or_else(|| damaged(format!("unknown timeframe {timeframe:?}")))?,
            bars: u64::try_from(bars).map_err(|_| damaged(format!("{bars} bars")))?,
            first: row.try_get::<_, Timestamp>(3)?.0,
            last: row.try_get::<_, Timestamp>(4)?.0,
            revision: row.try_get(5)?,
            source: SOURCE_NAME.into(),
            is_imported: true,
            ticks: false,
        };
        Ok((row.try_get(0)?, series))
    };
    let mut found: Vec<(String, StoredSeries)> =
        rows.iter().map(read).collect::<Result<_, Failure>>()?;
    found.sort_by_key(|(_, series)| series.timeframe);
    Ok(found)
}

/// Loads the bars of a series that open within a span.
async fn load(
    pool: &Pool,
    schema: &str,
    reader: &mut RowReader,
    symbol: &str,
    timeframe: Timeframe,
    span: TimeRange,
) -> Result<Bars, Failure> {
    let sql = format!(
        "SELECT ts, open, high, low, close, volume FROM {schema}.bars
         WHERE asset_symbol = $1 AND timeframe = $2 AND ts >= $3 AND ts <= $4 ORDER BY ts"
    );
    let (from, to) =
        (TimeBound::Timestamp(Timestamp(span.start)), TimeBound::Timestamp(Timestamp(span.end)));
    let values: [SqlParameter; 4] = [
        (&symbol, Type::TEXT),
        (&timeframe.as_str(), Type::TEXT),
        (&from, Type::TIMESTAMPTZ),
        (&to, Type::TIMESTAMPTZ),
    ];
    let mut columns = OhlcvColumns::default();
    reader
        .read(pool, &sql, &values, &mut |row| {
            span.check(columns.len() + 1)?;
            columns.timestamps.push(row.try_get::<_, TimestampMicros>(0)?.0.div_euclid(1000));
            for (column, index) in columns.values.iter_mut().zip(1..) {
                column.push(row.try_get::<_, Option<f64>>(index)?.unwrap_or(f64::NAN));
            }
            Ok(())
        })
        .await?;
    // The bars were valid when they were imported, so a fault means damage.
    columns.into_bars().map_err(|error| match error.code {
        Code::BadData => Failure::from(damaged(error.message)),
        _ => error.into(),
    })
}
