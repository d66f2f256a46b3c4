//! Draws a heat map: the order in which its parts are laid out and drawn.

use super::super::canvas::Canvas;
use super::super::date_format::format_range;
use super::super::font::Fonts;
use super::super::legend::LegendEntry;
use super::super::picture::Picture;
use super::super::renderer::Dimensions;
use super::super::style::Style;
use super::super::theme::Palette;
use super::super::value_ticks::ValueTicks;
use super::data::{Cell, HeatmapCells, HeatmapData, Spread};
use super::frame::{Rows, plot_edges};
use super::grid::{self, Grid};
use super::header;
use super::line::Line;
use super::scene::{Gap, Plot, Scene};
use crate::error::{Error, Result};

/// Draws a heat map, or with one parameter a line with its spread.
///
/// # Errors
/// `INTERNAL` if axes and cells do not match, or if the built-in font cannot be read; `LIMIT_EXCEEDED` if there is not enough
/// memory.
pub fn render_heatmap(data: &HeatmapData<'_>, style: &Style) -> Result<Picture> {
    check(data)?;
    let fonts = Fonts::load()?;
    let mut scene = Scene {
        canvas: Canvas { fonts: &fonts, items: Vec::new() },
        palette: Palette::of(style.theme),
        dimensions: Dimensions::of(style),
        data,
    };
    let remarks = match &data.content.cells {
        HeatmapCells::Grid { y, cells } => {
            let columns = data.content.x.labels.len();
            let colors = grid::colors(cells, data.metric.break_even)?;
            draw_grid(&mut scene, Grid { y, cells, columns, colors })?
        }
        HeatmapCells::Line(points) => draw_line(&mut scene, points),
    };
    let mut title = format!("{} of {}", data.metric.name, header::title(data));
    if let Some((first, last)) = data.range {
        title = format!("{title}, {}", format_range(first, last, data.bar_length));
    }
    Ok(Picture {
        width: style.width,
        height: style.height,
        background: scene.palette.background,
        title,
        description: remarks.join(", "),
        items: scene.canvas.items,
    })
}

fn check(data: &HeatmapData<'_>) -> Result<()> {
    let columns = data.content.x.labels.len();
    let (rows, cells) = match &data.content.cells {
        HeatmapCells::Grid { y, cells } => (y.labels.len(), cells.len()),
        HeatmapCells::Line(points) => (1, points.len()),
    };
    if cells == 0 || columns.checked_mul(rows) != Some(cells) {
        return Err(Error::internal(format!(
            "a heat map of {columns} × {rows} positions cannot have {cells} cells"
        )));
    }
    Ok(())
}

/// Draws a heat map. Returns its remarks.
fn draw_grid(scene: &mut Scene<'_>, grid: Grid<'_>) -> Result<Vec<String>> {
    let has_outliers = grid.colors.is_some_and(|colors| colors.is_cut_above || colors.is_cut_below);
    let best = scene.data.content.best.as_ref();
    let best_cell = best.and_then(|best| match grid.cell(best.column, best.row) {
        Some(Cell::Value(value)) => Some(*value),
        _ => None,
    });
    // The texts decide on the height of the plot, and that on the ticks; their format does not depend on it.
    let provisional = grid.ticks(scene, (0.0, scene.dimensions.height * 0.5));
    let gaps = gaps_of(grid.cells);
    let layout = Layout::of(scene, &provisional, best_cell, &gaps, has_outliers);
    let provisional = grid.ticks(scene, layout.edges);
    let plot = grid.plot(scene, &provisional, layout.edges);
    let ticks = grid.ticks(scene, (plot.top, plot.bottom));
    layout.draw_header(scene);
    grid.draw_names(scene, plot);
    grid.draw_cells(scene, plot)?;
    scene.draw_frame(plot);
    scene.draw_x_axis(plot);
    grid.draw_y_axis(scene, plot);
    grid.draw_color_bar(scene, plot, &ticks);
    grid.draw_best(scene, plot);
    layout.draw_legend(scene, plot);
    Ok(layout.remarks)
}

/// Draws a line with its spread. Returns its remarks.
fn draw_line(scene: &mut Scene<'_>, points: &[Cell<Spread>]) -> Vec<String> {
    let best = scene.data.content.best.as_ref();
    let best_point = best.and_then(|best| match points.get(best.column) {
        Some(Cell::Value(spread)) => Some(spread.value),
        _ => None,
    });
    let height = scene.dimensions.height;
    let provisional = Line::new(scene, points, (0.0, height * 0.5)).ticks;
    let layout = Layout::of(scene, &provisional, best_point, &gaps_of(points), false);
    let line = Line::new(scene, points, layout.edges);
    let plot = line.plot(scene);
    layout.draw_header(scene);
    line.draw_title(scene, plot);
    line.draw(scene, plot);
    scene.draw_frame(plot);
    scene.draw_x_axis(plot);
    line.draw_value_axis(scene, plot);
    line.draw_best(scene, plot);
    layout.draw_legend(scene, plot);
    layout.remarks
}

/// Returns the kinds of gaps that there are.
fn gaps_of<T>(cells: &[Cell<T>]) -> Vec<Gap> {
    let is_used = |gap: &Gap| cells.iter().any(|cell| Gap::of(cell) == Some(*gap));
    Gap::ALL.into_iter().filter(is_used).collect()
}

/// The texts around the plot, and the edges that they leave to it.
struct Layout {
    remarks: Vec<String>,
    subtitles: Vec<String>,
    legend: Vec<Vec<LegendEntry>>,
    /// Top and bottom of the plot.
    edges: (f64, f64),
}

impl Layout {
    fn of(
        scene: &Scene<'_>,
        ticks: &ValueTicks,
        best_cell: Option<f64>,
        gaps: &[Gap],
        has_outliers: bool,
    ) -> Self {
        let d = scene.dimensions;
        let remarks = header::remarks(scene.data, has_outliers);
        let width = d.width - d.margin * 2.0;
        let mut subtitles = header::subtitle_lines(&scene.canvas, &d, &remarks, width);
        let mut legend = scene.legend(ticks, best_cell, gaps);
        let rows = Rows { subtitles: subtitles.len(), legend: legend.len() }.fit(&d);
        if rows.subtitles < subtitles.len() {
            subtitles = vec![remarks.join(" · ")];
        }
        legend.truncate(rows.legend);
        Self { remarks, subtitles, legend, edges: plot_edges(&d, rows) }
    }

    fn draw_header(&self, scene: &mut Scene<'_>) {
        let (d, palette, data) = (scene.dimensions, scene.palette, scene.data);
        header::draw(&mut scene.canvas, &d, &palette, data, &self.subtitles);
    }

    fn draw_legend(&self, scene: &mut Scene<'_>, plot: Plot) {
        scene.draw_legend(plot, &self.legend);
    }
}
