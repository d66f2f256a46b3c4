//! Why a run has no entries.

use std::ops::Range;

use serde_json::json;

use crate::error::Result;
use crate::market::Bars;
use crate::note::{Note, NoteCode};
use crate::observer::ProgressObserver;
use crate::signals::{Bits, Signals};
use crate::strategies::BoundStrategy;

/// Returns the note on a run whose entry conditions held on no bar of its range: on how many each part of them held.
///
/// # Errors
/// `ABORT_ERR` if the observer is cancelled.
pub(super) fn find(
    strategy: &BoundStrategy,
    (signals, range): (&Signals, Range<usize>),
    bars: &Bars,
    observer: &dyn ProgressObserver,
) -> Result<Option<Note>> {
    let short = signals.short_entries.as_ref().map_or(0, Bits::count);
    // Entries that hold on no bars at all have a warning of their own, and so does a warm-up that takes all bars.
    if signals.entries.count() > 0
        || short > 0
        || !strategy.can_enter()
        || strategy.warm_up() >= range.end
    {
        return Ok(None);
    }
    let count = range.len();
    let conditions = strategy.entry_conditions(bars, range, observer)?;
    let described: Vec<String> =
        conditions.iter().map(|condition| condition.describe(count)).collect();
    let parts: Vec<serde_json::Value> = conditions
        .iter()
        .flat_map(|condition| condition.alternatives.iter().flatten())
        .map(|part| {
            json!({
                "condition": part.text.trim_matches('`'),
                "held": part.held,
                "withoutValue": part.without_value,
            })
        })
        .collect();
    let text = format!("the strategy made no entry: {}", described.join("; "));
    Ok(Some(Note::new(NoteCode::NoEntries, text).with("bars", count).with("parts", parts)))
}
