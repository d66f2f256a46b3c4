//! A heat map in progress, and what heat maps and lines have in common.

use super::super::canvas::{Canvas, TextAnchor};
use super::super::font::FontWeight;
use super::super::legend::{LegendEntry, LegendItem, LegendRow};
use super::super::number_format::NumberUnit;
use super::super::path::{PathSegment, polyline, rectangle, rounded_rectangle};
use super::super::picture::{Color, Stroke, TextStyle};
use super::super::renderer::{Dimensions, text_style};
use super::super::theme::Palette;
use super::super::value_ticks::ValueTicks;
use super::axis_labels::thinned;
use super::data::{Cell, HeatmapAxis, HeatmapBest, HeatmapData, HeatmapMetric};
use super::frame::legend_line;
use super::hatch::{CellEdges, Direction, hatch};
use crate::numbers::count_to_f64;

/// A heat map in progress.
pub(super) struct Scene<'a> {
    pub(super) canvas: Canvas<'a>,
    pub(super) palette: Palette,
    pub(super) dimensions: Dimensions,
    pub(super) data: &'a HeatmapData<'a>,
}

/// The edges of the plot, pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Plot {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

/// What a position without a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    Missing,
    NotCompeting,
}

impl Gap {
    pub(super) const ALL: [Self; 2] = [Self::Missing, Self::NotCompeting];

    pub(super) const fn of<T>(cell: &Cell<T>) -> Option<Self> {
        match cell {
            Cell::Value(_) => None,
            Cell::NotCompeting => Some(Self::NotCompeting),
            Cell::Missing => Some(Self::Missing),
        }
    }

    pub(super) const fn direction(self) -> Direction {
        match self {
            Self::Missing => Direction::Rising,
            Self::NotCompeting => Direction::Falling,
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Missing => "not in the sweep",
            Self::NotCompeting => "does not compete",
        }
    }
}

/// Returns the unit of numbers.
pub(super) const fn number_unit(metric: &HeatmapMetric<'_>) -> NumberUnit {
    if metric.is_percent { NumberUnit::Percent } else { NumberUnit::Amount }
}

impl Scene<'_> {
    pub(super) fn label_style(&self) -> TextStyle {
        text_style(self.dimensions.label, FontWeight::Regular, self.palette.muted)
    }

    pub(super) fn name_style(&self) -> TextStyle {
        text_style(self.dimensions.label, FontWeight::SemiBold, self.palette.ink)
    }

    /// Returns fill and line color of a gap.
    pub(super) const fn gap_colors(&self, gap: Gap) -> (Color, Color) {
        match gap {
            Gap::Missing => (self.palette.background, self.palette.edge),
            Gap::NotCompeting => (self.palette.edge, self.palette.hold),
        }
    }

    /// Returns the distance of the lines of a hatching, pixels.
    pub(super) fn hatch_distance(&self) -> f64 {
        (6.0 * self.dimensions.unit).round()
    }

    /// Draws the cells of a gap.
    pub(super) fn draw_gap(
        &mut self,
        edges: CellEdges<'_>,
        gap: Gap,
        is_gap: impl Fn(usize, usize) -> bool,
    ) {
        let (fill, lines) = self.gap_colors(gap);
        if gap == Gap::NotCompeting {
            let area = filled_cells(edges, &is_gap);
            if !area.is_empty() {
                self.canvas.fill(area, fill);
            }
        }
        let path = hatch(edges, gap.direction(), self.hatch_distance(), is_gap);
        if !path.is_empty() {
            self.canvas.stroke(path, Stroke::new(lines, self.dimensions.unit.max(1.0)));
        }
    }

    /// Draws the frame of the plot.
    pub(super) fn draw_frame(&mut self, plot: Plot) {
        let outline =
            rectangle(plot.left - 0.5, plot.top - 0.5, plot.right + 0.5, plot.bottom + 0.5);
        let stroke = Stroke::new(self.palette.edge, 1.0);
        self.canvas.stroke(outline, stroke);
    }

    /// Draws ticks, labels and name of the horizontal axis.
    pub(super) fn draw_x_axis(&mut self, plot: Plot) {
        let d = self.dimensions;
        let axis: &HeatmapAxis = &self.data.content.x;
        let style = self.label_style();
        let cell = (plot.right - plot.left) / count_to_f64(axis.labels.len().max(1));
        let label_width = |label: &String| self.canvas.text_width(label, style);
        let widest = axis.labels.iter().map(label_width).fold(0.0, f64::max);
        let widest = widest.min((plot.right - plot.left) / 2.0);
        let mut ticks = Vec::new();
        let mut labels = Vec::new();
        for position in thinned(&axis.labels, (widest + d.label) / cell) {
            let Some(label) = axis.labels.get(position) else { continue };
            let x = plot.left + cell * (count_to_f64(position) + 0.5);
            let label = self.canvas.fonts.truncate(label, style.weight, style.size, widest);
            let width = self.canvas.text_width(&label, style);
            let right = d.width - d.margin * 0.5;
            labels.push(((x - width / 2.0).min(right - width).max(d.margin * 0.5), label));
            let x = x.floor() + 0.5;
            ticks.extend(polyline(&[(x, plot.bottom + 1.0), (x, plot.bottom + d.label * 0.35)]));
        }
        self.canvas.stroke(ticks, Stroke::new(self.palette.edge, 1.0));
        let baseline = plot.bottom + d.label * 1.45;
        for (left, label) in labels {
            self.canvas.text((left, baseline), TextAnchor::Left, &label, style);
        }
        let style = self.name_style();
        let name = self.canvas.fonts.truncate(
            &axis.name,
            style.weight,
            style.size,
            d.width - d.margin * 2.0,
        );
        let width = self.canvas.text_width(&name, style);
        let middle = plot.left.midpoint(plot.right) - width / 2.0;
        let left = middle.min(d.width - d.margin - width).max(d.margin);
        let baseline = plot.bottom + d.label * 2.85;
        self.canvas.text((left, baseline), TextAnchor::Left, &name, style);
    }

    /// Marks a point.
    pub(super) fn draw_ring(&mut self, (x, y): (f64, f64)) {
        let unit = self.dimensions.unit;
        let r = 6.0 * unit;
        let circle = || rounded_rectangle(x - r, y - r, x + r, y + r, r);
        self.canvas.stroke(circle(), Stroke::new(self.palette.background, 4.5 * unit));
        self.canvas.stroke(circle(), Stroke::new(self.palette.ink, 2.0 * unit));
    }

    /// Returns the rows of the legend: the best combination, and the kinds of gaps.
    pub(super) fn legend(
        &self,
        ticks: &ValueTicks,
        cell: Option<f64>,
        gaps: &[Gap],
    ) -> Vec<Vec<LegendEntry>> {
        let d = self.dimensions;
        let labels = self.label_style();
        let mut rows = Vec::new();
        if let Some(best) = &self.data.content.best {
            let ring = LegendItem::Ring { color: self.palette.ink, halo: self.palette.background };
            let text = best_text(best, self.data, ticks, cell);
            let width = d.width - d.margin * 2.0 - d.label * 2.0;
            let style = TextStyle { color: self.palette.ink, ..labels };
            let text = self.canvas.fonts.truncate(&text, style.weight, style.size, width);
            rows.push(vec![vec![ring, LegendItem::Text(text, style)]]);
        }
        let gaps = gaps.iter().map(|gap| {
            let (fill, lines) = self.gap_colors(*gap);
            let is_rising = gap.direction() == Direction::Rising;
            let sample = LegendItem::Hatched { fill, lines, is_rising };
            vec![sample, LegendItem::Text(gap.text().to_owned(), labels)]
        });
        let gaps: Vec<LegendEntry> = gaps.collect();
        if gaps.is_empty() {
            return rows;
        }
        if let Some(first) = rows.first_mut() {
            let together: Vec<LegendEntry> = first.iter().chain(&gaps).cloned().collect();
            if self.legend_row(0.0).fits(&self.canvas, &together) {
                *first = together;
                return rows;
            }
        }
        rows.push(gaps);
        rows
    }

    /// Draws the legend below the horizontal axis.
    pub(super) fn draw_legend(&mut self, plot: Plot, rows: &[Vec<LegendEntry>]) {
        let d = self.dimensions;
        for (index, entries) in rows.iter().enumerate() {
            let lines = count_to_f64(index + 1);
            let baseline = plot.bottom + d.label * 2.95 + legend_line(&d) * lines;
            self.legend_row(baseline).draw(&mut self.canvas, entries);
        }
    }

    fn legend_row(&self, baseline: f64) -> LegendRow {
        let d = self.dimensions;
        LegendRow { left: d.margin, right: d.width - d.margin, baseline, font_size: d.label }
    }
}

/// Describes the best combination. If its cell shows another value, because other combinations are in it, that is said too.
fn best_text(
    best: &HeatmapBest,
    data: &HeatmapData<'_>,
    ticks: &ValueTicks,
    cell: Option<f64>,
) -> String {
    let parameters = &best.parameters;
    let Some(value) = best.value else { return format!("best: {parameters}") };
    let value = ticks.format_value(value);
    let cell = cell.map(|cell| ticks.format_value(cell)).filter(|cell| *cell != value);
    let cell =
        cell.map_or_else(String::new, |cell| format!(", {} there {cell}", data.content.aggregate));
    format!("best: {parameters}: {} {value}{cell}", data.metric.name)
}

/// Returns rectangles that cover cells. Neighbors in a row are one rectangle.
pub(super) fn filled_cells(
    edges: CellEdges<'_>,
    is_filled: impl Fn(usize, usize) -> bool,
) -> Vec<PathSegment> {
    let mut path = Vec::new();
    for (row, pair) in edges.y.windows(2).enumerate() {
        let [bottom, top] = pair else { break };
        let mut run: Option<(f64, f64)> = None;
        for (column, pair) in edges.x.windows(2).enumerate() {
            let [left, right] = pair else { break };
            if is_filled(column, row) {
                run = Some((run.map_or(*left, |(from, _)| from), *right));
            } else if let Some((from, to)) = run.take() {
                path.extend(rectangle(from, *top, to, *bottom));
            }
        }
        if let Some((from, to)) = run {
            path.extend(rectangle(from, *top, to, *bottom));
        }
    }
    path
}
