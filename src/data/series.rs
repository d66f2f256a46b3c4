//! Which bars a source has.

use crate::error::{Code, Error};
use crate::market::{Interval, Timeframe, time};

use super::span::TimeRange;

/// The bars of one asset and timeframe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSeries {
    /// The length of a bar.
    pub timeframe: Timeframe,
    /// The number of bars, at least one.
    pub bars: u64,
    /// The opening time of the first bar, UTC milliseconds.
    pub first: i64,
    /// The opening time of the last bar, UTC milliseconds.
    pub last: i64,
    /// Changes whenever the bars do. Bars that were loaded at another revision are out of date.
    pub revision: i64,
    /// Where the bars are: `embedded`, `imported`, or the name of a table.
    pub source: String,
    /// Whether the bars were imported. Otherwise they are only read.
    pub is_imported: bool,
    /// Whether these are ticks, from which [`super::Source::load`] makes bars of any timeframe. The timeframe is then only
    /// the typical distance between ticks.
    pub ticks: bool,
}

impl StoredSeries {
    /// Returns what the rows of the series are.
    pub fn interval(&self) -> Interval {
        if self.ticks { Interval::Tick } else { self.timeframe.into() }
    }
}

/// An asset and its bars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// The symbol, as it was given.
    pub symbol: String,
    /// The series, the finest first; at least one.
    pub series: Vec<StoredSeries>,
}

/// Returns a random revision.
///
/// A counter would not do: a database that comes back with an older state would reuse its numbers for other bars, and caches
/// would serve the bars they hold.
pub(super) fn new_revision() -> i64 {
    let random = uuid::Uuid::new_v4().into_bytes();
    i64::from_be_bytes(*random.first_chunk().unwrap_or(&[0; 8])) & i64::MAX
}

/// Adds a series to those that were found before. Of two sources with the same timeframe, the first one wins. Within one
/// source, the same timeframe under two labels is one series.
pub(super) fn merge_series(found: &mut Vec<StoredSeries>, series: StoredSeries) {
    match found.iter_mut().find(|known| known.timeframe == series.timeframe) {
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

/// Creates the error of a range without bars. `known` are the series of the asset.
pub(super) fn no_data(
    symbol: &str,
    timeframe: Timeframe,
    span: TimeRange,
    known: &[StoredSeries],
) -> Error {
    let range = |series: &StoredSeries| {
        format!(
            "{} from {} to {}",
            series.timeframe,
            time::short(series.first),
            time::short(series.last)
        )
    };
    let message = match known.iter().find(|series| series.timeframe == timeframe) {
        Some(series) => format!(
            "there are no bars of {symbol} {timeframe} between {} and {}; there {} of {}",
            time::short(span.start),
            time::short(span.end),
            if series.bars == 1 { "is 1 bar".into() } else { format!("are {} bars", series.bars) },
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
