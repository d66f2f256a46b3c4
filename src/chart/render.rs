//! Draws a chart: the layout, and the order in which its parts are drawn.

use super::canvas::{Canvas, TextAnchor};
use super::chart_data::ChartData;
use super::date_format::format_range;
use super::font::{FontWeight, Fonts};
use super::header::summary_items;
use super::histogram::TradeHistogram;
use super::markers::TradeMarkers;
use super::picture::{Picture, TextStyle};
use super::renderer::{Dimensions, Panel, PanelKind, Renderer, text_style};
use super::style::Style;
use super::theme::Palette;
use super::time_ticks::time_ticks;
use crate::error::{Error, Result};
use crate::numbers::count_to_f64;

/// Draws a run.
///
/// # Errors
/// `INTERNAL` for a run without bars, or if the built-in font cannot be read.
pub fn render(data: &ChartData<'_>, style: &Style) -> Result<Picture> {
    let (Some(&first), Some(&last)) = (data.timestamps.first(), data.timestamps.last()) else {
        return Err(Error::internal("a run without bars cannot be drawn"));
    };
    let fonts = Fonts::load()?;
    let mut renderer = Renderer {
        canvas: Canvas { fonts: &fonts, items: Vec::new() },
        palette: Palette::of(style.theme),
        dimensions: Dimensions::of(style),
        data,
        time_range: (first, last),
        drawdowns: data.drawdowns(),
    };
    let header_bottom = renderer.draw_header();
    renderer.draw_panels(header_bottom);
    let statistics: Vec<String> = summary_items(&data.summary)
        .iter()
        .map(|item| format!("{} {}", item.name, item.value))
        .collect();
    Ok(Picture {
        width: style.width,
        height: style.height,
        background: renderer.palette.background,
        title: format!(
            "{} on {}, {}, {}",
            data.strategy,
            data.asset,
            data.timeframe,
            format_range(first, last, data.bar_length())
        ),
        description: statistics.join(", "),
        items: renderer.canvas.items,
    })
}

impl Renderer<'_> {
    /// Draws everything below the header.
    fn draw_panels(&mut self, top: f64) {
        let d = self.dimensions;
        let markers = TradeMarkers::of(self.data.trades);
        let bottom = d.height - d.margin * 0.55 - d.label * 1.6;
        let left = d.margin;
        // The width of the value axis depends on the panels, those on the size of the markers, and that on the width of the
        // axis: an approximate width decides on the markers.
        let approximate = self.time_scale(left, d.width - d.margin - d.label * 5.0);
        let marker_size = markers.size(10.0 * d.unit, |bar| self.bar_x(&approximate, bar));
        let mut panels = self.layout((top, bottom), &markers, marker_size);
        let labels = self.label_style();
        let value_labels = text_style(d.label, FontWeight::SemiBold, self.palette.on_label);
        let widths = panels.iter().map(|panel| {
            let ticks = panel.ticks.list.iter();
            let ticks = ticks.map(|tick| self.canvas.text_width(&tick.label, labels));
            let last = self.value_labels(panel).into_iter();
            let last = last.map(|label| self.canvas.text_width(&label.text, value_labels));
            ticks.chain(last).fold(0.0, f64::max)
        });
        let axis_width = widths.fold(0.0, f64::max);
        let right = (d.width - d.margin - axis_width - d.label * 0.5).floor();
        let scale = self.time_scale(left, right);
        let label_range = (left, d.width - d.margin * 0.5);
        let time_ticks = time_ticks(
            &scale,
            self.data.bar_length(),
            self.canvas.fonts,
            d.label,
            d.label * 1.2,
            label_range,
        );
        let histogram = marker_size.is_none().then(|| {
            TradeHistogram::of(self.data.trades, &scale, self.data.timestamps, 4.0 * d.unit)
        });
        for panel in &mut panels {
            self.draw_grid(panel, &scale, &time_ticks);
            self.draw_panel_title(panel, &scale, &markers, marker_size, histogram.as_ref());
            match panel.kind {
                PanelKind::Price => self.draw_price(panel, &scale, &markers, marker_size),
                PanelKind::TradeHistogram => {
                    if let Some(histogram) = &histogram {
                        let inside = (panel.top + 1.0, panel.bottom - 1.0);
                        histogram.draw(&mut self.canvas, &self.palette, left, inside);
                    }
                }
                PanelKind::Equity => self.draw_equity(panel, &scale, &markers, marker_size),
                PanelKind::Drawdown => self.draw_drawdown(panel, &scale),
            }
            self.draw_value_axis(panel, right);
        }
        let major = TextStyle { weight: FontWeight::SemiBold, color: self.palette.ink, ..labels };
        for tick in &time_ticks {
            let style = if tick.is_major { major } else { labels };
            let baseline = bottom + d.label * 1.45;
            self.canvas.text((tick.label_left, baseline), TextAnchor::Left, &tick.label, style);
        }
    }

    /// Divides the height among the panels.
    fn layout(
        &self,
        (top, bottom): (f64, f64),
        markers: &TradeMarkers,
        marker_size: Option<f64>,
    ) -> Vec<Panel> {
        let d = self.dimensions;
        let mut kinds: Vec<(PanelKind, f64)> = Vec::new();
        if self.data.bars.is_some() {
            kinds.push((PanelKind::Price, 0.5));
        }
        if marker_size.is_none() {
            kinds.push((PanelKind::TradeHistogram, 0.1));
        }
        kinds.extend([(PanelKind::Equity, 0.3), (PanelKind::Drawdown, 0.2)]);
        let shares: f64 = kinds.iter().map(|(_, share)| share).sum();
        let plots = bottom - top - d.panel_title() * count_to_f64(kinds.len());
        let mut y = top;
        let mut panels = Vec::new();
        for (kind, share) in kinds {
            let top = (y + d.panel_title()).round();
            y = y + d.panel_title() + plots * share / shares;
            let bottom = y.round();
            let marker_margin = marker_size
                .filter(|_| self.has_markers(kind) && !markers.markers.is_empty())
                .map(|size| markers.margin(size));
            let (scale, ticks) = self.value_scale(kind, (top, bottom), marker_margin);
            panels.push(Panel { kind, top, bottom, scale, ticks });
        }
        panels
    }
}
