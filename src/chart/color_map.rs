//! Color maps: values between 0 and 1 to colors that color-blind people can read.
//!
//! - Sequential: viridis by van der Walt and Smith (2015, CC0), perceptually uniform, with a lightness that only grows. It is
//!   also readable in shades of gray.
//! - Diverging, for values above and below a break-even: orange below, blue above, equally far from a light gray. Lightness is
//!   linear in the color space `OKLab` (Ottosson 2020): 0.95 in the middle, 0.40 at both ends. Orange and blue differ with each kind of color
//!   blindness; red and green do not.

use super::picture::Color;

/// The highest level of a map. It is even, so that a diverging map has a color in its middle.
pub(super) const LEVELS: u8 = 254;

/// Every eighth color of viridis; colors in between are within two 255ths of a straight line.
const VIRIDIS: [[u8; 3]; 33] = [
    [0x44, 0x01, 0x54],
    [0x47, 0x0d, 0x60],
    [0x48, 0x18, 0x6a],
    [0x48, 0x23, 0x74],
    [0x47, 0x2d, 0x7b],
    [0x45, 0x36, 0x81],
    [0x42, 0x40, 0x86],
    [0x3f, 0x49, 0x89],
    [0x3b, 0x52, 0x8b],
    [0x37, 0x5a, 0x8d],
    [0x33, 0x63, 0x8d],
    [0x2f, 0x6a, 0x8e],
    [0x2c, 0x72, 0x8e],
    [0x29, 0x7a, 0x8e],
    [0x26, 0x81, 0x8e],
    [0x23, 0x89, 0x8e],
    [0x21, 0x90, 0x8c],
    [0x1f, 0x98, 0x8b],
    [0x1f, 0x9f, 0x88],
    [0x21, 0xa6, 0x85],
    [0x28, 0xae, 0x80],
    [0x31, 0xb5, 0x7b],
    [0x3e, 0xbc, 0x74],
    [0x4c, 0xc2, 0x6c],
    [0x5d, 0xc9, 0x63],
    [0x6e, 0xce, 0x58],
    [0x82, 0xd3, 0x4c],
    [0x96, 0xd8, 0x3f],
    [0xab, 0xdc, 0x32],
    [0xc0, 0xdf, 0x24],
    [0xd5, 0xe2, 0x1a],
    [0xea, 0xe5, 0x1a],
    [0xfd, 0xe7, 0x25],
];

/// Computed in OKLCH: hue 48° below and 253° above; chroma from 0 to 0.135 at 0.6 of either side, and to 0.105 and 0.113 at
/// the ends.
const ORANGE_BLUE: [[u8; 3]; 33] = [
    [0x73, 0x32, 0x05],
    [0x7f, 0x3a, 0x0d],
    [0x8c, 0x43, 0x15],
    [0x99, 0x4b, 0x1d],
    [0xa6, 0x54, 0x24],
    [0xb3, 0x5d, 0x2b],
    [0xc1, 0x66, 0x32],
    [0xc9, 0x72, 0x42],
    [0xcf, 0x80, 0x57],
    [0xd4, 0x8e, 0x6a],
    [0xd9, 0x9c, 0x7d],
    [0xdd, 0xaa, 0x90],
    [0xe1, 0xb8, 0xa3],
    [0xe5, 0xc5, 0xb5],
    [0xe8, 0xd3, 0xc8],
    [0xec, 0xe1, 0xdb],
    [0xee, 0xee, 0xee],
    [0xdd, 0xe4, 0xed],
    [0xcb, 0xd9, 0xeb],
    [0xba, 0xcf, 0xe8],
    [0xa9, 0xc5, 0xe6],
    [0x97, 0xba, 0xe3],
    [0x86, 0xaf, 0xe1],
    [0x74, 0xa5, 0xde],
    [0x63, 0x9a, 0xda],
    [0x50, 0x8f, 0xd7],
    [0x41, 0x84, 0xcf],
    [0x39, 0x7a, 0xc2],
    [0x30, 0x70, 0xb5],
    [0x28, 0x66, 0xa8],
    [0x20, 0x5c, 0x9b],
    [0x17, 0x52, 0x8f],
    [0x0e, 0x48, 0x82],
];

/// A color map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColorMap {
    /// From low to high.
    Sequential,
    /// From below a middle to above it.
    Diverging,
}

impl ColorMap {
    /// Returns the level of a share from 0 to 1. Shares outside are limited.
    pub(super) fn level(share: f64) -> u8 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "limited to the range of levels; NaN becomes 0"
        )]
        let level = (share.clamp(0.0, 1.0) * f64::from(LEVELS)).round() as u8;
        level
    }

    /// Returns the color of a level.
    pub(super) fn color(self, level: u8) -> Color {
        let anchors = match self {
            Self::Sequential => &VIRIDIS,
            Self::Diverging => &ORANGE_BLUE,
        };
        let position = f64::from(level) / f64::from(LEVELS) * 32.0;
        let index = usize::from(level) * 32 / usize::from(LEVELS);
        let anchor = |index: usize| anchors.get(index).copied().unwrap_or_default();
        let (from, to) = (anchor(index), anchor((index + 1).min(32)));
        let part = position - position.floor();
        let mix = |(from, to): (u8, u8)| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between two bytes"
            )]
            let mixed = (f64::from(from) + (f64::from(to) - f64::from(from)) * part).round() as u8;
            mixed
        };
        let ([r0, g0, b0], [r1, g1, b1]) = (from, to);
        Color { rgb: [mix((r0, r1)), mix((g0, g1)), mix((b0, b1))], opacity: 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linear(color: Color) -> [f64; 3] {
        color.rgb.map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        })
    }

    /// Returns lightness, from 0 to 1, and the two color axes of `OKLab`.
    #[expect(clippy::many_single_char_names, reason = "the names of the publication")]
    fn oklab([r, g, b]: [f64; 3]) -> [f64; 3] {
        let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
        let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
        let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
        [
            0.210_454_255_3 * l + 0.793_617_785_0 * m - 0.004_072_046_8 * s,
            1.977_998_495_1 * l - 2.428_592_205_0 * m + 0.450_593_709_9 * s,
            0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766_0 * s,
        ]
    }

    fn lightness(map: ColorMap, level: u8) -> f64 {
        oklab(linear(map.color(level)))[0]
    }

    #[test]
    fn viridis_is_the_published_map() {
        // Entries 0, 51, 100, 128, 200 and 255 of the table in matplotlib, with our nearest levels.
        let published = [
            (0, [0x44, 0x01, 0x54]),
            (51, [0x41, 0x44, 0x87]),
            (100, [0x2a, 0x76, 0x8e]),
            (127, [0x21, 0x91, 0x8c]),
            (199, [0x70, 0xcf, 0x57]),
            (254, [0xfd, 0xe7, 0x25]),
        ];
        for (level, rgb) in published {
            let found = ColorMap::Sequential.color(level).rgb;
            for (found, rgb) in found.into_iter().zip(rgb) {
                assert!(i16::from(found).abs_diff(rgb) <= 3, "{level}: {found} {rgb}");
            }
        }
    }

    #[test]
    fn lightness_only_grows_in_the_sequential_map() {
        // Ten levels apart, so that the rounding to bytes does not matter.
        for level in 0..=LEVELS - 10 {
            let (low, high) = (level, level + 10);
            let step = lightness(ColorMap::Sequential, high) - lightness(ColorMap::Sequential, low);
            assert!(step > 0.01, "{low}: {step}");
        }
    }

    #[test]
    fn both_sides_of_the_diverging_map_fall_alike() {
        for distance in 0..=127_u8 {
            let expected = 0.95 - 0.55 * f64::from(distance) / 127.0;
            for level in [127 - distance, 127 + distance] {
                let found = lightness(ColorMap::Diverging, level);
                assert!((found - expected).abs() < 0.01, "{level}: {found} {expected}");
            }
        }
    }

    /// Simulations of color blindness on linear light: protanopia and deuteranopia by Viénot, Brettel and Mollon (1999),
    /// tritanopia by Machado, Oliveira and Fernandes (2009).
    const BLINDNESS: [(&str, [[f64; 3]; 3]); 3] = [
        (
            "protanopia",
            [[0.112_38, 0.887_62, 0.0], [0.112_38, 0.887_62, 0.0], [0.004_01, -0.004_01, 1.0]],
        ),
        (
            "deuteranopia",
            [[0.292_75, 0.707_25, 0.0], [0.292_75, 0.707_25, 0.0], [-0.022_34, 0.022_34, 1.0]],
        ),
        (
            "tritanopia",
            [
                [1.255_528, -0.076_749, -0.178_779],
                [-0.078_411, 0.930_809, 0.147_602],
                [0.004_733, 0.691_367, 0.303_900],
            ],
        ),
    ];

    #[test]
    fn color_blind_people_see_which_side_of_the_middle_a_color_is_on() {
        for (name, matrix) in BLINDNESS {
            let seen = |level: u8| {
                let color = linear(ColorMap::Diverging.color(level));
                let row = |row: [f64; 3]| {
                    row.into_iter().zip(color).map(|(a, b)| a * b).sum::<f64>().max(0.0)
                };
                oklab(matrix.map(row))
            };
            // From a quarter of a side on, the two sides differ in hue by more than 0.05, several just noticeable differences.
            for distance in 32..=127 {
                let ([_, a0, b0], [_, a1, b1]) = (seen(127 - distance), seen(127 + distance));
                let found = (a0 - a1).hypot(b0 - b1);
                assert!(found > 0.05, "{name} at {distance}: {found}");
            }
        }
    }

    #[test]
    fn shares_outside_the_range_are_limited() {
        assert_eq!(
            [-1.0, 0.0, 0.5, 1.0, 7.0, f64::NAN].map(ColorMap::level),
            [0, 0, 127, 254, 254, 0]
        );
    }
}
