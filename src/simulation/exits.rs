//! The orders that stops made: why, and when within their bar.

/// Why a trade ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitReason {
    /// A signal of the strategy.
    Signal = 1,
    /// A stop loss at a fixed level.
    StopLoss,
    /// A stop loss that follows the price.
    Trailing,
    /// A take profit.
    TakeProfit,
    /// The end of a window of a walk-forward, which must not leave a position open.
    WindowEnd,
}

impl ExitReason {
    /// Every reason, in the order of the variants.
    pub const ALL: [Self; 5] =
        [Self::Signal, Self::StopLoss, Self::Trailing, Self::TakeProfit, Self::WindowEnd];

    /// Returns the number in columns. 0 is an open trade.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Returns the reason with a number in columns; `None` for an open trade.
    #[must_use]
    pub fn of_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// Returns the reason with a name; `None` if there is none.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }

    /// Returns the name in results.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signal => "signal",
            Self::StopLoss => "stopLoss",
            Self::Trailing => "trailing",
            Self::TakeProfit => "takeProfit",
            Self::WindowEnd => "windowEnd",
        }
    }
}

/// When within its bar an order is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// At the open.
    Open,
    /// Between the open and the close, at an unknown time.
    Inside,
    /// At the close.
    Close,
}

/// An order that a stop or the end of a window made. All other orders were made by signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StopOrder {
    /// The index of the order.
    pub order: u32,
    /// Which stop it was, or the end of the window.
    pub reason: ExitReason,
    /// When within its bar the order was filled.
    pub moment: Moment,
}
