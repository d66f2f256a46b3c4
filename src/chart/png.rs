//! A picture as PNG.

use std::collections::BTreeMap;

use tiny_skia::{FillRule, LineJoin, Paint, Path, PathBuilder, Pixmap, StrokeDash, Transform};

use super::font::Fonts;
use super::picture::{Color, Item, Picture, Shape, Step, Text};
use crate::error::{Error, Result};

impl Picture {
    /// Returns the picture as the bytes of a PNG file, 8 bits of red, green and blue a pixel.
    ///
    /// # Errors
    /// `INTERNAL` for a picture that there is no memory for.
    pub fn to_png(&self) -> Result<Vec<u8>> {
        let fonts = Fonts::load()?;
        let mut pixels = Pixmap::new(self.width, self.height)
            .ok_or_else(|| Error::internal("there is no memory for the picture"))?;
        let [red, green, blue] = self.background.rgb;
        pixels.fill(tiny_skia::Color::from_rgba8(red, green, blue, u8::MAX));
        let mut glyphs = BTreeMap::new();
        for item in &self.items {
            match item {
                Item::Shape(shape) => draw_shape(&mut pixels, shape),
                Item::Text(text) => draw_text(&mut pixels, text, &fonts, &mut glyphs),
            }
        }
        encode(&pixels)
    }
}

fn encode(pixels: &Pixmap) -> Result<Vec<u8>> {
    // Everything lies on an opaque background, so there is nothing to divide by the opacity.
    let (all, _) = pixels.data().as_chunks::<4>();
    let colors: Vec<u8> =
        all.iter().flat_map(|&[red, green, blue, _]| [red, green, blue]).collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, pixels.width(), pixels.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // Areas of one colour are packed best as they are.
    encoder.set_compression(png::Compression::Balanced);
    encoder.set_filter(png::Filter::NoFilter);
    let failed =
        |error: png::EncodingError| Error::internal(format!("the PNG was not written: {error}"));
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&colors).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(bytes)
}

fn paint(color: Color) -> Paint<'static> {
    let [red, green, blue] = color.rgb;
    let mut paint = Paint::default();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an opacity lies between 0 and 1"
    )]
    let opacity = (color.opacity * 255.0).round() as u8;
    paint.set_color_rgba8(red, green, blue, opacity);
    paint
}

fn draw_shape(pixels: &mut Pixmap, shape: &Shape) {
    let Some(path) = path_of(&shape.steps) else { return };
    if let Some(fill) = shape.fill {
        pixels.fill_path(&path, &paint(fill), FillRule::Winding, Transform::identity(), None);
    }
    if let Some(stroke) = shape.stroke {
        let pen = tiny_skia::Stroke {
            width: narrow(stroke.width),
            line_join: LineJoin::Round,
            dash: stroke
                .dash
                .and_then(|[dash, gap]| StrokeDash::new(vec![narrow(dash), narrow(gap)], 0.0)),
            ..tiny_skia::Stroke::default()
        };
        pixels.stroke_path(&path, &paint(stroke.color), &pen, Transform::identity(), None);
    }
}

fn draw_text(
    pixels: &mut Pixmap,
    text: &Text,
    fonts: &Fonts,
    glyphs: &mut BTreeMap<(super::font::Weight, u16), Option<Path>>,
) {
    let weight = text.style.weight;
    let unit = fonts.unit(weight, text.style.size);
    let paint = paint(text.style.color);
    for placed in fonts.place(&text.text, weight).0 {
        let path = glyphs
            .entry((weight, placed.glyph))
            .or_insert_with(|| path_of(&fonts.outline(placed.glyph, weight)));
        let Some(path) = path else { continue };
        let transform = Transform::from_row(
            narrow(unit),
            0.0,
            0.0,
            narrow(-unit),
            narrow(text.x + placed.x * unit),
            narrow(text.y),
        );
        pixels.fill_path(path, &paint, FillRule::Winding, transform, None);
    }
}

fn path_of(steps: &[Step]) -> Option<Path> {
    let mut path = PathBuilder::new();
    for step in steps {
        match *step {
            Step::Move(x, y) => path.move_to(narrow(x), narrow(y)),
            Step::Line(x, y) => path.line_to(narrow(x), narrow(y)),
            Step::Curve(x1, y1, x, y) => path.quad_to(narrow(x1), narrow(y1), narrow(x), narrow(y)),
            Step::Close => path.close(),
        }
    }
    path.finish()
}

#[expect(clippy::cast_possible_truncation, reason = "pixels need no more digits")]
fn narrow(value: f64) -> f32 {
    value as f32
}
