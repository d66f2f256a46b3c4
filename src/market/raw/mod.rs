//! Bars as files, tables and callers have them, before they keep the invariants of [`crate::market::Bars`]: units of time,
//! local days, the order of rows, rounding, missing volumes. Every source of bars passes through here, so that all of them
//! mend and refuse the same.

mod adjustment;
mod local_days;
mod raw_bars;
mod read_options;
mod rounding;
mod time_column;
mod time_text;
mod time_unit;

pub use local_days::{may_be_local_days, to_local_days, unmoved_local_days};
pub use raw_bars::{NotedBars, RawBars};
pub use read_options::ReadOptions;
pub use time_column::{ReadTimes, TimeColumn};
pub use time_unit::{SECONDS_1980, SECONDS_2100, TimeUnit, check_milliseconds};
