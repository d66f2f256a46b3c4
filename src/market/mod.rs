//! Market data: bars, timeframes, and the columns that indicators, simulation and metrics read.

pub mod annualization;
#[cfg(feature = "arrow")]
pub mod arrow;
pub mod bars;
pub mod column;
pub mod column_names;
pub mod coverage;
pub mod interval;
pub mod intervals;
pub mod limit;
pub mod overflow;
pub mod price_jumps;
pub mod raw;
pub mod resample;
pub mod time;
pub mod time_zone;
pub mod timeframe;
pub mod validated_copy;

pub use annualization::Annualization;
pub use bars::Bars;
pub use column::Column;
pub use interval::Interval;
pub use limit::Limit;
pub use overflow::{BarRef, overflow};
pub use resample::resample;
pub use timeframe::Timeframe;
pub use validated_copy::{BorrowedBars, Timestamps};
