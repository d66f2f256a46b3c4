//! What the world did: bars, their timeframes, and the columns and bit sets that everything else is computed on.

#[cfg(feature = "arrow")]
pub mod arrow;
pub mod bars;
pub mod bits;
pub mod column;
pub mod intake;
pub mod limit;
pub mod names;
pub mod overflow;
pub mod resample;
pub mod signals;
pub mod time;
pub mod timeframe;

pub use bars::Bars;
pub use bits::Bits;
pub use column::Column;
pub use intake::{Lent, Moments};
pub use limit::Limit;
pub use overflow::{BarRef, overflow};
pub use resample::resample;
pub use signals::Signals;
pub use timeframe::Timeframe;
