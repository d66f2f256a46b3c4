//! The kinds of signal that a strategy computes.

/// A kind of signal, each with an expression of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalField {
    /// Enters a long position.
    Entries,
    /// Exits a long position.
    Exits,
    /// Enters a short position.
    ShortEntries,
    /// Exits a short position.
    ShortExits,
}

impl SignalField {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Entries, Self::Exits, Self::ShortEntries, Self::ShortExits];

    /// Returns the name of the field in a `StrategyDefinition`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Entries => "entries",
            Self::Exits => "exits",
            Self::ShortEntries => "shortEntries",
            Self::ShortExits => "shortExits",
        }
    }
}
