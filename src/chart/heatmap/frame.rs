//! The layout of a heat map.

use super::super::renderer::Dimensions;
use super::super::style::Style;

/// Widest label of a vertical axis and of the color bar, in font sizes.
const LABEL_WIDTH: f64 = 5.5;
/// The space of the color bar and of the gaps beside it, in font sizes.
const COLOR_BAR_SPACE: f64 = 3.1;
/// Smallest share of the height that the plot gets.
const MIN_PLOT_SHARE: f64 = 0.35;
/// The most cells in either direction.
const MAX_CELLS: f64 = 2048.0;

/// The rows of text around the plot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rows {
    /// Lines below the title.
    pub(super) subtitles: usize,
    /// Lines of the legend, below the axis.
    pub(super) legend: usize,
}

impl Rows {
    /// The most rows that a picture has.
    pub(super) const MAX: Self = Self { subtitles: 2, legend: 2 };

    /// Leaves rows out until the plot has enough of the height.
    pub(super) fn fit(mut self, d: &Dimensions) -> Self {
        while plot_height(d, self) < d.height * MIN_PLOT_SHARE {
            if self.subtitles > 1 {
                self.subtitles -= 1;
            } else if self.legend > 0 {
                self.legend -= 1;
            } else {
                break;
            }
        }
        self
    }
}

/// Returns the baseline of a line below the title.
pub(super) fn subtitle_baseline(d: &Dimensions, title_baseline: f64, line: usize) -> f64 {
    title_baseline + d.subtitle * (1.75 + 1.35 * crate::numbers::count_to_f64(line))
}

/// Returns the baseline of the title.
pub(super) fn title_baseline(d: &Dimensions) -> f64 {
    d.margin * 0.8 + d.title * 0.73
}

/// Returns the top and the bottom edge of the plot.
pub(super) fn plot_edges(d: &Dimensions, rows: Rows) -> (f64, f64) {
    let lines = crate::numbers::count_to_f64(rows.legend);
    let header = subtitle_baseline(d, title_baseline(d), rows.subtitles.saturating_sub(1));
    let top = header + d.subtitle * 0.45 + d.panel_title();
    let bottom = d.height - d.margin * 0.55 - legend_line(d) * lines - d.label * 3.2;
    (top.round(), bottom.round())
}

/// Returns the height of a line of the legend.
pub(super) fn legend_line(d: &Dimensions) -> f64 {
    d.label * 1.65
}

/// Returns the widest label of a vertical axis, pixels.
pub(super) fn max_label_width(d: &Dimensions) -> f64 {
    d.label * LABEL_WIDTH
}

/// Returns the space between the right edge of the plot and the labels of the color bar.
pub(super) fn color_bar_space(d: &Dimensions) -> f64 {
    d.label * COLOR_BAR_SPACE
}

fn plot_height(d: &Dimensions, rows: Rows) -> f64 {
    let (top, bottom) = plot_edges(d, rows);
    bottom - top
}

/// Returns how many cells a heat map can have so that each has at least one pixel: columns and rows. A line can have as many
/// points as a heat map has columns.
///
/// Whoever makes the cells combines neighboring values of a parameter until there are no more cells than this.
pub fn heatmap_capacity(style: &Style) -> (usize, usize) {
    let d = Dimensions::of(style);
    let labels = max_label_width(&d) * 2.0 + d.label * 0.5;
    let width = d.width - d.margin * 2.0 - labels - color_bar_space(&d);
    let height = plot_height(&d, Rows::MAX.fit(&d));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "limited to a range of whole numbers"
    )]
    let cells = |pixels: f64| pixels.clamp(1.0, MAX_CELLS) as usize;
    (cells(width.floor() - 1.0), cells(height.floor() - 1.0))
}
