//! Signals: when a strategy enters and exits, as one bit per bar.

mod bits;

pub use bits::Bits;

/// Where a strategy enters and exits. Every set has one bit per bar.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signals {
    /// Entries: long, or as the direction setting says.
    pub entries: Bits,
    /// Exits.
    pub exits: Bits,
    /// Short entries. If either short set is present, both directions are traded and the direction setting is ignored.
    pub short_entries: Option<Bits>,
    /// Short exits.
    pub short_exits: Option<Bits>,
}

impl Signals {
    /// The names of the four sets, in the order of [`Signals::sets`].
    pub const NAMES: [&'static str; 4] = ["entries", "exits", "shortEntries", "shortExits"];

    /// Returns whether the short side has signals of its own.
    #[must_use]
    pub const fn has_short(&self) -> bool {
        self.short_entries.is_some() || self.short_exits.is_some()
    }

    /// Returns the signals without those on the first bars.
    #[must_use]
    pub fn after(self, bars: usize) -> Self {
        if bars == 0 {
            return self;
        }
        Self {
            entries: self.entries.after(bars),
            exits: self.exits.after(bars),
            short_entries: self.short_entries.map(|set| set.after(bars)),
            short_exits: self.short_exits.map(|set| set.after(bars)),
        }
    }

    /// Returns the four sets; `None` for a short set that is absent.
    #[must_use]
    pub fn sets(&self) -> [Option<&Bits>; 4] {
        [
            Some(&self.entries),
            Some(&self.exits),
            self.short_entries.as_ref(),
            self.short_exits.as_ref(),
        ]
    }
}
