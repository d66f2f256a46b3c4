//! Title and subtitle: strategy, asset, time range, and the statistics of the run.

use super::canvas::TextAnchor;
use super::chart_data::ChartSummary;
use super::date_format::{format_range, format_years};
use super::font::FontWeight;
use super::legend::{LegendEntry, LegendItem, LegendRow};
use super::number_format::{NumberFormat, NumberUnit};
use super::picture::TextStyle;
use super::renderer::{Renderer, text_style};
use crate::market::time::DAY;

/// A statistic of the subtitle.
pub(super) struct SummaryItem {
    pub(super) name: &'static str,
    short_name: &'static str,
    pub(super) value: String,
    /// The value for narrow pictures.
    short_value: String,
    /// Positive for a gain, negative for a loss.
    gain: f64,
}

/// Returns the statistics of the subtitle, the most important first.
pub(super) fn summary_items(summary: &ChartSummary) -> Vec<SummaryItem> {
    let item = |name, short_name, value: String| {
        let short_value = value.clone();
        SummaryItem { name, short_name, value, short_value, gain: 0.0 }
    };
    let percent = |name, short_name, value: Option<f64>| {
        let Some(value) = value else { return item(name, short_name, "–".to_owned()) };
        let format = NumberFormat::percent(value);
        let short_value = format.with_max_decimals(1).format_signed(value);
        SummaryItem { short_value, ..item(name, short_name, format.format_signed(value)) }
    };
    let number = |value: Option<f64>, format: fn(f64) -> NumberFormat| {
        value.map_or_else(|| "–".to_owned(), |value| format(value).format(value))
    };
    let trades = number(summary.total_trades, |_| NumberFormat::new(NumberUnit::Amount, 1.0, 1.0));
    let sharpe = number(summary.sharpe_ratio, |ratio| {
        NumberFormat::new(NumberUnit::Amount, ratio.abs().max(1.0), 0.01)
    });
    let mut items = vec![
        SummaryItem {
            gain: summary.total_return.unwrap_or(0.0),
            ..percent("Return", "Return", summary.total_return)
        },
        percent("Buy and hold", "B&H", summary.benchmark_return),
        item("Sharpe", "Sharpe", sharpe),
        percent("Max drawdown", "DD", summary.max_drawdown.map(|value| -value)),
        item("Trades", "Trades", trades),
    ];
    if let Some(rate) = summary.win_rate {
        let rate = NumberFormat::new(NumberUnit::Percent, 100.0, 1.0).format(rate);
        items.push(item("Won", "Won", rate));
    }
    items
}

impl Renderer<'_> {
    /// Draws title and subtitle. Returns their bottom edge.
    pub(super) fn draw_header(&mut self) -> f64 {
        let d = self.dimensions;
        let (left, right) = (d.margin, d.width - d.margin);
        let title_style = text_style(d.title, FontWeight::SemiBold, self.palette.ink);
        let range_style = text_style(d.subtitle, FontWeight::Regular, self.palette.muted);
        let baseline =
            d.margin * 0.8 + self.canvas.fonts.cap_height(title_style.weight, title_style.size);
        let data = self.data;
        let title = format!("{} · {} · {}", data.strategy, data.asset, data.timeframe);
        // The most precise form of the time range that fits beside the title.
        let (first, last) = self.time_range;
        let ranges = [
            format_range(first, last, data.bar_length()),
            format_range(first, last, DAY),
            format_years(first, last),
        ];
        let width = right - left;
        let available = width - self.canvas.text_width(&title, title_style) - d.title;
        let fits = |range: &&String| self.canvas.text_width(range, range_style) <= available;
        if let Some(range) = ranges.iter().find(fits) {
            self.canvas.text((right, baseline), TextAnchor::Right, range, range_style);
        }
        let title = self.canvas.fonts.truncate(&title, title_style.weight, title_style.size, width);
        self.canvas.text((left, baseline), TextAnchor::Left, &title, title_style);
        let bottom = self.draw_subtitle(baseline + d.subtitle * 1.75);
        if data.alert.is_empty() {
            return bottom;
        }
        let alert_style = text_style(d.subtitle, FontWeight::SemiBold, self.palette.loss);
        let baseline = bottom + d.subtitle * 1.3;
        let (weight, size) = (alert_style.weight, alert_style.size);
        let alert = self.canvas.fonts.truncate(data.alert, weight, size, width);
        self.canvas.text((left, baseline), TextAnchor::Left, &alert, alert_style);
        baseline + d.subtitle * 0.45
    }

    fn draw_subtitle(&mut self, baseline: f64) -> f64 {
        let d = self.dimensions;
        let name_style = text_style(d.subtitle, FontWeight::Regular, self.palette.muted);
        let color = |gain: f64| {
            if gain > 0.0 {
                self.palette.profit
            } else if gain < 0.0 {
                self.palette.loss
            } else {
                self.palette.ink
            }
        };
        let items = summary_items(&self.data.summary);
        let entries = |is_short: bool, size: f64| -> Vec<LegendEntry> {
            let entry = |item: &SummaryItem| {
                let (name, value) = if is_short {
                    (item.short_name, &item.short_value)
                } else {
                    (item.name, &item.value)
                };
                let value_style = text_style(size, FontWeight::SemiBold, color(item.gain));
                vec![
                    LegendItem::Text(name.to_owned(), TextStyle { size, ..name_style }),
                    LegendItem::Text(value.clone(), value_style),
                ]
            };
            items.iter().map(entry).collect()
        };
        let row = LegendRow {
            left: d.margin,
            right: d.width - d.margin,
            baseline,
            font_size: d.subtitle,
        };
        let small_row = LegendRow { font_size: d.label, ..row };
        let (long, short) = (entries(false, row.font_size), entries(true, row.font_size));
        let (row, entries) = if row.fits(&self.canvas, &long) {
            (row, long)
        } else if row.fits(&self.canvas, &short) {
            (row, short)
        } else {
            (small_row, entries(true, small_row.font_size))
        };
        let end = row.draw(&mut self.canvas, &entries);
        // Parameters are only shown if all of them fit.
        let parameters = self.data.parameters;
        let width = self.canvas.text_width(parameters, name_style);
        if !parameters.is_empty() && end + d.subtitle * 2.0 + width <= row.right {
            self.canvas.text((row.right, baseline), TextAnchor::Right, parameters, name_style);
        }
        baseline + d.subtitle * 0.45
    }
}
