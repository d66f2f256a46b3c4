//! Lines of text with the marks that they explain: the titles of panels and their legends.

use super::picture::{Anchor, Canvas, Color, Step, Stroke, TextStyle, polyline, rectangle};

/// A part of a heading.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    Text(String, TextStyle),
    /// A piece of a line of data.
    Line(Stroke),
    /// A triangle.
    Mark {
        up: bool,
        fill: Color,
        edge: Color,
    },
    /// A column of a count.
    Swatch(Color),
}

/// Parts that stand or fall together.
pub(super) type Group = Vec<Part>;

/// Where a heading stands, and how large it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) baseline: f64,
    /// Size of the font that marks fit, pixels.
    pub(super) size: f64,
}

impl Part {
    fn width(&self, canvas: &Canvas<'_>, size: f64) -> f64 {
        match self {
            Self::Text(text, style) => canvas.fonts.width(text, style.weight, style.size),
            Self::Line(_) => size * 1.5,
            Self::Mark { .. } => size * 0.8,
            Self::Swatch(_) => size * 0.6,
        }
    }

    fn draw(&self, canvas: &mut Canvas<'_>, x: f64, line: &Line) {
        let size = line.size;
        let middle = line.baseline - size * 0.36;
        match self {
            Self::Text(text, style) => {
                canvas.text((x, line.baseline), Anchor::Left, text, *style);
            }
            Self::Line(stroke) => {
                canvas.line(polyline(&[(x, middle), (x + size * 1.5, middle)]), *stroke);
            }
            Self::Mark { up, fill, edge } => {
                let half = size * 0.36;
                let tip = if *up { middle - half } else { middle + half };
                let steps = triangle(x + size * 0.4, tip, half * 2.0, *up);
                canvas.edged(steps, *fill, Stroke::new(*edge, size * 0.11));
            }
            Self::Swatch(color) => {
                let half = size * 0.3;
                canvas.fill(rectangle(x, middle - half, x + size * 0.6, middle + half), *color);
            }
        }
    }
}

/// Returns a triangle that points up or down, by its tip and its size.
pub(super) fn triangle(x: f64, tip: f64, size: f64, up: bool) -> Vec<Step> {
    let base = if up { tip + size * 0.95 } else { tip - size * 0.95 };
    let half = size * 0.56;
    let mut steps = polyline(&[(x, tip), (x + half, base), (x - half, base)]);
    steps.push(Step::Close);
    steps
}

/// Returns the room around the parts of a group, and around groups.
fn gaps(size: f64) -> (f64, f64) {
    (size * 0.45, size * 1.2)
}

fn width_of(canvas: &Canvas<'_>, size: f64, group: &Group) -> f64 {
    let parts: f64 = group.iter().map(|part| part.width(canvas, size)).sum();
    parts + gaps(size).0 * (super::number(group.len()) - 1.0).max(0.0)
}

/// Returns the width of groups.
pub(super) fn width(canvas: &Canvas<'_>, size: f64, groups: &[Group]) -> f64 {
    let all: f64 = groups.iter().map(|group| width_of(canvas, size, group)).sum();
    all + gaps(size).1 * (super::number(groups.len()) - 1.0).max(0.0)
}

/// Draws groups from the left, leaving out the last ones where there is no room, and returns where they end.
pub(super) fn draw(canvas: &mut Canvas<'_>, line: &Line, groups: &[Group]) -> f64 {
    let (inside, between) = gaps(line.size);
    let mut x = line.left;
    let mut end = line.left;
    for group in groups {
        if x + width_of(canvas, line.size, group) > line.right {
            break;
        }
        for part in group {
            part.draw(canvas, x, line);
            x += part.width(canvas, line.size) + inside;
        }
        end = x - inside;
        x = end + between;
    }
    end
}
