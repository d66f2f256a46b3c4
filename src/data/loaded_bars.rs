//! Bars as a source returns them.

use std::sync::Arc;

use crate::market::Bars;

/// Bars and warnings about them.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedBars {
    /// The bars.
    pub bars: Arc<Bars>,
    /// What a reader of the results should know, such as the number of invalid ticks.
    pub warnings: Vec<String>,
}

impl From<Bars> for LoadedBars {
    fn from(bars: Bars) -> Self {
        Self { bars: Arc::new(bars), warnings: Vec::new() }
    }
}
