//! Title, subtitle and legend of a heat map.

use super::super::canvas::{Canvas, TextAnchor};
use super::super::date_format::{format_range, format_years};
use super::super::font::FontWeight;
use super::super::number_format::with_thousands_separators;
use super::super::renderer::{Dimensions, text_style};
use super::super::theme::Palette;
use super::data::HeatmapData;
use super::frame::{subtitle_baseline, title_baseline};
use crate::market::time::DAY;

/// Separator of remarks.
const SEPARATOR: &str = " · ";

/// Returns the title.
pub(super) fn title(data: &HeatmapData<'_>) -> String {
    let parts = [data.strategy, data.asset, data.timeframe];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(SEPARATOR)
}

/// Returns what the subtitle says: how many combinations there are, and how other parameters are treated.
pub(super) fn remarks(data: &HeatmapData<'_>, has_outliers: bool) -> Vec<String> {
    let count = data.content.combinations;
    let noun = if count == 1 { "combination" } else { "combinations" };
    let mut remarks = vec![format!("{} {noun}", with_thousands_separators(&count.to_string()))];
    remarks.extend(data.content.remarks.iter().cloned());
    if has_outliers {
        remarks.push("outliers share the color at the end".to_owned());
    }
    remarks
}

/// Breaks remarks into lines of a width, at most two.
pub(super) fn subtitle_lines(
    canvas: &Canvas<'_>,
    d: &Dimensions,
    remarks: &[String],
    width: f64,
) -> Vec<String> {
    let line_width = |line: &str| canvas.fonts.width(line, FontWeight::Regular, d.subtitle);
    let mut lines = vec![String::new()];
    for remark in remarks {
        let can_break = lines.len() == 1;
        let Some(line) = lines.last_mut() else { break };
        let extended =
            if line.is_empty() { remark.clone() } else { format!("{line}{SEPARATOR}{remark}") };
        if can_break && !line.is_empty() && line_width(&extended) > width {
            lines.push(remark.clone());
        } else {
            *line = extended;
        }
    }
    lines
}

/// Draws title and subtitle.
pub(super) fn draw(
    canvas: &mut Canvas<'_>,
    d: &Dimensions,
    palette: &Palette,
    data: &HeatmapData<'_>,
    subtitles: &[String],
) {
    let (left, right) = (d.margin, d.width - d.margin);
    let title_style = text_style(d.title, FontWeight::SemiBold, palette.ink);
    let muted = text_style(d.subtitle, FontWeight::Regular, palette.muted);
    let baseline = title_baseline(d);
    let title = title(data);
    if let Some((first, last)) = data.range {
        // The most precise form of the time range that fits beside the title.
        let ranges = [
            format_range(first, last, data.bar_length),
            format_range(first, last, DAY),
            format_years(first, last),
        ];
        let available = right - left - canvas.text_width(&title, title_style) - d.title;
        let fits = |range: &&String| canvas.text_width(range, muted) <= available;
        if let Some(range) = ranges.iter().find(fits) {
            canvas.text((right, baseline), TextAnchor::Right, range, muted);
        }
    }
    let width = right - left;
    let title = canvas.fonts.truncate(&title, title_style.weight, title_style.size, width);
    canvas.text((left, baseline), TextAnchor::Left, &title, title_style);
    for (index, line) in subtitles.iter().enumerate() {
        let line = canvas.fonts.truncate(line, muted.weight, muted.size, width);
        let baseline = subtitle_baseline(d, baseline, index);
        canvas.text((left, baseline), TextAnchor::Left, &line, muted);
    }
}
