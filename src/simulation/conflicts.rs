//! Signals that contradict each other, or the position, on one bar.
//!
//! Rules apply only to bars with an entry, in this order: a long entry against a long exit, a short entry against a short
//! exit, a long against a short entry, and last an entry against the position.

use super::rejections::SignalKind;
use super::signal_set::SignalSet;
use crate::settings::{Accumulate, Conflict, DirectionConflict, OppositeEntry, Settings};

/// Returns the signals that can make an order in a position.
#[inline]
pub(super) fn acting(position: f64, accumulate: Accumulate) -> SignalSet {
    let adds = matches!(accumulate, Accumulate::Both | Accumulate::AddOnly);
    if position > 0.0 {
        let acting = SignalSet::NONE.with(SignalKind::LongExit).with(SignalKind::ShortEntry);
        if adds { acting.with(SignalKind::LongEntry) } else { acting }
    } else if position < 0.0 {
        let acting = SignalSet::NONE.with(SignalKind::ShortExit).with(SignalKind::LongEntry);
        if adds { acting.with(SignalKind::ShortEntry) } else { acting }
    } else {
        SignalSet::ENTRIES
    }
}

/// The signals of a bar after all conflicts are resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Resolved {
    /// The signals to act on.
    pub(super) signals: SignalSet,
    /// Whether acting on them changes the size of a position, rather than closing or reversing it.
    pub(super) accumulate: Accumulate,
    /// Signals dropped because of each other.
    pub(super) conflicting: SignalSet,
    /// Entries dropped because of the position.
    pub(super) ignored: SignalSet,
    /// The entry against the position that was turned into an exit.
    pub(super) turned: Option<SignalKind>,
}

/// Returns whether a signal is an exit from the position.
#[inline]
pub(super) fn closes(kind: SignalKind, position: f64) -> bool {
    if position > 0.0 {
        kind == SignalKind::LongExit
    } else {
        position < 0.0 && kind == SignalKind::ShortExit
    }
}

/// Resolves the signals of one bar; `position` is in units, negative for a short one.
#[inline(always)]
pub(super) fn resolve(
    signals: SignalSet,
    position: f64,
    accumulate: Accumulate,
    settings: &Settings,
) -> Resolved {
    let mut resolved = Resolved {
        signals,
        accumulate,
        conflicting: SignalSet::NONE,
        ignored: SignalSet::NONE,
        turned: None,
    };
    if !signals.intersects(SignalSet::ENTRIES) {
        return resolved;
    }
    resolved.resolve_exit(
        SignalKind::LongEntry,
        SignalKind::LongExit,
        settings.rules.upon_long_conflict,
        position,
    );
    resolved.resolve_exit(
        SignalKind::ShortEntry,
        SignalKind::ShortExit,
        settings.rules.upon_short_conflict,
        position,
    );
    resolved.resolve_direction(settings.rules.upon_dir_conflict, position);
    resolved.resolve_opposite(settings.rules.upon_opposite_entry, position);
    resolved
}

impl Resolved {
    /// Returns signals that contradict nothing.
    pub(super) fn unopposed(signals: SignalSet, accumulate: Accumulate) -> Self {
        Self {
            signals,
            accumulate,
            conflicting: SignalSet::NONE,
            ignored: SignalSet::NONE,
            turned: None,
        }
    }

    /// Returns whether the order of the signal `acted` serves another one, in the position before the order. An exit beside an
    /// entry against the position is served by the same order.
    #[inline]
    pub(super) fn serves(self, kind: SignalKind, acted: SignalKind, position: f64) -> bool {
        let is_dropped = self.conflicting.has(kind) || self.ignored.has(kind);
        let acting = self.turned.unwrap_or(acted);
        !is_dropped && (kind == acting || closes(kind, position))
    }

    fn drop_conflicting(&mut self, kind: SignalKind) {
        self.signals = self.signals.without(kind);
        self.conflicting = self.conflicting.with(kind);
    }

    #[inline(always)]
    fn resolve_exit(&mut self, entry: SignalKind, exit: SignalKind, rule: Conflict, position: f64) {
        if !(self.signals.has(entry) && self.signals.has(exit)) {
            return;
        }
        // The two rules ask only whether there is a position, not on which side.
        let in_position = position != 0.0;
        let (keep_entry, keep_exit) = match rule {
            Conflict::Ignore => (false, false),
            Conflict::Entry => (true, false),
            Conflict::Exit => (false, true),
            Conflict::Adjacent => (in_position, false),
            Conflict::Opposite => (false, in_position),
        };
        if !keep_entry {
            self.drop_conflicting(entry);
        }
        if !keep_exit {
            self.drop_conflicting(exit);
        }
    }

    #[inline(always)]
    fn resolve_direction(&mut self, rule: DirectionConflict, position: f64) {
        if !(self.signals.has(SignalKind::LongEntry) && self.signals.has(SignalKind::ShortEntry)) {
            return;
        }
        let (keep_long, keep_short) = match rule {
            DirectionConflict::Ignore => (false, false),
            DirectionConflict::Long => (true, false),
            DirectionConflict::Short => (false, true),
            DirectionConflict::Adjacent => (position > 0.0, position < 0.0),
            DirectionConflict::Opposite => (position < 0.0, position > 0.0),
        };
        if !keep_long {
            self.drop_conflicting(SignalKind::LongEntry);
        }
        if !keep_short {
            self.drop_conflicting(SignalKind::ShortEntry);
        }
    }

    #[inline(always)]
    fn resolve_opposite(&mut self, rule: OppositeEntry, position: f64) {
        let (entry, exit) = if position > 0.0 {
            (SignalKind::ShortEntry, SignalKind::LongExit)
        } else if position < 0.0 {
            (SignalKind::LongEntry, SignalKind::ShortExit)
        } else {
            return;
        };
        if !self.signals.has(entry) {
            return;
        }
        match rule {
            OppositeEntry::Ignore => {
                self.signals = self.signals.without(entry);
                self.ignored = self.ignored.with(entry);
            }
            OppositeEntry::Close | OppositeEntry::CloseReduce => {
                self.signals = self.signals.without(entry).with(exit);
                self.turned = Some(entry);
            }
            OppositeEntry::Reverse | OppositeEntry::ReverseReduce => {}
        }
        if matches!(rule, OppositeEntry::Close | OppositeEntry::Reverse) {
            self.accumulate = Accumulate::Disabled;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(signals: &[SignalKind]) -> SignalSet {
        signals.iter().fold(SignalSet::NONE, |set, kind| set.with(*kind))
    }

    #[test]
    fn an_entry_and_an_exit_are_settled_as_each_rule_says() {
        use SignalKind::{LongEntry, LongExit};
        let cases = [
            (Conflict::Ignore, 1.0, &[][..]),
            (Conflict::Entry, 0.0, &[LongEntry]),
            (Conflict::Exit, 0.0, &[LongExit]),
            (Conflict::Adjacent, 1.0, &[LongEntry]),
            (Conflict::Adjacent, 0.0, &[]),
            (Conflict::Opposite, 1.0, &[LongExit]),
            (Conflict::Opposite, 0.0, &[]),
        ];
        for (rule, position, expected) in cases {
            let settings = Settings::default().with(|settings| {
                settings.rules.upon_long_conflict = rule;
            });
            let resolved =
                resolve(kinds(&[LongEntry, LongExit]), position, Accumulate::Disabled, &settings);
            assert_eq!(resolved.signals, kinds(expected), "{rule:?} at {position}");
        }
    }

    #[test]
    fn two_entries_are_settled_by_the_side_of_the_position() {
        use SignalKind::{LongEntry, ShortEntry};
        for (rule, position, expected) in [
            (DirectionConflict::Adjacent, 1.0, &[LongEntry][..]),
            (DirectionConflict::Adjacent, -1.0, &[ShortEntry]),
            (DirectionConflict::Opposite, 1.0, &[ShortEntry]),
            (DirectionConflict::Opposite, 0.0, &[]),
            (DirectionConflict::Short, 0.0, &[ShortEntry]),
        ] {
            let settings = Settings::default().with(|settings| {
                settings.rules.upon_dir_conflict = rule;
            });
            let resolved =
                resolve(kinds(&[LongEntry, ShortEntry]), position, Accumulate::Disabled, &settings);
            assert_eq!(resolved.signals, kinds(expected), "{rule:?} at {position}");
        }
    }

    #[test]
    fn an_entry_against_the_position_may_become_an_exit() {
        let settings = Settings::default().with(|settings| {
            settings.rules.upon_opposite_entry = OppositeEntry::Close;
        });
        let resolved = resolve(kinds(&[SignalKind::ShortEntry]), 1.0, Accumulate::Both, &settings);
        assert_eq!(resolved.signals, kinds(&[SignalKind::LongExit]));
        assert_eq!(
            (resolved.accumulate, resolved.turned),
            (Accumulate::Disabled, Some(SignalKind::ShortEntry))
        );
    }
}
