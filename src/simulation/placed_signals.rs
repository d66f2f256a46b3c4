//! The signals of a run, mapped by direction and moved to the bar of their fill.

use std::borrow::Cow;

use super::rejections::{RejectionCounts, RejectionReason, SignalKind};
use super::signal_set::{SIGNALS, SignalSet};
use crate::error::{Error, Result};
use crate::quote::counted;
use crate::settings::{Direction, Execution, Settings};
use crate::signals::{Bits, Signals};

/// The signals of a run, each at the bar on which it is filled.
#[derive(Debug)]
pub(super) struct PlacedSignals<'a> {
    sets: [Option<Cow<'a, Bits>>; 4],
    bars: usize,
}

impl<'a> PlacedSignals<'a> {
    /// Maps signals by the direction setting.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a set of another length than the bars.
    pub(super) fn new(
        signals: &'a Signals,
        bars: usize,
        settings: &Settings,
        rejections: &mut RejectionCounts,
    ) -> Result<Self> {
        for (name, set) in Signals::NAMES.iter().zip(signals.sets()) {
            if let Some(set) = set.filter(|set| set.len() != bars) {
                let (values, bars) = (counted(set.len(), "value"), counted(bars, "bar"));
                let message = format!("{name} has {values} for {bars}");
                return Err(Error::invalid(name, "length", message));
            }
        }
        let [entries, exits, short_entries, short_exits] = signals.sets();
        let sets = match settings.rules.direction {
            _ if signals.has_short() => [entries, exits, short_entries, short_exits],
            Direction::LongOnly => [entries, exits, None, None],
            Direction::ShortOnly => [None, None, entries, exits],
            Direction::Both => [entries, None, exits, None],
        };
        let at_next_bar = settings.conventions.execution == Execution::NextOpen;
        if let Some(last) = bars.checked_sub(1).filter(|_| at_next_bar) {
            for (kind, set) in SIGNALS.into_iter().zip(sets) {
                if set.is_some_and(|set| set.get(last)) {
                    rejections.add(kind, RejectionReason::NoNextBar, 1);
                }
            }
        }
        let place = |set: &'a Bits| {
            if at_next_bar { Cow::Owned(one_bar_later(set)) } else { Cow::Borrowed(set) }
        };
        Ok(Self { sets: sets.map(|set| set.map(place)), bars })
    }

    /// Returns the words of each set; empty for a kind that has no signals.
    pub(super) fn words(&self) -> SignalWords<'_> {
        SignalWords {
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
pub(super) struct SignalWords<'a> {
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

impl<'a> SignalWords<'a> {
    /// Returns the sets, in the order of [`SIGNALS`]; empty for a kind that has no signals.
    pub(super) fn sets(&self) -> [&'a [u64]; 4] {
        self.sets
    }

    /// Returns the signals of a bar.
    #[inline]
    pub(super) fn at(&self, bar: usize) -> SignalSet {
        let mut bits = 0;
        for (kind, set) in self.sets.iter().enumerate() {
            bits |= u8::from(has(set, bar)) << kind;
        }
        SignalSet::from_bits(bits)
    }

    /// Returns the first bar at or after `from` with a signal of the mask, or the number of bars if there is none.
    #[inline]
    pub(super) fn next(&self, from: usize, mask: SignalSet) -> usize {
        let mut index = from / 64;
        let mut keep = u64::MAX << (from % 64);
        while index * 64 < self.bars {
            let mut any = 0;
            for (kind, set) in SIGNALS.into_iter().zip(&self.sets) {
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
    fn skipping_and_counting_agree_with_a_scan_of_every_bar() {
        let signals = sample();
        let (settings, mut rejections) = (Settings::default(), RejectionCounts::default());
        let sets = PlacedSignals::new(&signals, 300, &settings, &mut rejections).unwrap();
        let words = sets.words();
        for mask in [
            SignalSet::ENTRIES,
            SignalSet::NONE.with(SignalKind::LongExit),
            SignalSet::ENTRIES.with(SignalKind::LongExit),
            SignalSet::NONE,
        ] {
            for from in 0..=300 {
                let expected =
                    (from..300).find(|&bar| words.at(bar).intersects(mask)).unwrap_or(300);
                assert_eq!(words.next(from, mask), expected);
            }
        }
        let expected = (0..300).filter(|&bar| words.at(bar).has(SignalKind::LongExit)).count();
        assert_eq!(words.count(SignalKind::LongExit) as usize, expected);
    }

    #[test]
    fn a_fill_at_the_next_open_moves_signals_by_one_bar() {
        let signals = sample();
        let settings = Settings::default()
            .with(|settings| settings.conventions.execution = Execution::NextOpen);
        let mut rejections = RejectionCounts::default();
        let sets = PlacedSignals::new(&signals, 300, &settings, &mut rejections).unwrap();
        for bar in 0..299 {
            let moved = sets.words().at(bar + 1).has(SignalKind::LongEntry);
            assert_eq!(moved, signals.entries.get(bar));
        }
        assert!(!sets.words().at(0).has(SignalKind::LongEntry));
        assert_eq!(rejections.into_list().len(), 1, "the exit on the last bar has no next open");
    }

    #[test]
    fn signals_of_another_length_are_refused() {
        let (settings, mut rejections) = (Settings::default(), RejectionCounts::default());
        let error = PlacedSignals::new(&sample(), 299, &settings, &mut rejections).unwrap_err();
        assert_eq!(error.message, "entries has 300 values for 299 bars");
    }
}
