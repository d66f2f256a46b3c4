//! Where bars come from. Each source is one file or folder and one line here; [`files`] are read once, into a source or
//! into a run.

use std::fmt::Debug;
use std::sync::Arc;

use crate::error::{Code, Error, Result};
use crate::market::{Bars, Timeframe, time};
use crate::observer::{NoObserver, ProgressObserver};
pub use crate::store::BoxFuture;

pub mod embedded;
pub mod files;
pub mod postgres;

#[cfg(test)]
pub(crate) mod behaviour;

pub use embedded::Embedded;
pub use postgres::{Imports, Market, Prices};

/// The bars of one asset and timeframe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// The length of a bar.
    pub timeframe: Timeframe,
    /// How many bars there are, at least one.
    pub bars: u64,
    /// The opening of the first bar, UTC milliseconds.
    pub first: i64,
    /// The opening of the last bar, UTC milliseconds.
    pub last: i64,
    /// Another one whenever the bars change: what was loaded at an earlier revision is out of date.
    pub revision: i64,
    /// The source that holds them: `embedded`.
    pub source: String,
    /// Whether these are single prices, of which [`Source::load`] makes bars of any timeframe; the timeframe here says only
    /// how far they are apart.
    pub ticks: bool,
}

/// An asset and its bars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// The symbol, as it was given.
    pub symbol: String,
    /// Its series, the finest first; at least one.
    pub series: Vec<Series>,
}

/// Bars, and what is to be said about them.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The bars.
    pub bars: Arc<Bars>,
    /// What a reader of the results should know, such as how many faulty ticks were left out.
    pub warnings: Vec<String>,
}

impl From<Bars> for Loaded {
    fn from(bars: Bars) -> Self {
        Self { bars: Arc::new(bars), warnings: Vec::new() }
    }
}

/// Which bars of a series to load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first moment, UTC milliseconds.
    pub start: i64,
    /// The last moment, UTC milliseconds; it belongs to the span.
    pub end: i64,
    /// How many bars there may be.
    pub most: u64,
}

impl Span {
    /// Creates a span that may hold any number of bars.
    pub fn new(start: i64, end: i64) -> Self {
        Self { start, end, most: u64::MAX }
    }

    /// Limits the number of bars.
    #[must_use]
    pub fn at_most(self, most: u64) -> Self {
        Self { most, ..self }
    }

    /// Fails with `LIMIT_EXCEEDED` once there are more bars than there may be.
    pub(crate) fn check(&self, bars: usize) -> Result<()> {
        if bars as u64 <= self.most {
            return Ok(());
        }
        let message = format!(
            "there are more than {} bars between {} and {}",
            self.most,
            time::short(self.start),
            time::short(self.end)
        );
        Err(Error::new(Code::LimitExceeded, message))
    }
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// How many bars were handed in; all of them are there now.
    pub imported: u64,
    /// How many of them took the place of a bar with the same opening.
    pub replaced: u64,
    /// The opening of the first bar handed in, UTC milliseconds.
    pub first: i64,
    /// The opening of the last bar handed in, UTC milliseconds.
    pub last: i64,
}

/// Returns a revision that no series has had.
///
/// Not a number that counts up: a database that comes back with an older state would count the same numbers again, for
/// other bars, and caches would take those for the ones they hold.
pub(crate) fn new_revision() -> i64 {
    let random = uuid::Uuid::new_v4().into_bytes();
    i64::from_be_bytes(*random.first_chunk().unwrap_or(&[0; 8])) & i64::MAX
}

/// Holds bars.
///
/// Every method fails with `STORAGE` where the database does, and with `CLOSED` after its store was closed.
pub trait Source: Send + Sync + Debug {
    /// Returns every asset, sorted by symbol.
    fn assets(&self) -> BoxFuture<'_, Vec<Asset>>;

    /// Returns the series of an asset, the finest first; none where the source does not know it.
    fn series(&self, symbol: &str) -> BoxFuture<'_, Vec<Series>>;

    /// Loads the bars of exactly that timeframe that open within a span.
    ///
    /// Fails with `NO_DATA` where there are none, saying what there is, with `LIMIT_EXCEEDED` as soon as there turn out to be
    /// more than the span may hold, with the error of cancelled work soon after `observer` says so, and with `STORAGE` where
    /// what is there is damaged.
    fn load(
        &self,
        symbol: &str,
        timeframe: Timeframe,
        span: Span,
        observer: Arc<dyn ProgressObserver + Send + Sync>,
    ) -> BoxFuture<'_, Loaded>;

    /// Loads the ticks of a span, each as a bar of its own. Fails as [`Source::load`] does; a source without ticks has none
    /// to load.
    fn load_ticks(
        &self,
        symbol: &str,
        span: Span,
        observer: Arc<dyn ProgressObserver + Send + Sync>,
    ) -> BoxFuture<'_, Loaded> {
        let _ = (span, observer);
        let message = format!("there are no ticks of {symbol}");
        Box::pin(async { Err(Error::new(Code::NoData, message)) })
    }

    /// Merges bars into a series, all or nothing; bars with the same opening are replaced.
    ///
    /// Fails with `BAD_DATA` where there is no bar.
    fn import(&self, symbol: &str, timeframe: Timeframe, bars: Bars) -> BoxFuture<'_, Imported> {
        self.import_watched(symbol, timeframe, bars, Arc::new(NoObserver))
    }

    /// Does what [`Source::import`] does. `observer` hears how many bars are written, and is asked right before they are made
    /// final; where it does not allow that, or stops the work earlier, nothing is written and the work fails as cancelled.
    fn import_watched(
        &self,
        symbol: &str,
        timeframe: Timeframe,
        bars: Bars,
        observer: Arc<dyn ProgressObserver + Send + Sync>,
    ) -> BoxFuture<'_, Imported>;

    /// Closes what the source has opened by itself, such as connections to a database that is not the store's.
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// Creates the error of a range without bars; `known` are the series of the asset.
pub(crate) fn no_data(
    symbol: &str,
    timeframe: Timeframe,
    Span { start, end, .. }: Span,
    known: &[Series],
) -> Error {
    let range = |series: &Series| {
        format!(
            "{} from {} to {}",
            series.timeframe,
            time::short(series.first),
            time::short(series.last)
        )
    };
    let message = match known.iter().find(|series| series.timeframe == timeframe) {
        Some(series) => format!(
            "there are no bars of {symbol} {timeframe} between {} and {}; there are {} bars of {}",
            time::short(start),
            time::short(end),
            series.bars,
            range(series)
        ),
        None if known.is_empty() => {
            format!("there are no bars of {symbol}; import some or choose another asset")
        }
        None => {
            let known: Vec<String> = known.iter().map(range).collect();
            format!(
                "there are no bars of {symbol} {timeframe}; there are bars of {}",
                known.join(", ")
            )
        }
    };
    Error::new(Code::NoData, message)
}
