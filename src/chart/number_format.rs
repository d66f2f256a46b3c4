//! Formats numbers for axes and texts.

/// What a number measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberUnit {
    /// A price, or money.
    Amount,
    /// Percent.
    Percent,
}

/// A format shared by all numbers of one axis: the unit, a common power of ten, and the number of decimals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct NumberFormat {
    unit: NumberUnit,
    /// The power of ten that a suffix stands for.
    exponent: i32,
    decimals: usize,
}

/// Suffixes of large numbers.
const SUFFIXES: [(i32, &str); 3] = [(12, "T"), (9, "B"), (6, "M")];
/// Smaller numbers are written with an exponent.
const MIN_PLAIN: f64 = 1e-4;
/// Larger numbers are written with an exponent.
const MAX_PLAIN: f64 = 1e15;

impl NumberFormat {
    /// Returns the format for values up to `largest` in steps of `step`.
    pub(super) fn new(unit: NumberUnit, largest: f64, step: f64) -> Self {
        let exponent = if largest >= MAX_PLAIN || (largest > 0.0 && largest < MIN_PLAIN) {
            decimal_exponent(largest)
        } else {
            SUFFIXES
                .iter()
                .map(|(exponent, _)| *exponent)
                .find(|exponent| largest >= 10_f64.powi(*exponent))
                .unwrap_or(0)
        };
        let decimals = exponent - decimal_exponent(step);
        Self { unit, exponent, decimals: usize::try_from(decimals).unwrap_or(0).min(12) }
    }

    /// Returns the format for a single percentage, with about four significant digits.
    pub(super) fn percent(value: f64) -> Self {
        let size = value.abs();
        let decimals = if size < 1000.0 { 0.01 } else { 1.0 };
        // Above a million percent, three digits are enough.
        let step = if size >= 1e6 { size / 100.0 } else { decimals };
        Self::new(NumberUnit::Percent, if size < MIN_PLAIN { 1.0 } else { size }, step)
    }

    /// Returns whether numbers are written in full, without suffix or exponent.
    pub(super) const fn is_plain(&self) -> bool {
        self.exponent == 0
    }

    /// Adds decimals.
    #[must_use]
    pub(super) fn with_more_decimals(self, decimals: usize) -> Self {
        Self { decimals: self.decimals.saturating_add(decimals).min(12), ..self }
    }

    /// Limits the number of decimals.
    #[must_use]
    pub(super) fn with_max_decimals(self, decimals: usize) -> Self {
        Self { decimals: self.decimals.min(decimals), ..self }
    }

    /// Formats a value.
    pub(super) fn format(&self, value: f64) -> String {
        let scaled = scaled(value, self.exponent);
        let digits = format!("{:.*}", self.decimals, scaled.abs());
        let sign = if scaled < 0.0 && has_nonzero_digit(&digits) { "−" } else { "" };
        let suffix = match SUFFIXES.iter().find(|(exponent, _)| *exponent == self.exponent) {
            _ if self.is_plain() => String::new(),
            Some((_, suffix)) => (*suffix).to_owned(),
            None => format!("e{}", self.exponent),
        };
        let percent = if self.unit == NumberUnit::Percent { " %" } else { "" };
        format!("{sign}{}{suffix}{percent}", with_thousands_separators(&digits))
    }

    /// Formats a value with a plus sign if it is positive.
    pub(super) fn format_signed(&self, value: f64) -> String {
        let text = self.format(value);
        if value > 0.0 && has_nonzero_digit(&text) { format!("+{text}") } else { text }
    }
}

fn has_nonzero_digit(text: &str) -> bool {
    text.bytes().any(|digit| (b'1'..=b'9').contains(&digit))
}

/// Divides by a power of ten.
fn scaled(value: f64, exponent: i32) -> f64 {
    // Such a power of ten is not a normal number.
    if exponent < -300 {
        value * 1e200 / 10_f64.powi(exponent + 200)
    } else {
        value / 10_f64.powi(exponent)
    }
}

/// Separates the thousands of a number that is written in digits.
pub(super) fn with_thousands_separators(digits: &str) -> String {
    let (integer, fraction) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in integer.chars().enumerate() {
        if index > 0 && (integer.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + fraction
}

/// Returns the power of ten of the first significant digit.
pub(super) fn decimal_exponent(value: f64) -> i32 {
    if value == 0.0 || !value.is_finite() {
        return 0;
    }
    // Logarithms of powers of ten are integers only within rounding error.
    #[expect(clippy::cast_possible_truncation, reason = "powers of ten of a double are below 400")]
    let exponent = (value.abs().log10() + 1e-9).floor() as i32;
    exponent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extreme_values_have_an_exponent() {
        assert_eq!(NumberFormat::percent(1e300).format_signed(1e300), "+1.00e300 %");
        assert_eq!(NumberFormat::new(NumberUnit::Amount, 5e-324, 5e-324).format(5e-324), "5e-324");
    }

    #[test]
    fn percentages_have_about_four_significant_digits() {
        let format = |value| NumberFormat::percent(value).format_signed(value);
        assert_eq!(format(39.054), "+39.05 %");
        assert_eq!(format(-0.001), "0.00 %");
        assert_eq!(format(0.0), "0.00 %");
        assert_eq!(format(-12_345.6), "−12,346 %");
        assert_eq!(format(1_234_567.0), "+1.23M %");
        assert_eq!(format(1e30), "+1.00e30 %");
    }
}
