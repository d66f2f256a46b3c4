//! The font of charts: Inter, in two weights, built into the library (SIL Open Font License 1.1, `LICENSE.txt`).
//!
//! `scripts/font.py` made the files. Texts are set glyph by glyph, from left to right; characters that the font does not
//! have are drawn as a box.

use ttf_parser::{Face, GlyphId, OutlineBuilder};

use super::picture::Step;
use crate::error::{Error, Result};

/// What stands for a character that the font does not have.
const MISSING: char = '□';

/// How bold a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// For most texts.
    Regular,
    /// For titles and figures.
    SemiBold,
}

/// A glyph of a text, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Placed {
    /// The glyph.
    pub(super) glyph: u16,
    /// Its left end, in units of the font.
    pub(super) x: f64,
}

/// The faces of the font.
#[derive(Debug)]
pub(super) struct Fonts {
    regular: Face<'static>,
    semi_bold: Face<'static>,
}

impl Fonts {
    /// Reads the faces.
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

    fn face(&self, weight: Weight) -> &Face<'static> {
        match weight {
            Weight::Regular => &self.regular,
            Weight::SemiBold => &self.semi_bold,
        }
    }

    /// Returns the pixels of a unit of the font at a size.
    pub(super) fn unit(&self, weight: Weight, size: f64) -> f64 {
        size / f64::from(self.face(weight).units_per_em())
    }

    /// Returns the glyphs of a text and its width, in units of the font.
    pub(super) fn place(&self, text: &str, weight: Weight) -> (Vec<Placed>, f64) {
        let face = self.face(weight);
        let missing = face.glyph_index(MISSING).unwrap_or(GlyphId(0));
        let mut x = 0.0;
        let glyphs = text.chars().filter(|character| !character.is_control()).map(|character| {
            let glyph = face.glyph_index(character).unwrap_or(missing);
            let placed = Placed { glyph: glyph.0, x };
            x += f64::from(face.glyph_hor_advance(glyph).unwrap_or(0));
            placed
        });
        (glyphs.collect(), x)
    }

    /// Returns the width of a text, pixels.
    pub(super) fn width(&self, text: &str, weight: Weight, size: f64) -> f64 {
        self.place(text, weight).1 * self.unit(weight, size)
    }

    /// Returns the height of capital letters and digits, pixels.
    pub(super) fn cap_height(&self, weight: Weight, size: f64) -> f64 {
        let height = self.face(weight).capital_height().unwrap_or(1490);
        f64::from(height) * self.unit(weight, size)
    }

    /// Returns a text that is no wider than `room`, cut with an ellipsis if it must be; nothing if not even that fits.
    pub(super) fn fit(&self, text: &str, weight: Weight, size: f64, room: f64) -> String {
        if self.width(text, weight, size) <= room {
            return text.to_owned();
        }
        let mut kept: Vec<char> = text.chars().collect();
        while kept.pop().is_some() {
            let cut: String = kept.iter().collect::<String>().trim_end().to_owned() + "…";
            if cut.chars().count() > 1 && self.width(&cut, weight, size) <= room {
                return cut;
            }
        }
        String::new()
    }

    /// Returns the outline of a glyph in units of the font, up being positive; empty for a space.
    pub(super) fn outline(&self, glyph: u16, weight: Weight) -> Vec<Step> {
        let mut outline = Outline(Vec::new());
        let _ = self.face(weight).outline_glyph(GlyphId(glyph), &mut outline);
        outline.0
    }
}

struct Outline(Vec<Step>);

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        self.0.push(Step::Move(x.into(), y.into()));
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.0.push(Step::Line(x.into(), y.into()));
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.0.push(Step::Curve(x1.into(), y1.into(), x.into(), y.into()));
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        // The outlines of TrueType have quadratic curves only; a cubic one would be this near to it.
        let control = |a: f32, b: f32| f64::from(a).midpoint(b.into());
        self.0.push(Step::Curve(control(x1, x2), control(y1, y2), x.into(), y.into()));
    }

    fn close(&mut self) {
        self.0.push(Step::Close);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_of_equal_width_in_both_weights() {
        let fonts = Fonts::load().unwrap();
        for weight in [Weight::Regular, Weight::SemiBold] {
            let widths: Vec<f64> =
                ('0'..='9').map(|digit| fonts.width(&digit.to_string(), weight, 12.0)).collect();
            assert!(widths.iter().all(|width| *width == widths[0]), "{widths:?}");
        }
        assert!(
            fonts.width("Sharpe", Weight::SemiBold, 12.0)
                > fonts.width("Sharpe", Weight::Regular, 12.0)
        );
    }

    #[test]
    fn what_the_texts_of_charts_need_is_there() {
        let fonts = Fonts::load().unwrap();
        let missing = fonts.place("□", Weight::Regular).0[0].glyph;
        for character in "−–…·×%+,.()ÄéñЖΩ€".chars() {
            let glyph = fonts.place(&character.to_string(), Weight::Regular).0[0].glyph;
            assert_ne!(glyph, missing, "{character}");
            assert!(!fonts.outline(glyph, Weight::Regular).is_empty(), "{character}");
        }
        assert_eq!(fonts.place("株", Weight::Regular).0[0].glyph, missing);
    }

    #[test]
    fn what_does_not_fit_is_cut() {
        let fonts = Fonts::load().unwrap();
        let fit = |room| fonts.fit("SMA crossover", Weight::Regular, 12.0, room);
        assert_eq!(fit(200.0), "SMA crossover");
        let cut = fit(50.0);
        assert!(cut.starts_with("SMA") && cut.ends_with('…'), "{cut}");
        assert!(fonts.width(&cut, Weight::Regular, 12.0) <= 50.0);
        assert_eq!(fit(3.0), "");
    }
}
