//! The settings of a simulation: the order model of vectorbt's `Portfolio.from_signals` for one column.

/// Declares an enumeration whose variants have names in JavaScript, and the list of both.
macro_rules! choices {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_meta])* $variant,)+ }

        impl $name {
            /// Every choice with its name.
            pub const ALL: &'static [(&'static str, Self)] = &[$(($text, Self::$variant)),+];

            /// Returns the name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
    };
}

choices! {
    /// What [`Options::size`] counts.
    SizeType {
        /// Units of the asset.
        Amount = "amount",
        /// Money at the valuation price.
        Value = "value",
        /// A share: of the cash when buying, of the position when selling.
        Percent = "percent",
    }
}
choices! {
    /// Which positions `entries` and `exits` may open.
    Direction {
        /// Entries open long positions, exits close them.
        LongOnly = "longOnly",
        /// Entries open short positions, exits close them.
        ShortOnly = "shortOnly",
        /// Entries go long, exits go short.
        Both = "both",
    }
}
choices! {
    /// Whether signals in the direction of a position change its size.
    Accumulate {
        /// Neither: an exit closes the whole position.
        Disabled = "disabled",
        /// Entries add, exits remove.
        Both = "both",
        /// Entries add, exits close.
        AddOnly = "addOnly",
        /// Entries do nothing, exits remove.
        RemoveOnly = "removeOnly",
    }
}
choices! {
    /// What happens when an entry and an exit of one direction meet on a bar.
    Conflict {
        /// Both are dropped.
        Ignore = "ignore",
        /// The entry stays.
        Entry = "entry",
        /// The exit stays.
        Exit = "exit",
        /// The entry stays in a position; both are dropped without one.
        Adjacent = "adjacent",
        /// The exit stays in a position; both are dropped without one.
        Opposite = "opposite",
    }
}
choices! {
    /// What happens when a long and a short entry meet on a bar.
    DirectionConflict {
        /// Both are dropped.
        Ignore = "ignore",
        /// The long entry stays.
        Long = "long",
        /// The short entry stays.
        Short = "short",
        /// The entry on the side of the position stays.
        Adjacent = "adjacent",
        /// The entry against the position stays.
        Opposite = "opposite",
    }
}
choices! {
    /// What an entry against the position does.
    OppositeEntry {
        /// Nothing.
        Ignore = "ignore",
        /// Closes the position.
        Close = "close",
        /// Closes it, or reduces it when accumulating.
        CloseReduce = "closeReduce",
        /// Reverses the position.
        Reverse = "reverse",
        /// Reverses it, or reduces it when accumulating.
        ReverseReduce = "reverseReduce",
    }
}
choices! {
    /// The price that stops are measured from.
    StopEntryPrice {
        /// The valuation price.
        ValPrice = "valPrice",
        /// The order price before slippage.
        Price = "price",
        /// The price paid.
        FillPrice = "fillPrice",
        /// The close of the bar.
        Close = "close",
    }
}
choices! {
    /// The price at which a stop is filled.
    StopExitPrice {
        /// The stop's own price, without slippage.
        StopLimit = "stopLimit",
        /// The stop's own price, with slippage.
        StopMarket = "stopMarket",
        /// The order price of the bar, with slippage.
        Price = "price",
        /// The close of the bar, with slippage.
        Close = "close",
    }
}
choices! {
    /// What a stop does to the position.
    StopExit {
        /// Closes it.
        Close = "close",
        /// Closes it, or reduces it when accumulating.
        CloseReduce = "closeReduce",
        /// Reverses it.
        Reverse = "reverse",
        /// Reverses it, or reduces it when accumulating.
        ReverseReduce = "reverseReduce",
    }
}
choices! {
    /// What happens to the stops when a position is increased.
    StopUpdate {
        /// They stay.
        Keep = "keep",
        /// They are set anew, where there is a new one.
        Override = "override",
        /// They are set anew, even to none.
        OverrideNan = "overrideNaN",
    }
}
choices! {
    /// When a signal is filled.
    Execution {
        /// At the close of its own bar: vectorbt's rule and the original plan's.
        Close = "close",
        /// At the open of the next bar.
        NextOpen = "nextOpen",
    }
}

/// The settings of a simulation.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Fees as a fraction of the traded value; 0.001 is 0.1 %.
    pub fees: f64,
    /// Money per order.
    pub fixed_fees: f64,
    /// Fraction by which a fill is worse than the price.
    pub slippage: f64,
    /// How much an entry trades; infinity is all that cash or position allows.
    pub size: f64,
    /// What `size` counts.
    pub size_type: SizeType,
    /// Orders below this amount are rejected, units of the asset.
    pub min_size: f64,
    /// Orders above this amount are cut, units of the asset; infinity for no limit.
    pub max_size: f64,
    /// Amounts are rounded down to multiples of this, units of the asset.
    pub size_granularity: Option<f64>,
    /// Which positions the signals may open.
    pub direction: Direction,
    /// Whether signals change the size of a position.
    pub accumulate: Accumulate,
    /// A long entry meets a long exit.
    pub upon_long_conflict: Conflict,
    /// A short entry meets a short exit.
    pub upon_short_conflict: Conflict,
    /// A long entry meets a short entry.
    pub upon_dir_conflict: DirectionConflict,
    /// An entry against the position.
    pub upon_opposite_entry: OppositeEntry,
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
    /// What a stop does.
    pub upon_stop_exit: StopExit,
    /// What happens to stops when the position is increased.
    pub upon_stop_update: StopUpdate,
    /// Whether shorts may not be financed by cash that is already committed.
    pub lock_cash: bool,
    /// Whether an order may be filled in part.
    pub allow_partial: bool,
    /// When a signal is filled.
    pub execution: Execution,
    /// Yearly risk-free rate as a fraction.
    pub risk_free: f64,
    /// Days in a year for annualising.
    pub year_days: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            fees: 0.001,
            fixed_fees: 0.0,
            slippage: 0.001,
            size: f64::INFINITY,
            size_type: SizeType::Amount,
            min_size: 1e-8,
            max_size: f64::INFINITY,
            size_granularity: None,
            direction: Direction::LongOnly,
            accumulate: Accumulate::Disabled,
            upon_long_conflict: Conflict::Ignore,
            upon_short_conflict: Conflict::Ignore,
            upon_dir_conflict: DirectionConflict::Ignore,
            upon_opposite_entry: OppositeEntry::ReverseReduce,
            sl_stop: None,
            sl_trail: false,
            tp_stop: None,
            stop_entry_price: StopEntryPrice::FillPrice,
            stop_exit_price: StopExitPrice::StopMarket,
            upon_stop_exit: StopExit::Close,
            upon_stop_update: StopUpdate::Override,
            lock_cash: false,
            allow_partial: true,
            execution: Execution::Close,
            risk_free: 0.0,
            year_days: 365.0,
        }
    }
}
