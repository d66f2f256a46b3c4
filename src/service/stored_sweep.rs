//! How the combinations of a sweep become chunks of columns in the store, and rows again.
//!
//! The combinations of a sweep over several assets and timeframes are numbered by asset, then timeframe, then as its space
//! numbers them. Parameters are not stored: they follow from the number of a combination and the values of the axes, or, if
//! constraints or a sample leave combinations out, from its point on the grid. So they can be read without the strategy.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::compute::reserve;
use crate::error::{Error, Result};
use crate::store::{Sweep, SweepChunk, SweepDetails};
use crate::sweep::space::{Axis, Space};
use crate::sweep::standing::Standing;

/// The column of the objective.
pub const OBJECTIVE: &str = "objective";
/// The column that says whether a combination competes: the number of its [`Standing`].
pub const STANDING: &str = "standing";
/// The column of points on the grid, unless all of them are combinations: their lower 32 bits, and their upper ones.
const POINT: [&str; 2] = ["point", "pointHigh"];

/// What the store keeps as the request of a sweep.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredRequest {
    /// The request of the caller.
    pub request: Value,
    /// The axes, the slowest first.
    pub axes: Vec<StoredAxis>,
    /// The names of the metrics that are kept.
    pub metrics: Vec<String>,
    /// The number of combinations on the bars of one asset and timeframe.
    pub combinations_per_series: u64,
    /// Whether the request lists assets, so that results have a column of them.
    pub lists_assets: bool,
    /// Whether the request lists timeframes.
    pub lists_timeframes: bool,
}

/// One dimension of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredAxis {
    /// The name as in the request.
    pub name: String,
    /// Whether its values are flags, 0 and 1.
    pub is_flag: bool,
    /// The values; `None` is a setting that is off.
    pub values: Vec<Option<f64>>,
}

impl StoredRequest {
    /// Returns that of a sweep.
    ///
    /// # Errors
    /// `STORAGE` if it is damaged.
    pub fn of(sweep: &Sweep, details: &SweepDetails) -> Result<Self> {
        Self::deserialize(&details.request).map_err(|error| {
            Error::storage(format!("the request of sweep {} is damaged: {error}", sweep.id))
        })
    }

    /// Notes the axes of a space.
    pub fn set_space(&mut self, space: &Space, is_flag: impl Fn(&Axis) -> bool) {
        let value = |value: &f64| Some(*value).filter(|value| !value.is_nan());
        let axes = space.axes().iter().map(|axis| StoredAxis {
            name: axis.name.clone(),
            is_flag: is_flag(axis),
            values: axis.values.iter().map(value).collect(),
        });
        self.axes = axes.collect();
        self.combinations_per_series = space.len() as u64;
    }

    /// Returns the number of points on the grid; `None` if there are too many to count.
    fn grid_size(&self) -> Option<u64> {
        self.axes.iter().try_fold(1_u64, |size, axis| size.checked_mul(axis.values.len() as u64))
    }

    /// Returns the names of the columns of points: none if every point is a combination.
    fn point_columns(&self) -> &'static [&'static str] {
        match self.grid_size() {
            Some(size) if size == self.combinations_per_series => &[],
            Some(..=0x1_0000_0000) => &POINT[..1],
            _ => &POINT,
        }
    }

    /// Returns the names of the columns of every chunk: the metrics, the objective, the standing, and the points.
    pub fn columns(&self) -> Vec<String> {
        let fixed = [OBJECTIVE, STANDING].iter().chain(self.point_columns());
        self.metrics.iter().cloned().chain(fixed.map(|name| (*name).to_owned())).collect()
    }

    /// Returns the columns of the points of combinations of the sweep.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if the memory cannot be allocated.
    pub fn points(&self, space: &Space, combinations: Range<usize>) -> Result<Vec<Vec<f64>>> {
        let names = self.point_columns();
        let mut columns = Vec::new();
        for _ in names {
            columns.push(reserve::with_capacity(combinations.len(), "combinations")?);
        }
        if names.is_empty() {
            return Ok(columns);
        }
        let mut indices = vec![0; self.axes.len()];
        for combination in combinations {
            space.indices(combination % space.len().max(1), &mut indices);
            let point = self.axes.iter().zip(&indices).fold(0_u64, |point, (axis, index)| {
                point.wrapping_mul(axis.values.len() as u64).wrapping_add(u64::from(*index))
            });
            for (half, column) in columns.iter_mut().enumerate() {
                #[expect(clippy::cast_possible_truncation, reason = "half of the number")]
                column.push(f64::from((point >> (32 * half)) as u32));
            }
        }
        Ok(columns)
    }
}

/// Some combinations of a chunk: what is in it, and what follows from their numbers.
#[derive(Debug)]
pub struct ChunkReader<'a> {
    request: &'a StoredRequest,
    chunk: &'a SweepChunk,
}

impl<'a> ChunkReader<'a> {
    /// Returns the names of the columns that a reader needs of a chunk to return metrics, besides the metrics.
    pub fn columns(request: &StoredRequest) -> Vec<String> {
        let fixed = [OBJECTIVE, STANDING].iter().chain(request.point_columns());
        fixed.map(|name| (*name).to_owned()).collect()
    }

    /// Creates a reader.
    pub fn new(request: &'a StoredRequest, chunk: &'a SweepChunk) -> Self {
        Self { request, chunk }
    }

    /// Returns the number of the combination in a row of the chunk.
    pub fn number(&self, row: usize) -> u64 {
        self.chunk.from + row as u64
    }

    /// Returns the rows of the combinations of a range.
    pub fn rows(&self, combinations: &Range<u64>) -> Range<usize> {
        let row = |combination: u64| {
            let row = usize::try_from(combination.saturating_sub(self.chunk.from));
            row.unwrap_or(usize::MAX).min(self.chunk.count)
        };
        row(combinations.start)..row(combinations.end)
    }

    /// Returns a column of the chunk.
    ///
    /// # Errors
    /// `INTERNAL` if it was not read.
    pub fn column(&self, name: &str) -> Result<&'a [f64]> {
        let found = self.chunk.columns.iter().find(|(known, _)| known == name);
        found
            .map(|(_, values)| values.as_slice())
            .ok_or_else(|| Error::internal(format!("column {name} was not read")))
    }

    /// Returns the point on the grid of each combination of the chunk.
    fn points(&self) -> Result<Vec<u64>> {
        let mut points = reserve::with_capacity(self.chunk.count, "combinations")?;
        let per_series = self.request.combinations_per_series.max(1);
        match self.request.point_columns() {
            [] => {
                let numbers = (0..self.chunk.count).map(|row| self.chunk.from + row as u64);
                points.extend(numbers.map(|number| number % per_series));
            }
            [low, high @ ..] => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "written as a u32; the checksum was compared"
                )]
                let half = |value: &f64| u64::from(*value as u32);
                points.extend(self.column(low)?.iter().map(half));
                if let [high] = high {
                    for (point, value) in points.iter_mut().zip(self.column(high)?) {
                        *point |= half(value) << 32;
                    }
                }
            }
        }
        Ok(points)
    }

    /// Returns the values of each axis, in the order of the axes.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if the memory cannot be allocated.
    pub fn parameters(&self) -> Result<Vec<Vec<f64>>> {
        let mut points = self.points()?;
        let mut columns = Vec::with_capacity(self.request.axes.len());
        // The last axis runs fastest, so its index is the remainder.
        for axis in self.request.axes.iter().rev() {
            let length = (axis.values.len() as u64).max(1);
            let mut column = reserve::with_capacity(points.len(), "combinations")?;
            for point in &mut points {
                let index = usize::try_from(*point % length).unwrap_or(usize::MAX);
                column.push(axis.values.get(index).copied().flatten().unwrap_or(f64::NAN));
                *point /= length;
            }
            columns.push(column);
        }
        columns.reverse();
        Ok(columns)
    }

    /// Returns whether each combination competes.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if the memory cannot be allocated; `STORAGE` for a standing that does not exist.
    pub fn standing(&self) -> Result<Vec<Standing>> {
        let values = self.column(STANDING)?;
        let mut standing = reserve::with_capacity(values.len(), "combinations")?;
        for value in values {
            let known = Standing::from_number(*value);
            standing.push(known.ok_or_else(|| {
                Error::storage(format!("a combination of a sweep has the standing {value}"))
            })?);
        }
        Ok(standing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::space::{Axis, Target};

    fn axis(name: &str, values: &[f64]) -> Axis {
        Axis { name: name.into(), target: Target::PositionSize, values: values.into() }
    }

    fn axes() -> Vec<Axis> {
        vec![
            axis("a", &[0.1, 0.2, 5e-324]),
            axis("simulation.slStop", &[f64::NAN, -0.5]),
            axis("c", &[1.0, 2.0, 3.0, 4.0]),
        ]
    }

    fn stored(space: &Space) -> StoredRequest {
        let mut stored = StoredRequest { metrics: vec!["sqn".into()], ..StoredRequest::default() };
        stored.set_space(space, |axis| axis.name == "c");
        // As the store keeps it.
        serde_json::from_value(serde_json::to_value(&stored).unwrap()).unwrap()
    }

    fn bits(columns: &[Vec<f64>]) -> Vec<Vec<u64>> {
        columns.iter().map(|column| column.iter().map(|value| value.to_bits()).collect()).collect()
    }

    /// Fails unless the parameters of all chunks are those of a space.
    fn assert_parameters(space: &Space, names: &[&str]) {
        let stored = stored(space);
        assert_eq!(stored.columns(), names);
        // Two series: chunks do not end with them.
        let all = space.len() * 2;
        for from in (0..all).step_by(5) {
            let rows = from..all.min(from + 5);
            let names = stored.point_columns().iter().map(|name| (*name).to_owned());
            let columns = names.zip(stored.points(space, rows.clone()).unwrap()).collect();
            let chunk = SweepChunk { from: from as u64, count: rows.len(), columns };
            let reader = ChunkReader::new(&stored, &chunk);
            let expected: Vec<Vec<f64>> = (0..space.axes().len())
                .map(|axis| rows.clone().map(|row| space.value(row % space.len(), axis)).collect())
                .collect();
            assert_eq!(bits(&reader.parameters().unwrap()), bits(&expected));
        }
    }

    #[test]
    fn parameters_follow_from_the_numbers_of_combinations() {
        assert_parameters(&Space::full(axes()).unwrap(), &["sqn", "objective", "standing"]);
        assert_parameters(&Space::full(vec![]).unwrap(), &["sqn", "objective", "standing"]);
    }

    #[test]
    fn parameters_of_a_grid_with_gaps_follow_from_its_points() {
        let space = Space::keeping(axes(), |indices| indices.iter().sum::<u32>() % 3 != 1).unwrap();
        assert!((2..24).contains(&space.len()));
        assert_parameters(&space, &["sqn", "objective", "standing", "point"]);
    }

    #[test]
    fn points_beyond_32_bits_are_exact() {
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let values: Vec<f64> = (0..3_000_000_usize).map(|value| value as f64).collect();
        let stored = StoredRequest {
            axes: ["a", "b", "c"]
                .map(|name| StoredAxis {
                    name: name.into(),
                    is_flag: false,
                    values: values.iter().copied().map(Some).collect(),
                })
                .into(),
            combinations_per_series: 1,
            ..StoredRequest::default()
        };
        assert_eq!(stored.columns(), ["objective", "standing", "point", "pointHigh"]);
        let point: u64 = (7 * 3_000_000 + 2_999_999) * 3_000_000 + 1_234_567;
        let halves = [point & 0xFFFF_FFFF, point >> 32].map(|half| u32::try_from(half).unwrap());
        let columns = POINT.iter().zip(halves);
        let columns = columns.map(|(name, half)| ((*name).to_owned(), vec![f64::from(half)]));
        let chunk = SweepChunk { from: 0, count: 1, columns: columns.collect() };
        let parameters = ChunkReader::new(&stored, &chunk).parameters().unwrap();
        assert_eq!(parameters, [vec![7.0], vec![2_999_999.0], vec![1_234_567.0]]);
    }

    #[test]
    fn rows_are_those_of_the_range() {
        let stored = StoredRequest::default();
        let chunk = SweepChunk { from: 10, count: 5, columns: vec![] };
        let reader = ChunkReader::new(&stored, &chunk);
        for (range, rows) in
            [(0..u64::MAX, 0..5), (12..14, 2..4), (0..12, 0..2), (14..99, 4..5), (0..3, 0..0)]
        {
            assert_eq!(reader.rows(&range), rows, "{range:?}");
        }
        assert_eq!(reader.column("sqn").unwrap_err().code, crate::error::Code::Internal);
        let column = (STANDING.to_owned(), vec![2.0, 0.0, 5.0]);
        let mut chunk = SweepChunk { from: 0, count: 3, columns: vec![column] };
        let error = ChunkReader::new(&stored, &chunk).standing().unwrap_err();
        assert_eq!(error.message, "a combination of a sweep has the standing 5");
        chunk.columns[0].1.pop();
        let standing = ChunkReader::new(&stored, &chunk).standing().unwrap();
        assert_eq!(standing, [Standing::FewTrades, Standing::Competes]);
    }
}
