//! Bars that were imported, in the table `bars` of our own schema.

use std::sync::Arc;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use super::reader::Reader;
use crate::data::{Imported, Loaded, Series};
use crate::error::{Code, Error};
use crate::market::{Bars, Column, Timeframe};
use crate::store::postgres::copy::Rows;
use crate::store::postgres::runs::Parameter;
use crate::store::postgres::values::{Bound, Micros, Moment};
use crate::store::postgres::{Failure, Shared};
use crate::store::sqlite::damaged;

/// Under which name the series are listed.
const SOURCE: &str = "imported";

/// Openings deleted at once.
const BATCH: usize = 10_000;

/// Returns the symbols and series, of one asset or of all.
pub(super) async fn series(
    shared: &Shared,
    symbol: Option<&str>,
) -> Result<Vec<(String, Series)>, Failure> {
    let sql = format!(
        "SELECT asset_symbol, timeframe, bars, first, last, revision FROM {}.bar_series
         WHERE $1 IS NULL OR asset_symbol = $1",
        shared.schema
    );
    let rows = shared.pool.get().await?.query_typed(&sql, &[(&symbol, Type::TEXT)]).await?;
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
    rows.iter().map(read).collect()
}

/// Returns whether a series was imported.
pub(super) async fn has(
    shared: &Shared,
    symbol: &str,
    timeframe: Timeframe,
) -> Result<bool, Failure> {
    let sql = format!(
        "SELECT 1 FROM {}.bar_series WHERE asset_symbol = $1 AND timeframe = $2",
        shared.schema
    );
    let values: [Parameter; 2] = [(&symbol, Type::TEXT), (&timeframe.as_str(), Type::TEXT)];
    Ok(shared.pool.get().await?.query_typed_opt(&sql, &values).await?.is_some())
}

/// Loads the bars of a series that open within a range.
pub(super) async fn load(
    shared: &Shared,
    reader: &mut Reader,
    symbol: &str,
    timeframe: Timeframe,
    (start, end): (i64, i64),
) -> Result<Loaded, Failure> {
    let sql = format!(
        "SELECT ts, open, high, low, close, volume FROM {}.bars
         WHERE asset_symbol = $1 AND timeframe = $2 AND ts >= $3 AND ts <= $4 ORDER BY ts",
        shared.schema
    );
    let (from, to) = (Bound::Moment(Moment(start)), Bound::Moment(Moment(end)));
    let values: [Parameter; 4] = [
        (&symbol, Type::TEXT),
        (&timeframe.as_str(), Type::TEXT),
        (&from, Type::TIMESTAMPTZ),
        (&to, Type::TIMESTAMPTZ),
    ];
    let mut columns = Columns::default();
    reader
        .read(shared, &sql, &values, &mut |row| {
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

/// Merges bars into a series within one transaction; imports into one series wait for each other.
pub(super) async fn import(
    shared: &Shared,
    symbol: &str,
    timeframe: Timeframe,
    bars: &Bars,
) -> Result<Imported, Failure> {
    let (Some(&first), Some(&last)) = (bars.timestamps().first(), bars.timestamps().last()) else {
        let message = format!("there are no bars of {symbol} {timeframe} to import");
        return Err(Error::new(Code::BadData, message).into());
    };
    let mut connection = shared.pool.get().await?;
    let transaction = shared.pool.begin(&mut connection).await?;
    let enter = format!(
        "INSERT INTO {}.bar_series AS held (asset_symbol, timeframe, bars, first, last, revision)
         VALUES ($1, $2, 0, $3, $4, 1)
         ON CONFLICT (asset_symbol, timeframe) DO UPDATE SET revision = held.revision + 1,
           first = least(held.first, excluded.first), last = greatest(held.last, excluded.last)
         RETURNING revision",
        shared.schema
    );
    let (from, to) = (Moment(first), Moment(last));
    let values: [Parameter; 4] = [
        (&symbol, Type::TEXT),
        (&timeframe.as_str(), Type::TEXT),
        (&from, Type::TIMESTAMPTZ),
        (&to, Type::TIMESTAMPTZ),
    ];
    let revision: i64 = transaction.query_typed_one(&enter, &values).await?.try_get(0)?;
    let replaced = if revision > 1 {
        take_out(shared, transaction.client(), symbol, timeframe, bars).await?
    } else {
        0
    };
    let copy = format!(
        "COPY {}.bars (asset_symbol, timeframe, ts, open, high, low, close, volume) FROM STDIN (FORMAT binary)",
        shared.schema
    );
    let mut rows = Rows::new(transaction.copy_in(&copy).await?);
    let prices = [bars.open(), bars.high(), bars.low(), bars.close()];
    for (at, time) in bars.timestamps().iter().enumerate() {
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
    let count = format!(
        "UPDATE {}.bar_series SET bars = bars + $3 WHERE asset_symbol = $1 AND timeframe = $2",
        shared.schema
    );
    let more =
        i64::try_from(imported).unwrap_or(i64::MAX) - i64::try_from(replaced).unwrap_or(i64::MAX);
    let values: [Parameter; 3] =
        [(&symbol, Type::TEXT), (&timeframe.as_str(), Type::TEXT), (&more, Type::INT8)];
    transaction.execute_typed(&count, &values).await?;
    transaction.commit().await?;
    Ok(Imported { imported, replaced, first, last })
}

/// Deletes the bars that others are to replace; returns how many there were.
async fn take_out(
    shared: &Shared,
    client: &Client,
    symbol: &str,
    timeframe: Timeframe,
    bars: &Bars,
) -> Result<u64, Failure> {
    let delete = format!(
        "DELETE FROM {}.bars WHERE asset_symbol = $1 AND timeframe = $2 AND ts BETWEEN $3 AND $4 AND ts = ANY ($5)",
        shared.schema
    );
    let mut replaced = 0;
    for batch in bars.timestamps().chunks(BATCH) {
        let openings: Vec<Moment> = batch.iter().copied().map(Moment).collect();
        let values: [Parameter; 5] = [
            (&symbol, Type::TEXT),
            (&timeframe.as_str(), Type::TEXT),
            (&openings.first(), Type::TIMESTAMPTZ),
            (&openings.last(), Type::TIMESTAMPTZ),
            (&openings, Type::TIMESTAMPTZ_ARRAY),
        ];
        replaced += client.execute_typed(&delete, &values).await?;
    }
    Ok(replaced)
}
