//! Whether a combination competes.

/// Whether a combination competes for the best objective, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Standing {
    /// It competes.
    Competes = 0,
    /// It has no trades.
    NoTrades = 1,
    /// It has fewer closed trades than `minTrades`.
    FewTrades = 2,
    /// Its objective has no value.
    NullObjective = 3,
    /// Its parameters are not allowed together, or its simulation failed.
    Failed = 4,
}

impl Standing {
    /// Every standing with the name under which combinations are counted.
    pub const ALL: [(&'static str, Self); 5] = [
        ("competes", Self::Competes),
        ("noTrades", Self::NoTrades),
        ("fewTrades", Self::FewTrades),
        ("nullObjective", Self::NullObjective),
        ("failed", Self::Failed),
    ];

    /// Returns the standing with a number.
    #[must_use]
    pub fn from_number(number: f64) -> Option<Self> {
        Self::ALL
            .iter()
            .map(|(_, standing)| *standing)
            .find(|standing| f64::from(*standing as u8).to_bits() == number.to_bits())
    }
}
