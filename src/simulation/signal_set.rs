//! What the signals ask for: mapped by direction, moved to the bar of their fill, found bar by bar or by leaps.

use std::borrow::Cow;

use super::options::{Direction, Execution, Options};
use super::rejections::{RejectionCounts, RejectionReason, SignalKind};
use crate::error::{Error, Result};
use crate::signals::{Bits, Signals};

/// A set of the four kinds of signals that a user gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct SignalSet(u8);

/// The four kinds, in the order of the bits of [`SignalSet`].
pub(super) const USER_KINDS: [SignalKind; 4] =
    [SignalKind::LongEntry, SignalKind::LongExit, SignalKind::ShortEntry, SignalKind::ShortExit];

impl SignalSet {
    pub(super) const NONE: Self = Self(0);
    pub(super) const ENTRIES: Self =
        Self::NONE.with(SignalKind::LongEntry).with(SignalKind::ShortEntry);

    pub(super) const fn with(self, kind: SignalKind) -> Self {
        Self(self.0 | 1 << kind as u8)
    }

    pub(super) const fn without(self, kind: SignalKind) -> Self {
        Self(self.0 & !(1 << kind as u8))
    }

    pub(super) const fn has(self, kind: SignalKind) -> bool {
        self.0 >> kind as u8 & 1 == 1
    }

    pub(super) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) const fn is_single(self) -> bool {
        self.0.is_power_of_two()
    }

    /// Returns the kinds in the set.
    pub(super) fn kinds(self) -> impl Iterator<Item = SignalKind> {
        USER_KINDS.into_iter().filter(move |kind| self.has(*kind))
    }
}

/// The signals of a run, each at the bar on which it is filled.
#[derive(Debug)]
pub(super) struct PlacedSignals<'a> {
    sets: [Option<Cow<'a, Bits>>; 4],
    bars: usize,
}

impl<'a> PlacedSignals<'a> {
    /// Maps signals by the direction of the simulation.
    pub(super) fn new(
        signals: &'a Signals,
        bars: usize,
        options: &Options,
        rejections: &mut RejectionCounts,
    ) -> Result<Self> {
        let named = [
            ("entries", Some(&signals.entries)),
            ("exits", Some(&signals.exits)),
            ("shortEntries", signals.short_entries.as_ref()),
            ("shortExits", signals.short_exits.as_ref()),
        ];
        for (name, set) in named.iter().filter_map(|(name, set)| set.map(|set| (name, set))) {
            if set.len() != bars {
                return Err(Error::invalid(
                    name,
                    "length",
                    format!("{name} has {} values for {bars} bars", set.len()),
                ));
            }
        }
        let (entries, exits) = (Some(&signals.entries), Some(&signals.exits));
        let two_sided = signals.short_entries.is_some() || signals.short_exits.is_some();
        let sets = match options.direction {
            _ if two_sided => {
                [entries, exits, signals.short_entries.as_ref(), signals.short_exits.as_ref()]
            }
            Direction::LongOnly => [entries, exits, None, None],
            Direction::ShortOnly => [None, None, entries, exits],
            Direction::Both => [entries, None, exits, None],
        };
        let later = options.execution == Execution::NextOpen;
        for (kind, set) in USER_KINDS.into_iter().zip(sets) {
            if later && bars.checked_sub(1).is_some_and(|last| set.is_some_and(|set| set.get(last)))
            {
                rejections.add(kind, RejectionReason::NoNextBar, 1);
            }
        }
        let placed =
            |set: &'a Bits| if later { Cow::Owned(one_bar_later(set)) } else { Cow::Borrowed(set) };
        Ok(Self { sets: sets.map(|set| set.map(placed)), bars })
    }

    /// Returns the words of each kind's set; none where no signal of that kind can come.
    pub(super) fn words(&self) -> Words<'_> {
        Words {
            sets: self.sets.each_ref().map(|set| set.as_ref().map_or(&[][..], |set| set.words())),
            bars: self.bars,
        }
    }
}

/// Moves each bar of a set to the next one; the last one is lost.
fn one_bar_later(set: &Bits) -> Bits {
    let mut carried = 0;
    let words = set.words().iter().map(|word| {
        let moved = word << 1 | carried;
        carried = word >> 63;
        moved
    });
    Bits::from_words(words.collect(), set.len())
}

/// The words of the four sets, 64 bars each.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words<'a> {
    sets: [&'a [u64]; 4],
    bars: usize,
}

/// Returns the first bar of a set at or after `from`.
#[inline]
pub(super) fn first(set: &[u64], from: usize) -> Option<usize> {
    let mut index = from / 64;
    let mut word = set.get(index)? & u64::MAX << (from % 64);
    while word == 0 {
        index += 1;
        word = *set.get(index)?;
    }
    Some(index * 64 + word.trailing_zeros() as usize)
}

/// Returns whether a bar is in a set.
#[inline]
pub(super) fn has(set: &[u64], bar: usize) -> bool {
    set.get(bar / 64).is_some_and(|word| word >> (bar % 64) & 1 == 1)
}

impl<'a> Words<'a> {
    /// Returns the sets, in the order of [`USER_KINDS`]; those of which no signal can come are empty.
    pub(super) fn sets(&self) -> [&'a [u64]; 4] {
        self.sets
    }

    /// Returns the signals of a bar.
    #[inline]
    pub(super) fn at(&self, bar: usize) -> SignalSet {
        let mut signals = 0;
        for (kind, set) in self.sets.iter().enumerate() {
            signals |= u8::from(has(set, bar)) << kind;
        }
        SignalSet(signals)
    }

    /// Returns the first bar at or after `from` with a signal of the mask; the number of bars if there is none.
    #[inline]
    pub(super) fn next(&self, from: usize, mask: SignalSet) -> usize {
        let mut index = from / 64;
        let mut keep = u64::MAX << (from % 64);
        while index * 64 < self.bars {
            let mut any = 0;
            for (kind, set) in USER_KINDS.into_iter().zip(&self.sets) {
                if mask.has(kind) {
                    any |= set.get(index).copied().unwrap_or(0);
                }
            }
            any &= keep;
            if any != 0 {
                return index * 64 + any.trailing_zeros() as usize;
            }
            keep = u64::MAX;
            index += 1;
        }
        self.bars
    }

    /// Counts the signals of a kind.
    pub(super) fn count(&self, kind: SignalKind) -> u32 {
        self.sets.get(kind as usize).map_or(0, |set| set.iter().map(|word| word.count_ones()).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Signals {
        Signals {
            entries: Bits::from_fn(300, |bar| bar % 7 == 0),
            exits: Bits::from_fn(300, |bar| bar % 5 == 3 || bar == 299),
            short_entries: None,
            short_exits: None,
        }
    }

    #[test]
    fn leaps_and_counts_agree_with_looking_at_every_bar() {
        let signals = sample();
        let sets =
            PlacedSignals::new(&signals, 300, &Options::default(), &mut RejectionCounts::default())
                .unwrap();
        let words = sets.words();
        for mask in [
            SignalSet::ENTRIES,
            SignalSet::NONE.with(SignalKind::LongExit),
            SignalSet::ENTRIES.with(SignalKind::LongExit),
            SignalSet::NONE,
        ] {
            for from in 0..=300 {
                let expected = (from..300).find(|&bar| words.at(bar).meets(mask)).unwrap_or(300);
                assert_eq!(words.next(from, mask), expected);
            }
        }
        let expected = (0..300).filter(|&bar| words.at(bar).has(SignalKind::LongExit)).count();
        assert_eq!(words.count(SignalKind::LongExit) as usize, expected);
    }

    #[test]
    fn a_fill_at_the_next_open_moves_signals_by_one_bar() {
        let signals = sample();
        let options = Options { execution: Execution::NextOpen, ..Options::default() };
        let mut rejections = RejectionCounts::default();
        let sets = PlacedSignals::new(&signals, 300, &options, &mut rejections).unwrap();
        for bar in 0..299 {
            assert_eq!(
                sets.words().at(bar + 1).has(SignalKind::LongEntry),
                signals.entries.get(bar)
            );
        }
        assert!(!sets.words().at(0).has(SignalKind::LongEntry));
        assert_eq!(rejections.into_list().len(), 1, "the exit on the last bar has no next open");
    }

    #[test]
    fn signals_of_another_length_are_refused() {
        let error = PlacedSignals::new(
            &sample(),
            299,
            &Options::default(),
            &mut RejectionCounts::default(),
        )
        .unwrap_err();
        assert_eq!(error.message, "entries has 300 values for 299 bars");
    }
}
