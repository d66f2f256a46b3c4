//! The signals of one bar as a set of kinds.

use super::rejections::SignalKind;

/// The kinds of signals that a strategy gives, in the order of the bits of [`SignalSet`].
pub(super) const SIGNALS: [SignalKind; 4] =
    [SignalKind::LongEntry, SignalKind::LongExit, SignalKind::ShortEntry, SignalKind::ShortExit];

/// A set of the four kinds of signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct SignalSet(u8);

impl SignalSet {
    pub(super) const NONE: Self = Self(0);
    pub(super) const ENTRIES: Self =
        Self::NONE.with(SignalKind::LongEntry).with(SignalKind::ShortEntry);

    pub(super) const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    pub(super) const fn with(self, kind: SignalKind) -> Self {
        Self(self.0 | 1 << kind as u8)
    }

    pub(super) const fn without(self, kind: SignalKind) -> Self {
        Self(self.0 & !(1 << kind as u8))
    }

    pub(super) const fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(super) const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) const fn has(self, kind: SignalKind) -> bool {
        self.0 >> kind as u8 & 1 == 1
    }

    pub(super) const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) const fn is_single(self) -> bool {
        self.0.is_power_of_two()
    }

    /// Returns the kinds in the set.
    pub(super) fn kinds(self) -> impl Iterator<Item = SignalKind> {
        SIGNALS.into_iter().filter(move |kind| self.has(*kind))
    }
}
