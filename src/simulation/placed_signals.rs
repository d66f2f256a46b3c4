//! The signals of a run, mapped by direction and moved to the bar of their fill.

use super::rejections::{RejectionCounts, RejectionReason, SignalKind};
use super::signal_set::{SIGNALS, SignalSet};
use crate::error::{Error, Result};
use crate::quote::counted;
use crate::settings::{Direction, Execution, Settings};
use crate::signals::{Bits, Signals};

/// The signals of a run as words of 64 bars, in the order of [`Signals::NAMES`]; `None` for a short set that is absent.
pub(super) type SignalColumns<'a> = [Option<&'a [u64]>; 4];

/// Returns the words of signals.
///
/// # Errors
/// `INVALID_ARGUMENT` for a set of another length than the bars.
pub(super) fn columns(signals: &Signals, bars: usize) -> Result<SignalColumns<'_>> {
    for (name, set) in Signals::NAMES.iter().zip(signals.sets()) {
        if let Some(set) = set.filter(|set| set.len() != bars) {
            let (values, bars) = (counted(set.len(), "value"), counted(bars, "bar"));
            let message = format!("{name} has {values} for {bars}");
            return Err(Error::invalid(name, "length", message));
        }
    }
    Ok(signals.sets().map(|set| set.map(Bits::words)))
}

/// Maps signals by the direction setting and moves each to the bar on which it is filled, in the memory of `moved`.
pub(super) fn placed<'a>(
    columns: SignalColumns<'a>,
    bars: usize,
    settings: &Settings,
    rejections: &mut RejectionCounts,
    moved: &'a mut [Vec<u64>; 4],
) -> SignalWords<'a> {
    let [entries, exits, short_entries, short_exits] = columns;
    let sets = match settings.rules.direction {
        _ if short_entries.is_some() || short_exits.is_some() => columns,
        Direction::LongOnly => [entries, exits, None, None],
        Direction::ShortOnly => [None, None, entries, exits],
        Direction::Both => [entries, None, exits, None],
    };
    if settings.conventions.execution != Execution::NextOpen {
        return SignalWords { sets: sets.map(Option::unwrap_or_default), bars };
    }
    for ((kind, set), moved) in SIGNALS.into_iter().zip(sets).zip(moved.iter_mut()) {
        moved.clear();
        if let Some(set) = set {
            if bars.checked_sub(1).is_some_and(|last| has(set, last)) {
                rejections.add(kind, RejectionReason::NoNextBar, 1);
            }
            one_bar_later(set, bars, moved);
        }
    }
    SignalWords { sets: moved.each_ref().map(Vec::as_slice), bars }
}

/// Moves each bar of a set to the next one; the last one is lost.
fn one_bar_later(set: &[u64], bars: usize, moved: &mut Vec<u64>) {
    let mut carried = 0;
    moved.extend(set.iter().map(|word| {
        let moved = word << 1 | carried;
        carried = word >> 63;
        moved
    }));
    if let Some(last) = moved.last_mut().filter(|_| !bars.is_multiple_of(64)) {
        *last &= (1 << (bars % 64)) - 1;
    }
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
        let mut moved = Default::default();
        let columns = columns(&signals, 300).unwrap();
        let words = placed(columns, 300, &settings, &mut rejections, &mut moved);
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
        let mut moved = Default::default();
        let columns = columns(&signals, 300).unwrap();
        let words = placed(columns, 300, &settings, &mut rejections, &mut moved);
        for bar in 0..299 {
            let moved = words.at(bar + 1).has(SignalKind::LongEntry);
            assert_eq!(moved, signals.entries.get(bar));
        }
        assert!(!words.at(0).has(SignalKind::LongEntry));
        assert_eq!(
            rejections.into_list(Vec::new()).len(),
            1,
            "the exit on the last bar has no next open"
        );
    }

    #[test]
    fn signals_of_another_length_are_refused() {
        let error = columns(&sample(), 299).unwrap_err();
        assert_eq!(error.message, "entries has 300 values for 299 bars");
    }
}
