//! Bars as a source returns them.

use std::sync::Arc;

use crate::market::raw::NotedBars;
use crate::market::{Annualization, Bars};
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
    /// What the bars of a run are as a whole; `None` until they are complete.
    pub measured: Option<MeasuredBars>,
}

/// What the bars of a run are as a whole. Found once, not for each run on the same bars.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeasuredBars {
    /// An estimate of the number of missing bars.
    pub missing: u64,
    /// How results per bar become results per year, unless a setting says it.
    pub annualization: Annualization,
}

impl From<NotedBars> for LoadedBars {
    fn from(noted: NotedBars) -> Self {
        // A strategy that needs the missing volumes fails.
        let is_warning = |note: &Note| note.code != NoteCode::VolumesMissing;
        let notes = noted.notes.into_iter().filter(is_warning).collect();
        Self { bars: Arc::new(noted.bars), notes, faults: Vec::new(), measured: None }
    }
}

impl From<Bars> for LoadedBars {
    fn from(bars: Bars) -> Self {
        Arc::new(bars).into()
    }
}

impl From<Arc<Bars>> for LoadedBars {
    fn from(bars: Arc<Bars>) -> Self {
        Self { bars, notes: Vec::new(), faults: Vec::new(), measured: None }
    }
}
