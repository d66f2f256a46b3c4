//! Draws a heat map of a sweep: a metric over two parameters, or over one as a line with its spread.
//!
//! - Cells are equally large, whatever the values of the parameters are; the labels say the values.
//! - A metric with a break-even, such as a return or a Sharpe ratio, gets diverging colors if cells lie on both sides of it:
//!   there the sign is what matters most. Everything else gets sequential colors, which use their whole range.
//! - Positions without combinations show the background, hatched; those without a combination that competes are gray, hatched
//!   the other way, so that neither needs a color to be told from a value.
//! - If a few outliers would leave all other values the same color, they share the color at the end of the scale.
//! - There are never more cells than pixels: whoever aggregates the combinations asks [`heatmap_capacity`] first.

mod axis_labels;
mod color_scale;
mod data;
mod frame;
mod grid;
mod hatch;
mod header;
mod line;
mod render;
mod scene;

#[cfg(test)]
mod tests;

pub use data::{
    Cell, HeatmapAxis, HeatmapBest, HeatmapCells, HeatmapContent, HeatmapData, HeatmapMetric,
    Spread,
};
pub use frame::heatmap_capacity;
pub use render::render_heatmap;
