//! The bars on which stops and signals change an all-in position.

use super::events::{Found, Rule};
use crate::settings::{Execution, Settings, StopExit};
use crate::simulation::{Prices, first_long_stop};

/// Returns whether stops, if there are any, do nothing but close the position, on a later bar than the entry.
pub(super) fn stops_close(settings: &Settings) -> bool {
    !settings.stops.are_set()
        || settings.conventions.execution == Execution::Close
            && matches!(settings.stops.upon_stop_exit, StopExit::Close | StopExit::CloseReduce)
}

/// Does what [`super::events::find`] does for fills at the close with stops, and writes the price before slippage and the
/// slippage of each exit. A stop goes before the signals of its bar and drops them.
pub(super) fn find_with_stops(
    (entries, exits): (&[u64], &[u64]),
    prices: &Prices<'_>,
    settings: &Settings,
    rule: Rule,
    events: &mut [u32],
    exit_fills: &mut Vec<[f64; 2]>,
) -> Found {
    let close = prices.close();
    let bars = close.len();
    let opens = |word: usize| {
        let (entries, exits) = (entries.get(word).copied(), exits.get(word).copied());
        Some(rule.apply(entries?, exits?).0)
    };
    let closes = |word: usize| {
        let (entries, exits) = (entries.get(word).copied(), exits.get(word).copied());
        Some(rule.apply(entries?, exits?).1)
    };
    let narrow = |bar: usize| u32::try_from(bar).unwrap_or(u32::MAX);
    let given = entries.iter().chain(exits).map(|word| word.count_ones() as usize).sum();
    let mut found = Found { events: 0, signals: given, stops: 0 };
    let mut bar = 0;
    while let Some(entry) = first(opens, bar) {
        let exit = first(closes, entry + 1);
        let last = exit.unwrap_or(bars - 1);
        let stop = if last > entry { first_long_stop(prices, settings, entry, last) } else { None };
        let (exit, fill) = match (stop, exit) {
            (Some(stop), _) => {
                found.stops += 1;
                (Some(stop.bar), [stop.reference_price, stop.slippage])
            }
            (None, Some(exit)) => {
                let price = close.get(exit).copied().unwrap_or(f64::NAN);
                (Some(exit), [price, settings.costs.slippage])
            }
            (None, None) => (None, [0.0; 2]),
        };
        let Some([to_entry, to_exit]) =
            events.get_mut(found.events..).and_then(<[u32]>::first_chunk_mut::<2>)
        else {
            break;
        };
        *to_entry = narrow(entry);
        found.events += 1;
        let Some(exit) = exit else { break };
        *to_exit = narrow(exit);
        exit_fills.push(fill);
        found.events += 1;
        bar = exit + 1;
    }
    found
}

/// Returns the first bar from `from` on that is set in the words.
#[inline]
fn first(words: impl Fn(usize) -> Option<u64>, from: usize) -> Option<usize> {
    let mut index = from / 64;
    let mut word = words(index)? & u64::MAX << (from % 64);
    while word == 0 {
        index += 1;
        word = words(index)?;
    }
    Some(index * 64 + word.trailing_zeros() as usize)
}

/// Writes which bars of each word are events, and how many events there are before it.
pub(super) fn to_words(events: &[u32], words: &mut [(u64, u32)]) {
    words.fill((0, 0));
    for &event in events {
        if let Some((word, _)) = words.get_mut(event as usize / 64) {
            *word |= 1 << (event % 64);
        }
    }
    let mut count = 0;
    for (word, before) in words {
        *before = count;
        count += word.count_ones();
    }
}
