//! The distinct values of a parameter, and the positions that they have on an axis.

use std::cmp::Ordering;

use super::swept::SweptParameter;
use crate::chart::HeatmapAxis;
use crate::compute::reserve;
use crate::error::{Error, Result};

/// Up to this number, distinct values are collected in a sorted list.
const MAX_SORTED: usize = 4096;

/// The positions of a parameter's values on an axis.
#[derive(Debug)]
pub(super) struct Axis<'a> {
    pub(super) parameter: &'a SweptParameter<'a>,
    /// The distinct values, increasing.
    values: Vec<f64>,
    /// Values at one position.
    pub(super) values_per_position: usize,
}

impl<'a> Axis<'a> {
    /// Returns the axis of a parameter with at most so many positions.
    pub(super) fn new(parameter: &'a SweptParameter<'a>, max_positions: usize) -> Result<Self> {
        let values = distinct(parameter.values)?;
        let values_per_position = values.len().div_ceil(max_positions.max(1)).max(1);
        Ok(Self { parameter, values, values_per_position })
    }

    /// Returns the number of positions.
    pub(super) fn len(&self) -> usize {
        self.values.len().div_ceil(self.values_per_position)
    }

    /// Returns the position of a value.
    pub(super) fn position(&self, value: f64) -> Option<usize> {
        let found = self.values.binary_search_by(|known| compare(*known, value)).ok()?;
        found.checked_div(self.values_per_position)
    }

    /// Returns the axis as it is drawn. A position with several values has the label of the first.
    pub(super) fn drawn(&self) -> HeatmapAxis {
        let first = self.values.iter().step_by(self.values_per_position);
        HeatmapAxis {
            name: self.parameter.name.to_owned(),
            labels: first.map(|value| self.parameter.text(*value)).collect(),
        }
    }
}

impl SweptParameter<'_> {
    /// Returns whether its combinations have different values.
    #[must_use]
    pub fn has_several_values(&self) -> bool {
        let first = self.values.first().copied().unwrap_or(f64::NAN);
        self.values.iter().any(|value| compare(*value, first).is_ne())
    }
}

/// Returns the distinct values of a column, increasing. NaN, a setting that is off, comes last: the larger a stop is, the
/// rarer it is reached.
///
/// # Errors
/// `INVALID_ARGUMENT` for an infinite value; `LIMIT_EXCEEDED` if there is not enough memory.
pub(super) fn distinct(column: &[f64]) -> Result<Vec<f64>> {
    let mut values: Vec<f64> = Vec::new();
    let mut last = f64::NAN;
    for &value in column {
        // In grid order, most values equal the one before.
        #[expect(clippy::float_cmp, reason = "the very same value")]
        if value == last {
            continue;
        }
        last = value;
        if value.is_infinite() {
            return Err(infinite(value));
        }
        if let Err(at) = values.binary_search_by(|known| compare(*known, value)) {
            if values.len() == MAX_SORTED {
                return distinct_of_many(column);
            }
            reserve::additional(&mut values, 1, "values of a parameter")?;
            values.insert(at, value);
        }
    }
    Ok(values)
}

fn distinct_of_many(column: &[f64]) -> Result<Vec<f64>> {
    if let Some(value) = column.iter().find(|value| value.is_infinite()) {
        return Err(infinite(*value));
    }
    let mut values = reserve::with_capacity(column.len(), "values of a parameter")?;
    values.extend_from_slice(column);
    values.sort_unstable_by(|a, b| compare(*a, *b));
    values.dedup_by(|a, b| compare(*a, *b).is_eq());
    Ok(values)
}

fn infinite(value: f64) -> Error {
    let message = format!("a parameter of the sweep must be a finite number, was {value}");
    Error::invalid("sweep.parameters", "range", message)
}

/// Compares values; zeros are equal, and NaN comes last.
pub(super) fn compare(a: f64, b: f64) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (false, false) => (a + 0.0).total_cmp(&(b + 0.0)),
        (a, b) => a.cmp(&b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_distinct_and_increasing() {
        assert_eq!(distinct(&[3.0, 1.0, 3.0, -0.0, 0.0, 1.0]).unwrap(), [-0.0, 1.0, 3.0]);
        let many: Vec<f64> = (0..20_000).map(|index| f64::from(index * 7919 % 10_000)).collect();
        let expected: Vec<f64> = (0..10_000).map(f64::from).collect();
        assert_eq!(distinct(&many).unwrap(), expected);
        assert!(distinct(&[1.0, f64::INFINITY]).is_err());
    }

    #[test]
    fn a_setting_that_is_off_comes_last() {
        let found = distinct(&[1.0, f64::NAN, -2.0, f64::NAN, -f64::NAN]).unwrap();
        assert_eq!(found[..2], [-2.0, 1.0]);
        assert!(found.len() == 3 && found[2].is_nan());
        let many =
            (0..20_000).map(|index| if index % 2 == 0 { f64::NAN } else { f64::from(index) });
        let many: Vec<f64> = many.collect();
        let found = distinct(&many).unwrap();
        assert_eq!((found.len(), found[0], found[10_000].is_nan()), (10_001, 1.0, true));
        let parameter = SweptParameter { name: "stop", values: &[0.5, f64::NAN], names: &[] };
        let axis = Axis::new(&parameter, 9).unwrap();
        assert_eq!(axis.drawn().labels, ["0.5", "off"]);
        assert_eq!((axis.position(f64::NAN), axis.position(0.5)), (Some(1), Some(0)));
    }

    #[test]
    fn neighboring_values_share_a_position_if_there_are_too_many() {
        let values: Vec<f64> = (1..=10).map(f64::from).collect();
        let parameter = SweptParameter { name: "period", values: &values, names: &[] };
        let axis = Axis::new(&parameter, 4).unwrap();
        assert_eq!((axis.len(), axis.values_per_position), (4, 3));
        assert_eq!(axis.drawn().labels, ["1", "4", "7", "10"]);
        let positions: Vec<_> = values.iter().map(|value| axis.position(*value).unwrap()).collect();
        assert_eq!(positions, [0, 0, 0, 1, 1, 1, 2, 2, 2, 3]);
        assert_eq!(axis.position(4.5), None);
        assert_eq!(Axis::new(&parameter, 10).unwrap().values_per_position, 1);
    }
}
