//! A picture as SVG: self-contained, and the same everywhere.
//!
//! Texts are outlines of the built-in font, each glyph written once and used where it stands, so that no viewer needs the
//! font; what a screen reader shall say is in `title` and `desc`.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter, Write as _};

use super::font::{Fonts, Weight};
use super::picture::{Color, Item, Picture, Shape, Step, Text};

impl Picture {
    /// Returns the picture as an SVG document.
    ///
    /// # Errors
    /// `INTERNAL` if the built-in font cannot be read.
    pub fn to_svg(&self) -> crate::Result<String> {
        let fonts = Fonts::load()?;
        let (width, height) = (self.width, self.height);
        let mut svg = String::new();
        // Writing to a string cannot fail.
        let _ = write!(
            svg,
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img"><title>{}</title><desc>{}</desc>"#,
            Escaped(&self.title),
            Escaped(&self.description)
        );
        svg.push_str(&definitions(&self.items, &fonts));
        let _ = write!(
            svg,
            r#"<rect width="{width}" height="{height}" fill="{}"/>"#,
            Css(self.background)
        );
        for item in &self.items {
            match item {
                Item::Shape(shape) => write_shape(&mut svg, shape),
                Item::Text(text) => write_text(&mut svg, text, &fonts),
            }
        }
        svg.push_str("</svg>\n");
        Ok(svg)
    }
}

/// Returns the outlines of the glyphs that the texts use.
fn definitions(items: &[Item], fonts: &Fonts) -> String {
    let mut glyphs = BTreeMap::new();
    for item in items {
        let Item::Text(text) = item else { continue };
        for placed in fonts.place(&text.text, text.style.weight).0 {
            glyphs
                .entry((text.style.weight, placed.glyph))
                .or_insert_with(|| fonts.outline(placed.glyph, text.style.weight));
        }
    }
    let mut definitions = String::from("<defs>");
    for ((weight, glyph), outline) in glyphs {
        if !outline.is_empty() {
            let _ = write!(
                definitions,
                r#"<path id="{}" d="{}"/>"#,
                GlyphName(weight, glyph),
                Data(&outline)
            );
        }
    }
    definitions + "</defs>"
}

fn write_shape(svg: &mut String, shape: &Shape) {
    let _ = write!(svg, r#"<path d="{}""#, Data(&shape.steps));
    match shape.fill {
        Some(fill) => write_color(svg, "fill", fill),
        None => svg.push_str(r#" fill="none""#),
    }
    if let Some(stroke) = shape.stroke {
        write_color(svg, "stroke", stroke.color);
        let _ = write!(svg, r#" stroke-width="{}" stroke-linejoin="round""#, Short(stroke.width));
        if let Some([dash, gap]) = stroke.dash {
            let _ = write!(svg, r#" stroke-dasharray="{} {}""#, Short(dash), Short(gap));
        }
    }
    svg.push_str("/>");
}

fn write_text(svg: &mut String, text: &Text, fonts: &Fonts) {
    let weight = text.style.weight;
    let unit = fonts.unit(weight, text.style.size);
    let _ = write!(
        svg,
        r#"<g transform="translate({} {}) scale({unit:.6} -{unit:.6})""#,
        Short(text.x),
        Short(text.y)
    );
    write_color(svg, "fill", text.style.color);
    svg.push('>');
    let blank = fonts.place(" ", weight).0.first().map(|placed| placed.glyph);
    for placed in fonts.place(&text.text, weight).0 {
        if Some(placed.glyph) == blank {
            continue;
        }
        let name = GlyphName(weight, placed.glyph);
        let _ = write!(svg, r##"<use href="#{name}" x="{}"/>"##, Short(placed.x));
    }
    svg.push_str("</g>");
}

fn write_color(svg: &mut String, name: &str, color: Color) {
    let _ = write!(svg, r#" {name}="{}""#, Css(color));
    if color.opacity < 1.0 {
        let _ = write!(svg, r#" {name}-opacity="{}""#, Short(color.opacity));
    }
}

/// The id of a glyph. Several charts in one page may share ids: the same id is always the same outline.
struct GlyphName(Weight, u16);

impl Display for GlyphName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let letter = match self.0 {
            Weight::Regular => 'r',
            Weight::SemiBold => 's',
        };
        write!(f, "inter-{letter}{}", self.1)
    }
}

struct Css(Color);

impl Display for Css {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0.rgb;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

/// A number with two decimals at most.
struct Short(f64);

impl Display for Short {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let rounded = (self.0 * 100.0).round() / 100.0;
        // Minus zero is written as zero.
        write!(f, "{}", rounded + 0.0)
    }
}

/// The data of a path, to a tenth of a pixel; a line after a line needs no letter.
struct Data<'a>(&'a [Step]);

impl Display for Data<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut within_line = false;
        for step in self.0 {
            match *step {
                Step::Move(x, y) => write!(f, "M{} {}", Tenths(x), Tenths(y))?,
                Step::Line(x, y) => {
                    let letter = if within_line { ' ' } else { 'L' };
                    write!(f, "{letter}{} {}", Tenths(x), Tenths(y))?;
                }
                Step::Curve(x1, y1, x, y) => {
                    write!(f, "Q{} {} {} {}", Tenths(x1), Tenths(y1), Tenths(x), Tenths(y))?;
                }
                Step::Close => f.write_str("Z")?,
            }
            within_line = matches!(step, Step::Line(..));
        }
        Ok(())
    }
}

/// A number with one decimal at most.
struct Tenths(f64);

impl Display for Tenths {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // Minus zero is written as zero.
        write!(f, "{}", (self.0 * 10.0).round() / 10.0 + 0.0)
    }
}

/// Text as XML has it; characters that XML cannot hold are left out.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '\u{fffe}' | '\u{ffff}' => {}
                other if other.is_control() => {}
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}
