//! Value axes of the panels: their scales, tick labels, and the labels of the last values.

use super::canvas::TextAnchor;
use super::font::FontWeight;
use super::number_format::NumberUnit;
use super::path::rounded_rectangle;
use super::picture::Color;
use super::renderer::{Panel, PanelKind, Renderer, text_style};
use super::scale::{ValueRange, ValueScale};
use super::value_ticks::ValueTicks;

/// Label with the last value of a line, right of its panel.
pub(super) struct ValueLabel {
    pub(super) y: f64,
    pub(super) text: String,
    pub(super) color: Color,
}

impl Renderer<'_> {
    /// Returns the scale and the ticks of a panel. `marker_margin` is the space for trade markers, if the panel has any.
    pub(super) fn value_scale(
        &self,
        kind: PanelKind,
        edges: (f64, f64),
        marker_margin: Option<f64>,
    ) -> (ValueScale, ValueTicks) {
        let d = self.dimensions;
        let distance = d.label * 2.0;
        let margin = 5.0 * d.unit + marker_margin.unwrap_or(0.0);
        let no_floor = f64::NEG_INFINITY;
        match kind {
            PanelKind::Price => {
                let range = self.price_range(marker_margin.is_some());
                let is_log = ValueScale::needs_log(range);
                let scale = ValueScale::new(range, is_log, edges, (margin, margin));
                (scale, ValueTicks::of(&scale, NumberUnit::Amount, distance, 0.0))
            }
            PanelKind::TradeHistogram => {
                let range = ValueRange { low: -1.0, high: 1.0 };
                let scale = ValueScale::new(range, false, edges, (0.0, 0.0));
                (scale, ValueTicks::empty(NumberUnit::Amount))
            }
            PanelKind::Equity => {
                let capital = self.data.initial_capital;
                let range = ValueRange { low: capital, high: capital }
                    .union(ValueRange::of(self.data.equity.iter().copied()))
                    .union(self.buy_and_hold_range());
                let is_log = ValueScale::needs_log(range) && range.high >= capital * 10.0;
                let scale = ValueScale::new(range, is_log, edges, (margin, margin));
                let floor = if range.low >= 0.0 { 0.0 } else { no_floor };
                (scale, ValueTicks::of(&scale, NumberUnit::Amount, distance, floor))
            }
            PanelKind::Drawdown => {
                let range = ValueRange::of(self.drawdowns.iter().copied());
                let low = range.map_or(0.0, |range| range.low);
                let range = ValueRange { low: if low < 0.0 { low } else { -1.0 }, high: 0.0 };
                let scale = ValueScale::new(range, false, edges, (0.0, 3.0 * d.unit));
                (scale, ValueTicks::of(&scale, NumberUnit::Percent, distance, no_floor))
            }
        }
    }

    /// Returns the labels of the last values of a panel's lines.
    pub(super) fn value_labels(&self, panel: &Panel) -> Vec<ValueLabel> {
        let label = |amount: f64, color| ValueLabel {
            y: panel.scale.pixel(amount),
            text: panel.ticks.format_value(amount),
            color,
        };
        let last = self.data.timestamps.len().saturating_sub(1);
        match panel.kind {
            PanelKind::Price => {
                let close = self.data.bars.and_then(|bars| bars.close().last().copied());
                close.map(|close| label(close, self.palette.price)).into_iter().collect()
            }
            PanelKind::Equity => {
                let equity = self.data.equity.last().copied().filter(|equity| equity.is_finite());
                let hold = self.data.buy_and_hold().map(|hold| hold(last));
                let hold = hold.map(|hold| label(hold, self.palette.hold));
                let equity = equity.map(|equity| label(equity, self.palette.strategy));
                hold.into_iter().chain(equity).collect()
            }
            PanelKind::TradeHistogram | PanelKind::Drawdown => Vec::new(),
        }
    }

    /// Draws the tick labels and the value labels right of a panel.
    pub(super) fn draw_value_axis(&mut self, panel: &Panel, right: f64) {
        let d = self.dimensions;
        let mut labels = self.value_labels(panel);
        let height = d.label * 1.45;
        spread(&mut labels, height + 1.0, (panel.top - height / 2.0, panel.bottom + height / 2.0));
        let cap_height = self.canvas.fonts.cap_height(FontWeight::Regular, d.label);
        let x = right + d.label * 0.5;
        let tick_style = self.label_style();
        let label_style = text_style(d.label, FontWeight::SemiBold, self.palette.on_label);
        for tick in &panel.ticks.list {
            let is_clear =
                |label: &ValueLabel| (label.y - tick.y).abs() >= height / 2.0 + d.label * 0.6;
            if labels.iter().all(is_clear) {
                let position = (x, tick.y + cap_height / 2.0);
                self.canvas.text(position, TextAnchor::Left, &tick.label, tick_style);
            }
        }
        for label in &labels {
            let width = self.canvas.text_width(&label.text, label_style);
            let (from, to) = (x - d.label * 0.35, x + width + d.label * 0.35);
            let (top, bottom) = (label.y - height / 2.0, label.y + height / 2.0);
            let background = rounded_rectangle(from, top, to, bottom, 2.5 * d.unit);
            self.canvas.fill(background, label.color);
            let position = (x, label.y + cap_height / 2.0);
            self.canvas.text(position, TextAnchor::Left, &label.text, label_style);
        }
    }

    /// Returns the range of the price panel.
    fn price_range(&self, has_markers: bool) -> ValueRange {
        let unknown = ValueRange { low: 1.0, high: 1.0 };
        let Some(bars) = self.data.bars else { return unknown };
        let range = if self.shows_candlesticks() {
            let low = ValueRange::of(bars.low().iter().copied());
            low.unwrap_or(unknown).union(ValueRange::of(bars.high().iter().copied()))
        } else {
            ValueRange::of(bars.close().iter().copied()).unwrap_or(unknown)
        };
        if !has_markers {
            return range;
        }
        let trades = self.data.trades;
        let is_positive = |price: &f64| *price > 0.0;
        let fills =
            trades.entry_price.iter().chain(&trades.exit_price).copied().filter(is_positive);
        range.union(ValueRange::of(fills))
    }

    fn buy_and_hold_range(&self) -> Option<ValueRange> {
        let hold = self.data.buy_and_hold()?;
        ValueRange::of((0..self.data.timestamps.len()).map(hold))
    }
}

/// Moves overlapping labels apart and keeps them within the edges.
fn spread(labels: &mut [ValueLabel], height: f64, (top, bottom): (f64, f64)) {
    labels.sort_by(|a, b| a.y.total_cmp(&b.y));
    if let [upper, lower] = labels
        && lower.y - upper.y < height
    {
        let middle = upper.y.midpoint(lower.y);
        (upper.y, lower.y) = (middle - height / 2.0, middle + height / 2.0);
    }
    let (Some(highest), Some(lowest)) = (labels.first(), labels.last()) else { return };
    let shift =
        (top + height / 2.0 - highest.y).max(0.0) - (lowest.y + height / 2.0 - bottom).max(0.0);
    for label in labels {
        label.y += shift;
    }
}
