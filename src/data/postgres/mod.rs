//! Bars in PostgreSQL databases: those that were imported into our own schema ([`Imports`]), and the backend's own prices,
//! which are only read ([`Prices`]). The prices may lie in another database than the store, under another role.
//!
//! An imported series takes the place of the backend's series of the same asset and timeframe, whole: two origins are
//! never mixed within one series, since their prices need not fit together. Other timeframes are found in both.

mod catalogue;
mod imported;
mod market;
mod prices;
mod reader;
mod ticks;
mod timeframes;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use self::imported::Imports;
pub use self::prices::Prices;
use super::{Asset, BoxFuture, Imported, Loaded, Series, Source, Span, no_data};
use crate::error::Result;
use crate::market::{Bars, Timeframe};
use crate::observer::ProgressObserver;

/// Imported bars, and the prices of a backend beside them.
#[derive(Debug, Clone)]
pub struct Market {
    imported: Arc<dyn Source>,
    prices: Arc<Prices>,
}

impl Market {
    /// Creates the source over the imported bars of a store and the prices of a backend.
    pub fn new(imported: Arc<dyn Source>, prices: Prices) -> Self {
        Self { imported, prices: Arc::new(prices) }
    }

    /// Says what there is where nothing was found.
    async fn found(
        &self,
        loaded: Loaded,
        symbol: &str,
        timeframe: impl FnOnce(&[Series]) -> Timeframe + Send,
        span: Span,
    ) -> Result<Loaded> {
        if !loaded.bars.is_empty() {
            return Ok(loaded);
        }
        let known = self.series(symbol).await?;
        Err(no_data(symbol, timeframe(&known), span, &known))
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

impl Source for Market {
    fn assets(&self) -> BoxFuture<'_, Vec<Asset>> {
        Box::pin(async {
            let imported = self.imported.assets().await?;
            let mut all: BTreeMap<String, Vec<Series>> =
                imported.into_iter().map(|asset| (asset.symbol, asset.series)).collect();
            for (symbol, series) in self.prices.all().await? {
                add(all.entry(symbol).or_default(), series);
            }
            let asset = |(symbol, mut series): (String, Vec<Series>)| {
                series.sort_by_key(|series| series.timeframe);
                Asset { symbol, series }
            };
            Ok(all.into_iter().map(asset).collect())
        })
    }

    fn series(&self, symbol: &str) -> BoxFuture<'_, Vec<Series>> {
        let symbol = symbol.to_owned();
        Box::pin(async move {
            let mut found = self.imported.series(&symbol).await?;
            // What was imported can be used even where the table of the usual name holds something else.
            for series in self.prices.series(&symbol, !found.is_empty()).await? {
                add(&mut found, series);
            }
            found.sort_by_key(|series| series.timeframe);
            Ok(found)
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
            let imported = self.imported.series(&symbol).await?;
            if imported.iter().any(|series| series.timeframe == timeframe) {
                return self.imported.load(&symbol, timeframe, span, observer).await;
            }
            let loaded = self.prices.load(&symbol, timeframe, span, observer).await?;
            self.found(loaded, &symbol, |_| timeframe, span).await
        })
    }

    fn load_ticks(
        &self,
        symbol: &str,
        span: Span,
        observer: Arc<dyn ProgressObserver + Send + Sync>,
    ) -> BoxFuture<'_, Loaded> {
        let symbol = symbol.to_owned();
        Box::pin(async move {
            let loaded = self.prices.load_ticks(&symbol, span, observer).await?;
            let apart = |known: &[Series]| {
                let ticks = known.iter().find(|series| series.ticks);
                ticks.map_or(Timeframe::M1, |series| series.timeframe)
            };
            self.found(loaded, &symbol, apart, span).await
        })
    }

    fn import_watched(
        &self,
        symbol: &str,
        timeframe: Timeframe,
        bars: Bars,
        observer: Arc<dyn ProgressObserver + Send + Sync>,
    ) -> BoxFuture<'_, Imported> {
        self.imported.import_watched(symbol, timeframe, bars, observer)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.prices.close().await;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests;
