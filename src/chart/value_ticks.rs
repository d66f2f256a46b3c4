//! Ticks of a value axis at round numbers.

use super::number_format::{NumberFormat, NumberUnit, decimal_exponent};
use super::scale::ValueScale;

/// A tick with its label.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ValueTick {
    /// Pixel.
    pub(super) y: f64,
    pub(super) label: String,
}

/// The ticks of a value axis, with the format of its numbers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ValueTicks {
    pub(super) list: Vec<ValueTick>,
    /// Format of the labels. `None` if each label has its own.
    pub(super) format: Option<NumberFormat>,
    unit: NumberUnit,
}

impl ValueTicks {
    /// Returns an axis without ticks.
    pub(super) const fn empty(unit: NumberUnit) -> Self {
        Self { list: Vec::new(), format: None, unit }
    }

    /// Returns an axis with a single value.
    pub(super) fn single(unit: NumberUnit, y: f64, value: f64) -> Self {
        let axis = Self::empty(unit);
        let label = axis.format_value(value);
        Self { list: vec![ValueTick { y, label }], ..axis }
    }

    /// Returns ticks at round numbers, at least `distance` pixels apart and not below `floor`.
    pub(super) fn of(scale: &ValueScale, unit: NumberUnit, distance: f64, floor: f64) -> Self {
        if scale.is_log {
            Self::logarithmic(scale, unit, distance)
        } else {
            Self::linear(scale, unit, distance, floor)
        }
    }

    fn linear(scale: &ValueScale, unit: NumberUnit, distance: f64, floor: f64) -> Self {
        let range = scale.range();
        let share = distance / (scale.bottom - scale.top).max(1.0);
        let extent = range.high - range.low;
        let min_step = if extent.is_finite() {
            extent * distance / (scale.bottom - scale.top).max(1.0)
        } else {
            range.high * share - range.low * share
        };
        let power = 10_f64.powi(decimal_exponent(min_step));
        // Each step with the multiple that its digits need.
        let (step, digit) = [(1.0, 1.0), (2.0, 1.0), (2.5, 0.5), (5.0, 1.0), (10.0, 10.0)]
            .into_iter()
            .map(|(step, digit)| (step * power, digit * power))
            .find(|(step, _)| *step >= min_step * (1.0 - 1e-9))
            .unwrap_or((10.0 * power, 10.0 * power));
        // Near the limits of floats, a step may underflow or overflow.
        if !(step > 0.0 && step.is_finite()) {
            return Self::empty(unit);
        }
        let first = (range.low.max(floor) / step - 1e-9).ceil();
        let last = (range.high / step + 1e-9).floor();
        let size = range.low.abs().max(range.high.abs());
        let format = NumberFormat::new(unit, size, digit);
        let mut ticks = Vec::new();
        let mut index = first;
        while index <= last && ticks.len() < 100 {
            // Adding zero turns a negative zero into a positive one.
            let value = index * step + 0.0;
            if value.is_finite() {
                ticks.push(ValueTick { y: scale.pixel(value), label: format.format(value) });
            }
            index += 1.0;
        }
        Self { list: ticks, format: Some(format), unit }
    }

    fn logarithmic(scale: &ValueScale, unit: NumberUnit, distance: f64) -> Self {
        let range = scale.range();
        let decade = (scale.pixel(1.0) - scale.pixel(10.0)).abs();
        let (first, last) = (decimal_exponent(range.low) - 1, decimal_exponent(range.high) + 1);
        // The smallest gaps are 0.301 decades (1 to 2, 5 to 10) and 0.477 decades (1 to 3).
        let (factors, interval): (&[f64], i32) = if decade * 0.301 >= distance {
            (&[1.0, 2.0, 5.0], 1)
        } else if decade * 0.477 >= distance {
            (&[1.0, 3.0], 1)
        } else {
            let sparse = [1, 2, 3, 5, 10, 20, 50, 100];
            let fits = |interval: &i32| decade * f64::from(*interval) >= distance;
            (&[1.0], sparse.into_iter().find(fits).unwrap_or(400))
        };
        let ticks = (first..=last)
            .filter(|power| power.rem_euclid(interval) == 0)
            .flat_map(|power| factors.iter().map(move |factor| factor * 10_f64.powi(power)))
            .filter(|value| (range.low..=range.high).contains(value))
            .map(|value| ValueTick {
                y: scale.pixel(value),
                label: NumberFormat::new(unit, value, 10_f64.powi(decimal_exponent(value)))
                    .format(value),
            });
        Self { list: ticks.collect(), format: None, unit }
    }

    /// Formats a single value, such as the last price, more precisely than the tick labels.
    pub(super) fn format_value(&self, value: f64) -> String {
        let format = self.format.unwrap_or_else(|| {
            let size = value.abs();
            NumberFormat::new(self.unit, size, 10_f64.powi(decimal_exponent(size) - 1))
        });
        let precise = match self.unit {
            NumberUnit::Amount => format.with_more_decimals(2),
            NumberUnit::Percent => format.with_more_decimals(1).with_max_decimals(2),
        };
        // More than two decimals of a price above 100 are noise.
        let is_large = value.abs() >= 100.0 && precise.is_plain();
        let precise = if is_large { precise.with_max_decimals(2) } else { precise };
        precise.format(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::scale::ValueRange;

    fn labels(low: f64, high: f64, is_log: bool, unit: NumberUnit) -> Vec<String> {
        let scale = ValueScale::new(ValueRange { low, high }, is_log, (0.0, 200.0), (0.0, 0.0));
        let ticks = ValueTicks::of(&scale, unit, 40.0, f64::NEG_INFINITY);
        ticks.list.into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn ticks_are_round_and_share_a_format() {
        use NumberUnit::{Amount, Percent};
        let cases: [(f64, f64, NumberUnit, &[&str]); 9] = [
            (0.0, 100.0, Amount, &["0", "20", "40", "60", "80", "100"]),
            (98.7, 101.3, Amount, &["99", "100", "101"]),
            (9_900.0, 10_100.0, Amount, &["9,900", "9,950", "10,000", "10,050", "10,100"]),
            (-38.0, 0.0, Percent, &["−30 %", "−20 %", "−10 %", "0 %"]),
            (1.1e-7, 1.3e-7, Amount, &["1.10e-7", "1.15e-7", "1.20e-7", "1.25e-7", "1.30e-7"]),
            (1e9, 1.2e9, Amount, &["1.00B", "1.05B", "1.10B", "1.15B", "1.20B"]),
            (0.0, 3e6, Amount, &["0M", "1M", "2M", "3M"]),
            (-1.0, 0.0, Percent, &["−1.0 %", "−0.8 %", "−0.6 %", "−0.4 %", "−0.2 %", "0.0 %"]),
            (2e16, 3e16, Amount, &["2.0e16", "2.2e16", "2.4e16", "2.6e16", "2.8e16", "3.0e16"]),
        ];
        for (low, high, unit, expected) in cases {
            assert_eq!(labels(low, high, false, unit), expected, "{low} to {high}");
        }
    }

    #[test]
    fn logarithmic_ticks_are_multiples_of_1_2_and_5_or_fewer() {
        let of = |low, high| labels(low, high, true, NumberUnit::Amount);
        assert_eq!(of(100.0, 1000.0), ["100", "200", "500", "1,000"]);
        assert_eq!(of(1.0, 100.0), ["1", "3", "10", "30", "100"]);
        assert_eq!(of(1e-8, 1e2), ["1e-8", "1e-6", "0.0001", "0.01", "1", "100"]);
        assert_eq!(of(2e5, 3e7), ["300,000", "1M", "3M", "10M", "30M"]);
    }

    #[test]
    fn ticks_keep_their_distance_for_any_range() {
        for power in -12..18 {
            for factor in [1.0, 1.3, 2.7, 4.9, 7.7] {
                let high = factor * 10_f64.powi(power);
                for low in [0.0, high * 0.99, high * 0.05, -high] {
                    let scale =
                        ValueScale::new(ValueRange { low, high }, false, (0.0, 200.0), (3.0, 5.0));
                    let ticks =
                        ValueTicks::of(&scale, NumberUnit::Amount, 30.0, f64::NEG_INFINITY).list;
                    assert!((2..=7).contains(&ticks.len()), "{low} {high}: {ticks:?}");
                    assert!(
                        ticks.windows(2).all(|pair| pair[0].y - pair[1].y >= 29.9),
                        "{ticks:?}"
                    );
                    let mut labels: Vec<&str> =
                        ticks.iter().map(|tick| tick.label.as_str()).collect();
                    labels.dedup();
                    assert_eq!(labels.len(), ticks.len(), "{labels:?}");
                }
            }
        }
    }

    #[test]
    fn extreme_values_have_finite_ticks() {
        let most = f64::MAX;
        for (low, high) in
            [(-most, most), (5e-324, 5e-324), (0.0, 1e-323), (0.0, most), (1e-300, most)]
        {
            for log in [false, low > 0.0] {
                for distance in [10.0, 40.0, 150.0] {
                    let scale =
                        ValueScale::new(ValueRange { low, high }, log, (0.0, 200.0), (3.0, 5.0));
                    let ticks =
                        ValueTicks::of(&scale, NumberUnit::Amount, distance, f64::NEG_INFINITY);
                    for ValueTick { y, label } in &ticks.list {
                        assert!(
                            y.is_finite() && !label.contains("inf") && !label.contains("NaN"),
                            "{label}"
                        );
                    }
                    assert!(
                        !ticks.format_value(high).contains("inf"),
                        "{}",
                        ticks.format_value(high)
                    );
                }
            }
        }
    }
}
