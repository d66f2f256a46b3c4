//! Rows of text and symbols: panel titles with their legends, and the subtitle.

use super::canvas::{Canvas, TextAnchor};
use super::path::{polyline, rectangle, rounded_rectangle, triangle};
use super::picture::{Color, Stroke, TextStyle};
use crate::numbers::count_to_f64;

/// A text or a symbol.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum LegendItem {
    Text(String, TextStyle),
    /// A sample of a data line.
    Line(Stroke),
    /// A triangle.
    Marker {
        points_up: bool,
        fill: Color,
        edge: Color,
    },
    /// A sample of a histogram column.
    Swatch(Color),
    /// A sample of a hatched area.
    Hatched {
        fill: Color,
        lines: Color,
        is_rising: bool,
    },
    /// A ring with a halo.
    Ring {
        color: Color,
        halo: Color,
    },
}

/// Items that are drawn or left out together.
pub(super) type LegendEntry = Vec<LegendItem>;

/// Position and size of a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct LegendRow {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) baseline: f64,
    /// Font size that the symbols match, pixels.
    pub(super) font_size: f64,
}

impl LegendRow {
    /// Returns whether all entries fit into the row.
    pub(super) fn fits(&self, canvas: &Canvas<'_>, entries: &[LegendEntry]) -> bool {
        let widths: f64 =
            entries.iter().map(|entry| entry_width(canvas, self.font_size, entry)).sum();
        let gaps = entry_gap(self.font_size) * (count_to_f64(entries.len()) - 1.0).max(0.0);
        self.left + (widths + gaps) <= self.right
    }

    /// Draws as many entries as fit, from the left. Returns where they end.
    pub(super) fn draw(&self, canvas: &mut Canvas<'_>, entries: &[LegendEntry]) -> f64 {
        let mut x = self.left;
        let mut end = self.left;
        for entry in entries {
            if x + entry_width(canvas, self.font_size, entry) > self.right {
                break;
            }
            for item in entry {
                item.draw(canvas, x, self);
                x += item.width(canvas, self.font_size) + item_gap(self.font_size);
            }
            end = x - item_gap(self.font_size);
            x = end + entry_gap(self.font_size);
        }
        end
    }
}

impl LegendItem {
    fn width(&self, canvas: &Canvas<'_>, font_size: f64) -> f64 {
        match self {
            Self::Text(text, style) => canvas.text_width(text, *style),
            Self::Line(_) => font_size * 1.5,
            Self::Marker { .. } => font_size * 0.8,
            Self::Swatch(_) => font_size * 0.6,
            Self::Hatched { .. } => font_size * 1.2,
            Self::Ring { .. } => font_size,
        }
    }

    fn draw(&self, canvas: &mut Canvas<'_>, x: f64, row: &LegendRow) {
        let size = row.font_size;
        let middle = row.baseline - size * 0.36;
        match self {
            Self::Text(text, style) => {
                canvas.text((x, row.baseline), TextAnchor::Left, text, *style);
            }
            Self::Line(stroke) => {
                canvas.stroke(polyline(&[(x, middle), (x + size * 1.5, middle)]), *stroke);
            }
            Self::Marker { points_up, fill, edge } => {
                let half = size * 0.36;
                let tip = if *points_up { middle - half } else { middle + half };
                let path = triangle(x + size * 0.4, tip, half * 2.0, *points_up);
                canvas.fill_and_stroke(path, *fill, Stroke::new(*edge, size * 0.11));
            }
            Self::Swatch(color) => {
                let half = size * 0.3;
                canvas.fill(rectangle(x, middle - half, x + size * 0.6, middle + half), *color);
            }
            Self::Hatched { fill, lines, is_rising } => {
                let (right, half) = (x + size * 1.2, size * 0.45);
                let outline = rectangle(x, middle - half, right, middle + half);
                canvas.fill_and_stroke(outline, *fill, Stroke::new(*lines, 1.0));
                // Three lines, each from one edge of the rectangle to another.
                let height = half * 2.0;
                for start in [-0.4, 0.05, 0.5].map(|start| start * size) {
                    let (from, to) = (start.max(0.0), (start + height).min(size * 1.2));
                    let y = |at: f64| {
                        let rise = at - start;
                        if *is_rising { middle + half - rise } else { middle - half + rise }
                    };
                    let line = polyline(&[(x + from, y(from)), (x + to, y(to))]);
                    canvas.stroke(line, Stroke::new(*lines, 1.0));
                }
            }
            Self::Ring { color, halo } => {
                let (left, radius) = (x + size * 0.08, size * 0.42);
                let circle = || {
                    let (right, bottom) = (left + radius * 2.0, middle + radius);
                    rounded_rectangle(left, middle - radius, right, bottom, radius)
                };
                canvas.stroke(circle(), Stroke::new(*halo, size * 0.3));
                canvas.stroke(circle(), Stroke::new(*color, size * 0.14));
            }
        }
    }
}

/// Returns the gap between the items of an entry.
fn item_gap(font_size: f64) -> f64 {
    font_size * 0.45
}

/// Returns the gap between entries.
fn entry_gap(font_size: f64) -> f64 {
    font_size * 1.2
}

fn entry_width(canvas: &Canvas<'_>, font_size: f64, entry: &LegendEntry) -> f64 {
    let items: f64 = entry.iter().map(|item| item.width(canvas, font_size)).sum();
    items + item_gap(font_size) * (count_to_f64(entry.len()) - 1.0).max(0.0)
}
