//! Writes a picture as self-contained SVG.
//!
//! Texts are outlines of the built-in font, so that viewers do not need the font. Each glyph is defined once and referenced
//! from there. Screen readers use `title` and `desc`.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter, Write as _};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::font::{FontWeight, Fonts};
use super::path::PathSegment;
use super::picture::{Color, Image, Item, Picture, Shape, Text};
use super::png::encode_rgb;

impl Picture {
    /// Returns the picture as an SVG document.
    ///
    /// # Errors
    /// `INTERNAL` if the built-in font cannot be read.
    pub fn to_svg(&self) -> crate::Result<String> {
        let fonts = Fonts::load()?;
        let (width, height) = (self.width, self.height);
        let mut svg = String::new();
        // Writing to a `String` cannot fail.
        let _ = write!(
            svg,
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img"><title>{}</title><desc>{}</desc>"#,
            XmlText(&self.title),
            XmlText(&self.description)
        );
        svg.push_str(&definitions(&self.items, &fonts));
        let _ = write!(
            svg,
            r#"<rect width="{width}" height="{height}" fill="{}"/>"#,
            CssColor(self.background)
        );
        for item in &self.items {
            match item {
                Item::Shape(shape) => write_shape(&mut svg, shape),
                Item::Text(text) => write_text(&mut svg, text, &fonts),
                Item::Image(image) => write_image(&mut svg, image)?,
            }
        }
        svg.push_str("</svg>\n");
        Ok(svg)
    }
}

/// Returns the `defs` element with the outlines of all glyphs that the texts use.
fn definitions(items: &[Item], fonts: &Fonts) -> String {
    let mut glyphs = BTreeMap::new();
    for item in items {
        let Item::Text(text) = item else { continue };
        for glyph in fonts.layout(&text.text, text.style.weight).0 {
            glyphs
                .entry((text.style.weight, glyph.glyph))
                .or_insert_with(|| fonts.outline(glyph.glyph, text.style.weight));
        }
    }
    let mut definitions = String::from("<defs>");
    for ((weight, glyph), outline) in glyphs {
        if !outline.is_empty() {
            let _ = write!(
                definitions,
                r#"<path id="{}" d="{}"/>"#,
                GlyphId(weight, glyph),
                PathData(&outline)
            );
        }
    }
    definitions + "</defs>"
}

fn write_shape(svg: &mut String, shape: &Shape) {
    let _ = write!(svg, r#"<path d="{}""#, PathData(&shape.path));
    match shape.fill {
        Some(fill) => write_color(svg, "fill", fill),
        None => svg.push_str(r#" fill="none""#),
    }
    if let Some(stroke) = shape.stroke {
        write_color(svg, "stroke", stroke.color);
        let _ =
            write!(svg, r#" stroke-width="{}" stroke-linejoin="round""#, TwoDecimals(stroke.width));
        if let Some([dash, gap]) = stroke.dash {
            let _ =
                write!(svg, r#" stroke-dasharray="{} {}""#, TwoDecimals(dash), TwoDecimals(gap));
        }
    }
    svg.push_str("/>");
}

fn write_text(svg: &mut String, text: &Text, fonts: &Fonts) {
    let weight = text.style.weight;
    let unit = fonts.pixels_per_unit(weight, text.style.size);
    let _ = write!(
        svg,
        r#"<g transform="translate({} {}) scale({unit:.6} -{unit:.6})""#,
        TwoDecimals(text.x),
        TwoDecimals(text.y)
    );
    write_color(svg, "fill", text.style.color);
    svg.push('>');
    let blank = fonts.layout(" ", weight).0.first().map(|glyph| glyph.glyph);
    for glyph in fonts.layout(&text.text, weight).0 {
        if Some(glyph.glyph) == blank {
            continue;
        }
        let name = GlyphId(weight, glyph.glyph);
        let _ = write!(svg, r##"<use href="#{name}" x="{}"/>"##, TwoDecimals(glyph.x));
    }
    svg.push_str("</g>");
}

/// Writes an image as an embedded PNG. It has the resolution of the picture; enlarged, its pixels stay sharp.
fn write_image(svg: &mut String, image: &Image) -> crate::Result<()> {
    let png = encode_rgb(image.width, image.height, &image.rgb)?;
    let Image { x, y, width, height, .. } = image;
    // Writing to a `String` cannot fail.
    let _ = write!(
        svg,
        r#"<image x="{x}" y="{y}" width="{width}" height="{height}" image-rendering="pixelated" href="data:image/png;base64,"#
    );
    BASE64_STANDARD.encode_string(&png, svg);
    svg.push_str(r#""/>"#);
    Ok(())
}

fn write_color(svg: &mut String, name: &str, color: Color) {
    let _ = write!(svg, r#" {name}="{}""#, CssColor(color));
    if color.opacity < 1.0 {
        let _ = write!(svg, r#" {name}-opacity="{}""#, TwoDecimals(color.opacity));
    }
}

/// The id of a glyph. Several charts on one page may share ids, because an id always stands for the same outline.
struct GlyphId(FontWeight, u16);

impl Display for GlyphId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let letter = match self.0 {
            FontWeight::Regular => 'r',
            FontWeight::SemiBold => 's',
        };
        write!(f, "inter-{letter}{}", self.1)
    }
}

struct CssColor(Color);

impl Display for CssColor {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0.rgb;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

/// A number with up to two decimals.
struct TwoDecimals(f64);

impl Display for TwoDecimals {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let rounded = (self.0 * 100.0).round() / 100.0;
        // Adding zero turns a negative zero into a positive one.
        write!(f, "{}", rounded + 0.0)
    }
}

/// Path data, rounded to a tenth of a pixel. The command letter is omitted for consecutive lines.
struct PathData<'a>(&'a [PathSegment]);

impl Display for PathData<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut is_after_line = false;
        for segment in self.0 {
            match *segment {
                PathSegment::MoveTo(x, y) => write!(f, "M{} {}", OneDecimal(x), OneDecimal(y))?,
                PathSegment::LineTo(x, y) => {
                    let letter = if is_after_line { ' ' } else { 'L' };
                    write!(f, "{letter}{} {}", OneDecimal(x), OneDecimal(y))?;
                }
                PathSegment::QuadTo(x1, y1, x, y) => {
                    write!(
                        f,
                        "Q{} {} {} {}",
                        OneDecimal(x1),
                        OneDecimal(y1),
                        OneDecimal(x),
                        OneDecimal(y)
                    )?;
                }
                PathSegment::Close => f.write_str("Z")?,
            }
            is_after_line = matches!(segment, PathSegment::LineTo(..));
        }
        Ok(())
    }
}

/// A number with up to one decimal.
struct OneDecimal(f64);

impl Display for OneDecimal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // Adding zero turns a negative zero into a positive one.
        write!(f, "{}", (self.0 * 10.0).round() / 10.0 + 0.0)
    }
}

/// Text escaped for XML. Characters that XML does not allow are left out.
struct XmlText<'a>(&'a str);

impl Display for XmlText<'_> {
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
