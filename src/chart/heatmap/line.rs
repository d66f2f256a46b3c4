//! One parameter: a line with the spread of the values behind it.

use super::super::canvas::TextAnchor;
use super::super::legend::{LegendEntry, LegendItem, LegendRow};
use super::super::path::{polyline, rounded_rectangle};
use super::super::picture::Stroke;
use super::super::scale::{ValueRange, ValueScale};
use super::super::value_ticks::ValueTicks;
use super::data::{Cell, Spread};
use super::frame::max_label_width;
use super::hatch::{CellEdges, cell_edges};
use super::scene::{Gap, Plot, Scene, number_unit};
use crate::numbers::count_to_f64;

/// Points closer than this are not marked, pixels.
const MIN_DOT_DISTANCE: f64 = 9.0;

/// A line with its scale.
pub(super) struct Line<'a> {
    pub(super) points: &'a [Cell<Spread>],
    pub(super) scale: ValueScale,
    pub(super) ticks: ValueTicks,
}

impl<'a> Line<'a> {
    /// Returns the line between a top and a bottom edge.
    pub(super) fn new(scene: &Scene<'_>, points: &'a [Cell<Spread>], edges: (f64, f64)) -> Self {
        let d = scene.dimensions;
        let values = points.iter().filter_map(value_of);
        let values = values.flat_map(|spread| [spread.low, spread.high, spread.value]);
        let best = scene.data.content.best.as_ref().and_then(|best| best.value);
        let range = ValueRange::of(values.chain(best));
        let unit = number_unit(&scene.data.metric);
        let margin = 8.0 * d.unit;
        let scale = ValueScale::new(
            range.unwrap_or(ValueRange { low: 0.0, high: 1.0 }),
            false,
            edges,
            (margin, margin),
        );
        let ticks = match range {
            Some(_) => ValueTicks::of(&scale, unit, d.label * 2.6, f64::NEG_INFINITY),
            None => ValueTicks::empty(unit),
        };
        Self { points, scale, ticks }
    }

    /// Returns the plot.
    pub(super) fn plot(&self, scene: &Scene<'_>) -> Plot {
        let d = scene.dimensions;
        let style = scene.label_style();
        let width = |label: &str| scene.canvas.text_width(label, style).min(max_label_width(&d));
        let labels = self.ticks.list.iter().map(|tick| width(&tick.label)).fold(0.0, f64::max);
        let right = (d.width - d.margin - labels - d.label * 0.5).floor();
        Plot { left: d.margin.round(), right, top: self.scale.top, bottom: self.scale.bottom }
    }

    /// Draws grid, gaps, spread and line.
    pub(super) fn draw(&self, scene: &mut Scene<'_>, plot: Plot) {
        let d = scene.dimensions;
        let mut grid = Vec::new();
        for tick in &self.ticks.list {
            let y = tick.y.floor() + 0.5;
            grid.extend(polyline(&[(plot.left, y), (plot.right, y)]));
        }
        scene.canvas.stroke(grid, Stroke::new(scene.palette.grid, 1.0));
        let x = cell_edges(self.points.len(), plot.left, plot.right);
        let edges = CellEdges { x: &x, y: &[plot.bottom, plot.top] };
        for gap in Gap::ALL {
            let is_gap = |column: usize, _| self.points.get(column).and_then(Gap::of) == Some(gap);
            scene.draw_gap(edges, gap, is_gap);
        }
        let break_even = scene.data.metric.break_even.filter(|_| !self.ticks.list.is_empty());
        if let Some(middle) = break_even {
            let y = self.scale.pixel(middle).floor() + 0.5;
            if (plot.top..plot.bottom).contains(&y) {
                let dashes = Stroke::new(scene.palette.hold, d.unit.max(1.0))
                    .dashed(3.0 * d.unit, 3.0 * d.unit);
                scene.canvas.stroke(polyline(&[(plot.left, y), (plot.right, y)]), dashes);
            }
        }
        let color = scene.palette.strategy;
        let distance = (plot.right - plot.left) / count_to_f64(self.points.len().max(1));
        let runs = self.runs(plot, distance);
        if self.has_spread() {
            for run in &runs {
                let to_y = |value: f64| self.scale.pixel(value);
                let whole = area(run, distance, |spread| (to_y(spread.low), to_y(spread.high)));
                scene.canvas.fill(whole, color.with_opacity(0.16));
                let quartiles =
                    |spread: &Spread| (to_y(spread.lower_quartile), to_y(spread.upper_quartile));
                scene.canvas.fill(area(run, distance, quartiles), color.with_opacity(0.26));
            }
        }
        for run in &runs {
            let points: Vec<(f64, f64)> =
                run.iter().map(|(x, spread)| (*x, self.scale.pixel(spread.value))).collect();
            if points.len() > 1 {
                scene.canvas.stroke(polyline(&points), Stroke::new(color, 1.8 * d.unit));
            }
            if points.len() == 1 || distance >= MIN_DOT_DISTANCE * d.unit {
                let r = 2.4 * d.unit;
                for (x, y) in points {
                    scene.canvas.fill(rounded_rectangle(x - r, y - r, x + r, y + r, r), color);
                }
            }
        }
    }

    /// Draws the value axis.
    pub(super) fn draw_value_axis(&self, scene: &mut Scene<'_>, plot: Plot) {
        let d = scene.dimensions;
        let style = scene.label_style();
        let cap_height = scene.canvas.fonts.cap_height(style.weight, style.size);
        for tick in &self.ticks.list {
            let width = max_label_width(&d);
            let label = scene.canvas.fonts.truncate(&tick.label, style.weight, style.size, width);
            let position = (plot.right + d.label * 0.5, tick.y + cap_height / 2.0);
            scene.canvas.text(position, TextAnchor::Left, &label, style);
        }
    }

    /// Draws the name of the metric and what line and areas are, above the plot.
    pub(super) fn draw_title(&self, scene: &mut Scene<'_>, plot: Plot) {
        let d = scene.dimensions;
        let labels = scene.label_style();
        let metric = scene.data.metric;
        let color = scene.palette.strategy;
        let text = |text: &str| LegendItem::Text(text.to_owned(), labels);
        let mut title = vec![LegendItem::Text(metric.name.to_owned(), scene.name_style())];
        if !metric.unit.is_empty() && !metric.is_percent {
            title.push(text(metric.unit));
        }
        let mut entries: Vec<LegendEntry> = vec![title];
        if self.has_spread() {
            let line = LegendItem::Line(Stroke::new(color, 1.8 * d.unit));
            entries.push(vec![line, text(scene.data.content.aggregate)]);
            let dark = LegendItem::Swatch(color.with_opacity(0.38));
            entries.push(vec![dark, text("middle half")]);
            let light = LegendItem::Swatch(color.with_opacity(0.16));
            entries.push(vec![light, text("lowest to highest")]);
        }
        let baseline = plot.top - d.label * 0.75;
        let right = d.width - d.margin;
        let row = LegendRow { left: plot.left, right, baseline, font_size: d.label };
        row.draw(&mut scene.canvas, &entries);
    }

    /// Marks the best combination.
    pub(super) fn draw_best(&self, scene: &mut Scene<'_>, plot: Plot) {
        let Some(best) = &scene.data.content.best else { return };
        let Some(value) = best.value else { return };
        let distance = (plot.right - plot.left) / count_to_f64(self.points.len().max(1));
        let x = plot.left + distance * (count_to_f64(best.column) + 0.5);
        scene.draw_ring((x, self.scale.pixel(value)));
    }

    /// Returns whether any point has several values behind it.
    fn has_spread(&self) -> bool {
        self.points.iter().filter_map(value_of).any(|spread| spread.low < spread.high)
    }

    /// Returns the points without gaps between them, each with its horizontal position.
    fn runs(&self, plot: Plot, distance: f64) -> Vec<Vec<(f64, Spread)>> {
        let mut runs = vec![Vec::new()];
        for (index, point) in self.points.iter().enumerate() {
            match value_of(point) {
                Some(spread) => {
                    if let Some(run) = runs.last_mut() {
                        run.push((plot.left + distance * (count_to_f64(index) + 0.5), spread));
                    }
                }
                None => runs.push(Vec::new()),
            }
        }
        runs.retain(|run| !run.is_empty());
        runs
    }
}

/// Returns the area between two heights of each point. A single point gets the width of a column.
fn area(
    run: &[(f64, Spread)],
    distance: f64,
    heights: impl Fn(&Spread) -> (f64, f64),
) -> Vec<super::super::path::PathSegment> {
    let wide: Vec<(f64, Spread)> = match run {
        [(x, spread)] => {
            let half = (distance * 0.3).min(20.0);
            vec![(x - half, *spread), (x + half, *spread)]
        }
        run => run.to_vec(),
    };
    let mut outline: Vec<(f64, f64)> =
        wide.iter().map(|(x, spread)| (*x, heights(spread).0)).collect();
    outline.extend(wide.iter().rev().map(|(x, spread)| (*x, heights(spread).1)));
    polyline(&outline)
}

fn value_of(point: &Cell<Spread>) -> Option<Spread> {
    match point {
        Cell::Value(spread) => Some(*spread),
        Cell::NotCompeting | Cell::Missing => None,
    }
}
