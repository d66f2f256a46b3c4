//! Bars in the embedded store, in chunks of columns.

mod chunk;
mod import;
mod load;

use std::sync::Arc;

use rusqlite::{Connection, Row};

use super::{Asset, BoxFuture, Imported, Loaded, Series, Source, Span};
use crate::market::{Bars, Timeframe};
use crate::observer::ProgressObserver;
use crate::store::Sqlite;
use crate::store::sqlite::{Failure, damaged};

/// The bars that were imported into an embedded store.
#[derive(Debug, Clone)]
pub struct Embedded {
    store: Arc<Sqlite>,
}

impl Embedded {
    /// Creates the source over a store; closing the store closes it.
    pub fn new(store: Arc<Sqlite>) -> Self {
        Self { store }
    }
}

impl Source for Embedded {
    fn assets(&self) -> BoxFuture<'_, Vec<Asset>> {
        Box::pin(self.store.read(|connection| assets(connection)))
    }

    fn series(&self, symbol: &str) -> BoxFuture<'_, Vec<Series>> {
        let symbol = symbol.to_owned();
        Box::pin(self.store.read(move |connection| series(connection, &symbol)))
    }

    fn load(
        &self,
        symbol: &str,
        timeframe: Timeframe,
        span: Span,
        observer: Arc<dyn ProgressObserver + Send + Sync>,
    ) -> BoxFuture<'_, Loaded> {
        let symbol = symbol.to_owned();
        Box::pin(self.store.read(move |connection| {
            load::load(connection, &symbol, timeframe, span, &*observer).map(Loaded::from)
        }))
    }

    fn import_watched(
        &self,
        symbol: &str,
        timeframe: Timeframe,
        bars: Bars,
        observer: Arc<dyn ProgressObserver + Send + Sync>,
    ) -> BoxFuture<'_, Imported> {
        let symbol = symbol.to_owned();
        Box::pin(self.store.write(move |connection| {
            import::import(connection, &symbol, timeframe, &bars, &*observer)
        }))
    }
}

/// What is selected of a series.
const SELECT: &str = "SELECT asset_symbol, timeframe, bars, first, last, revision FROM bar_series";

fn assets(connection: &Connection) -> Result<Vec<Asset>, Failure> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} ORDER BY asset_symbol"))?;
    let mut rows = statement.query([])?;
    let mut assets: Vec<Asset> = Vec::new();
    while let Some(row) = rows.next()? {
        let (symbol, series): (String, Series) = (row.get(0)?, read(row)?);
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

fn series(connection: &Connection, symbol: &str) -> Result<Vec<Series>, Failure> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE asset_symbol = ?1"))?;
    let mut rows = statement.query([symbol])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    found.sort_by_key(|series: &Series| series.timeframe);
    Ok(found)
}

fn read(row: &Row) -> Result<Series, Failure> {
    let timeframe: String = row.get(1)?;
    Ok(Series {
        timeframe: Timeframe::parse(&timeframe)
            .ok_or_else(|| damaged(format!("unknown timeframe {timeframe:?}")))?,
        bars: count(row.get(2)?)?,
        first: row.get(3)?,
        last: row.get(4)?,
        revision: row.get(5)?,
        source: "embedded".into(),
        ticks: false,
    })
}

/// Reads a count, which the database keeps with a sign.
fn count<T: TryFrom<i64>>(value: i64) -> Result<T, Failure> {
    T::try_from(value).map_err(|_| damaged(format!("{value} bars")).into())
}

#[cfg(test)]
mod tests;
