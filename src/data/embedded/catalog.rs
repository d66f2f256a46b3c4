//! The table of series.

use rusqlite::{Connection, Row};

use crate::data::series::{Asset, StoredSeries};
use crate::db::encoding::damaged;
use crate::db::sqlite::Failure;
use crate::market::Timeframe;

const SELECT: &str = "SELECT asset_symbol, timeframe, bars, first, last, revision FROM bar_series";

/// Returns every asset, sorted by symbol.
pub(super) fn assets(connection: &Connection) -> Result<Vec<Asset>, Failure> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} ORDER BY asset_symbol"))?;
    let mut rows = statement.query([])?;
    let mut assets: Vec<Asset> = Vec::new();
    while let Some(row) = rows.next()? {
        let (symbol, series): (String, StoredSeries) = (row.get(0)?, read(row)?);
        match assets.last_mut().filter(|asset| asset.symbol == symbol) {
            Some(asset) => asset.series.push(series),
            None => assets.push(Asset { symbol, series: vec![series] }),
        }
    }
    for asset in &mut assets {
        asset.series.sort_by_key(|series| series.timeframe);
    }
    Ok(assets)
}

/// Returns the series of an asset, the finest first.
pub(super) fn series(connection: &Connection, symbol: &str) -> Result<Vec<StoredSeries>, Failure> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE asset_symbol = ?1"))?;
    let mut rows = statement.query([symbol])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    found.sort_by_key(|series: &StoredSeries| series.timeframe);
    Ok(found)
}

fn read(row: &Row) -> Result<StoredSeries, Failure> {
    let timeframe: String = row.get(1)?;
    Ok(StoredSeries {
        timeframe: Timeframe::parse(&timeframe)
            .ok_or_else(|| damaged(format!("unknown timeframe {timeframe:?}")))?,
        bars: count(row.get(2)?)?,
        first: row.get(3)?,
        last: row.get(4)?,
        revision: row.get(5)?,
        source: "embedded".into(),
        is_imported: true,
        ticks: false,
    })
}

/// Converts a stored count, which is signed.
pub(super) fn count<T: TryFrom<i64>>(value: i64) -> Result<T, Failure> {
    T::try_from(value).map_err(|_| damaged(format!("{value} bars")).into())
}
