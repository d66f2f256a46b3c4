//! Collects the items of a picture.

use super::font::Fonts;
use super::path::PathSegment;
use super::picture::{Color, Item, Shape, Stroke, Text, TextStyle};

/// Which end of a text is at the given position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextAnchor {
    Left,
    Right,
}

/// A picture in progress.
#[derive(Debug)]
pub(super) struct Canvas<'a> {
    pub(super) fonts: &'a Fonts,
    pub(super) items: Vec<Item>,
}

impl Canvas<'_> {
    /// Returns the width of a text, pixels.
    pub(super) fn text_width(&self, text: &str, style: TextStyle) -> f64 {
        self.fonts.width(text, style.weight, style.size)
    }

    /// Draws a text. `y` is its baseline.
    pub(super) fn text(
        &mut self,
        (x, y): (f64, f64),
        anchor: TextAnchor,
        text: &str,
        style: TextStyle,
    ) {
        let width = self.text_width(text, style);
        let x = match anchor {
            TextAnchor::Left => x,
            TextAnchor::Right => x - width,
        };
        self.items.push(Item::Text(Text { x, y, width, text: text.to_owned(), style }));
    }

    /// Fills a path.
    pub(super) fn fill(&mut self, path: Vec<PathSegment>, color: Color) {
        self.items.push(Item::Shape(Shape { path, fill: Some(color), stroke: None }));
    }

    /// Strokes a path.
    pub(super) fn stroke(&mut self, path: Vec<PathSegment>, stroke: Stroke) {
        self.items.push(Item::Shape(Shape { path, fill: None, stroke: Some(stroke) }));
    }

    /// Fills and strokes a path.
    pub(super) fn fill_and_stroke(&mut self, path: Vec<PathSegment>, fill: Color, stroke: Stroke) {
        self.items.push(Item::Shape(Shape { path, fill: Some(fill), stroke: Some(stroke) }));
    }
}
