//! Round numbers along an axis of amounts, and how amounts are written.

use super::scale::Axis;

/// A place on an axis, and what is written there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    /// Pixel.
    pub(super) y: f64,
    pub(super) label: String,
}

/// What the amounts of an axis are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Prices, or money.
    Amount,
    /// Percent.
    Percent,
}

/// How all numbers of one axis are written: with one unit and one number of decimals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Notation {
    unit: Unit,
    /// The power of ten that is left out, and what stands for it.
    exponent: i32,
    decimals: usize,
}

/// Names of the thousands, from 10^6 on.
const LARGE: [(i32, &str); 3] = [(12, "T"), (9, "B"), (6, "M")];
/// From here on down, numbers have an exponent.
const TINY: f64 = 1e-4;

impl Notation {
    /// Returns how amounts up to `largest` are written that differ by `step`.
    pub(super) fn new(unit: Unit, largest: f64, step: f64) -> Self {
        let exponent = if largest >= 1e15 || (largest > 0.0 && largest < TINY) {
            magnitude(largest)
        } else {
            LARGE
                .iter()
                .map(|(exponent, _)| *exponent)
                .find(|exponent| largest >= 10_f64.powi(*exponent))
                .unwrap_or(0)
        };
        let decimals = exponent - magnitude(step);
        Self { unit, exponent, decimals: usize::try_from(decimals).unwrap_or(0).min(12) }
    }

    /// Returns the notation with more decimals.
    #[must_use]
    pub(super) fn finer(self, decimals: usize) -> Self {
        Self { decimals: self.decimals.saturating_add(decimals).min(12), ..self }
    }

    /// Returns the notation with no more than this many decimals.
    #[must_use]
    pub(super) fn at_most(self, decimals: usize) -> Self {
        Self { decimals: self.decimals.min(decimals), ..self }
    }

    /// Writes an amount.
    pub(super) fn write(&self, amount: f64) -> String {
        let scaled = scaled(amount, self.exponent);
        let digits = format!("{:.*}", self.decimals, scaled.abs());
        let sign = if scaled < 0.0 && digits.bytes().any(|digit| (b'1'..=b'9').contains(&digit)) {
            "−"
        } else {
            ""
        };
        let suffix = match LARGE.iter().find(|(exponent, _)| *exponent == self.exponent) {
            _ if self.exponent == 0 => String::new(),
            Some((_, name)) => (*name).to_owned(),
            None => format!("e{}", self.exponent),
        };
        let percent = if self.unit == Unit::Percent { " %" } else { "" };
        format!("{sign}{}{suffix}{percent}", grouped(&digits))
    }

    /// Writes an amount with its sign, for gains and losses.
    pub(super) fn signed(&self, amount: f64) -> String {
        let text = self.write(amount);
        if amount > 0.0 && text.bytes().any(|digit| (b'1'..=b'9').contains(&digit)) {
            format!("+{text}")
        } else {
            text
        }
    }
}

/// Leaves out a power of ten.
fn scaled(amount: f64, exponent: i32) -> f64 {
    // The power itself may be too small for a number.
    if exponent < -300 {
        amount * 1e200 / 10_f64.powi(exponent + 200)
    } else {
        amount / 10_f64.powi(exponent)
    }
}

/// Writes an amount that stands alone, with about four significant digits.
pub(super) fn percent(amount: f64) -> Notation {
    let size = amount.abs();
    let decimals = if size < 1000.0 { 0.01 } else { 1.0 };
    // More than a million percent is a number to marvel at, not to read.
    let step = if size >= 1e6 { size / 100.0 } else { decimals };
    Notation::new(Unit::Percent, if size < TINY { 1.0 } else { size }, step)
}

/// Puts commas between thousands.
fn grouped(digits: &str) -> String {
    let (before, after) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in before.chars().enumerate() {
        if index > 0 && (before.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + after
}

/// Returns the power of ten of the first digit.
pub(super) fn magnitude(amount: f64) -> i32 {
    if amount == 0.0 || !amount.is_finite() {
        return 0;
    }
    // Logarithms of powers of ten are whole but for rounding.
    #[expect(clippy::cast_possible_truncation, reason = "powers of ten of a double are below 400")]
    let power = (amount.abs().log10() + 1e-9).floor() as i32;
    power
}

/// The ticks of an axis, and how amounts on it are written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ticks {
    pub(super) list: Vec<Tick>,
    /// For single amounts that are read off the axis, such as the last price.
    pub(super) notation: Option<Notation>,
    unit: Unit,
}

impl Ticks {
    /// Returns an axis without ticks.
    pub(super) const fn none(unit: Unit) -> Self {
        Self { list: Vec::new(), notation: None, unit }
    }

    /// Returns round numbers at least `distance` pixels apart, none below `floor`.
    pub(super) fn of(axis: &Axis, unit: Unit, distance: f64, floor: f64) -> Self {
        if axis.log {
            Self::logarithmic(axis, unit, distance)
        } else {
            Self::linear(axis, unit, distance, floor)
        }
    }

    fn linear(axis: &Axis, unit: Unit, distance: f64, floor: f64) -> Self {
        let range = axis.range();
        let share = distance / (axis.bottom - axis.top).max(1.0);
        let extent = range.high - range.low;
        let least = if extent.is_finite() {
            extent * distance / (axis.bottom - axis.top).max(1.0)
        } else {
            range.high * share - range.low * share
        };
        let power = 10_f64.powi(magnitude(least));
        // Each step, and what its digits are multiples of.
        let (step, digit) = [(1.0, 1.0), (2.0, 1.0), (2.5, 0.5), (5.0, 1.0), (10.0, 10.0)]
            .into_iter()
            .map(|(step, digit)| (step * power, digit * power))
            .find(|(step, _)| *step >= least * (1.0 - 1e-9))
            .unwrap_or((10.0 * power, 10.0 * power));
        // Steps at the very ends of the range of numbers are none.
        if !(step > 0.0 && step.is_finite()) {
            return Self::none(unit);
        }
        let first = (range.low.max(floor) / step - 1e-9).ceil();
        let last = (range.high / step + 1e-9).floor();
        let size = range.low.abs().max(range.high.abs());
        let notation = Notation::new(unit, size, digit);
        let mut ticks = Vec::new();
        let mut index = first;
        while index <= last && ticks.len() < 100 {
            // Adding zero makes a positive zero of a negative one.
            let amount = index * step + 0.0;
            if amount.is_finite() {
                ticks.push(Tick { y: axis.place(amount), label: notation.write(amount) });
            }
            index += 1.0;
        }
        Self { list: ticks, notation: Some(notation), unit }
    }

    fn logarithmic(axis: &Axis, unit: Unit, distance: f64) -> Self {
        let range = axis.range();
        let decade = (axis.place(1.0) - axis.place(10.0)).abs();
        let (first, last) = (magnitude(range.low) - 1, magnitude(range.high) + 1);
        // Between 5 and 10 and between 1 and 2 lie 0.3 decades, between 1 and 3 nearly half of one.
        let (factors, every): (&[f64], i32) = if decade * 0.301 >= distance {
            (&[1.0, 2.0, 5.0], 1)
        } else if decade * 0.477 >= distance {
            (&[1.0, 3.0], 1)
        } else {
            let sparse = [1, 2, 3, 5, 10, 20, 50, 100];
            let fits = |every: &i32| decade * f64::from(*every) >= distance;
            (&[1.0], sparse.into_iter().find(fits).unwrap_or(400))
        };
        let ticks = (first..=last)
            .filter(|power| power.rem_euclid(every) == 0)
            .flat_map(|power| factors.iter().map(move |factor| factor * 10_f64.powi(power)))
            .filter(|amount| (range.low..=range.high).contains(amount))
            .map(|amount| Tick {
                y: axis.place(amount),
                label: Notation::new(unit, amount, 10_f64.powi(magnitude(amount))).write(amount),
            });
        Self { list: ticks.collect(), notation: None, unit }
    }

    /// Writes an amount that is read off the axis.
    pub(super) fn exactly(&self, amount: f64) -> String {
        let notation = self.notation.unwrap_or_else(|| {
            let size = amount.abs();
            Notation::new(self.unit, size, 10_f64.powi(magnitude(size) - 1))
        });
        let finer = match self.unit {
            Unit::Amount => notation.finer(2),
            Unit::Percent => notation.finer(1).at_most(2),
        };
        // Beyond the cents, the digits of a price that is not small are noise.
        let notation =
            if amount.abs() >= 100.0 && finer.exponent == 0 { finer.at_most(2) } else { finer };
        notation.write(amount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::scale::Span;

    fn labels(low: f64, high: f64, log: bool, unit: Unit) -> Vec<String> {
        let axis = Axis::new(Span { low, high }, log, (0.0, 200.0), (0.0, 0.0));
        let ticks = Ticks::of(&axis, unit, 40.0, f64::NEG_INFINITY);
        ticks.list.into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn ticks_are_round_and_written_alike() {
        use Unit::{Amount, Percent};
        let cases: [(f64, f64, Unit, &[&str]); 9] = [
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
    fn logarithmic_ticks_are_1_2_5_or_fewer() {
        let of = |low, high| labels(low, high, true, Unit::Amount);
        assert_eq!(of(100.0, 1000.0), ["100", "200", "500", "1,000"]);
        assert_eq!(of(1.0, 100.0), ["1", "3", "10", "30", "100"]);
        assert_eq!(of(1e-8, 1e2), ["1e-8", "1e-6", "0.0001", "0.01", "1", "100"]);
        assert_eq!(of(2e5, 3e7), ["300,000", "1M", "3M", "10M", "30M"]);
    }

    #[test]
    fn ticks_keep_their_distance_whatever_the_range() {
        for power in -12..18 {
            for factor in [1.0, 1.3, 2.7, 4.9, 7.7] {
                let high = factor * 10_f64.powi(power);
                for low in [0.0, high * 0.99, high * 0.05, -high] {
                    let axis = Axis::new(Span { low, high }, false, (0.0, 200.0), (3.0, 5.0));
                    let ticks = Ticks::of(&axis, Unit::Amount, 30.0, f64::NEG_INFINITY).list;
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
    fn the_extremes_of_numbers_have_finite_ticks() {
        let most = f64::MAX;
        for (low, high) in
            [(-most, most), (5e-324, 5e-324), (0.0, 1e-323), (0.0, most), (1e-300, most)]
        {
            for log in [false, low > 0.0] {
                for distance in [10.0, 40.0, 150.0] {
                    let axis = Axis::new(Span { low, high }, log, (0.0, 200.0), (3.0, 5.0));
                    let ticks = Ticks::of(&axis, Unit::Amount, distance, f64::NEG_INFINITY);
                    for Tick { y, label } in &ticks.list {
                        assert!(
                            y.is_finite() && !label.contains("inf") && !label.contains("NaN"),
                            "{label}"
                        );
                    }
                    assert!(!ticks.exactly(high).contains("inf"), "{}", ticks.exactly(high));
                }
            }
        }
        assert_eq!(percent(1e300).signed(1e300), "+1.00e300 %");
        assert_eq!(Notation::new(Unit::Amount, 5e-324, 5e-324).write(5e-324), "5e-324");
    }

    #[test]
    fn percentages_have_the_digits_that_matter() {
        let write = |amount| percent(amount).signed(amount);
        assert_eq!(write(39.054), "+39.05 %");
        assert_eq!(write(-0.001), "0.00 %");
        assert_eq!(write(0.0), "0.00 %");
        assert_eq!(write(-12_345.6), "−12,346 %");
        assert_eq!(write(1_234_567.0), "+1.23M %");
        assert_eq!(write(1e30), "+1.00e30 %");
    }
}
