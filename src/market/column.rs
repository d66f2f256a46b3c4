//! A shared, immutable column of numbers, whoever owns the memory.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// A column of `f64`: cheap to clone and to cut, backed by a vector, an Arrow buffer or memory of JavaScript.
#[derive(Clone)]
pub struct Column {
    owner: Arc<dyn AsRef<[f64]> + Send + Sync>,
    range: Range<usize>,
}

impl Column {
    /// Wraps memory that somebody else owns.
    pub fn from_owner(owner: impl AsRef<[f64]> + Send + Sync + 'static) -> Self {
        let range = 0..owner.as_ref().len();
        Self { owner: Arc::new(owner), range }
    }

    /// Returns a part of the column, sharing its memory. Bounds beyond the end are cut off.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let end = (self.range.start + range.end).min(self.range.end);
        let start = (self.range.start + range.start).min(end);
        Self { owner: Arc::clone(&self.owner), range: start..end }
    }
}

impl Deref for Column {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        // `get` and not an index: an owner whose length changed under us must not bring the process down.
        (*self.owner).as_ref().get(self.range.clone()).unwrap_or(&[])
    }
}

impl From<Vec<f64>> for Column {
    fn from(values: Vec<f64>) -> Self {
        Self::from_owner(values)
    }
}

impl FromIterator<f64> for Column {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        values.into_iter().collect::<Vec<f64>>().into()
    }
}

impl fmt::Debug for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Column({} values)", self.len())
    }
}

impl PartialEq for Column {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.iter().zip(other.iter()).all(|(a, b)| a.to_bits() == b.to_bits())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_of_a_slice_shares_and_stays_inside() {
        let column = Column::from(vec![0.0, 1.0, 2.0, 3.0, 4.0]);
        let part = column.slice(1..4).slice(1..9);
        assert_eq!(&*part, &[2.0, 3.0]);
        assert!(part.slice(5..9).is_empty());
    }
}
