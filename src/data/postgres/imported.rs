//! Bars that were imported, in the table `bars` of our own schema.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use super::reader::{Reader, Unheard, ask, read};
use crate::data::{
    Asset, BoxFuture, Imported, Loaded, Series, Source, Span, new_revision, no_data,
};
use crate::error::{Code, Error};
use crate::market::{Bars, Column, Timeframe};
use crate::observer::ProgressObserver;
use crate::store::Postgres;
use crate::store::postgres::copy::Rows;
use crate::store::postgres::runs::Parameter;
use crate::store::postgres::values::{BoundStrategy, Micros, Moment};
use crate::store::postgres::{Failure, Pool, Shared, attempts};
use crate::store::sqlite::damaged;

/// Under which name the series are listed.
const SOURCE: &str = "imported";

/// Openings deleted at once.
const BATCH: usize = 10_000;

/// Rows written between two looks at the observer.
const POLL: usize = 1024;

/// The bars that were imported into a store.
#[derive(Debug, Clone)]
pub struct Imports {
    store: Arc<Postgres>,
    /// Rows of a chunk.
    chunk: u32,
}

impl Imports {
    /// Creates the source over a store; closing the store closes it. Rows are read by chunks of so many.
    pub fn new(store: Arc<Postgres>, chunk: u32) -> Self {
        Self { store, chunk }
    }
}

impl Source for Imports {
    fn assets(&self) -> BoxFuture<'_, Vec<Asset>> {
        Box::pin(async {
            let work = async move |shared: Arc<Shared>| attempts!(&shared.pool, _ => series(&shared, None));
            let mut assets: BTreeMap<String, Vec<Series>> = BTreeMap::new();
            for (symbol, series) in self.store.work(work).await? {
                assets.entry(symbol).or_default().push(series);
            }
            Ok(assets.into_iter().map(|(symbol, series)| Asset { symbol, series }).collect())
        })
    }

    fn series(&self, symbol: &str) -> BoxFuture<'_, Vec<Series>> {
        let symbol = symbol.to_owned();
        Box::pin(async move {
            let work = async move |shared: Arc<Shared>| attempts!(&shared.pool, _ => series(&shared, Some(&symbol)));
            Ok(self.store.work(work).await?.into_iter().map(|(_, series)| series).collect())
        })
    }

    fn load(
        &self,
        symbol: &str,
        timeframe: Timeframe,
        span: Span,
        observer: Arc<dyn ProgressObserver + Send + Sync>,
    ) -> BoxFuture<'_, Loaded> {
        let symbol = symbol.to_owned();
        Box::pin(async move {
            let schema = self.store.schema().to_owned();
            let name = symbol.clone();
            let loaded = read(self.store.pool(), self.chunk, observer, async move |pool, mut reader| {
                attempts!(&pool, _ => load(&pool, &schema, &mut reader, &name, timeframe, span))
            })
            .await?;
            if loaded.bars.is_empty() {
                let known = self.series(&symbol).await?;
                return Err(no_data(&symbol, timeframe, span, &known));
            }
            Ok(loaded)
        })
    }

    fn import_watched(
        &self,
        symbol: &str,
        timeframe: Timeframe,
        bars: Bars,
        observer: Arc<dyn ProgressObserver + Send + Sync>,
    ) -> BoxFuture<'_, Imported> {
        let (symbol, schema) = (symbol.to_owned(), self.store.schema().to_owned());
        Box::pin(ask(self.store.pool(), async move |pool: Arc<Pool>, mut unheard: Unheard| {
            let what = Import { schema: &schema, symbol: &symbol, timeframe, bars: &bars };
            attempts!(&pool, _ => import(&pool, &what, &*observer, &mut unheard))
        }))
    }
}

/// Returns the symbols and series, of one asset or of all.
async fn series(shared: &Shared, symbol: Option<&str>) -> Result<Vec<(String, Series)>, Failure> {
    let sql = format!(
        "SELECT asset_symbol, timeframe, bars, first, last, revision FROM {}.bar_series
         WHERE $1 IS NULL OR asset_symbol = $1",
        shared.schema
    );
    let mut connection = shared.pool.get().await?;
    let alone = shared.pool.alone(&mut connection).await?;
    let rows = alone.query_typed(&sql, &[(&symbol, Type::TEXT)]).await?;
    let read = |row: &Row| {
        let timeframe: &str = row.try_get(1)?;
        let bars: i64 = row.try_get(2)?;
        let series = Series {
            timeframe: Timeframe::parse(timeframe)
                .ok_or_else(|| damaged(format!("unknown timeframe {timeframe:?}")))?,
            bars: u64::try_from(bars).map_err(|_| damaged(format!("{bars} bars")))?,
            first: row.try_get::<_, Moment>(3)?.0,
            last: row.try_get::<_, Moment>(4)?.0,
            revision: row.try_get(5)?,
            source: SOURCE.into(),
            ticks: false,
        };
        Ok((row.try_get(0)?, series))
    };
    let mut found: Vec<(String, Series)> = rows.iter().map(read).collect::<Result<_, Failure>>()?;
    found.sort_by_key(|(_, series)| series.timeframe);
    Ok(found)
}

/// Loads the bars of a series that open within a span.
async fn load(
    pool: &Pool,
    schema: &str,
    reader: &mut Reader,
    symbol: &str,
    timeframe: Timeframe,
    span: Span,
) -> Result<Loaded, Failure> {
    let sql = format!(
        "SELECT ts, open, high, low, close, volume FROM {schema}.bars
         WHERE asset_symbol = $1 AND timeframe = $2 AND ts >= $3 AND ts <= $4 ORDER BY ts"
    );
    let (from, to) =
        (BoundStrategy::Moment(Moment(span.start)), BoundStrategy::Moment(Moment(span.end)));
    let values: [Parameter; 4] = [
        (&symbol, Type::TEXT),
        (&timeframe.as_str(), Type::TEXT),
        (&from, Type::TIMESTAMPTZ),
        (&to, Type::TIMESTAMPTZ),
    ];
    let mut columns = Columns::default();
    reader
        .read(pool, &sql, &values, &mut |row| {
            span.check(columns.times.len() + 1)?;
            columns.times.push(row.try_get::<_, Micros>(0)?.0.div_euclid(1000));
            for (column, at) in columns.values.iter_mut().zip(1..) {
                column.push(row.try_get::<_, Option<f64>>(at)?.unwrap_or(f64::NAN));
            }
            Ok(())
        })
        .await?;
    // They were sound when they were imported.
    let bars = columns.into_bars().map_err(|error| match error.code {
        Code::BadData => Failure::from(damaged(error.message)),
        _ => error.into(),
    })?;
    Ok(Loaded { bars: Arc::new(bars), warnings: Vec::new() })
}

/// Columns that grow; a value that is not known is NaN.
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub times: Vec<i64>,
    /// Open, high, low, close, volume.
    pub values: [Vec<f64>; 5],
}

impl Columns {
    /// Checks the columns. One bar without a volume leaves all without: a sum over some bars would be taken for one over
    /// all.
    pub fn into_bars(self) -> Result<Bars, Error> {
        let [open, high, low, close, volume] = self.values;
        let volume = (!volume.iter().any(|volume| volume.is_nan())).then(|| Column::from(volume));
        Bars::new(self.times, open.into(), high.into(), low.into(), close.into(), volume)
    }
}

/// What is imported, and where to.
#[derive(Debug, Clone, Copy)]
struct Import<'a> {
    schema: &'a str,
    symbol: &'a str,
    timeframe: Timeframe,
    bars: &'a Bars,
}

/// Merges bars into a series within one transaction; imports into one series wait for each other.
async fn import(
    pool: &Pool,
    what: &Import<'_>,
    observer: &(dyn ProgressObserver + Send + Sync),
    unheard: &mut Unheard,
) -> Result<Imported, Failure> {
    let timestamps = what.bars.timestamps();
    let (Some(&first), Some(&last)) = (timestamps.first(), timestamps.last()) else {
        let (symbol, timeframe) = (what.symbol, what.timeframe);
        let message = format!("there are no bars of {symbol} {timeframe} to import");
        return Err(Error::new(Code::BadData, message).into());
    };
    stop_if_cancelled(observer)?;
    let mut connection = pool.get().await?;
    let transaction = pool.begin(&mut connection).await?;
    let canceller = pool.canceller(transaction.client()).await?;
    let written = what.write(transaction.client(), (first, last), observer);
    let imported = unheard.or(pool, &canceller, written).await?;
    if !observer.may_commit() {
        return Err(Error::cancelled().into());
    }
    transaction.commit().await?;
    Ok(imported)
}

fn stop_if_cancelled(observer: &dyn ProgressObserver) -> Result<(), Failure> {
    if observer.is_cancelled() { Err(Error::cancelled().into()) } else { Ok(()) }
}

impl Import<'_> {
    /// Writes the bars; they are final when the transaction is.
    async fn write(
        &self,
        client: &Client,
        (first, last): (i64, i64),
        observer: &(dyn ProgressObserver + Send + Sync),
    ) -> Result<Imported, Failure> {
        let Self { schema, symbol, timeframe, bars } = *self;
        let enter = format!(
            "INSERT INTO {schema}.bar_series AS held (asset_symbol, timeframe, bars, first, last, revision)
             VALUES ($1, $2, 0, $3, $4, $5)
             ON CONFLICT (asset_symbol, timeframe) DO UPDATE SET revision = excluded.revision,
               first = least(held.first, excluded.first), last = greatest(held.last, excluded.last)
             RETURNING bars"
        );
        let (from, to) = (Moment(first), Moment(last));
        let values: [Parameter; 5] = [
            (&symbol, Type::TEXT),
            (&timeframe.as_str(), Type::TEXT),
            (&from, Type::TIMESTAMPTZ),
            (&to, Type::TIMESTAMPTZ),
            (&new_revision(), Type::INT8),
        ];
        let held: i64 = client.query_typed_one(&enter, &values).await?.try_get(0)?;
        let replaced = if held > 0 { self.take_out(client, observer).await? } else { 0 };
        let copy = format!(
            "COPY {schema}.bars (asset_symbol, timeframe, ts, open, high, low, close, volume) FROM STDIN (FORMAT binary)"
        );
        let mut rows = Rows::new(client.copy_in(&copy).await?);
        let prices = [bars.open(), bars.high(), bars.low(), bars.close()];
        for (at, time) in bars.timestamps().iter().enumerate() {
            if at.is_multiple_of(POLL) {
                stop_if_cancelled(observer)?;
                observer.on_bar(at, 0);
            }
            rows.row(8).await?;
            rows.text(symbol)?;
            rows.text(timeframe.as_str())?;
            rows.moment(*time);
            for column in prices {
                rows.float(column.get(at).copied().unwrap_or(f64::NAN));
            }
            match bars.volume().and_then(|volume| volume.get(at)) {
                Some(volume) => rows.float(*volume),
                None => rows.null(),
            }
        }
        let imported = rows.finish().await?;
        observer.on_bar(bars.len(), 0);
        let count = format!(
            "UPDATE {schema}.bar_series SET bars = bars + $3 WHERE asset_symbol = $1 AND timeframe = $2"
        );
        let more = i64::try_from(imported).unwrap_or(i64::MAX)
            - i64::try_from(replaced).unwrap_or(i64::MAX);
        let values: [Parameter; 3] =
            [(&symbol, Type::TEXT), (&timeframe.as_str(), Type::TEXT), (&more, Type::INT8)];
        client.execute_typed(&count, &values).await?;
        Ok(Imported { imported, replaced, first, last })
    }

    /// Deletes the bars that others are to replace; returns how many there were.
    async fn take_out(
        &self,
        client: &Client,
        observer: &(dyn ProgressObserver + Send + Sync),
    ) -> Result<u64, Failure> {
        let delete = format!(
            "DELETE FROM {}.bars WHERE asset_symbol = $1 AND timeframe = $2 AND ts BETWEEN $3 AND $4 AND ts = ANY ($5)",
            self.schema
        );
        let mut replaced = 0;
        for batch in self.bars.timestamps().chunks(BATCH) {
            stop_if_cancelled(observer)?;
            let openings: Vec<Moment> = batch.iter().copied().map(Moment).collect();
            let values: [Parameter; 5] = [
                (&self.symbol, Type::TEXT),
                (&self.timeframe.as_str(), Type::TEXT),
                (&openings.first(), Type::TIMESTAMPTZ),
                (&openings.last(), Type::TIMESTAMPTZ),
                (&openings, Type::TIMESTAMPTZ_ARRAY),
            ];
            replaced += client.execute_typed(&delete, &values).await?;
        }
        Ok(replaced)
    }
}
