//! The built-in font: Inter in two weights (SIL Open Font License 1.1, `LICENSE.txt`).
//!
//! `scripts/font.py` creates the files. Text is laid out glyph by glyph from left to right, without kerning. Characters that
//! the font lacks are drawn as a box.

use ttf_parser::{Face, GlyphId, OutlineBuilder};

use super::path::PathSegment;
use crate::error::{Error, Result};

/// Replacement for characters that the font lacks.
const MISSING: char = '□';

/// Font weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FontWeight {
    /// Normal text.
    Regular,
    /// Titles and values.
    SemiBold,
}

/// A glyph with its position in a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct PositionedGlyph {
    /// The glyph.
    pub(super) glyph: u16,
    /// Left end, in font units.
    pub(super) x: f64,
}

/// The font faces.
#[derive(Debug)]
pub(super) struct Fonts {
    regular: Face<'static>,
    semi_bold: Face<'static>,
}

impl Fonts {
    /// Parses the built-in faces.
    pub(super) fn load() -> Result<Self> {
        let face = |bytes: &'static [u8]| {
            Face::parse(bytes, 0)
                .map_err(|error| Error::internal(format!("the font cannot be read: {error}")))
        };
        Ok(Self {
            regular: face(include_bytes!("Inter-Regular.ttf"))?,
            semi_bold: face(include_bytes!("Inter-SemiBold.ttf"))?,
        })
    }

    fn face(&self, weight: FontWeight) -> &Face<'static> {
        match weight {
            FontWeight::Regular => &self.regular,
            FontWeight::SemiBold => &self.semi_bold,
        }
    }

    /// Returns the pixels per font unit at a size.
    pub(super) fn pixels_per_unit(&self, weight: FontWeight, size: f64) -> f64 {
        size / f64::from(self.face(weight).units_per_em())
    }

    /// Returns the glyphs of a text and its width, in font units.
    pub(super) fn layout(&self, text: &str, weight: FontWeight) -> (Vec<PositionedGlyph>, f64) {
        let face = self.face(weight);
        let missing = face.glyph_index(MISSING).unwrap_or(GlyphId(0));
        let mut x = 0.0;
        let glyphs = text.chars().filter(|character| !character.is_control()).map(|character| {
            let glyph = face.glyph_index(character).unwrap_or(missing);
            let positioned = PositionedGlyph { glyph: glyph.0, x };
            x += f64::from(face.glyph_hor_advance(glyph).unwrap_or(0));
            positioned
        });
        (glyphs.collect(), x)
    }

    /// Returns the width of a text, pixels.
    pub(super) fn width(&self, text: &str, weight: FontWeight, size: f64) -> f64 {
        self.layout(text, weight).1 * self.pixels_per_unit(weight, size)
    }

    /// Returns the height of capital letters and digits, pixels.
    pub(super) fn cap_height(&self, weight: FontWeight, size: f64) -> f64 {
        let height = self.face(weight).capital_height().unwrap_or(1490);
        f64::from(height) * self.pixels_per_unit(weight, size)
    }

    /// Truncates a text to a width, with an ellipsis. Returns an empty text if not even one character fits.
    pub(super) fn truncate(&self, text: &str, weight: FontWeight, size: f64, width: f64) -> String {
        if self.width(text, weight, size) <= width {
            return text.to_owned();
        }
        let mut kept: Vec<char> = text.chars().collect();
        while kept.pop().is_some() {
            let truncated: String = kept.iter().collect::<String>().trim_end().to_owned() + "…";
            if truncated.chars().count() > 1 && self.width(&truncated, weight, size) <= width {
                return truncated;
            }
        }
        String::new()
    }

    /// Returns the outline of a glyph in font units, with y pointing up. Empty for a space.
    pub(super) fn outline(&self, glyph: u16, weight: FontWeight) -> Vec<PathSegment> {
        let mut outline = Outline(Vec::new());
        let _ = self.face(weight).outline_glyph(GlyphId(glyph), &mut outline);
        outline.0
    }
}

struct Outline(Vec<PathSegment>);

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        self.0.push(PathSegment::MoveTo(x.into(), y.into()));
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.0.push(PathSegment::LineTo(x.into(), y.into()));
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.0.push(PathSegment::QuadTo(x1.into(), y1.into(), x.into(), y.into()));
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        // TrueType outlines only have quadratic curves. This approximates a cubic one.
        let control = |a: f32, b: f32| f64::from(a).midpoint(b.into());
        self.0.push(PathSegment::QuadTo(control(x1, x2), control(y1, y2), x.into(), y.into()));
    }

    fn close(&mut self) {
        self.0.push(PathSegment::Close);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_have_equal_widths_in_both_weights() {
        let fonts = Fonts::load().unwrap();
        for weight in [FontWeight::Regular, FontWeight::SemiBold] {
            let widths: Vec<f64> =
                ('0'..='9').map(|digit| fonts.width(&digit.to_string(), weight, 12.0)).collect();
            assert!(widths.iter().all(|width| *width == widths[0]), "{widths:?}");
        }
        assert!(
            fonts.width("Sharpe", FontWeight::SemiBold, 12.0)
                > fonts.width("Sharpe", FontWeight::Regular, 12.0)
        );
    }

    #[test]
    fn the_font_has_the_characters_of_chart_texts() {
        let fonts = Fonts::load().unwrap();
        let missing = fonts.layout("□", FontWeight::Regular).0[0].glyph;
        for character in "−–…·×%+,.()ÄéñЖΩ€".chars() {
            let glyph = fonts.layout(&character.to_string(), FontWeight::Regular).0[0].glyph;
            assert_ne!(glyph, missing, "{character}");
            assert!(!fonts.outline(glyph, FontWeight::Regular).is_empty(), "{character}");
        }
        assert_eq!(fonts.layout("株", FontWeight::Regular).0[0].glyph, missing);
    }

    #[test]
    fn long_texts_are_truncated() {
        let fonts = Fonts::load().unwrap();
        let truncate = |width| fonts.truncate("SMA crossover", FontWeight::Regular, 12.0, width);
        assert_eq!(truncate(200.0), "SMA crossover");
        let truncated = truncate(50.0);
        assert!(truncated.starts_with("SMA") && truncated.ends_with('…'), "{truncated}");
        assert!(fonts.width(&truncated, FontWeight::Regular, 12.0) <= 50.0);
        assert_eq!(truncate(3.0), "");
    }
}
