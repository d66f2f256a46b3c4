//! Shared, immutable columns of values.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// A column of numbers or timestamps, backed by a vector or an Arrow buffer. Cloning and slicing share the memory.
pub struct Column<T = f64> {
    owner: Arc<dyn AsRef<[T]> + Send + Sync>,
    range: Range<usize>,
}

impl<T> Column<T> {
    /// Wraps an owner of values, such as an Arrow buffer.
    pub fn from_owner(owner: impl AsRef<[T]> + Send + Sync + 'static) -> Self {
        let range = 0..owner.as_ref().len();
        Self { owner: Arc::new(owner), range }
    }

    /// Returns a part of the column, sharing its memory. Bounds beyond the end are clamped.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let end = (self.range.start + range.end).min(self.range.end);
        let start = (self.range.start + range.start).min(end);
        Self { owner: Arc::clone(&self.owner), range: start..end }
    }
}

impl<T> Clone for Column<T> {
    fn clone(&self) -> Self {
        Self { owner: Arc::clone(&self.owner), range: self.range.clone() }
    }
}

impl<T: Send + Sync + 'static> Default for Column<T> {
    fn default() -> Self {
        Self::from(Vec::new())
    }
}

impl<T> Deref for Column<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // `get`, not an index: an owner may return a shorter slice than before, and that must not panic.
        (*self.owner).as_ref().get(self.range.clone()).unwrap_or(&[])
    }
}

impl<T: Send + Sync + 'static> From<Vec<T>> for Column<T> {
    fn from(values: Vec<T>) -> Self {
        Self::from_owner(values)
    }
}

impl<T: Send + Sync + 'static> FromIterator<T> for Column<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        values.into_iter().collect::<Vec<T>>().into()
    }
}

impl<T> fmt::Debug for Column<T> {
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

impl PartialEq for Column<i64> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_of_a_slice_stays_within_its_bounds() {
        let column = Column::from(vec![0.0, 1.0, 2.0, 3.0, 4.0]);
        let part = column.slice(1..4).slice(1..9);
        assert_eq!(&*part, &[2.0, 3.0]);
        assert!(part.slice(5..9).is_empty());
    }
}
