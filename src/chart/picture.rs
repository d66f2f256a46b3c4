//! A picture as a list of shapes and texts, in pixels from the top left. The SVG and the PNG are both made of this list,
//! so that they show the same.

use super::font::{Fonts, Weight};

/// A colour, and how opaque it is: 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Color {
    /// Red, green and blue.
    pub rgb: [u8; 3],
    /// 0 is invisible, 1 covers.
    pub opacity: f64,
}

impl Color {
    /// Returns an opaque colour, written as in CSS: `0x1f6feb`.
    pub const fn new(rgb: u32) -> Self {
        let [_, red, green, blue] = rgb.to_be_bytes();
        Self { rgb: [red, green, blue], opacity: 1.0 }
    }

    /// Returns the colour with another opacity.
    #[must_use]
    pub const fn faded(self, opacity: f64) -> Self {
        Self { rgb: self.rgb, opacity }
    }
}

/// A step of an outline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// Begins somewhere else.
    Move(f64, f64),
    /// Draws a straight line.
    Line(f64, f64),
    /// Draws a quadratic curve: the control point, then the end.
    Curve(f64, f64, f64, f64),
    /// Goes back to where the outline began.
    Close,
}

/// How an outline is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stroke {
    /// The colour.
    pub color: Color,
    /// The width, pixels.
    pub width: f64,
    /// Lengths of a dash and of the gap after it, pixels.
    pub dash: Option<[f64; 2]>,
}

impl Stroke {
    /// Returns a line without gaps.
    pub const fn new(color: Color, width: f64) -> Self {
        Self { color, width, dash: None }
    }

    /// Returns the line with gaps.
    #[must_use]
    pub const fn dashed(self, dash: f64, gap: f64) -> Self {
        Self { dash: Some([dash, gap]), ..self }
    }
}

/// An area, a line, or both.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// The outline.
    pub steps: Vec<Step>,
    /// What it is filled with.
    pub fill: Option<Color>,
    /// How the outline itself is drawn.
    pub stroke: Option<Stroke>,
}

/// A line of text.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// Left end, pixels.
    pub x: f64,
    /// The line that letters stand on, pixels.
    pub y: f64,
    /// Width, pixels.
    pub width: f64,
    /// What is written.
    pub text: String,
    /// How it looks.
    pub style: TextStyle,
}

/// How text looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TextStyle {
    /// Size of the font, pixels.
    pub size: f64,
    /// Its weight.
    pub weight: Weight,
    /// Its colour.
    pub color: Color,
}

/// Which point of a text is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The left end.
    Left,
    /// The right end.
    Right,
}

/// Something drawn; later items cover earlier ones.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A shape.
    Shape(Shape),
    /// A text.
    Text(Text),
}

/// A picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// What covers the whole picture before anything else does.
    pub background: Color,
    /// What it shows, for those who cannot see it.
    pub title: String,
    /// The figures in it, for the same.
    pub description: String,
    /// What is drawn, in this order.
    pub items: Vec<Item>,
}

/// A picture that is being drawn.
#[derive(Debug)]
pub(super) struct Canvas<'a> {
    pub(super) fonts: &'a Fonts,
    pub(super) items: Vec<Item>,
}

impl Canvas<'_> {
    /// Writes a text and returns its width.
    pub(super) fn text(
        &mut self,
        (x, y): (f64, f64),
        anchor: Anchor,
        text: &str,
        style: TextStyle,
    ) -> f64 {
        let width = self.fonts.width(text, style.weight, style.size);
        let x = match anchor {
            Anchor::Left => x,
            Anchor::Right => x - width,
        };
        self.items.push(Item::Text(Text { x, y, width, text: text.to_owned(), style }));
        width
    }

    /// Fills an area.
    pub(super) fn fill(&mut self, steps: Vec<Step>, color: Color) {
        self.items.push(Item::Shape(Shape { steps, fill: Some(color), stroke: None }));
    }

    /// Draws a line.
    pub(super) fn line(&mut self, steps: Vec<Step>, stroke: Stroke) {
        self.items.push(Item::Shape(Shape { steps, fill: None, stroke: Some(stroke) }));
    }

    /// Fills an area and draws its edge.
    pub(super) fn edged(&mut self, steps: Vec<Step>, fill: Color, stroke: Stroke) {
        self.items.push(Item::Shape(Shape { steps, fill: Some(fill), stroke: Some(stroke) }));
    }
}

/// Returns the line through points.
pub(super) fn polyline(points: &[(f64, f64)]) -> Vec<Step> {
    let mut steps = Vec::with_capacity(points.len() + 3);
    for &(x, y) in points {
        steps.push(if steps.is_empty() { Step::Move(x, y) } else { Step::Line(x, y) });
    }
    steps
}

/// Returns the outline of a rectangle.
pub(super) fn rectangle(left: f64, top: f64, right: f64, bottom: f64) -> Vec<Step> {
    vec![
        Step::Move(left, top),
        Step::Line(right, top),
        Step::Line(right, bottom),
        Step::Line(left, bottom),
        Step::Close,
    ]
}

/// Returns the outline of a rectangle with round corners.
pub(super) fn rounded(left: f64, top: f64, right: f64, bottom: f64, radius: f64) -> Vec<Step> {
    let r = radius;
    vec![
        Step::Move(left + r, top),
        Step::Line(right - r, top),
        Step::Curve(right, top, right, top + r),
        Step::Line(right, bottom - r),
        Step::Curve(right, bottom, right - r, bottom),
        Step::Line(left + r, bottom),
        Step::Curve(left, bottom, left, bottom - r),
        Step::Line(left, top + r),
        Step::Curve(left, top, left + r, top),
        Step::Close,
    ]
}
