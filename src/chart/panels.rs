//! The content of the panels: lines, areas and candlesticks, with titles and legends.

use super::canvas::TextAnchor;
use super::date_format::format_timestamp;
use super::downsample::downsample;
use super::font::FontWeight;
use super::histogram::TradeHistogram;
use super::legend::{LegendItem, LegendRow};
use super::markers::{Marker, TradeMarkers};
use super::number_format::NumberFormat;
use super::path::{PathSegment, polyline, rectangle, rounded_rectangle};
use super::picture::{Color, Stroke};
use super::renderer::{Panel, PanelKind, Renderer, text_style};
use super::scale::{TimeScale, ValueScale};
use super::time_ticks::TimeTick;
use crate::market::Bars;

/// With more trades, the lines from entries to exits are left out.
const MAX_TRADE_LINES: usize = 60;
/// Widest body of a candlestick, pixels.
const MAX_CANDLE_WIDTH: f64 = 60.0;

impl Renderer<'_> {
    /// Draws the grid and the base line of a panel.
    pub(super) fn draw_grid(&mut self, panel: &Panel, scale: &TimeScale, time_ticks: &[TimeTick]) {
        let (left, right) = (scale.left, scale.right);
        // Lines one pixel wide are only sharp at the center of a pixel.
        let sharp = |pixel: f64| pixel.floor() + 0.5;
        let grid = Stroke::new(self.palette.grid, 1.0);
        let mut lines = Vec::new();
        for tick in &panel.ticks.list {
            lines.extend(polyline(&[(left, sharp(tick.y)), (right, sharp(tick.y))]));
        }
        for tick in time_ticks {
            lines.extend(polyline(&[(sharp(tick.x), panel.top), (sharp(tick.x), panel.bottom)]));
        }
        self.canvas.stroke(lines, grid);
        let base = match panel.kind {
            PanelKind::TradeHistogram => panel.top.midpoint(panel.bottom),
            PanelKind::Drawdown => panel.top,
            PanelKind::Price | PanelKind::Equity => panel.bottom,
        };
        let edge = Stroke::new(self.palette.edge, 1.0);
        self.canvas.stroke(polyline(&[(left, sharp(base)), (right, sharp(base))]), edge);
    }

    /// Draws the title of a panel and its legend.
    pub(super) fn draw_panel_title(
        &mut self,
        panel: &Panel,
        scale: &TimeScale,
        markers: &TradeMarkers,
        marker_size: Option<f64>,
        histogram: Option<&TradeHistogram>,
    ) {
        let d = self.dimensions;
        let labels = self.label_style();
        let title_style = text_style(d.label, FontWeight::SemiBold, self.palette.ink);
        let text = |text: &str| LegendItem::Text(text.to_owned(), labels);
        let log = if panel.scale.is_log { "log scale" } else { "" };
        let title = |title: &str, details: &str| {
            let mut entry = vec![LegendItem::Text(title.to_owned(), title_style)];
            if !details.is_empty() {
                entry.push(text(details));
            }
            entry
        };
        let mut entries = match panel.kind {
            PanelKind::Price => {
                let close = if self.shows_candlesticks() { "" } else { "close" };
                let separator = if close.is_empty() || log.is_empty() { "" } else { " · " };
                vec![title("Price", &format!("{close}{separator}{log}"))]
            }
            PanelKind::TradeHistogram => {
                let max_count = histogram.map_or(0, |histogram| histogram.max_count);
                vec![
                    title("Trades closed", ""),
                    vec![LegendItem::Swatch(self.palette.profit), text("with profit")],
                    vec![LegendItem::Swatch(self.palette.loss), text("with loss")],
                    vec![text(&format!("up to {max_count} per column"))],
                ]
            }
            PanelKind::Equity => {
                let line = |color| LegendItem::Line(Stroke::new(color, 2.0 * d.unit));
                let mut entries =
                    vec![title("Equity", log), vec![line(self.palette.strategy), text("strategy")]];
                if self.data.bars.is_some() {
                    entries.push(vec![line(self.palette.hold), text("buy and hold")]);
                }
                entries
            }
            PanelKind::Drawdown => {
                let mut entries = vec![title("Drawdown", "")];
                entries.extend(self.max_drawdown_text().map(|details| vec![text(&details)]));
                entries
            }
        };
        if marker_size.is_some() && self.has_markers(panel.kind) {
            entries.extend(markers.legend(&self.palette, labels));
        }
        let row = LegendRow {
            left: scale.left,
            right: d.width - d.margin,
            baseline: panel.top - d.label * 0.55,
            font_size: d.label,
        };
        let end = row.draw(&mut self.canvas, &entries);
        let note = self.data.note;
        if panel.kind == PanelKind::Equity && self.data.bars.is_none() && !note.is_empty() {
            let width = row.right - end - d.label * 2.0;
            let note = self.canvas.fonts.truncate(note, labels.weight, labels.size, width);
            self.canvas.text((row.right, row.baseline), TextAnchor::Right, &note, labels);
        }
    }

    pub(super) fn draw_price(
        &mut self,
        panel: &Panel,
        scale: &TimeScale,
        markers: &TradeMarkers,
        marker_size: Option<f64>,
    ) {
        let Some(bars) = self.data.bars else { return };
        let d = self.dimensions;
        let prices = panel.scale;
        let bar_x = |bar: usize| self.bar_x(scale, bar);
        let close = |bar: usize| bars.close().get(bar).copied().unwrap_or(f64::NAN);
        let has_candlesticks = self.shows_candlesticks();
        if has_candlesticks {
            let width = scale.length(self.data.bar_length()) * 0.7;
            let (bodies, wicks) = candlesticks(bars, &prices, bar_x, width);
            let stroke = Stroke::new(self.palette.price, d.unit.max(1.0));
            self.canvas.stroke(wicks, stroke);
            for (is_rising, body) in bodies {
                let fill = if is_rising { self.palette.background } else { self.palette.price };
                self.canvas.fill_and_stroke(body, fill, stroke);
            }
        } else {
            let width = scale.right - scale.left;
            let points = downsample(bars.len(), width, bar_x, close, |price| prices.pixel(price));
            self.canvas.stroke(polyline(&points), Stroke::new(self.palette.price, 1.2 * d.unit));
        }
        let Some(size) = marker_size else { return };
        let (timestamps, last) = (self.data.timestamps, self.time_range.1);
        let bar_x = |bar: usize| scale.pixel(timestamps.get(bar).copied().unwrap_or(last));
        let to_pixels = |(bar, price): (usize, f64)| (bar_x(bar), prices.pixel(price));
        if markers.lines.len() <= MAX_TRADE_LINES {
            markers.draw_lines(&mut self.canvas, &self.palette, 1.3 * d.unit, to_pixels);
        }
        // A marker must cover neither the candlestick or line of its bar nor the fill price.
        let extent = |marker: &Marker| {
            let of = |column: &[f64]| column.get(marker.bar).copied().unwrap_or(marker.price);
            let drawn = if has_candlesticks {
                [of(bars.high()), of(bars.low())]
            } else {
                [close(marker.bar); 2]
            };
            let [a, b] = drawn.map(|price| prices.pixel(price));
            let fill = prices.pixel(marker.price);
            (a.min(b).min(fill), a.max(b).max(fill))
        };
        let (top, bottom) =
            (|marker: &Marker| extent(marker).0, |marker: &Marker| extent(marker).1);
        markers.draw(&mut self.canvas, &self.palette, size, bar_x, (top, bottom));
    }

    pub(super) fn draw_equity(
        &mut self,
        panel: &Panel,
        scale: &TimeScale,
        markers: &TradeMarkers,
        marker_size: Option<f64>,
    ) {
        let d = self.dimensions;
        let data = self.data;
        let width = scale.right - scale.left;
        let (timestamps, last) = (data.timestamps, self.time_range.1);
        let bar_x = |bar: usize| scale.pixel(timestamps.get(bar).copied().unwrap_or(last));
        let to_y = |amount: f64| panel.scale.pixel(amount);
        let capital = to_y(data.initial_capital).floor() + 0.5;
        let dashes =
            Stroke::new(self.palette.edge, d.unit.max(1.0)).dashed(3.0 * d.unit, 3.0 * d.unit);
        self.canvas.stroke(polyline(&[(scale.left, capital), (scale.right, capital)]), dashes);
        let hold = data.buy_and_hold();
        let hold = hold.map(|hold| downsample(timestamps.len(), width, bar_x, hold, to_y));
        let equity = |bar: usize| data.equity.get(bar).copied().unwrap_or(f64::NAN);
        let points = downsample(data.equity.len(), width, bar_x, equity, to_y);
        self.fill_area(&points, panel.bottom, self.palette.strategy.with_opacity(0.08));
        if let Some(hold) = hold {
            self.draw_data_line(&hold, self.palette.hold, 1.4 * d.unit);
        }
        self.draw_data_line(&points, self.palette.strategy, 1.8 * d.unit);
        let Some(size) = marker_size.filter(|_| self.has_markers(PanelKind::Equity)) else {
            return;
        };
        let on_line = |marker: &Marker| to_y(equity(marker.bar));
        markers.draw(&mut self.canvas, &self.palette, size, bar_x, (on_line, on_line));
    }

    pub(super) fn draw_drawdown(&mut self, panel: &Panel, scale: &TimeScale) {
        let d = self.dimensions;
        let drawdowns = &self.drawdowns;
        let width = scale.right - scale.left;
        let bar_x = |bar: usize| self.bar_x(scale, bar);
        let drawdown = |bar: usize| drawdowns.get(bar).copied().unwrap_or(f64::NAN);
        let to_y = |percent: f64| panel.scale.pixel(percent);
        let points = downsample(drawdowns.len(), width, bar_x, drawdown, to_y);
        self.fill_area(&points, panel.top, self.palette.loss.with_opacity(0.22));
        self.draw_data_line(&points, self.palette.loss, 1.2 * d.unit);
    }

    /// Fills the area between a line and a horizontal base.
    fn fill_area(&mut self, points: &[(f64, f64)], base: f64, color: Color) {
        if let (Some(&(from, _)), Some(&(to, _))) = (points.first(), points.last()) {
            let mut area = points.to_vec();
            area.extend([(to, base), (from, base)]);
            self.canvas.fill(polyline(&area), color);
        }
    }

    /// Draws a line of data, or a dot for a single point.
    fn draw_data_line(&mut self, points: &[(f64, f64)], color: Color, width: f64) {
        if let [(x, y)] = points {
            let (x, y, r) = (*x, *y, width * 1.5);
            self.canvas.fill(rounded_rectangle(x - r, y - r, x + r, y + r, r), color);
        } else {
            self.canvas.stroke(polyline(points), Stroke::new(color, width));
        }
    }

    /// Describes the maximum drawdown.
    fn max_drawdown_text(&self) -> Option<String> {
        let (bar, drawdown) = self
            .drawdowns
            .iter()
            .copied()
            .enumerate()
            .filter(|(_, drawdown)| drawdown.is_finite())
            .min_by(|(_, a), (_, b)| a.total_cmp(b))?;
        let timestamp = self.data.timestamps.get(bar).copied()?;
        (drawdown < 0.0).then(|| {
            let date = format_timestamp(timestamp, self.data.bar_length());
            format!("deepest {} on {date}", NumberFormat::percent(drawdown).format(drawdown))
        })
    }
}

/// Returns the bodies of candlesticks, each with whether it is rising, and the wicks of all.
fn candlesticks(
    bars: &Bars,
    scale: &ValueScale,
    bar_x: impl Fn(usize) -> f64,
    width: f64,
) -> (Vec<(bool, Vec<PathSegment>)>, Vec<PathSegment>) {
    let width = width.min(MAX_CANDLE_WIDTH);
    let mut bodies = Vec::with_capacity(bars.len());
    let mut wicks = Vec::new();
    let prices = bars.open().iter().zip(bars.high().iter());
    let prices = prices.zip(bars.low().iter()).zip(bars.close().iter());
    for (bar, (((&open, &high), &low), &close)) in prices.enumerate() {
        let x = bar_x(bar);
        let [open_y, high_y, low_y, close_y] =
            [open, high, low, close].map(|price| scale.pixel(price));
        let (top, bottom) =
            (open_y.min(close_y), open_y.max(close_y).max(open_y.min(close_y) + 1.0));
        wicks.extend(polyline(&[(x, high_y), (x, top)]));
        wicks.extend(polyline(&[(x, bottom), (x, low_y.max(bottom))]));
        bodies.push((close >= open, rectangle(x - width / 2.0, top, x + width / 2.0, bottom)));
    }
    (bodies, wicks)
}
