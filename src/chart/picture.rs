//! A picture as a display list of shapes and texts, in pixels from the top left. SVG and PNG are both written from this
//! list, so they show the same.

use super::font::FontWeight;
use super::path::PathSegment;

/// A color with its opacity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Color {
    /// Red, green and blue.
    pub rgb: [u8; 3],
    /// From 0, invisible, to 1, opaque.
    pub opacity: f64,
}

impl Color {
    /// Returns an opaque color in CSS notation: `0x1f6feb`.
    pub const fn new(rgb: u32) -> Self {
        let [_, red, green, blue] = rgb.to_be_bytes();
        Self { rgb: [red, green, blue], opacity: 1.0 }
    }

    /// Returns the color with another opacity.
    #[must_use]
    pub const fn with_opacity(self, opacity: f64) -> Self {
        Self { rgb: self.rgb, opacity }
    }
}

/// How a path is stroked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stroke {
    /// The color.
    pub color: Color,
    /// The width, pixels.
    pub width: f64,
    /// Lengths of the dashes and of the gaps between them, pixels. `None` for a solid line.
    pub dash: Option<[f64; 2]>,
}

impl Stroke {
    /// Returns a solid line.
    pub const fn new(color: Color, width: f64) -> Self {
        Self { color, width, dash: None }
    }

    /// Returns a dashed line.
    #[must_use]
    pub const fn dashed(self, dash: f64, gap: f64) -> Self {
        Self { dash: Some([dash, gap]), ..self }
    }
}

/// A filled path, a stroked path, or both.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// The path.
    pub path: Vec<PathSegment>,
    /// The fill color.
    pub fill: Option<Color>,
    /// How the path is stroked.
    pub stroke: Option<Stroke>,
}

/// A line of text.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// Left end, pixels.
    pub x: f64,
    /// Baseline, pixels.
    pub y: f64,
    /// Width, pixels.
    pub width: f64,
    /// The text.
    pub text: String,
    /// Its style.
    pub style: TextStyle,
}

/// Size, weight and color of a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TextStyle {
    /// Font size, pixels.
    pub size: f64,
    /// Font weight.
    pub weight: FontWeight,
    /// The color.
    pub color: Color,
}

/// An opaque image of colored pixels, aligned with the pixels of the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Left edge, pixels.
    pub x: u32,
    /// Top edge, pixels.
    pub y: u32,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Red, green and blue of each pixel, row by row from the top.
    pub rgb: Vec<u8>,
}

/// An item of a picture. Later items cover earlier ones.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A shape.
    Shape(Shape),
    /// A text.
    Text(Text),
    /// An image.
    Image(Image),
}

/// A picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Background color.
    pub background: Color,
    /// Title for screen readers.
    pub title: String,
    /// Statistics for screen readers.
    pub description: String,
    /// The items in drawing order.
    pub items: Vec<Item>,
}
