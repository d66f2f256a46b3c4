//! Colours, for light and for dark surroundings.
//!
//! Profit and loss are bluish green and vermilion, which people who do not see red or green tell apart; the side that a
//! mark is on and its shape say the same. Texts have a contrast of at least 4.5 to 1 with the background, lines of data 3
//! to 1.

use super::picture::Color;

/// Which colours a picture has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Dark on white.
    Light,
    /// Light on near black.
    Dark,
}

impl Theme {
    /// Every theme with its name.
    pub const ALL: [(&'static str, Self); 2] = [("light", Self::Light), ("dark", Self::Dark)];
}

/// The colours of a theme.
#[derive(Debug, Clone, Copy)]
pub(super) struct Palette {
    pub(super) background: Color,
    /// Titles and figures.
    pub(super) ink: Color,
    /// Other texts.
    pub(super) muted: Color,
    /// Lines that data are read against.
    pub(super) grid: Color,
    /// Edges of panels.
    pub(super) edge: Color,
    pub(super) price: Color,
    pub(super) strategy: Color,
    /// Buying and holding.
    pub(super) hold: Color,
    pub(super) profit: Color,
    pub(super) loss: Color,
    /// What is written on a filled tag.
    pub(super) on_tag: Color,
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
                on_tag: Color::new(0xff_ff_ff),
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
                on_tag: Color::new(0x0e_13_1a),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The contrast of two colours as the Web Content Accessibility Guidelines define it.
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
    fn texts_and_lines_stand_out() {
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
                let found = contrast(tag, palette.on_tag);
                assert!(found >= 3.0, "{name} {tag:?} {found}");
            }
        }
    }

    #[test]
    fn profit_and_loss_differ_for_those_who_do_not_see_green() {
        // Viénot, Brettel and Mollon (1999), the reduction for deuteranopia, on linear light.
        let seen = |color: Color| {
            let [red, green, blue] = color.rgb.map(|part| (f64::from(part) / 255.0).powf(2.2));
            let yellow = 0.29275 * red + 0.70725 * green;
            let blue = -0.02234 * red + 0.02234 * green + blue;
            [yellow, blue.max(0.0)].map(|part| part.powf(1.0 / 2.2))
        };
        for (name, theme) in Theme::ALL {
            let palette = Palette::of(theme);
            let (profit, loss) = (seen(palette.profit), seen(palette.loss));
            let apart = (profit[0] - loss[0]).hypot(profit[1] - loss[1]);
            assert!(apart > 0.25, "{name}: {profit:?} {loss:?}");
        }
    }
}
