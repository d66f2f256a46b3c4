//! What every source of bars does.

use std::fmt::Debug;
use std::sync::Arc;

use super::import::MergeSummary;
use super::loaded_bars::LoadedBars;
use super::series::{Asset, StoredSeries};
use super::span::TimeRange;
use crate::error::{Code, Error};
use crate::future::BoxFuture;
use crate::market::{Bars, Timeframe};
use crate::observer::{NoObserver, ProgressObserver};

/// A source of bars.
///
/// Every method fails with `STORAGE` if the database does, and with `CLOSED` after its store was closed.
pub trait Source: Send + Sync + Debug {
    /// Returns every asset, sorted by symbol.
    fn assets(&self) -> BoxFuture<'_, Vec<Asset>>;

    /// Returns the series of an asset, the finest first; none if the source does not know the asset.
    fn series(&self, symbol: &str) -> BoxFuture<'_, Vec<StoredSeries>>;

    /// Loads the bars of a timeframe that open within a span.
    ///
    /// Fails with
    /// - `NO_DATA` if there are none; the message lists what there is,
    /// - `LIMIT_EXCEEDED` as soon as more bars are found than the span allows,
    /// - the error of cancelled work soon after `observer` cancels,
    /// - `STORAGE` if stored bars are damaged.
    fn load(
        &self,
        symbol: &str,
        timeframe: Timeframe,
        span: TimeRange,
        observer: Arc<dyn ProgressObserver + Send + Sync>,
    ) -> BoxFuture<'_, LoadedBars>;

    /// Loads the ticks of a span, each as a bar. Fails as [`Source::load`] does; with `NO_DATA` if the source has no ticks.
    fn load_ticks(
        &self,
        symbol: &str,
        span: TimeRange,
        observer: Arc<dyn ProgressObserver + Send + Sync>,
    ) -> BoxFuture<'_, LoadedBars> {
        let _ = (span, observer);
        let message = format!("there are no ticks of {symbol}");
        Box::pin(async { Err(Error::new(Code::NoData, message)) })
    }

    /// Merges bars into a series, all or nothing. Bars with the same opening time are replaced.
    ///
    /// Fails with `BAD_DATA` if there are no bars.
    fn import(
        &self,
        symbol: &str,
        timeframe: Timeframe,
        bars: Bars,
    ) -> BoxFuture<'_, MergeSummary> {
        self.import_observed(symbol, timeframe, bars, Arc::new(NoObserver))
    }

    /// Like [`Source::import`]. `observer` receives the number of bars written. If it cancels the work or does not allow the
    /// commit, nothing is written and the import fails as cancelled.
    fn import_observed(
        &self,
        symbol: &str,
        timeframe: Timeframe,
        bars: Bars,
        observer: Arc<dyn ProgressObserver + Send + Sync>,
    ) -> BoxFuture<'_, MergeSummary>;

    /// Deletes the imported bars of an asset that open within a range, all or none of them: those of one timeframe, or of all.
    /// Returns their number. A series without bars is deleted too. The limit of the range is ignored.
    ///
    /// If `observer` cancels the work or does not allow the commit, nothing is deleted and the deletion fails as cancelled.
    ///
    /// Fails with `INVALID_ARGUMENT` if there are such bars, but none of them was imported.
    fn delete(
        &self,
        symbol: &str,
        timeframe: Option<Timeframe>,
        range: TimeRange,
        observer: Arc<dyn ProgressObserver + Send + Sync>,
    ) -> BoxFuture<'_, u64>;

    /// Returns the part of this source that holds the imported bars.
    fn imported(&self) -> &dyn Source;

    /// Closes connections of the source that the store does not close, such as those to another database.
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}
