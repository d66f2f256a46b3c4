//! What a caller states about the bars that it hands in.

use super::time_unit::TimeUnit;
use crate::market::Timeframe;
use crate::market::column_names::ColumnNames;
use crate::market::time_zone::TimeZone;

/// What is known about bars before they are read. Everything else is recognized.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// The timeframe of the bars.
    pub timeframe: Option<Timeframe>,
    /// The names of columns.
    pub columns: ColumnNames,
    /// The unit of timestamps that are numbers.
    pub time_unit: Option<TimeUnit>,
    /// The zone of times without one, and of the days of daily and weekly bars.
    pub timezone: Option<TimeZone>,
    /// Whether to multiply prices by the factor of the adjusted close.
    pub adjust: bool,
    /// Whether the bars are to be a series of a store. Local days are then moved to 00:00 UTC, and two bars of one interval are
    /// refused. Bars of a request keep their timestamps.
    pub is_series: bool,
}

impl ReadOptions {
    /// Returns the options of bars of a request.
    pub fn of_request(timeframe: Option<Timeframe>) -> Self {
        Self { timeframe, ..Self::default() }
    }
}
