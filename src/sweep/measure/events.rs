//! The bars on which an all-in position changes, from the words of its signals.

use super::scratch::EVENT_SLACK;
use crate::settings::Conflict;

/// Which signals open and close a position, bar by bar.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    /// All bits if an entry beside an exit opens a position, else none.
    entry_wins: u64,
    /// All bits if an exit beside an entry closes one, else none.
    exit_wins: u64,
}

impl Rule {
    pub(super) fn new(rule: Conflict) -> Self {
        match rule {
            // An entry that is kept in a position does nothing.
            Conflict::Ignore | Conflict::Adjacent => Self { entry_wins: 0, exit_wins: 0 },
            Conflict::Entry => Self { entry_wins: u64::MAX, exit_wins: 0 },
            // An exit that is kept without a position does nothing.
            Conflict::Exit | Conflict::Opposite => Self { entry_wins: 0, exit_wins: u64::MAX },
        }
    }

    /// Returns the bars of a word that open and that close a position.
    #[inline(always)]
    pub(super) fn apply(self, entries: u64, exits: u64) -> (u64, u64) {
        (entries & (!exits | self.entry_wins), exits & (!entries | self.exit_wins))
    }
}

/// What [`find`] found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// The number of events: entries and exits by turns.
    pub(super) events: usize,
    /// The number of signals.
    pub(super) signals: usize,
    /// The number of exits by stops.
    pub(super) stops: usize,
}

/// Writes the bars on which a position is opened and closed by turns, `delay` (0 or 1) bars after their signals.
///
/// The position is a latch that opening signals set and closing ones reset: the carries of one addition a word.
#[inline(always)]
pub(super) fn find<const DELAY: bool, const WORDS: bool>(
    (entries, exits): (&[u64], &[u64]),
    bars: usize,
    rule: Rule,
    events: &mut [u32],
    words: &mut [(u64, u32)],
) -> Found {
    let (mut count, mut signals, mut carry) = (0_usize, 0_u32, false);
    let (mut held, mut delayed, mut first_bar) = (0_u64, 0_u64, 0_u32);
    let mut words = words.iter_mut();
    for (&entries, &exits) in entries.iter().zip(exits) {
        signals += entries.count_ones() + exits.count_ones();
        let (opens, closes) = rule.apply(entries, exits);
        let stays = !(closes & !opens) & !opens;
        let either = opens | stays;
        let (sum, over) = either.overflowing_add(opens);
        let (sum, over_too) = sum.overflowing_add(u64::from(carry));
        carry = over | over_too;
        // The carry into each bit is the position after the bar before it.
        let before = sum ^ either ^ opens;
        let after = before >> 1 | u64::from(carry) << 63;
        let changes = after ^ (after << 1 | held);
        held = after >> 63;
        let mut rest = if DELAY { changes << 1 | delayed } else { changes };
        delayed = changes >> 63;
        if WORDS && let Some(word) = words.next() {
            *word = (rest, u32::try_from(count).unwrap_or(u32::MAX));
        }
        let found = rest.count_ones() as usize;
        let Some(out) = events.get_mut(count..).and_then(<[u32]>::first_chunk_mut::<EVENT_SLACK>)
        else {
            break;
        };
        // Four without a branch: few words have more.
        for slot in out.iter_mut().take(4) {
            *slot = first_bar + rest.trailing_zeros();
            rest &= rest.wrapping_sub(1);
        }
        let mut slot = 4;
        while rest != 0 {
            // The mask only removes the bounds check.
            out[slot & (EVENT_SLACK - 1)] = first_bar + rest.trailing_zeros();
            rest &= rest.wrapping_sub(1);
            slot += 1;
        }
        count += found;
        first_bar += 64;
    }
    if DELAY {
        // A signal of the last bar has no next bar.
        let is_beyond = |event: &u32| *event as usize >= bars;
        if count.checked_sub(1).and_then(|last| events.get(last)).is_some_and(is_beyond) {
            count -= 1;
        }
    }
    Found { events: count, signals: signals as usize, stops: 0 }
}
