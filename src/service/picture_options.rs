//! Format, size and colors of a picture.

use crate::chart::{self, Picture, Style, Theme};
use crate::error::Result;
use crate::request::{Fields, Issues, Range};

/// The file format of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Png,
    Svg,
}

const FORMATS: [(&str, Format); 2] = [("png", Format::Png), ("svg", Format::Svg)];
const DEFAULT_WIDTH: u32 = 1200;
const DEFAULT_HEIGHT: u32 = 800;

/// Format, size and colors of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PictureOptions {
    format: Format,
    pub(super) style: Style,
}

impl PictureOptions {
    /// Reads `width`, `height`, `format` and `theme`.
    pub(super) fn read(fields: &mut Fields<'_>, issues: &mut Issues) -> Self {
        let range = Range::between(chart::MIN_SIZE.into(), chart::MAX_SIZE.into());
        let mut pixels = |name, default: u32| {
            let pixels = fields.integer(name, range, issues);
            pixels.and_then(|pixels| u32::try_from(pixels).ok()).unwrap_or(default)
        };
        let (width, height) = (pixels("width", DEFAULT_WIDTH), pixels("height", DEFAULT_HEIGHT));
        let format = fields.choice("format", &FORMATS, issues).unwrap_or(Format::Png);
        let theme = fields.choice("theme", &Theme::ALL, issues).unwrap_or(Theme::Light);
        Self { format, style: Style { width, height, theme } }
    }

    /// Returns a picture as the bytes of a file.
    pub(super) fn write(&self, picture: &Picture) -> Result<Vec<u8>> {
        match self.format {
            Format::Png => picture.to_png(),
            Format::Svg => picture.to_svg().map(String::into_bytes),
        }
    }
}
