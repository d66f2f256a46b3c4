//! The chart in progress: its dimensions, its panels, and what all parts of it share.

use super::canvas::Canvas;
use super::chart_data::ChartData;
use super::font::FontWeight;
use super::picture::{Color, TextStyle};
use super::scale::{TimeScale, ValueScale};
use super::style::Style;
use super::theme::Palette;
use super::value_ticks::ValueTicks;

/// Sizes in pixels. They grow more slowly than the picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dimensions {
    pub(super) width: f64,
    pub(super) height: f64,
    /// Scale factor: 1 in a picture of 800 × 600.
    pub(super) unit: f64,
    /// Font size of labels.
    pub(super) label: f64,
    /// Font size of the subtitle.
    pub(super) subtitle: f64,
    /// Font size of the title.
    pub(super) title: f64,
    pub(super) margin: f64,
}

impl Dimensions {
    pub(super) fn of(style: &Style) -> Self {
        let (width, height) = (f64::from(style.width), f64::from(style.height));
        let unit = (width / 800.0).min(height / 600.0).powf(0.6).clamp(0.8, 4.0);
        Self {
            width,
            height,
            unit,
            label: 12.0 * unit,
            subtitle: 13.0 * unit,
            title: 18.0 * unit,
            margin: 16.0 * unit,
        }
    }

    /// Returns the height of a panel title.
    pub(super) fn panel_title(&self) -> f64 {
        self.label * 2.1
    }
}

/// A chart in progress.
pub(super) struct Renderer<'a> {
    pub(super) canvas: Canvas<'a>,
    pub(super) palette: Palette,
    pub(super) dimensions: Dimensions,
    pub(super) data: &'a ChartData<'a>,
    /// First and last timestamp.
    pub(super) time_range: (i64, i64),
    /// Drawdown at each bar, percent.
    pub(super) drawdowns: Vec<f64>,
}

/// What a panel shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PanelKind {
    Price,
    TradeHistogram,
    Equity,
    Drawdown,
}

/// A panel with its position and value axis.
pub(super) struct Panel {
    pub(super) kind: PanelKind,
    pub(super) top: f64,
    pub(super) bottom: f64,
    pub(super) scale: ValueScale,
    pub(super) ticks: ValueTicks,
}

/// Returns a text style.
pub(super) const fn text_style(size: f64, weight: FontWeight, color: Color) -> TextStyle {
    TextStyle { size, weight, color }
}

impl Renderer<'_> {
    pub(super) fn label_style(&self) -> TextStyle {
        text_style(self.dimensions.label, FontWeight::Regular, self.palette.muted)
    }

    pub(super) fn time_scale(&self, left: f64, right: f64) -> TimeScale {
        TimeScale::new(self.time_range.0, self.time_range.1, self.data.bar_length(), left, right)
    }

    /// Returns the horizontal position of a bar.
    pub(super) fn bar_x(&self, scale: &TimeScale, bar: usize) -> f64 {
        scale.pixel(self.data.timestamps.get(bar).copied().unwrap_or(self.time_range.1))
    }

    /// Returns whether a panel shows the trade markers: the price panel, or without bars the equity panel.
    pub(super) fn has_markers(&self, kind: PanelKind) -> bool {
        kind == if self.data.bars.is_some() { PanelKind::Price } else { PanelKind::Equity }
    }

    /// Returns whether bars are wide enough for candlesticks.
    pub(super) fn shows_candlesticks(&self) -> bool {
        let d = self.dimensions;
        let approximate = self.time_scale(d.margin, d.width - d.margin - d.label * 5.0);
        approximate.length(self.data.bar_length()) >= 5.0 * d.unit
    }
}
