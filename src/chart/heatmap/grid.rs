//! The cells of a heat map, its vertical axis and its color bar.

use super::super::canvas::TextAnchor;
use super::super::color_map::LEVELS;
use super::super::path::{polyline, rectangle};
use super::super::picture::{Image, Item, Stroke};
use super::super::renderer::Dimensions;
use super::super::scale::ValueScale;
use super::super::value_ticks::ValueTicks;
use super::axis_labels::thinned;
use super::color_scale::ColorScale;
use super::data::{Cell, HeatmapAxis};
use super::frame::{color_bar_space, max_label_width};
use super::hatch::{CellEdges, cell_edges, is_on_line};
use super::scene::{Gap, Plot, Scene, filled_cells, number_unit};
use crate::compute::reserve;
use crate::error::Result;
use crate::numbers::count_to_f64;

/// With more cells, they are an image instead of shapes: a smaller file, drawn faster.
const MAX_SHAPES: usize = 10_000;
/// Equal cells may leave this share of the plot unused; with more, they differ by a pixel instead.
const MAX_UNUSED: f64 = 0.1;

/// The cells of a heat map with the vertical axis and the colors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid<'a> {
    pub(super) y: &'a HeatmapAxis,
    pub(super) cells: &'a [Cell<f64>],
    pub(super) columns: usize,
    pub(super) colors: Option<ColorScale>,
}

impl Grid<'_> {
    pub(super) fn cell(&self, column: usize, row: usize) -> Option<&Cell<f64>> {
        self.cells.get(row * self.columns + column).filter(|_| column < self.columns)
    }

    /// Returns the ticks of the color bar between two pixels.
    pub(super) fn ticks(&self, scene: &Scene<'_>, edges: (f64, f64)) -> ValueTicks {
        let unit = number_unit(&scene.data.metric);
        let Some(colors) = self.colors else { return ValueTicks::empty(unit) };
        let scale = ValueScale::new(colors.range, false, edges, (0.0, 0.0));
        if colors.is_flat() {
            return ValueTicks::single(unit, edges.0.midpoint(edges.1), colors.range.low);
        }
        ValueTicks::of(&scale, unit, scene.dimensions.label * 2.6, f64::NEG_INFINITY)
    }

    /// Returns the plot between a top and a bottom edge.
    pub(super) fn plot(
        &self,
        scene: &Scene<'_>,
        ticks: &ValueTicks,
        (top, bottom): (f64, f64),
    ) -> Plot {
        let d = scene.dimensions;
        let style = scene.label_style();
        let width = |label: &str, most: f64| scene.canvas.text_width(label, style).min(most);
        let most = self.max_y_label_width(&d);
        let left = self.y.labels.iter().map(|label| width(label, most)).fold(0.0, f64::max);
        let most = max_label_width(&d);
        let right = ticks.list.iter().map(|tick| width(&tick.label, most)).fold(0.0, f64::max);
        let bar = if self.colors.is_some() { color_bar_space(&d) + right } else { 0.0 };
        let left = (d.margin + left + d.label * 0.5).ceil();
        let right = left + equal_cells(self.columns, (d.width - d.margin - bar).floor() - left);
        let height = equal_cells(self.y.labels.len(), bottom - top);
        Plot { left, right, top: bottom - height, bottom }
    }

    /// Returns the widest label of the vertical axis, pixels. With few columns there is space for names.
    fn max_y_label_width(&self, d: &Dimensions) -> f64 {
        let is_wide = count_to_f64(self.columns) <= d.width * 0.2;
        let wide = if is_wide { (d.label * 14.0).min(d.width * 0.25) } else { 0.0 };
        max_label_width(d).max(wide)
    }

    /// Draws the cells.
    pub(super) fn draw_cells(&self, scene: &mut Scene<'_>, plot: Plot) -> Result<()> {
        let x = cell_edges(self.columns, plot.left, plot.right);
        let y = cell_edges(self.y.labels.len(), plot.bottom, plot.top);
        let edges = CellEdges { x: &x, y: &y };
        if self.cells.len() > MAX_SHAPES {
            let image = self.image(scene, edges)?;
            scene.canvas.items.push(Item::Image(image));
            return Ok(());
        }
        for gap in Gap::ALL {
            let is_gap = |column, row| self.cell(column, row).and_then(Gap::of) == Some(gap);
            scene.draw_gap(edges, gap, is_gap);
        }
        let Some(colors) = self.colors else { return Ok(()) };
        // One path for all cells of a color.
        let level = |cell: &Cell<f64>| match cell {
            Cell::Value(value) => Some(colors.level(*value)),
            Cell::NotCompeting | Cell::Missing => None,
        };
        let mut used = [false; 256];
        for level in self.cells.iter().filter_map(level) {
            if let Some(used) = used.get_mut(usize::from(level)) {
                *used = true;
            }
        }
        for (color, _) in (0..=u8::MAX).zip(used).filter(|(_, used)| *used) {
            let path = filled_cells(edges, |column, row| {
                self.cell(column, row).and_then(level) == Some(color)
            });
            scene.canvas.fill(path, colors.map.color(color));
        }
        Ok(())
    }

    /// Returns the cells as an image.
    fn image(&self, scene: &Scene<'_>, edges: CellEdges<'_>) -> Result<Image> {
        let palette = match self.colors {
            Some(colors) => (0..=LEVELS).map(|level| colors.map.color(level).rgb).collect(),
            None => Vec::new(),
        };
        let (left, right) = (pixel(edges.x.first()), pixel(edges.x.last()));
        let (top, bottom) = (pixel(edges.y.last()), pixel(edges.y.first()));
        let (width, height) = (right.saturating_sub(left), bottom.saturating_sub(top));
        let count = usize_of(width).saturating_mul(usize_of(height)).saturating_mul(3);
        let mut rgb = reserve::with_capacity(count, "bytes of the picture")?;
        let distance = usize_of(pixel(Some(&scene.hatch_distance())));
        let thickness = usize_of(pixel(Some(&scene.dimensions.unit.max(1.0).round())));
        let gap_color = |gap: Gap, x: usize, y: usize| {
            let (fill, lines) = scene.gap_colors(gap);
            let is_line = is_on_line(x, y, gap.direction(), distance, thickness);
            if is_line { lines.rgb } else { fill.rgb }
        };
        let mut y = 0;
        for (row, pair) in edges.y.windows(2).enumerate().rev() {
            let [low, high] = pair else { break };
            let rows = usize_of(pixel(Some(low)).saturating_sub(pixel(Some(high))));
            for _ in 0..rows {
                let mut x = 0;
                for (column, pair) in edges.x.windows(2).enumerate() {
                    let [from, to] = pair else { break };
                    let cell = self.cell(column, row).unwrap_or(&Cell::Missing);
                    let columns = usize_of(pixel(Some(to)).saturating_sub(pixel(Some(from))));
                    let value = match (cell, self.colors) {
                        (Cell::Value(value), Some(colors)) => {
                            palette.get(usize::from(colors.level(*value))).copied()
                        }
                        _ => None,
                    };
                    let gap = Gap::of(cell).unwrap_or(Gap::NotCompeting);
                    for _ in 0..columns {
                        rgb.extend(value.unwrap_or_else(|| gap_color(gap, x, y)));
                        x += 1;
                    }
                }
                y += 1;
            }
        }
        Ok(Image { x: left, y: top, width, height, rgb })
    }

    /// Draws ticks, labels and name of the vertical axis.
    pub(super) fn draw_y_axis(&self, scene: &mut Scene<'_>, plot: Plot) {
        let d = scene.dimensions;
        let style = scene.label_style();
        let cell = (plot.bottom - plot.top) / count_to_f64(self.y.labels.len().max(1));
        let cap_height = scene.canvas.fonts.cap_height(style.weight, style.size);
        let right = plot.left - d.label * 0.5;
        let width = self.max_y_label_width(&d);
        let mut ticks = Vec::new();
        for position in thinned(&self.y.labels, d.label * 1.8 / cell) {
            let Some(label) = self.y.labels.get(position) else { continue };
            let y = plot.bottom - cell * (count_to_f64(position) + 0.5);
            let label = scene.canvas.fonts.truncate(label, style.weight, style.size, width);
            let baseline = (right, y + cap_height / 2.0);
            scene.canvas.text(baseline, TextAnchor::Right, &label, style);
            let y = y.floor() + 0.5;
            ticks.extend(polyline(&[(plot.left - d.label * 0.3, y), (plot.left - 1.0, y)]));
        }
        scene.canvas.stroke(ticks, Stroke::new(scene.palette.edge, 1.0));
    }

    /// Draws the names of the vertical axis and of the metric above the plot.
    pub(super) fn draw_names(&self, scene: &mut Scene<'_>, plot: Plot) {
        let d = scene.dimensions;
        let style = scene.name_style();
        let metric = scene.data.metric;
        let unit = if metric.unit.is_empty() || metric.is_percent {
            String::new()
        } else {
            format!(", {}", metric.unit)
        };
        let baseline = plot.top - d.label * 0.75;
        let half = (d.width - d.margin * 2.0 - d.label) / 2.0;
        let truncate =
            |text: &str| scene.canvas.fonts.truncate(text, style.weight, style.size, half);
        let name = truncate(&self.y.name);
        let metric = truncate(&format!("{}{unit}", metric.name));
        scene.canvas.text((d.margin, baseline), TextAnchor::Left, &name, style);
        scene.canvas.text((d.width - d.margin, baseline), TextAnchor::Right, &metric, style);
    }

    /// Draws the color bar right of the plot.
    pub(super) fn draw_color_bar(&self, scene: &mut Scene<'_>, plot: Plot, ticks: &ValueTicks) {
        let Some(colors) = self.colors else { return };
        let d = scene.dimensions;
        let (left, right) = (plot.right + d.label * 1.2, plot.right + d.label * 2.3);
        let (left, right) = (left.round(), right.round());
        let height = plot.bottom - plot.top;
        let strips = height.min(f64::from(LEVELS)).max(1.0).floor();
        let range = colors.range;
        let mut strip = 0.0;
        let edge = |strip: f64| (plot.bottom - height * strip / strips).round();
        while strip < strips {
            let share = (strip + 0.5) / strips;
            let value = range.low * (1.0 - share) + range.high * share;
            let area = rectangle(left, edge(strip + 1.0), right, edge(strip));
            scene.canvas.fill(area, colors.map.color(colors.level(value)));
            strip += 1.0;
        }
        // A point at an end says that values beyond it share its color.
        let point = d.label * 0.55;
        let ends = [
            (colors.is_cut_above, plot.top, plot.top - point, range.high),
            (colors.is_cut_below, plot.bottom, plot.bottom + point, range.low),
        ];
        for (_, base, tip, value) in ends.into_iter().filter(|(is_cut, ..)| *is_cut) {
            let corners = [(left, base), (left.midpoint(right), tip), (right, base)];
            scene.canvas.fill(polyline(&corners), colors.map.color(colors.level(value)));
        }
        let style = scene.label_style();
        let cap_height = scene.canvas.fonts.cap_height(style.weight, style.size);
        let mut lines = Vec::new();
        for tick in &ticks.list {
            let y = tick.y.floor() + 0.5;
            lines.extend(polyline(&[(right, y), (right + d.label * 0.3, y)]));
            let label = &tick.label;
            let width = max_label_width(&d);
            let label = scene.canvas.fonts.truncate(label, style.weight, style.size, width);
            let position = (right + d.label * 0.55, tick.y + cap_height / 2.0);
            scene.canvas.text(position, TextAnchor::Left, &label, style);
        }
        scene.canvas.stroke(lines, Stroke::new(scene.palette.edge, 1.0));
    }

    /// Marks the cell of the best combination.
    pub(super) fn draw_best(&self, scene: &mut Scene<'_>, plot: Plot) {
        let Some(best) = &scene.data.content.best else { return };
        let (column, row) = (count_to_f64(best.column), count_to_f64(best.row));
        let width = (plot.right - plot.left) / count_to_f64(self.columns.max(1));
        let height = (plot.bottom - plot.top) / count_to_f64(self.y.labels.len().max(1));
        let center = (plot.left + width * (column + 0.5), plot.bottom - height * (row + 0.5));
        scene.draw_ring(center);
    }
}

/// Returns the colors of the values of cells.
pub(super) fn colors(cells: &[Cell<f64>], break_even: Option<f64>) -> Result<Option<ColorScale>> {
    let mut values = reserve::with_capacity(cells.len(), "values")?;
    values.extend(cells.iter().filter_map(|cell| match cell {
        Cell::Value(value) if value.is_finite() => Some(*value),
        _ => None,
    }));
    Ok(ColorScale::of(&mut values, break_even))
}

/// Returns the length of cells that are all equally long, if they use the space well; otherwise, the space.
fn equal_cells(count: usize, space: f64) -> f64 {
    let count = count_to_f64(count.max(1));
    let equal = (space / count).floor() * count;
    if equal >= space * (1.0 - MAX_UNUSED) { equal } else { space.max(1.0) }
}

/// Returns a pixel, which is not negative, as a whole number.
fn pixel(position: Option<&f64>) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "limited to the range of pictures"
    )]
    let pixel = position.copied().unwrap_or(0.0).clamp(0.0, 65_536.0) as u32;
    pixel
}

fn usize_of(pixels: u32) -> usize {
    usize::try_from(pixels).unwrap_or(usize::MAX)
}
