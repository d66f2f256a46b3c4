//! Where bars come from. Each source has a folder and a line here. [`files`] are read once, into a source or into a run.

mod import;
mod loaded_bars;
mod ohlcv_columns;
mod series;
mod source;
mod span;

pub mod embedded;
pub mod files;
pub mod postgres;

#[cfg(test)]
pub(crate) mod conformance;

pub use embedded::EmbeddedBars;
pub use import::MergeSummary;
pub use loaded_bars::{LoadedBars, MeasuredBars};
pub use postgres::{CombinedSource, ImportedBars, PriceTable};
pub use series::{Asset, StoredSeries};
pub use source::Source;
pub use span::TimeRange;
