//! From values to colors, and the range of the color bar.

use super::super::color_map::{ColorMap, LEVELS};
use super::super::scale::ValueRange;

/// Below this number of values, outliers are not told from the rest.
const MIN_VALUES: usize = 50;

/// Maps the values of the cells to colors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ColorScale {
    pub(super) map: ColorMap,
    /// The values at the ends of the color bar.
    pub(super) range: ValueRange,
    /// The value in the middle of a diverging map.
    middle: f64,
    /// Whether lower values than the range share its lowest color.
    pub(super) is_cut_below: bool,
    /// Whether higher values than the range share its highest color.
    pub(super) is_cut_above: bool,
}

impl ColorScale {
    /// Returns the scale of values. `None` if there are none.
    pub(super) fn of(values: &mut [f64], break_even: Option<f64>) -> Option<Self> {
        let full = ValueRange::of(values.iter().copied())?;
        let range = without_outliers(values, full);
        let diverges = break_even.filter(|middle| range.low < *middle && *middle < range.high);
        Some(Self {
            map: if diverges.is_some() { ColorMap::Diverging } else { ColorMap::Sequential },
            range,
            middle: diverges.unwrap_or(0.0),
            is_cut_below: full.low < range.low,
            is_cut_above: full.high > range.high,
        })
    }

    /// Returns whether there is only one value, within rounding errors.
    pub(super) fn is_flat(&self) -> bool {
        let ValueRange { low, high } = self.range;
        high / 2.0 - low / 2.0 <= low.abs().max(high.abs()) * 1e-9
    }

    /// Returns the level of a value in the color map. A single value has the one in the middle.
    pub(super) fn level(&self, value: f64) -> u8 {
        if self.is_flat() {
            return LEVELS / 2;
        }
        // Half of each value, so that differences do not overflow.
        let (low, high, value) = (self.range.low / 2.0, self.range.high / 2.0, value / 2.0);
        let share = match self.map {
            ColorMap::Sequential => (value - low) / (high - low),
            ColorMap::Diverging => {
                let middle = self.middle / 2.0;
                let side = (high - middle).max(middle - low);
                0.5 + (value - middle) / side / 2.0
            }
        };
        ColorMap::level(share)
    }
}

/// Returns the range of the values. An end that lies farther outside the second and the 98th percentile than these are apart
/// is replaced by its percentile.
fn without_outliers(values: &mut [f64], full: ValueRange) -> ValueRange {
    let count = values.len();
    if count < MIN_VALUES {
        return full;
    }
    let rank = count / 50;
    let (_, low, _) = values.select_nth_unstable_by(rank, f64::total_cmp);
    let low = *low;
    let (_, high, _) = values.select_nth_unstable_by(count - 1 - rank, f64::total_cmp);
    let high = *high;
    // Halves, so that differences do not overflow. If most values are equal, any other would be an outlier.
    let span = high / 2.0 - low / 2.0;
    if span <= 0.0 {
        return full;
    }
    ValueRange {
        low: if low / 2.0 - full.low / 2.0 > span { low } else { full.low },
        high: if full.high / 2.0 - high / 2.0 > span { high } else { full.high },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(values: &[f64], break_even: Option<f64>) -> ColorScale {
        ColorScale::of(&mut values.to_vec(), break_even).unwrap()
    }

    #[test]
    fn the_colors_diverge_only_with_values_on_both_sides() {
        let both = scale(&[-0.5, 1.0], Some(0.0));
        assert_eq!(both.map, ColorMap::Diverging);
        // The same distance from the middle is equally saturated.
        assert_eq!(
            [-1.0, -0.5, 0.0, 0.5, 1.0].map(|value| both.level(value)),
            [0, 64, 127, 191, 254]
        );
        assert_eq!(both.range, ValueRange { low: -0.5, high: 1.0 });
        for (values, break_even) in [
            ([0.5, 1.0], Some(0.0)),
            ([-2.0, -1.0], Some(0.0)),
            ([0.0, 1.0], Some(0.0)),
            ([-0.5, 1.0], None),
        ] {
            let one = scale(&values, break_even);
            assert_eq!(one.map, ColorMap::Sequential, "{values:?}");
            assert_eq!(values.map(|value| one.level(value)), [0, 254]);
        }
        assert_eq!(scale(&[0.8, 1.4], Some(1.0)).level(1.0), 127);
    }

    #[test]
    fn equal_values_have_the_middle_color() {
        for value in [0.0, 3.0, -1e-12, 1e300, f64::MAX] {
            let equal = scale(&[value; 4], Some(0.0));
            assert!(equal.is_flat());
            assert_eq!(equal.level(value), 127, "{value}");
        }
    }

    #[test]
    fn outliers_share_the_end_of_the_scale() {
        let mut values: Vec<f64> = (0..200).map(|index| f64::from(index) / 100.0).collect();
        let plain = scale(&values, None);
        assert!(!plain.is_cut_above && !plain.is_cut_below);
        values[100] = 1e6;
        let cut = scale(&values, None);
        assert!(cut.is_cut_above && !cut.is_cut_below);
        assert!((1.9..2.0).contains(&cut.range.high) && cut.range.low == 0.0, "{:?}", cut.range);
        assert_eq!([cut.level(1e6), cut.level(-1.0)], [254, 0]);
        // With a few values, nobody knows what an outlier is.
        assert!(!scale(&values[90..110], None).is_cut_above);
        // If nearly all values are equal, the others are what there is to see.
        let mut equal = vec![0.0; 100];
        equal[7] = 1.0;
        assert!(!scale(&equal, None).is_cut_above);
    }

    #[test]
    fn extreme_values_have_levels() {
        let extreme = scale(&[-f64::MAX, f64::MAX], Some(0.0));
        assert_eq!([-f64::MAX, 0.0, f64::MAX].map(|value| extreme.level(value)), [0, 127, 254]);
        assert_eq!(ColorScale::of(&mut [], Some(0.0)), None);
    }
}
