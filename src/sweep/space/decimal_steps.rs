//! Evenly spaced values without the drift of binary fractions.

/// A decimal number: mantissa × 10^exponent, exactly what the shortest text of a float says.
#[derive(Debug, Clone, Copy)]
struct Decimal {
    mantissa: i128,
    exponent: i32,
}

impl Decimal {
    fn of(value: f64) -> Option<Self> {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e')?;
        let fraction = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let mantissa = digits.replace('.', "").parse().ok()?;
        let exponent = exponent.parse::<i32>().ok()? - i32::try_from(fraction).ok()?;
        Some(Self { mantissa, exponent })
    }

    /// Returns the mantissa for a smaller exponent.
    fn mantissa_at(self, exponent: i32) -> Option<i128> {
        let shift = u32::try_from(self.exponent - exponent).ok()?;
        self.mantissa.checked_mul(10_i128.checked_pow(shift)?)
    }
}

/// The values `from`, `from + step`, … up to `to`.
#[derive(Debug, Clone, Copy)]
pub(super) struct DecimalSteps {
    from: i128,
    step: i128,
    exponent: i32,
    /// The number of values.
    pub(super) count: u64,
}

impl DecimalSteps {
    /// Creates the values. `step` must be above 0 and `from` at most `to`, all finite. `None` if the numbers differ so much in
    /// size that they cannot be added exactly, or if there are too many.
    pub(super) fn new(from: f64, to: f64, step: f64) -> Option<Self> {
        let [from, to, step] = [Decimal::of(from)?, Decimal::of(to)?, Decimal::of(step)?];
        let exponent = from.exponent.min(to.exponent).min(step.exponent);
        let (first, last) = (from.mantissa_at(exponent)?, to.mantissa_at(exponent)?);
        let step = step.mantissa_at(exponent).filter(|step| *step > 0)?;
        let count = last.checked_sub(first)? / step;
        let count = u64::try_from(count).ok()?.checked_add(1)?;
        Some(Self { from: first, step, exponent, count })
    }

    /// Returns one of the values: the float nearest to the decimal number.
    pub(super) fn value(&self, index: u64) -> f64 {
        let mantissa = self.from + self.step * i128::from(index);
        format!("{mantissa}e{}", self.exponent).parse().unwrap_or(f64::NAN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values(from: f64, to: f64, step: f64) -> Vec<f64> {
        let steps = DecimalSteps::new(from, to, step).unwrap();
        (0..steps.count).map(|index| steps.value(index)).collect()
    }

    #[test]
    fn values_are_those_written_in_decimal() {
        assert_eq!(values(0.1, 0.5, 0.1), [0.1, 0.2, 0.3, 0.4, 0.5]);
        assert_eq!(values(0.05, 0.31, 0.05), [0.05, 0.1, 0.15, 0.2, 0.25, 0.3]);
        assert_eq!(values(-0.3, 0.3, 0.3), [-0.3, 0.0, 0.3]);
        assert_eq!(values(5.0, 5.0, 7.0), [5.0]);
        assert_eq!(values(1e-7, 3e-7, 1e-7), [1e-7, 2e-7, 3e-7]);
        assert_eq!(values(1e20, 3e20, 1e20), [1e20, 2e20, 3e20]);
        assert_eq!(values(-1.0, 0.0, 0.25), [-1.0, -0.75, -0.5, -0.25, 0.0]);
    }

    #[test]
    fn numbers_that_cannot_be_added_exactly_are_refused() {
        assert!(DecimalSteps::new(1e-300, 1.0, 0.1).is_none());
        assert!(DecimalSteps::new(0.0, 1e30, 1e-9).is_none());
    }

    proptest! {
        #[test]
        fn values_are_the_nearest_floats(
            first in -100_000_i64..100_000, step in 1_i64..10_000, count in 1_i64..200, places in 0_u32..7,
        ) {
            let shown = |value: i64| -> f64 {
                let (sign, value) = (if value < 0 { "-" } else { "" }, value.abs());
                let unit = 10_i64.pow(places);
                let text = format!("{sign}{}.{:0width$}", value / unit, value % unit, width = places as usize);
                text.trim_end_matches('.').parse().unwrap()
            };
            let last = first + step * (count - 1);
            let expected: Vec<f64> = (0..count).map(|index| shown(first + step * index)).collect();
            let found = values(shown(first), shown(last), shown(step));
            prop_assert_eq!(&found, &expected);
        }
    }
}
