//! Tables of results as files of other programs.

mod arrow;
mod csv;

pub use self::arrow::write_arrow;
pub use self::csv::write_csv;

/// A table. All columns have the same length.
#[derive(Debug, Default)]
pub struct Table {
    /// The columns with their names.
    pub columns: Vec<(String, Values)>,
}

/// The values of a column. NaN is a missing value.
#[derive(Debug)]
pub enum Values {
    /// Numbers.
    Numbers(Vec<f64>),
    /// Whole numbers from 0 to 2^32 - 1.
    Counts(Vec<f64>),
    /// UTC milliseconds.
    Times(Vec<f64>),
    /// Indices into words.
    Words(Vec<f64>, Vec<String>),
}

impl Values {
    fn numbers(&self) -> &[f64] {
        match self {
            Self::Numbers(values)
            | Self::Counts(values)
            | Self::Times(values)
            | Self::Words(values, _) => values,
        }
    }
}

impl Table {
    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.columns.first().map_or(0, |(_, values)| values.numbers().len())
    }
}

/// Returns a value as an index, a bar or a time; `None` if it is missing.
#[expect(clippy::cast_possible_truncation, reason = "checked when the table was read")]
fn whole(value: f64) -> Option<i64> {
    value.is_finite().then_some(value as i64)
}

/// Returns the word of a value.
fn word(words: &[String], value: f64) -> Option<&str> {
    let index = usize::try_from(whole(value)?).ok()?;
    words.get(index).map(String::as_str)
}
