//! What a strategy wants, bar by bar.

use super::Bits;

/// Where a strategy enters and exits; every set has one bit a bar.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signals {
    /// Entries: long ones, or as the direction of the simulation says.
    pub entries: Bits,
    /// Exits.
    pub exits: Bits,
    /// Short entries. If either short set is there, both directions are traded and the direction setting is passed over.
    pub short_entries: Option<Bits>,
    /// Short exits.
    pub short_exits: Option<Bits>,
}
