//! The signals of one combination as words of 64 bars.

/// When one combination enters and exits: one bit per bar, the first bar in the lowest bit of the first word. Bits beyond the
/// last bar are 0.
#[derive(Debug, Clone, Copy)]
pub struct SweptSignals<'a> {
    /// The number of bars.
    pub bars: usize,
    /// Entries: long, or as the direction setting says.
    pub entries: &'a [u64],
    /// Exits.
    pub exits: &'a [u64],
    /// Short entries. If either short set is present, both directions are traded and the direction setting is ignored.
    pub short_entries: Option<&'a [u64]>,
    /// Short exits.
    pub short_exits: Option<&'a [u64]>,
}
