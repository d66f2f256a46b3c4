//! Color themes, light and dark.
//!
//! Profit and loss are bluish green and vermilion, which color-blind people can distinguish. The contrast with the background
//! is at least 4.5 to 1 for text and 3 to 1 for data lines.

use super::picture::Color;

/// Color theme of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Dark on white.
    Light,
    /// Light on near black.
    Dark,
}

impl Theme {
    /// All themes with their names.
    pub const ALL: [(&'static str, Self); 2] = [("light", Self::Light), ("dark", Self::Dark)];
}

/// The colors of a theme.
#[derive(Debug, Clone, Copy)]
pub(super) struct Palette {
    pub(super) background: Color,
    /// Titles and values.
    pub(super) ink: Color,
    /// Other text.
    pub(super) muted: Color,
    /// Grid lines.
    pub(super) grid: Color,
    /// Base lines of panels.
    pub(super) edge: Color,
    pub(super) price: Color,
    pub(super) strategy: Color,
    /// Buy and hold.
    pub(super) hold: Color,
    pub(super) profit: Color,
    pub(super) loss: Color,
    /// Text on a value label.
    pub(super) on_label: Color,
}

impl Palette {
    pub(super) const fn of(theme: Theme) -> Self {
        match theme {
            Theme::Light => Self {
                background: Color::new(0xff_ff_ff),
                ink: Color::new(0x14_1b_26),
                muted: Color::new(0x5b_66_75),
                grid: Color::new(0xec_ef_f3),
                edge: Color::new(0xc9_d0_d9),
                price: Color::new(0x3d_48_58),
                strategy: Color::new(0x1a_5f_d0),
                hold: Color::new(0x80_8a_98),
                profit: Color::new(0x00_8f_69),
                loss: Color::new(0xd4_54_00),
                on_label: Color::new(0xff_ff_ff),
            },
            Theme::Dark => Self {
                background: Color::new(0x0e_13_1a),
                ink: Color::new(0xe8_ed_f4),
                muted: Color::new(0x93_a0_b2),
                grid: Color::new(0x1b_23_2e),
                edge: Color::new(0x35_41_50),
                price: Color::new(0xb9_c4_d2),
                strategy: Color::new(0x5a_a5_ff),
                hold: Color::new(0x7d_8a_9c),
                profit: Color::new(0x2c_c0_96),
                loss: Color::new(0xff_8a_3d),
                on_label: Color::new(0x0e_13_1a),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the contrast ratio of two colors as defined by the Web Content Accessibility Guidelines.
    fn contrast(a: Color, b: Color) -> f64 {
        let luminance = |color: Color| {
            let [red, green, blue] = color.rgb.map(|part| {
                let part = f64::from(part) / 255.0;
                if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
            });
            0.2126 * red + 0.7152 * green + 0.0722 * blue
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_and_data_lines_have_enough_contrast() {
        for (name, theme) in Theme::ALL {
            let palette = Palette::of(theme);
            for text in [palette.ink, palette.muted] {
                assert!(contrast(text, palette.background) >= 4.5, "{name} {text:?}");
            }
            for line in
                [palette.price, palette.strategy, palette.hold, palette.profit, palette.loss]
            {
                let found = contrast(line, palette.background);
                assert!(found >= 3.0, "{name} {line:?} {found}");
            }
            for tag in [palette.price, palette.strategy, palette.hold] {
                let found = contrast(tag, palette.on_label);
                assert!(found >= 3.0, "{name} {tag:?} {found}");
            }
        }
    }

    #[test]
    fn profit_and_loss_are_distinguishable_with_deuteranopia() {
        // Simulation of deuteranopia on linear light by Viénot, Brettel and Mollon (1999).
        let simulated = |color: Color| {
            let [red, green, blue] = color.rgb.map(|part| (f64::from(part) / 255.0).powf(2.2));
            let yellow = 0.29275 * red + 0.70725 * green;
            let blue = -0.02234 * red + 0.02234 * green + blue;
            [yellow, blue.max(0.0)].map(|part| part.powf(1.0 / 2.2))
        };
        for (name, theme) in Theme::ALL {
            let palette = Palette::of(theme);
            let (profit, loss) = (simulated(palette.profit), simulated(palette.loss));
            let distance = (profit[0] - loss[0]).hypot(profit[1] - loss[1]);
            assert!(distance > 0.25, "{name}: {profit:?} {loss:?}");
        }
    }
}
