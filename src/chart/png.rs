//! Writes a picture as PNG.

use std::collections::BTreeMap;

use tiny_skia::{FillRule, LineJoin, Paint, Path, PathBuilder, Pixmap, StrokeDash, Transform};

use super::font::{FontWeight, Fonts};
use super::path::PathSegment;
use super::picture::{Color, Image, Item, Picture, Shape, Text};
use crate::error::{Error, Result};

impl Picture {
    /// Returns the picture as a PNG file with 8 bits per channel and without transparency.
    ///
    /// # Errors
    /// `INTERNAL` if there is not enough memory.
    pub fn to_png(&self) -> Result<Vec<u8>> {
        let fonts = Fonts::load()?;
        let mut pixels = Pixmap::new(self.width, self.height)
            .ok_or_else(|| Error::internal("not enough memory for the picture"))?;
        let [red, green, blue] = self.background.rgb;
        pixels.fill(tiny_skia::Color::from_rgba8(red, green, blue, u8::MAX));
        let mut glyphs = BTreeMap::new();
        for item in &self.items {
            match item {
                Item::Shape(shape) => draw_shape(&mut pixels, shape),
                Item::Text(text) => draw_text(&mut pixels, text, &fonts, &mut glyphs),
                Item::Image(image) => draw_image(&mut pixels, image),
            }
        }
        encode(&pixels)
    }
}

fn encode(pixels: &Pixmap) -> Result<Vec<u8>> {
    // The background is opaque, so premultiplied colors equal plain colors.
    let (all, _) = pixels.data().as_chunks::<4>();
    let colors: Vec<u8> =
        all.iter().flat_map(|&[red, green, blue, _]| [red, green, blue]).collect();
    encode_rgb(pixels.width(), pixels.height(), &colors)
}

/// Returns pixels as a PNG file with 8 bits per channel and without transparency.
///
/// # Errors
/// `INTERNAL` if the size is not that of the pixels.
pub(super) fn encode_rgb(width: u32, height: u32, rgb: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // Areas of a single color compress best without a filter.
    encoder.set_compression(png::Compression::Balanced);
    encoder.set_filter(png::Filter::NoFilter);
    let failed =
        |error: png::EncodingError| Error::internal(format!("cannot encode the PNG: {error}"));
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(rgb).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(bytes)
}

fn paint(color: Color) -> Paint<'static> {
    let [red, green, blue] = color.rgb;
    let mut paint = Paint::default();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the opacity is between 0 and 1"
    )]
    let opacity = (color.opacity * 255.0).round() as u8;
    paint.set_color_rgba8(red, green, blue, opacity);
    paint
}

fn draw_image(pixels: &mut Pixmap, image: &Image) {
    // An image is opaque and aligned with the pixels, so its rows replace those of the picture.
    let size = |pixels: u32| usize::try_from(pixels).unwrap_or(usize::MAX);
    let (width, stride) = (size(image.width), size(pixels.width()));
    let (x, y) = (size(image.x), size(image.y));
    let rows = image.rgb.chunks_exact((width * 3).max(1));
    let (all, _) = pixels.data_mut().as_chunks_mut::<4>();
    for (target, source) in all.chunks_exact_mut(stride.max(1)).skip(y).zip(rows) {
        let (colors, _) = source.as_chunks::<3>();
        for (pixel, &[red, green, blue]) in target.iter_mut().skip(x).zip(colors) {
            *pixel = [red, green, blue, u8::MAX];
        }
    }
}

fn draw_shape(pixels: &mut Pixmap, shape: &Shape) {
    let Some(path) = to_skia_path(&shape.path) else { return };
    if let Some(fill) = shape.fill {
        pixels.fill_path(&path, &paint(fill), FillRule::Winding, Transform::identity(), None);
    }
    if let Some(stroke) = shape.stroke {
        let pen = tiny_skia::Stroke {
            width: to_f32(stroke.width),
            line_join: LineJoin::Round,
            dash: stroke
                .dash
                .and_then(|[dash, gap]| StrokeDash::new(vec![to_f32(dash), to_f32(gap)], 0.0)),
            ..tiny_skia::Stroke::default()
        };
        pixels.stroke_path(&path, &paint(stroke.color), &pen, Transform::identity(), None);
    }
}

fn draw_text(
    pixels: &mut Pixmap,
    text: &Text,
    fonts: &Fonts,
    glyphs: &mut BTreeMap<(FontWeight, u16), Option<Path>>,
) {
    let weight = text.style.weight;
    let unit = fonts.pixels_per_unit(weight, text.style.size);
    let paint = paint(text.style.color);
    for glyph in fonts.layout(&text.text, weight).0 {
        let path = glyphs
            .entry((weight, glyph.glyph))
            .or_insert_with(|| to_skia_path(&fonts.outline(glyph.glyph, weight)));
        let Some(path) = path else { continue };
        let transform = Transform::from_row(
            to_f32(unit),
            0.0,
            0.0,
            to_f32(-unit),
            to_f32(text.x + glyph.x * unit),
            to_f32(text.y),
        );
        pixels.fill_path(path, &paint, FillRule::Winding, transform, None);
    }
}

fn to_skia_path(segments: &[PathSegment]) -> Option<Path> {
    let mut path = PathBuilder::new();
    for segment in segments {
        match *segment {
            PathSegment::MoveTo(x, y) => path.move_to(to_f32(x), to_f32(y)),
            PathSegment::LineTo(x, y) => path.line_to(to_f32(x), to_f32(y)),
            PathSegment::QuadTo(x1, y1, x, y) => {
                path.quad_to(to_f32(x1), to_f32(y1), to_f32(x), to_f32(y));
            }
            PathSegment::Close => path.close(),
        }
    }
    path.finish()
}

#[expect(clippy::cast_possible_truncation, reason = "single precision is enough for pixels")]
fn to_f32(value: f64) -> f32 {
    value as f32
}
