//! The settings in groups, with their defaults.

use super::choices::{
    Accumulate, Conflict, Direction, DirectionConflict, Execution, OppositeEntry, SizeType,
    StopEntryPrice, StopExit, StopExitPrice, StopUpdate, YearDays,
};

/// The settings of a run: the order model of vectorbt's `Portfolio.from_signals` for one column, and the conventions of the
/// metrics.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings {
    /// What an order costs.
    pub costs: Costs,
    /// How large an order is.
    pub sizing: Sizing,
    /// What signals do, and which of several signals wins.
    pub rules: SignalRules,
    /// Stop loss and take profit.
    pub stops: Stops,
    /// When orders are filled, and how metrics are annualized.
    pub conventions: Conventions,
}

/// What an order costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Costs {
    /// Fees as a fraction of the traded value; 0.001 is 0.1 %.
    pub fees: f64,
    /// Fixed fee per order, money.
    pub fixed_fees: f64,
    /// Fraction by which a fill is worse than the reference price.
    pub slippage: f64,
}

/// How large an order is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sizing {
    /// Size of an entry; infinity is the largest size that the cash or the position allows.
    pub size: f64,
    /// What `size` is measured in.
    pub size_type: SizeType,
    /// Smaller orders are rejected; units of the asset.
    pub min_size: f64,
    /// Larger orders are reduced to this size; units of the asset, infinity for no limit.
    pub max_size: f64,
    /// Sizes are rounded down to multiples of this; units of the asset.
    pub size_granularity: Option<f64>,
    /// Whether cash that secures short positions may not be spent again.
    pub lock_cash: bool,
    /// Whether an order may be filled in part.
    pub allow_partial: bool,
}

/// What signals do, and which of several signals wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignalRules {
    /// Which positions the signals may open.
    pub direction: Direction,
    /// Whether signals change the size of a position.
    pub accumulate: Accumulate,
    /// What happens if a long entry and a long exit occur on one bar.
    pub upon_long_conflict: Conflict,
    /// What happens if a short entry and a short exit occur on one bar.
    pub upon_short_conflict: Conflict,
    /// What happens if a long entry and a short entry occur on one bar.
    pub upon_dir_conflict: DirectionConflict,
    /// What an entry against the position does.
    pub upon_opposite_entry: OppositeEntry,
}

/// Stop loss and take profit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stops {
    /// Stop loss as a fraction of the reference price.
    pub sl_stop: Option<f64>,
    /// Whether the stop loss trails the best price since entry.
    pub sl_trail: bool,
    /// Take profit as a fraction of the reference price.
    pub tp_stop: Option<f64>,
    /// The reference price of stops.
    pub stop_entry_price: StopEntryPrice,
    /// The price at which stops are filled.
    pub stop_exit_price: StopExitPrice,
    /// What a stop does to the position.
    pub upon_stop_exit: StopExit,
    /// What happens to stops when the position is increased.
    pub upon_stop_update: StopUpdate,
}

impl Stops {
    /// Returns whether there is a stop loss or a take profit.
    #[must_use]
    pub fn are_set(&self) -> bool {
        self.sl_stop.is_some() || self.tp_stop.is_some()
    }
}

/// When orders are filled, and how metrics are annualized.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conventions {
    /// When a signal is filled.
    pub execution: Execution,
    /// Annual risk-free rate as a fraction.
    pub risk_free: f64,
    /// Days per year for annualized metrics.
    pub year_days: YearDays,
}

impl Default for Costs {
    fn default() -> Self {
        Self { fees: 0.001, fixed_fees: 0.0, slippage: 0.001 }
    }
}

impl Default for Sizing {
    fn default() -> Self {
        Self {
            size: f64::INFINITY,
            size_type: SizeType::Amount,
            min_size: 1e-8,
            max_size: f64::INFINITY,
            size_granularity: None,
            lock_cash: false,
            allow_partial: true,
        }
    }
}

impl Default for SignalRules {
    fn default() -> Self {
        Self {
            direction: Direction::LongOnly,
            accumulate: Accumulate::Disabled,
            upon_long_conflict: Conflict::Ignore,
            upon_short_conflict: Conflict::Ignore,
            upon_dir_conflict: DirectionConflict::Ignore,
            upon_opposite_entry: OppositeEntry::ReverseReduce,
        }
    }
}

impl Default for Stops {
    fn default() -> Self {
        Self {
            sl_stop: None,
            sl_trail: false,
            tp_stop: None,
            stop_entry_price: StopEntryPrice::FillPrice,
            stop_exit_price: StopExitPrice::StopMarket,
            upon_stop_exit: StopExit::Close,
            upon_stop_update: StopUpdate::Override,
        }
    }
}

impl Default for Conventions {
    fn default() -> Self {
        Self { execution: Execution::Close, risk_free: 0.0, year_days: YearDays::Auto }
    }
}

impl Settings {
    /// Returns vectorbt's own defaults: no fees, no slippage, stops measured from the close and filled as limit orders, 365
    /// days per year.
    #[cfg(test)]
    #[must_use]
    pub fn vectorbt() -> Self {
        Self::default().with(|settings| {
            settings.costs = Costs { fees: 0.0, slippage: 0.0, ..settings.costs };
            settings.stops.stop_entry_price = StopEntryPrice::Close;
            settings.stops.stop_exit_price = StopExitPrice::StopLimit;
            settings.conventions.year_days = YearDays::Days(365.0);
        })
    }

    /// Returns the settings with a change.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}
