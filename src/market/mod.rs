//! What the world did: bars, their timeframes, and the columns and bit sets that everything else is computed on.

pub mod bars;
pub mod bits;
pub mod column;
pub mod signals;
pub mod time;
pub mod timeframe;

pub use bars::Bars;
pub use bits::Bits;
pub use column::Column;
pub use signals::Signals;
pub use timeframe::Timeframe;
