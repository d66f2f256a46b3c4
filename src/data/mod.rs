//! Where bars come from. Each source is one file or folder and one line here; [`files`] are read once, into a source or
//! into a run.

use std::fmt::Debug;
use std::sync::Arc;

use crate::error::{Code, Error};
use crate::market::{Bars, Timeframe, time};
pub use crate::store::Answer;
use crate::watch::Watch;

pub mod embedded;
pub mod files;
pub mod postgres;

#[cfg(test)]
pub(crate) mod behaviour;

pub use embedded::Embedded;
pub use postgres::Market;

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
    /// Grows whenever the bars change: what was loaded at an older revision is out of date.
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

/// Holds bars.
///
/// Every method fails with `STORAGE` where the database does, and with `CLOSED` after its store was closed.
pub trait Source: Send + Sync + Debug {
    /// Returns every asset, sorted by symbol.
    fn assets(&self) -> Answer<'_, Vec<Asset>>;

    /// Returns the series of an asset, the finest first; none where the source does not know it.
    fn series(&self, symbol: &str) -> Answer<'_, Vec<Series>>;

    /// Loads the bars of exactly that timeframe that open from `start` to `end`, UTC milliseconds, both included.
    ///
    /// Fails with `NO_DATA` where there are none, saying what there is, with the error of cancelled work soon after
    /// `watch` says so, and with `STORAGE` where what is there is damaged.
    fn load(
        &self,
        symbol: &str,
        timeframe: Timeframe,
        start: i64,
        end: i64,
        watch: Arc<dyn Watch + Send + Sync>,
    ) -> Answer<'_, Loaded>;

    /// Loads the ticks from `start` to `end`, UTC milliseconds, both included, each as a bar of its own. Fails as
    /// [`Source::load`] does; a source without ticks has none to load.
    fn load_ticks(
        &self,
        symbol: &str,
        start: i64,
        end: i64,
        watch: Arc<dyn Watch + Send + Sync>,
    ) -> Answer<'_, Loaded> {
        let _ = (start, end, watch);
        let message = format!("there are no ticks of {symbol}");
        Box::pin(async { Err(Error::new(Code::NoData, message)) })
    }

    /// Merges bars into a series, all or nothing; bars with the same opening are replaced.
    ///
    /// Fails with `BAD_DATA` where there is no bar.
    fn import(&self, symbol: &str, timeframe: Timeframe, bars: Bars) -> Answer<'_, Imported>;
}

/// Creates the error of a range without bars; `known` are the series of the asset.
pub(crate) fn no_data(
    symbol: &str,
    timeframe: Timeframe,
    start: i64,
    end: i64,
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
