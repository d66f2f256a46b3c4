//! The source over the embedded store.

use std::sync::Arc;

use super::{catalog, delete, import, load};
use crate::data::import::MergeSummary;
use crate::data::loaded_bars::LoadedBars;
use crate::data::series::{Asset, StoredSeries};
use crate::data::source::Source;
use crate::data::span::TimeRange;
use crate::db::sqlite::Database;
use crate::future::BoxFuture;
use crate::market::{Bars, Timeframe};
use crate::observer::ProgressObserver;

/// The bars that were imported into an embedded store.
#[derive(Debug, Clone)]
pub struct EmbeddedBars {
    database: Arc<Database>,
}

impl EmbeddedBars {
    /// Creates the source over the database of a store. Closing the store closes the source.
    pub fn new(database: Arc<Database>) -> Self {
        Self { database }
    }
}

impl Source for EmbeddedBars {
    fn assets(&self) -> BoxFuture<'_, Vec<Asset>> {
        Box::pin(self.database.read(|connection| catalog::assets(connection)))
    }

    fn series(&self, symbol: &str) -> BoxFuture<'_, Vec<StoredSeries>> {
        let symbol = symbol.to_owned();
        Box::pin(self.database.read_briefly(move |connection| catalog::series(connection, &symbol)))
    }

    fn load(
        &self,
        symbol: &str,
        timeframe: Timeframe,
        span: TimeRange,
        observer: Arc<dyn ProgressObserver + Send + Sync>,
    ) -> BoxFuture<'_, LoadedBars> {
        let symbol = symbol.to_owned();
        Box::pin(self.database.read(move |connection| {
            load::load(connection, &symbol, timeframe, span, &*observer).map(LoadedBars::from)
        }))
    }

    fn import_observed(
        &self,
        symbol: &str,
        timeframe: Timeframe,
        bars: Bars,
        observer: Arc<dyn ProgressObserver + Send + Sync>,
    ) -> BoxFuture<'_, MergeSummary> {
        let symbol = symbol.to_owned();
        Box::pin(self.database.write(move |connection| {
            import::import(connection, &symbol, timeframe, &bars, &*observer)
        }))
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
        let symbol = symbol.to_owned();
        Box::pin(self.database.write(move |connection| {
            delete::delete(connection, &symbol, timeframe, range, &*observer)
        }))
    }
}
