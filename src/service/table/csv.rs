//! Tables as CSV (RFC 4180): a header, lines that end with CR LF, quotes where necessary. Missing values are empty.

use std::fmt::Write;

use crate::error::{Code, Error, Result};
use crate::market::time;

use super::{Table, Values, whole, word};

/// The longest text that JavaScript can hold is a little longer.
const MAX_LENGTH: usize = 500_000_000;
/// The longest number or time, with its comma.
const MAX_FIELD: usize = 32;

/// Writes a table as CSV. Numbers have all digits that distinguish them, times are ISO 8601.
///
/// # Errors
/// `LIMIT_EXCEEDED` if the text would be longer than JavaScript can hold, or memory cannot be allocated.
pub fn write_csv(table: &Table) -> Result<String> {
    let width = table.columns.iter().map(|(name, values)| {
        let words = match values {
            Values::Words(_, words) => words.iter().map(|word| 2 * word.len() + 3).max(),
            _ => Some(MAX_FIELD),
        };
        (words.unwrap_or(1), 2 * name.len() + 3)
    });
    let (row, header) = width.fold((2, 2), |sum, width| (sum.0 + width.0, sum.1 + width.1));
    let mut text = String::new();
    let bound = table.len().saturating_mul(row).saturating_add(header);
    text.try_reserve(bound.min(MAX_LENGTH + row)).map_err(|_| {
        let message = format!("there is not enough memory for a CSV text of {} rows", table.len());
        Error::new(Code::LimitExceeded, message)
    })?;
    for (index, (name, _)) in table.columns.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        push_text(&mut text, name);
    }
    text.push_str("\r\n");
    for row in 0..table.len() {
        for (index, (_, values)) in table.columns.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            let value = values.numbers().get(row).copied().unwrap_or(f64::NAN);
            match values {
                Values::Numbers(_) => push_number(&mut text, value),
                Values::Counts(_) => push_whole(&mut text, value),
                Values::Times(_) => {
                    if let Some(time) = whole(value) {
                        text.push_str(&time::format(time));
                    }
                }
                Values::Words(_, words) => {
                    push_text(&mut text, word(words, value).unwrap_or(""));
                }
            }
        }
        text.push_str("\r\n");
        if text.len() > MAX_LENGTH {
            let message = format!(
                "the CSV text of {} rows would be longer than {MAX_LENGTH} characters; toArrow has no such limit",
                table.len()
            );
            return Err(Error::new(Code::LimitExceeded, message));
        }
    }
    text.shrink_to_fit();
    Ok(text)
}

fn push_whole(text: &mut String, value: f64) {
    if let Some(whole) = whole(value) {
        let _ = write!(text, "{whole}");
    }
}

/// Writes the shortest text that reads back as the same number.
fn push_number(text: &mut String, value: f64) {
    if !value.is_finite() {
        return;
    }
    let size = value.abs();
    let _ = if size != 0.0 && !(1e-7..1e21).contains(&size) {
        write!(text, "{value:e}")
    } else {
        write!(text, "{value}")
    };
}

/// Writes a text, in quotes if it has a character with a meaning.
fn push_text(text: &mut String, field: &str) {
    if field.contains([',', '"', '\r', '\n']) {
        text.push('"');
        text.push_str(&field.replace('"', "\"\""));
        text.push('"');
    } else {
        text.push_str(field);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_in_full() {
        let table = Table {
            columns: vec![
                ("time".into(), Values::Times(vec![1.5e12, f64::NAN, 0.0])),
                ("bar".into(), Values::Counts(vec![0.0, f64::NAN, 4_294_967_295.0])),
                ("va,lue".into(), Values::Numbers(vec![0.1 + 0.2, 1e300, -5e-324])),
                (
                    "word".into(),
                    Values::Words(vec![0.0, 1.0, f64::NAN], vec!["long".into(), "a\"b".into()]),
                ),
            ],
        };
        assert_eq!(
            write_csv(&table).unwrap(),
            "time,bar,\"va,lue\",word\r\n\
             2017-07-14T02:40:00.000Z,0,0.30000000000000004,long\r\n\
             ,,1e300,\"a\"\"b\"\r\n\
             1970-01-01T00:00:00.000Z,4294967295,-5e-324,\r\n"
        );
        assert_eq!(
            write_csv(&Table { columns: vec![("a".into(), Values::Counts(vec![]))] }).unwrap(),
            "a\r\n"
        );
    }

    #[test]
    fn numbers_read_back_as_they_were() {
        for value in [0.0, -0.0, 1.0, 123_456.789, 1e-7, 9.999e-8, 1e21, 1e20, f64::MAX, 5e-324] {
            let mut text = String::new();
            push_number(&mut text, value);
            assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits(), "{text}");
            assert!(text.len() < MAX_FIELD, "{text}");
        }
    }
}
