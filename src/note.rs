//! Remarks about data and results: a stable code for programs, a text for people.

use serde_json::{Map, Value};

/// What a remark is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoteCode {
    /// The rows were in descending order and were reversed.
    RowsReversed,
    /// Rows that are no bars, such as a repeated header or a footer, were skipped.
    RowsSkipped,
    /// A high or a low missed the other prices of its bar by rounding and was set to them.
    PricesRepaired,
    /// Prices were multiplied by the factor of the adjusted close.
    PricesAdjusted,
    /// There is an adjusted close that differs from the close and is not used.
    AdjustedCloseUnused,
    /// Some bars have no volume.
    VolumesMissing,
    /// The volume is the number of ticks, because the traded volume is 0 throughout.
    TickVolumeUsed,
    /// Bars stamped at local midnight were moved to 00:00 UTC of their local day.
    LocalDays,
    /// The day of some bars cannot be known.
    DaysUnknown,
    /// The timestamps change their unit.
    UnitsMixed,
    /// The first row is data: the columns were recognized by their values.
    HeaderMissing,
    /// No column was taken as the volume, and some columns are not used.
    ColumnsUnused,
    /// The bars do not cover the requested range.
    RangeNotCovered,
    /// Bars are missing between others.
    BarsMissing,
    /// Two bars lie in one interval.
    IntervalShared,
    /// A price changes from one bar to the next like an unadjusted split.
    PriceJumps,
}

impl NoteCode {
    /// Returns the stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RowsReversed => "ROWS_REVERSED",
            Self::RowsSkipped => "ROWS_SKIPPED",
            Self::PricesRepaired => "PRICES_REPAIRED",
            Self::PricesAdjusted => "PRICES_ADJUSTED",
            Self::AdjustedCloseUnused => "ADJUSTED_CLOSE_UNUSED",
            Self::VolumesMissing => "VOLUMES_MISSING",
            Self::TickVolumeUsed => "TICK_VOLUME_USED",
            Self::LocalDays => "LOCAL_DAYS",
            Self::DaysUnknown => "DAYS_UNKNOWN",
            Self::UnitsMixed => "UNITS_MIXED",
            Self::HeaderMissing => "HEADER_MISSING",
            Self::ColumnsUnused => "COLUMNS_UNUSED",
            Self::RangeNotCovered => "RANGE_NOT_COVERED",
            Self::BarsMissing => "BARS_MISSING",
            Self::IntervalShared => "INTERVAL_SHARED",
            Self::PriceJumps => "PRICE_JUMPS",
        }
    }
}

/// A remark.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// What it is about.
    pub code: NoteCode,
    /// One or two sentences for people.
    pub text: String,
    /// Counts and dates in the text, for programs.
    pub data: Map<String, Value>,
}

impl Note {
    /// Creates a remark without data.
    pub fn new(code: NoteCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), data: Map::new() }
    }

    /// Adds a value to the data.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.data.insert(name.to_owned(), value.into());
        self
    }
}
