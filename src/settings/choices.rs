//! The settings that are a choice between named rules. The names are those of JavaScript.

use super::value::{AUTO, SettingField, SettingValue};

/// Declares an enumeration whose variants have names in JavaScript, and the list of both.
macro_rules! choices {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_meta])* $variant,)+ }

        impl $name {
            /// Every choice with its name.
            pub const ALL: &'static [(&'static str, Self)] = &[$(($text, Self::$variant)),+];

            /// The names, in the order of [`Self::ALL`].
            pub const NAMES: &'static [&'static str] = &[$($text),+];

            /// Returns the name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl SettingField for $name {
            fn to_value(&self) -> SettingValue {
                SettingValue::Choice(self.as_str())
            }

            fn assign(&mut self, value: SettingValue) {
                if let SettingValue::Choice(name) = value
                    && let Some((_, choice)) = Self::ALL.iter().find(|(known, _)| *known == name)
                {
                    *self = *choice;
                }
            }
        }
    };
}

choices! {
    /// What [`Sizing::size`](super::Sizing::size) is measured in.
    SizeType {
        /// Units of the asset.
        Amount = "amount",
        /// Money, converted at the valuation price.
        Value = "value",
        /// A fraction: of the cash when buying, of the position when selling.
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
        /// They are replaced where there is a new one.
        Override = "override",
        /// They are replaced, even by none.
        OverrideNan = "overrideNaN",
    }
}
/// Days per year for annualized metrics.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum YearDays {
    /// As the trading days of the bars suggest.
    Auto,
    /// This many.
    Days(f64),
}

impl SettingField for YearDays {
    fn to_value(&self) -> SettingValue {
        match self {
            Self::Auto => SettingValue::Choice(AUTO),
            Self::Days(days) => SettingValue::Number(*days),
        }
    }

    fn assign(&mut self, value: SettingValue) {
        match value {
            SettingValue::Choice(AUTO) => *self = Self::Auto,
            SettingValue::Number(days) => *self = Self::Days(days),
            _ => {}
        }
    }
}

choices! {
    /// When a signal is filled.
    Execution {
        /// At the close of its own bar, as in vectorbt.
        Close = "close",
        /// At the open of the next bar.
        NextOpen = "nextOpen",
    }
}
