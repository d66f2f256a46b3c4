//! Size and colors of a chart.

use super::theme::Theme;

/// Smallest width and height of a picture, pixels.
pub const MIN_SIZE: u32 = 200;
/// Largest width and height of a picture, pixels.
pub const MAX_SIZE: u32 = 4096;

/// Size and colors of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Pixels, from [`MIN_SIZE`] to [`MAX_SIZE`].
    pub width: u32,
    /// Pixels, from [`MIN_SIZE`] to [`MAX_SIZE`].
    pub height: u32,
    /// The colors.
    pub theme: Theme,
}
