//! Numbers of a text, whose decimal separator is a point or a comma in the whole file.
//!
//! `1,234` is 1234 in one file and 1.234 in another. A single cell does not say which, but `1,5`, `1,234.5` or `0,123` do. So
//! cells that could be both are kept under the reading with a point, with a mark, until a cell decides. If none does, the
//! order of the prices of a bar may. Plain numbers such as `1.234` are decimals unless something contradicts.

use crate::compute::reserve;
use crate::error::Result;
use crate::quote::quoted;

/// The most characters of a number with separators.
const MAX_LENGTH: usize = 128;

/// The decimal separator of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decimal {
    Point,
    Comma,
}

/// How a cell differs under the other reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Mark {
    /// It does not.
    #[default]
    Same = 0,
    /// `1.234`: with a decimal comma, it is a thousand times as large.
    Point = 1,
    /// `1,234`: with a decimal comma, it is a thousandth.
    Comma = 2,
}

/// Parses the numbers of a file.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    decimal: Option<Decimal>,
    /// The first cell that decided, with its line.
    evidence: Option<(u64, String)>,
    /// The first cell such as `1,234`, with its line.
    first_comma: Option<(u64, String)>,
}

impl Numbers {
    /// Returns the decimal separator, if a cell has decided.
    pub fn decimal(&self) -> Option<Decimal> {
        self.decimal
    }

    /// Returns the first cell such as `1,234`, with its line, if it could be both.
    pub fn first_comma(&self) -> Option<&(u64, String)> {
        self.first_comma.as_ref()
    }

    /// Parses a number of digits, and perhaps a point; `None` for anything else, and if decimals have a comma.
    #[inline]
    pub fn parse_plain(&mut self, text: &str, line: u64) -> Option<(f64, Mark)> {
        let Plain { value, whole, fraction } = plain(text)?;
        match (fraction, self.decimal) {
            (None, _) | (Some(_), Some(Decimal::Point)) => Some((value, Mark::Same)),
            (Some(_), Some(Decimal::Comma)) => None,
            (Some(3), None) if could_be_group(text, whole) => Some((value, Mark::Point)),
            (Some(_), None) => {
                self.decide(Decimal::Point, text, line);
                Some((value, Mark::Same))
            }
        }
    }

    /// Parses a finite number. Before a cell has decided, the mark says how the other reading differs.
    ///
    /// # Errors
    /// Why the text is no number of this file, for a message; empty if it is none at all.
    pub fn parse(&mut self, text: &str, line: u64) -> std::result::Result<(f64, Mark), String> {
        if let Some(number) = self.parse_plain(text, line) {
            return Ok(number);
        }
        if self.decimal == Some(Decimal::Point)
            && let Ok(value) = text.parse::<f64>()
            && value.is_finite()
        {
            return Ok((value, Mark::Same));
        }
        self.parse_any(text, line)
    }

    fn parse_any(&mut self, text: &str, line: u64) -> std::result::Result<(f64, Mark), String> {
        let readings = (read(text, Decimal::Point), read(text, Decimal::Comma));
        match (readings, self.decimal) {
            ((None, None), _) => Err(String::new()),
            ((Some(value), _), Some(Decimal::Point)) | ((_, Some(value)), Some(Decimal::Comma)) => {
                Ok((value, Mark::Same))
            }
            (_, Some(decimal)) => Err(self.conflict(decimal)),
            ((Some(value), None), None) => {
                self.decide(Decimal::Point, text, line);
                Ok((value, Mark::Same))
            }
            ((None, Some(value)), None) => {
                self.decide(Decimal::Comma, text, line);
                Ok((value, Mark::Same))
            }
            ((Some(point), Some(comma)), None) => {
                let mark = if point.to_bits() == comma.to_bits() {
                    Mark::Same
                } else if text.contains(',') {
                    self.first_comma.get_or_insert_with(|| (line, text.to_owned()));
                    Mark::Comma
                } else {
                    Mark::Point
                };
                Ok((point, mark))
            }
        }
    }

    fn decide(&mut self, decimal: Decimal, text: &str, line: u64) {
        self.decimal = Some(decimal);
        self.evidence = Some((line, text.to_owned()));
    }

    fn conflict(&self, decimal: Decimal) -> String {
        let separator = match decimal {
            Decimal::Point => "point",
            Decimal::Comma => "comma",
        };
        let (line, text) = self.evidence.as_ref().map_or((0, ""), |(line, text)| (*line, text));
        format!("line {line} has {}, so decimals have a {separator} in this file", quoted(text))
    }
}

/// The marks of rows, two bits for each number of a row.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// May be shorter than the rows: the others have none.
    rows: Vec<u16>,
}

impl Marks {
    /// Sets the marks of a row, in the order of its numbers.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if there is not enough memory.
    pub fn set(&mut self, row: usize, marks: &[Mark]) -> Result<()> {
        let bits = marks.iter().rev().fold(0, |bits, mark| bits << 2 | *mark as u16);
        if bits == 0 {
            return Ok(());
        }
        let missing = (row + 1).saturating_sub(self.rows.len());
        reserve::additional(&mut self.rows, missing, "rows")?;
        self.rows.resize(row, 0);
        self.rows.push(bits);
        Ok(())
    }

    /// Returns whether no number has a mark.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns a number under the reading with a decimal comma. `place` is that of the number in its row.
    pub fn with_comma(&self, row: usize, place: usize, value: f64) -> f64 {
        match self.rows.get(row).copied().unwrap_or(0) >> (2 * place) & 3 {
            1 => (value * 1000.0).round(),
            2 => value / 1000.0,
            _ => value,
        }
    }
}

/// A number of digits, and perhaps a point.
struct Plain {
    value: f64,
    /// The number of digits before the point.
    whole: usize,
    /// The number of digits after the point, if there is one.
    fraction: Option<usize>,
}

/// The most digits of a number that is parsed here: as integers, they are exact.
const MOST_DIGITS: usize = 15;

/// The powers of ten, all of them exact.
const POWERS: [f64; MOST_DIGITS + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// Parses a number of at most 15 digits without anything but a point. The quotient of two exact numbers is rounded once, so the
/// result is that of `str::parse`.
#[inline]
fn plain(text: &str) -> Option<Plain> {
    let (mut digits, mut point, mut mantissa) = (0, None, 0_i64);
    if text.len() > MOST_DIGITS + 1 {
        return None;
    }
    for byte in text.bytes() {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            mantissa = mantissa * 10 + i64::from(digit);
            digits += 1;
        } else if byte == b'.' && point.is_none() {
            point = Some(digits);
        } else {
            return None;
        }
    }
    if digits == 0 || digits > MOST_DIGITS {
        return None;
    }
    let whole = point.unwrap_or(digits);
    let fraction = point.map(|_| digits - whole);
    #[expect(clippy::cast_precision_loss, reason = "at most 15 digits")]
    let value = mantissa as f64 / POWERS.get(digits - whole)?;
    Some(Plain { value, whole, fraction })
}

/// Returns whether the digits before a point may be the first group of thousands.
fn could_be_group(text: &str, whole: usize) -> bool {
    (1..=3).contains(&whole) && !text.starts_with('0')
}

/// Parses a number with one decimal separator, groups of thousands, a currency sign, an exponent, or K, M, B or T for
/// thousands to trillions. Returns `None` for anything else.
fn read(text: &str, decimal: Decimal) -> Option<f64> {
    if text.len() > MAX_LENGTH {
        return (decimal == Decimal::Point)
            .then(|| text.parse().ok())?
            .filter(|value: &f64| value.is_finite());
    }
    let (sign, rest) = match text.as_bytes().first()? {
        b'-' => ("-", text.get(1..)?),
        b'+' => ("", text.get(1..)?),
        _ => ("", text),
    };
    let rest = rest.trim_start_matches(['$', '€', '£', '¥', '₹']);
    let (rest, exponent) = split_exponent(rest);
    let (point, group) = match decimal {
        Decimal::Point => ('.', ','),
        Decimal::Comma => (',', '.'),
    };
    let (whole, fraction) = rest.split_once(point).unwrap_or((rest, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(fraction) || whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut plain = String::with_capacity(rest.len() + 8);
    plain.push_str(sign);
    if is_digits(whole) {
        plain.push_str(whole);
    } else {
        if exponent.starts_with('e') && exponent.len() > 1 && !is_scale(exponent) {
            return None;
        }
        push_groups(&mut plain, whole, group)?;
    }
    plain.push('.');
    plain.push_str(fraction);
    plain.push_str(exponent);
    // `1.` and `.5` are numbers to Rust, `.` is not.
    plain.parse().ok().filter(|value: &f64| value.is_finite())
}

/// The exponents of K, M, B and T.
const SCALES: [&str; 4] = ["e3", "e6", "e9", "e12"];

fn is_scale(exponent: &str) -> bool {
    SCALES.contains(&exponent)
}

/// Splits the exponent off a number: that of `1.5e-7`, or that which K, M, B or T stand for.
fn split_exponent(text: &str) -> (&str, &str) {
    let scale = match text.as_bytes().last() {
        Some(b'K' | b'k') => 0,
        Some(b'M' | b'm') => 1,
        Some(b'B' | b'b') => 2,
        Some(b'T' | b't') => 3,
        _ => {
            let place = text.find(['e', 'E']).unwrap_or(text.len());
            return (text.get(..place).unwrap_or(text), text.get(place..).unwrap_or(""));
        }
    };
    let number = text.get(..text.len() - 1).unwrap_or("").trim_end();
    (number, SCALES.get(scale).copied().unwrap_or(""))
}

/// Appends the digits of `1,234,567`: groups of three with the same separator, which is `group`, a space or an apostrophe.
fn push_groups(plain: &mut String, whole: &str, group: char) -> Option<()> {
    let separator = whole.chars().find(|char| !char.is_ascii_digit())?;
    let is_separator = separator == group
        || matches!(separator, ' ' | '\u{a0}' | '\u{2009}' | '\u{202f}' | '\'' | '\u{2019}');
    if !is_separator {
        return None;
    }
    for (number, digits) in whole.split(separator).enumerate() {
        let is_group = if number == 0 {
            (1..=3).contains(&digits.len()) && !digits.starts_with('0')
        } else {
            digits.len() == 3
        };
        if !is_group || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        plain.push_str(digits);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_with_every_separator() {
        let (point, comma) = (Decimal::Point, Decimal::Comma);
        let cases = [
            ("1234.5", Some(1234.5), None),
            ("1,234.5", Some(1234.5), None),
            ("1,234,567", Some(1_234_567.0), None),
            ("1 234.5", Some(1234.5), None),
            ("1'234'567.5", Some(1_234_567.5), None),
            ("1\u{2019}234.5", Some(1234.5), None),
            ("1234,5", None, Some(1234.5)),
            ("1.234,5", None, Some(1234.5)),
            ("1.234.567", None, Some(1_234_567.0)),
            ("1\u{a0}234,5", None, Some(1234.5)),
            ("1\u{202f}234\u{202f}567,5", None, Some(1_234_567.5)),
            ("1 234", Some(1234.0), Some(1234.0)),
            ("1,234", Some(1234.0), Some(1.234)),
            ("1.234", Some(1.234), Some(1234.0)),
            ("0,123", None, Some(0.123)),
            ("0.123", Some(0.123), None),
            ("1234,567", None, Some(1234.567)),
            ("-1,5", None, Some(-1.5)),
            ("$1,234.50", Some(1234.5), None),
            ("1.2M", Some(1_200_000.0), None),
            ("0,55K", None, Some(550.0)),
            ("3B", Some(3e9), Some(3e9)),
            ("1.005K", Some(1005.0), Some(1_005_000.0)),
            ("1.5e-7", Some(1.5e-7), None),
            ("1,5E+3", None, Some(1500.0)),
            ("1e3", Some(1000.0), Some(1000.0)),
            (".5", Some(0.5), None),
            ("5.", Some(5.0), None),
        ];
        for (text, with_point, with_comma) in cases {
            assert_eq!((read(text, point), read(text, comma)), (with_point, with_comma), "{text}");
        }
        for text in [
            "",
            ".",
            ",",
            "-",
            "x",
            "1,23,456.7",
            "1,234,56",
            "1..2",
            "1,2,3",
            "12 34",
            "1 234'567",
            "0x10",
            "1e",
            "e5",
            "nan",
            "inf",
            "1e999",
            "K",
            "1.5%",
            "--1",
            "1,234e5,6",
            "2020-01-02",
            "1,,234",
            "01,234.5",
            "1_000",
        ] {
            assert_eq!((read(text, point), read(text, comma)), (None, None), "{text}");
        }
    }

    #[test]
    fn plain_numbers_are_those_of_the_standard_library() {
        let mut state = 1_u64;
        for round in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(round);
            let digits = format!("{:015}", state % 1_000_000_000_000_000);
            let digits = &digits[..=usize::try_from(round % 15).unwrap()];
            let place = usize::try_from(state >> 40).unwrap() % (digits.len() + 1);
            let text = format!("{}.{}", &digits[..place], &digits[place..]);
            for text in [text.as_str(), digits] {
                let expected: f64 = text.parse().unwrap();
                assert_eq!(plain(text).unwrap().value.to_bits(), expected.to_bits(), "{text}");
            }
        }
        for text in ["", ".", "-1", "1.2.3", "1e5", "1,5", "1234567890123456", "1 2"] {
            assert!(plain(text).is_none(), "{text}");
        }
    }

    #[test]
    fn one_cell_decides_and_later_ones_must_agree() {
        let mut numbers = Numbers::default();
        assert_eq!(numbers.parse("1,234", 2), Ok((1234.0, Mark::Comma)));
        assert_eq!(numbers.parse("1.234", 2), Ok((1.234, Mark::Point)));
        assert_eq!(numbers.parse("7", 2), Ok((7.0, Mark::Same)));
        assert_eq!(numbers.decimal(), None);
        assert_eq!(numbers.parse("1,5", 3), Ok((1.5, Mark::Same)));
        assert_eq!(numbers.decimal(), Some(Decimal::Comma));
        assert_eq!(numbers.parse("1,234", 4), Ok((1.234, Mark::Same)));
        assert_eq!(
            numbers.parse("1.5", 4),
            Err("line 3 has \"1,5\", so decimals have a comma in this file".to_owned())
        );
        let mut marks = Marks::default();
        marks.set(1, &[Mark::Comma, Mark::Same, Mark::Point]).unwrap();
        assert_eq!(
            [0, 1, 2].map(|place| marks.with_comma(1, place, 1234.0)),
            [1.234, 1234.0, 1_234_000.0]
        );
        assert_eq!((marks.with_comma(0, 0, 5.0), marks.with_comma(9, 0, 5.0)), (5.0, 5.0));
    }
}
