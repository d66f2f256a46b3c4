//! From the columns of a sweep to a heat map: which cell each combination belongs to, and what a cell shows.
//!
//! - A cell shows the median of its combinations unless something else is asked for. The maximum hides spikes: over enough
//!   other parameters, every cell has a lucky combination. The best combination is marked where it is, with its own value
//!   beside that of its cell.
//! - Combinations that do not compete, and those without a value of the metric, do not count. A cell that has only such
//!   combinations does not compete; a cell without combinations is missing.
//! - An axis with more values than the picture has room for has neighboring values in one cell, equally many in each but the
//!   last. All their combinations are aggregated at once.

mod axis;
mod cells;
mod content;
mod metric;
mod names;
mod swept;

#[cfg(test)]
mod tests;

pub use content::heatmap_content;
pub use metric::{heatmap_metric, metric_index};
pub use swept::{
    Aggregate, FixedParameter, FixedValue, HeatmapRequest, SweptColumns, SweptParameter,
};
