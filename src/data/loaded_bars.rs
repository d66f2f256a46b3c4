//! Bars as a source returns them.

use std::sync::Arc;

use crate::market::Bars;
use crate::market::raw::NotedBars;
use crate::note::{Note, NoteCode};

/// Bars and warnings about them.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedBars {
    /// The bars.
    pub bars: Arc<Bars>,
    /// What a reader of the results should know, such as the number of invalid ticks.
    pub notes: Vec<Note>,
    /// What makes every result on the bars doubtful, such as holes. Found when the bars of a run are complete.
    pub faults: Vec<Note>,
}

impl From<NotedBars> for LoadedBars {
    fn from(noted: NotedBars) -> Self {
        // A strategy that needs the missing volumes fails.
        let is_warning = |note: &Note| note.code != NoteCode::VolumesMissing;
        let notes = noted.notes.into_iter().filter(is_warning).collect();
        Self { bars: Arc::new(noted.bars), notes, faults: Vec::new() }
    }
}

impl From<Bars> for LoadedBars {
    fn from(bars: Bars) -> Self {
        Self { bars: Arc::new(bars), notes: Vec::new(), faults: Vec::new() }
    }
}
