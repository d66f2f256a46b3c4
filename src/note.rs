//! Remarks about data and results: a stable code for programs, a text for people.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a remark is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
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
    /// Ticks without a price above 0, or with a volume below 0, and ticks of one time.
    TicksInvalid,
    /// The price table lacks the index that makes reading fast.
    IndexMissing,
    /// The bars of a stored run are gone.
    BarsGone,
    /// Indicators had no value on the first bars, because there were too few bars before them.
    WarmupMissing,
    /// A function of the caller looked ahead, or returned different signals for the same bars.
    LookAhead,
    /// The strategy is valid but probably not intended, whatever the bars.
    StrategySuspect,
    /// The entry condition held on no bar of the run.
    NoEntries,
    /// Equity fell to zero or below.
    EquityBelowZero,
    /// Metrics have no value because a number on the way to them overflows, or bars are at irregular times.
    MetricsWithoutValue,
    /// Orders are filled at the close of the bar that gave the signal.
    SameBarFills,
    /// Bars touched both the stop loss and the take profit.
    AmbiguousStops,
    /// There are few closed trades.
    FewTrades,
    /// There are few bars.
    FewBars,
    /// Signals made no order.
    SignalsWithoutOrder,
    /// Exits from a position were dropped because of an entry on the same bar.
    ExitsDropped,
    /// No combination of a sweep competes for the best objective.
    NothingCompetes,
    /// Combinations of a sweep failed.
    CombinationsFailed,
    /// Most combinations of a sweep do not compete.
    FewCompete,
    /// The best combination of a sweep is much better than those beside it.
    BestIsSpike,
    /// The best combination of a sweep is at the edge of an axis.
    BestAtEdge,
    /// The best combination was chosen among many.
    BestOfMany,
    /// A setting has a value that was probably meant otherwise.
    SettingUnlikely,
    /// A setting does nothing in its combination with others.
    SettingWithoutEffect,
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
            Self::TicksInvalid => "TICKS_INVALID",
            Self::IndexMissing => "INDEX_MISSING",
            Self::BarsGone => "BARS_GONE",
            Self::WarmupMissing => "WARMUP_MISSING",
            Self::LookAhead => "LOOK_AHEAD",
            Self::StrategySuspect => "STRATEGY_SUSPECT",
            Self::NoEntries => "NO_ENTRIES",
            Self::EquityBelowZero => "EQUITY_BELOW_ZERO",
            Self::MetricsWithoutValue => "METRICS_WITHOUT_VALUE",
            Self::SameBarFills => "SAME_BAR_FILLS",
            Self::AmbiguousStops => "AMBIGUOUS_STOPS",
            Self::FewTrades => "FEW_TRADES",
            Self::FewBars => "FEW_BARS",
            Self::SignalsWithoutOrder => "SIGNALS_WITHOUT_ORDER",
            Self::ExitsDropped => "EXITS_DROPPED",
            Self::NothingCompetes => "NOTHING_COMPETES",
            Self::CombinationsFailed => "COMBINATIONS_FAILED",
            Self::FewCompete => "FEW_COMPETE",
            Self::BestIsSpike => "BEST_IS_SPIKE",
            Self::BestAtEdge => "BEST_AT_EDGE",
            Self::BestOfMany => "BEST_OF_MANY",
            Self::SettingUnlikely => "SETTING_UNLIKELY",
            Self::SettingWithoutEffect => "SETTING_WITHOUT_EFFECT",
        }
    }

    /// Returns the place of the code among the remarks of a result: the more it changes the verdict on a run, the lower.
    const fn rank(self) -> u8 {
        match self {
            Self::LookAhead => 0,
            // Of a sweep, before those of its best run.
            Self::NothingCompetes => 1,
            Self::BestIsSpike => 2,
            Self::BestOfMany => 3,
            Self::BestAtEdge => 4,
            Self::CombinationsFailed => 5,
            Self::FewCompete => 6,
            Self::WarmupMissing => 7,
            Self::ExitsDropped => 8,
            Self::EquityBelowZero | Self::NoEntries => 9,
            Self::RangeNotCovered
            | Self::BarsMissing
            | Self::PriceJumps
            | Self::IntervalShared
            | Self::TicksInvalid
            | Self::LocalDays
            | Self::DaysUnknown => 10,
            Self::SettingUnlikely => 11,
            Self::SettingWithoutEffect => 12,
            Self::SignalsWithoutOrder => 13,
            Self::StrategySuspect => 14,
            Self::SameBarFills => 15,
            Self::AmbiguousStops => 16,
            Self::FewTrades => 17,
            Self::FewBars => 18,
            Self::MetricsWithoutValue => 19,
            // What readers mended or left out, and what is of no consequence for the result.
            Self::RowsReversed
            | Self::RowsSkipped
            | Self::PricesRepaired
            | Self::PricesAdjusted
            | Self::AdjustedCloseUnused
            | Self::VolumesMissing
            | Self::TickVolumeUsed
            | Self::UnitsMixed
            | Self::HeaderMissing
            | Self::ColumnsUnused => 20,
            Self::IndexMissing | Self::BarsGone => 21,
        }
    }
}

/// A remark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// What it is about.
    pub code: NoteCode,
    /// One or two sentences for people.
    pub text: String,
    /// Counts and dates in the text, for programs.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub data: Map<String, Value>,
}

/// Sorts the remarks of a result by what they change in the verdict on it, the most serious first. Remarks of one kind keep
/// their order.
pub fn sort(notes: &mut [Note]) {
    notes.sort_by_key(|note| note.code.rank());
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
