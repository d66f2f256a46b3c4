//! Imported bars combined with a price table.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::price_table::PriceTable;
use crate::data::import::MergeSummary;
use crate::data::loaded_bars::LoadedBars;
use crate::data::series::{Asset, StoredSeries, merge_series, no_data};
use crate::data::source::Source;
use crate::data::span::TimeRange;
use crate::error::{Error, Result};
use crate::future::BoxFuture;
use crate::market::{Bars, Timeframe};
use crate::observer::ProgressObserver;

/// Imported bars combined with the price table of a backend.
///
/// An imported series replaces the whole series of the table with the same asset and timeframe: one series never mixes two
/// sources, since their prices may not fit together. Other timeframes are found in both.
#[derive(Debug, Clone)]
pub struct CombinedSource {
    imported: Arc<dyn Source>,
    table: Arc<PriceTable>,
}

impl CombinedSource {
    /// Combines the imported bars of a store with a price table.
    pub fn new(imported: Arc<dyn Source>, table: PriceTable) -> Self {
        Self { imported, table: Arc::new(table) }
    }

    /// Returns the bars, or the error that lists what there is if there are none.
    async fn non_empty(
        &self,
        loaded: LoadedBars,
        symbol: &str,
        timeframe: impl FnOnce(&[StoredSeries]) -> Timeframe + Send,
        span: TimeRange,
    ) -> Result<LoadedBars> {
        if !loaded.bars.is_empty() {
            return Ok(loaded);
        }
        let known = self.series(symbol).await?;
        Err(no_data(symbol, timeframe(&known), span, &known))
    }

    /// Fails if the bars that were to be deleted are in the table. A series that imported ones replace is not considered.
    async fn check_not_in_table(
        &self,
        symbol: &str,
        timeframe: Option<Timeframe>,
        range: TimeRange,
    ) -> Result<()> {
        let imported = self.imported.series(symbol).await?;
        let matches = |series: &StoredSeries| {
            // Ticks make bars of every timeframe.
            let wanted = timeframe.unwrap_or(series.timeframe);
            (series.ticks || series.timeframe == wanted)
                && !imported.iter().any(|imported| imported.timeframe == wanted)
                && series.first <= range.end
                && series.last >= range.start
        };
        let in_table = self.table.series(symbol, true).await?;
        let Some(found) = in_table.into_iter().find(matches) else { return Ok(()) };
        let bars =
            timeframe.map_or_else(|| symbol.to_owned(), |wanted| format!("{symbol} {wanted}"));
        let message = format!(
            "the bars of {bars} are in the table {}, which is only read; deleteBars only deletes imported bars",
            found.source
        );
        Err(Error::invalid("assetSymbol", "conflict", message))
    }
}

impl Source for CombinedSource {
    fn assets(&self) -> BoxFuture<'_, Vec<Asset>> {
        Box::pin(async {
            let imported = self.imported.assets().await?;
            let mut all: BTreeMap<String, Vec<StoredSeries>> =
                imported.into_iter().map(|asset| (asset.symbol, asset.series)).collect();
            for (symbol, series) in self.table.all_series().await? {
                merge_series(all.entry(symbol).or_default(), series);
            }
            let asset = |(symbol, mut series): (String, Vec<StoredSeries>)| {
                series.sort_by_key(|series| series.timeframe);
                Asset { symbol, series }
            };
            Ok(all.into_iter().map(asset).collect())
        })
    }

    fn series(&self, symbol: &str) -> BoxFuture<'_, Vec<StoredSeries>> {
        let symbol = symbol.to_owned();
        Box::pin(async move {
            let mut found = self.imported.series(&symbol).await?;
            // Imported bars can be used even if the table with the default name is not a price table.
            for series in self.table.series(&symbol, !found.is_empty()).await? {
                merge_series(&mut found, series);
            }
            found.sort_by_key(|series| series.timeframe);
            Ok(found)
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
            let imported = self.imported.series(&symbol).await?;
            if imported.iter().any(|series| series.timeframe == timeframe) {
                return self.imported.load(&symbol, timeframe, span, observer).await;
            }
            let loaded = self.table.load(&symbol, timeframe, span, observer).await?;
            self.non_empty(loaded, &symbol, |_| timeframe, span).await
        })
    }

    fn load_ticks(
        &self,
        symbol: &str,
        span: TimeRange,
        observer: Arc<dyn ProgressObserver + Send + Sync>,
    ) -> BoxFuture<'_, LoadedBars> {
        let symbol = symbol.to_owned();
        Box::pin(async move {
            let loaded = self.table.load_ticks(&symbol, span, observer).await?;
            let distance = |known: &[StoredSeries]| {
                let ticks = known.iter().find(|series| series.ticks);
                ticks.map_or(Timeframe::M1, |series| series.timeframe)
            };
            self.non_empty(loaded, &symbol, distance, span).await
        })
    }

    fn import_observed(
        &self,
        symbol: &str,
        timeframe: Timeframe,
        bars: Bars,
        observer: Arc<dyn ProgressObserver + Send + Sync>,
    ) -> BoxFuture<'_, MergeSummary> {
        self.imported.import_observed(symbol, timeframe, bars, observer)
    }

    fn delete(
        &self,
        symbol: &str,
        timeframe: Option<Timeframe>,
        range: TimeRange,
        observer: Arc<dyn ProgressObserver + Send + Sync>,
    ) -> BoxFuture<'_, u64> {
        let symbol = symbol.to_owned();
        Box::pin(async move {
            let deleted = self.imported.delete(&symbol, timeframe, range, observer).await?;
            if deleted == 0 {
                self.check_not_in_table(&symbol, timeframe, range).await?;
            }
            Ok(deleted)
        })
    }

    fn imported(&self) -> &dyn Source {
        &*self.imported
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.table.close().await;
            Ok(())
        })
    }
}
