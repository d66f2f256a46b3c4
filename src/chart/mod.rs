//! Draws a backtest: price with entries and exits, equity compared with buy and hold, and drawdown. Draws the combinations of
//! a sweep as a heat map or a line ([`render_heatmap`]).
//!
//! [`render`] turns [`ChartData`] into a [`Picture`], which is written as SVG or PNG. It does no I/O and reads no clock, so
//! the same run gives the same bytes everywhere.
//!
//! - The time axis is linear.
//! - Long columns are downsampled to the resolution of the picture; extremes are kept.
//! - If there are too many trades for markers, a histogram counts them instead.
//! - A range of prices or equity of ten to one or more gets a logarithmic scale, and the panel title says so.

mod canvas;
mod chart_data;
mod color_map;
mod date_format;
mod downsample;
mod font;
mod header;
mod heatmap;
mod histogram;
mod legend;
mod markers;
mod number_format;
mod panels;
mod path;
mod picture;
mod png;
mod render;
mod renderer;
mod scale;
mod style;
mod svg;
mod theme;
mod time_ticks;
mod value_axis;
mod value_ticks;

#[cfg(test)]
mod tests;

pub use chart_data::{ChartData, ChartSummary};
pub use font::FontWeight;
pub use heatmap::{
    Cell, HeatmapAxis, HeatmapBest, HeatmapCells, HeatmapContent, HeatmapData, HeatmapMetric,
    Spread, heatmap_capacity, render_heatmap,
};
pub use path::PathSegment;
pub use picture::{Color, Image, Item, Picture, Shape, Stroke, Text, TextStyle};
pub use render::render;
pub use style::{MAX_SIZE, MIN_SIZE, Style};
pub use theme::Theme;
